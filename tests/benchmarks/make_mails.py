"""Making the bytes of mails: `python -m tests.benchmarks.make_mails [SUBSCRIBERS]`. Needs the extra `benchmarks` for css-inline.

From a chosen Digest to finished bytes, with all that is the person's own, of a day of 40 papers. Bars: 500 times less CPU than
rendering, premailer and EmailMessage for every mail, 75 times less than the same with css-inline, and with the day's one-off
work for 1,000 subscribers 100 times; memory under 150 MB and flat for 100,000.
"""

from __future__ import annotations

import logging
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator

import premailer

from service.delivery.form import MessageForm
from service.delivery.message import build_message
from service.links import mail_links
from service.models import Band, Digest, Email, MailLinks, Match, Pick, Reason, Section, Standing
from service.render import Press, render_digest
from service.render.sheets import sheet
from service.render.templates import mail_template, page_template
from tests.benchmarks.machine import machine
from tests.builders import DAY, NOW, SENDER, paper, subscriber, topic

WORDS = [
    "planning", "agents", "diffusion", "retrieval", "model", "language", "video", "robot",
    "benchmark", "training", "reward", "graph", "policy", "long", "context", "attention",
    "sparse", "memory", "tool", "code",
]  # fmt: skip
CHANCE = random.Random(4)
Made = tuple[Digest, MailLinks]


def words(count: int) -> str:
    return " ".join(CHANCE.choice(WORDS) for _ in range(count))


TOPICS = [topic(f"topic-{number}", name=words(2).capitalize()) for number in range(20)]
PAPERS = [
    paper(
        f"2610.{number:05d}",
        words(10).capitalize(),
        abstract=words(180),
        authors=[words(2).title() for _ in range(6)],
        author_count=6,
        organization="Northfield Lab",
        upvotes=CHANCE.randint(1, 300),
        code_url=f"https://example.org/code/{number}",
        code_stars=12,
        tldr=words(24).capitalize() + ".",
        problem=words(20).capitalize() + ".",
        result=words(20).capitalize() + ".",
        written_by="authors",
    )
    for number in range(40)
]
MATCHES = {
    one.id: [
        Match(topic.slug, CHANCE.uniform(0.5, 1), True, Band.CORE, (Reason(words(2), "title", 0.6), Reason(words(2), "abstract", 0.3)))
        for topic in CHANCE.sample(TOPICS, 4)
    ]
    for one in PAPERS
}


def people(count: int) -> Iterator[Made]:
    """Each with five of the topics: ten cards, then lines, the rest counted."""
    named = {topic.slug: topic for topic in TOPICS}
    for number in range(count):
        slugs = {topic.slug for topic in CHANCE.sample(TOPICS, 5)}
        person = subscriber(
            email=f"reader{number}@example.org",
            topics=sorted(slugs),
            hour=CHANCE.randint(5, 10),
            zone=CHANCE.choice(["UTC", "Europe/Berlin", "Asia/Tokyo"]),
        )
        own = [(one, tuple(match for match in MATCHES[one.id] if match.slug in slugs)) for one in PAPERS]
        picks = sorted(
            (Pick(one, found, Standing(found[0].score)) for one, found in own if found), key=lambda pick: -pick.standing.strength
        )
        groups: dict[str, list[Pick]] = {}
        for pick in picks[:10]:
            groups.setdefault(pick.matches[0].slug, []).append(pick)
        sections = tuple(Section(named[slug], tuple(group)) for slug, group in groups.items())
        chosen = tuple(topic for topic in TOPICS if topic.slug in slugs)
        digest = Digest(
            person, DAY, DAY, chosen, len(PAPERS), covered_from=DAY, sections=sections, lines=tuple(picks[10:40]), unlisted=()
        )
        yield digest, mail_links(SENDER, f"{number:032x}", DAY)


def joined() -> Callable[[Digest, MailLinks], bytes]:
    """A new wave's."""
    press, form = Press(), MessageForm(SENDER)

    def make(digest: Digest, links: MailLinks) -> bytes:
        email = press.encoded_email(digest, links, sent_on=DAY)
        to, key = digest.subscriber.email, links.unsubscribe[-32:]
        return form.message(email, to=to, key=key, now=NOW, unsubscribe_link=links.unsubscribe)

    return make


def built(email: Email, digest: Digest, links: MailLinks) -> bytes:
    to, key = digest.subscriber.email, links.unsubscribe[-32:]
    return build_message(email, SENDER, to=to, key=key, now=NOW, unsubscribe_link=links.unsubscribe)


def plain(digest: Digest, links: MailLinks) -> bytes:
    return built(render_digest(digest, links, sent_on=DAY), digest, links)


def inlined_by(inline: Callable[[str], str]) -> Callable[[Digest, MailLinks], bytes]:
    """Rendered, inlined and built for every mail."""

    def make(digest: Digest, links: MailLinks) -> bytes:
        said = sheet(digest, links, sent_on=DAY, postal_line=None, is_web=False)
        html = inline(page_template("digest.html").render(sheet=said, say=said.language.say))
        text = mail_template("digest.txt").render(sheet=said, say=said.language.say)
        return built(Email(said.subject, html, text), digest, links)

    return make


def with_premailer(html: str) -> str:
    return str(premailer.transform(html, disable_validation=True, cssutils_logging_level=logging.CRITICAL, keep_style_tags=True))


def microseconds(make: Callable[[Digest, MailLinks], bytes], mails: list[Made]) -> float:
    """CPU for each mail."""
    start = time.process_time()
    for digest, links in mails:
        make(digest, links)
    return (time.process_time() - start) / len(mails) * 1e6


def told(name: str, taken: float, ours: float, bar: float | None = None) -> None:
    ratio = taken / ours
    judged = "" if bar is None else f" (bar {bar:.0f}): {'held' if ratio >= bar else 'NOT HELD'}"
    print(f"  {name:<56}{taken:10.1f} us, {ratio:6.0f} times{judged}")


def main() -> None:
    import css_inline

    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    mails = list(people(1000))
    make = joined()
    size = len(make(*mails[0]))
    joined()(*mails[1])  # the templates are inlined once a process, for every path
    make = joined()
    whole, ours = microseconds(make, mails), microseconds(make, mails)
    naive, usual = microseconds(inlined_by(with_premailer), mails[:20]), microseconds(inlined_by(css_inline.inline), mails[:50])
    print(f"{machine()}\nmails of {size / 1000:.0f} KB, CPU each; the first 1,000 with the day's one-off work: {whole:.0f} us")
    print(f"  {'joined of fragments':<56}{ours:10.1f} us")
    told("the plain path, templates inlined once", microseconds(plain, mails[:50]), ours)
    told("rendered, premailer, EmailMessage for every mail", naive, ours, 500)
    told("the same with css-inline", usual, ours, 75)
    told("premailer's, against the first 1,000 with the one-off work", naive, whole, 100)
    memory(make, count)


def memory(make: Callable[[Digest, MailLinks], bytes], count: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for digest, links in people(count):
        make(digest, links)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  resident: {before:.0f} MB, after {count:,} more people {after:.0f} MB (bar 150)")


if __name__ == "__main__":
    main()
