// Opens mails in Chromium: reads jobs as JSON from stdin, answers what was found as JSON.
// A job: {html, width, scheme, picture?, height?}, the height where a picture is not of the whole; an answer: {violations, sideways, requests}.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// A mail has no landmarks: the mail program around it has.
const rules = { region: { enabled: false }, "landmark-one-main": { enabled: false }, "page-has-heading-one": { enabled: true } };
// What stands in for the papers' pictures, for no request leaves this machine.
const sketch = `<svg xmlns="http://www.w3.org/2000/svg" width="224" height="120"><rect width="224" height="120" fill="#d9d1c0"/>
<rect x="52" y="14" width="120" height="106" fill="#fffdf8"/><g fill="#a79f8f"><rect x="66" y="28" width="92" height="6"/>
<rect x="80" y="40" width="64" height="4"/><rect x="66" y="54" width="42" height="3"/><rect x="66" y="62" width="42" height="3"/>
<rect x="66" y="70" width="36" height="3"/><rect x="66" y="78" width="42" height="3"/><rect x="66" y="86" width="40" height="3"/>
<rect x="66" y="94" width="42" height="3"/><rect x="66" y="102" width="30" height="3"/></g>
<path d="M116 96l12-22 10 12 8-20 12 8" fill="none" stroke="#b5442c" stroke-width="3"/></svg>`;

const jobs = JSON.parse(await text(process.stdin));
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars"],
});
const answers = [];
try {
  for (const job of jobs) answers.push(await look(job));
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(answers));

async function look({ html, width, scheme, picture, height }) {
  const page = await browser.newPage();
  const requests = [];
  await page.setViewport({ width, height: 900, deviceScaleFactor: 1 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setRequestInterception(true);
  page.on("request", (request) => {
    if (request.url().startsWith("data:")) return request.continue();
    requests.push(request.url());
    return request.resourceType() === "image"
      ? request.respond({ contentType: "image/svg+xml", body: sketch })
      : request.abort();
  });
  await page.setContent(html, { waitUntil: "load" });
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  if (picture) {
    await page.screenshot({ path: picture, ...(height ? { clip: { x: 0, y: 0, width, height } } : { fullPage: true }) });
    await page.close();
    return { violations: [], sideways, requests };
  }
  await page.evaluate(axe);
  const { violations } = await page.evaluate((rules) => axe.run(document, { rules }), rules);
  await page.close();
  const told = violations.map(({ id, nodes }) => ({ id, nodes: nodes.map((node) => `${node.html}: ${node.failureSummary}`) }));
  return { violations: told, sideways, requests };
}
