// Reads mails as JSON from stdin, answers as JSON what caniemail and html-validate say of the html, and postal-mime's reading.
// A mail: {html, message}, the message in base64; an answer: {unsupported, faults, parsed}.
import { text } from "node:stream/consumers";
import { caniemail } from "caniemail";
import { HtmlValidate } from "html-validate/node";
import PostalMime from "postal-mime";

const validator = new HtmlValidate({
  root: true,
  extends: ["html-validate:recommended"],
  rules: {
    "no-inline-style": "off", // Gmail's apps know no other
    "no-deprecated-attr": "off", // Outlook's tables need align, valign, width and bgcolor
    "prefer-tbody": "off",
    "prefer-native-element": ["error", { exclude: ["article"] }], // Outlook.com drops <article>
    "long-title": "off", // the title is the subject
  },
});

const answers = [];
for (const { html, message } of JSON.parse(await text(process.stdin))) {
  const { issues } = caniemail({ clients: ["gmail.*", "outlook.*", "apple-mail.*"], html });
  const unsupported = [...issues.errors].flatMap(([client, found]) => found.map(({ title }) => `${title} in ${client}`));
  const report = await validator.validateString(html);
  const faults = report.results.flatMap(({ messages }) => messages.map(({ ruleId, message, line }) => `${line}: ${message} (${ruleId})`));
  const { subject, html: shown, text: written, headers } = await PostalMime.parse(Buffer.from(message, "base64"));
  const parsed = { subject, html: shown, text: written, headers: Object.fromEntries(headers.map(({ key, value }) => [key, value])) };
  answers.push({ unsupported: [...new Set(unsupported)].sort(), faults, parsed });
}
process.stdout.write(JSON.stringify(answers));
