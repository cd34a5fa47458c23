"""Making the bytes of mails: `python -m tests.benchmarks.make_mails [SUBSCRIBERS]`. Needs the extra `benchmarks` for css-inline.

From a chosen Digest to finished bytes, with all that is the person's own, links too, of a day of 40 papers. Bars: 500 times
less CPU than rendering, premailer and EmailMessage for every mail, 75 times less than the same with css-inline, and with the
day's one-off work for 1,000 subscribers 100 times; memory under 150 MB and flat for 100,000. All sides make mails of people
whom they did not see before, in turns; each figure is the median of its turns.
"""

from __future__ import annotations

import logging
import random
import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import count, islice
from statistics import median

import premailer

from service.delivery.form import MessageForm
from service.delivery.message import build_message
from service.links import mail_links
from service.models import Band, Digest, Email, Match, Pick, Reason, Section, Standing
from service.render import Press, render_digest
from service.render.sheets import sheet
from service.render.templates import mail_template, page_template
from tests.benchmarks.machine import machine
from tests.builders import DAY, SENDER, paper, subscriber, topic

WORDS = [
    "planning", "agents", "diffusion", "retrieval", "model", "language", "video", "robot",
    "benchmark", "training", "reward", "graph", "policy", "long", "context", "attention",
    "sparse", "memory", "tool", "code",
]  # fmt: skip
CHANCE = random.Random(4)
Chosen = tuple[Digest, str]  # with the person's key
Make = Callable[[Digest, str], bytes]
TURNS = 5


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
    stored.id: [
        Match(
            one.slug, CHANCE.uniform(0.5, 1), True, Band.CORE, (Reason(words(2), "title", 0.6), Reason(words(2), "abstract", 0.3))
        )
        for one in CHANCE.sample(TOPICS, 4)
    ]
    for stored in PAPERS
}


def people() -> Iterator[Chosen]:
    """Each with five of the topics: ten cards, then lines, the rest counted."""
    named = {topic.slug: topic for topic in TOPICS}
    for number in count():
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
        yield digest, f"{CHANCE.getrandbits(128):032x}"


def joined() -> Make:
    """A new wave's."""
    press, form = Press(), MessageForm(SENDER)

    def make(digest: Digest, key: str) -> bytes:
        links = mail_links(SENDER, key, DAY)
        email = press.encoded_email(digest, links, sent_on=DAY)
        return form.message(email, to=digest.subscriber.email, key=key, now=datetime.now(UTC), unsubscribe_link=links.unsubscribe)

    return make


def built(email: Email, digest: Digest, key: str) -> bytes:
    link = mail_links(SENDER, key, DAY).unsubscribe
    return build_message(email, SENDER, to=digest.subscriber.email, key=key, now=datetime.now(UTC), unsubscribe_link=link)


def plain(digest: Digest, key: str) -> bytes:
    return built(render_digest(digest, mail_links(SENDER, key, DAY), sent_on=DAY), digest, key)


def inlined_by(inline: Callable[[str], str]) -> Make:
    """Rendered, inlined and built for every mail."""

    def make(digest: Digest, key: str) -> bytes:
        said = sheet(digest, mail_links(SENDER, key, DAY), sent_on=DAY, postal_line=None, is_web=False)
        html = inline(page_template("digest.html").render(sheet=said, say=said.language.say))
        text = mail_template("digest.txt").render(sheet=said, say=said.language.say)
        return built(Email(said.subject, html, text), digest, key)

    return make


def with_premailer(html: str) -> str:
    return str(premailer.transform(html, disable_validation=True, cssutils_logging_level=logging.CRITICAL, keep_style_tags=True))


def microseconds(make: Make, mails: list[Chosen]) -> float:
    """CPU for each mail."""
    start = time.process_time()
    for digest, key in mails:
        make(digest, key)
    return (time.process_time() - start) / len(mails) * 1e6


def told(name: str, taken: float, ours: float, bar: float | None = None) -> None:
    ratio = taken / ours
    judged = "" if bar is None else f" (bar {bar:.0f}): {'held' if ratio >= bar else 'NOT HELD'}"
    print(f"  {name:<62}{taken:10.1f} us, {ratio:6.0f} times{judged}")


def main() -> None:
    import css_inline

    chosen = people()
    first = list(islice(chosen, 1000))
    size = len(joined()(*first[0]))  # the templates are inlined once a process, for every path
    whole = [microseconds(joined(), first) for _ in range(TURNS)]
    fast = joined()
    microseconds(fast, first)
    sides: dict[str, tuple[Make, int]] = {
        "joined of fragments": (fast, 1000),
        "the plain path, templates inlined once": (plain, 10),
        "rendered, premailer, EmailMessage for every mail": (inlined_by(with_premailer), 5),
        "the same with css-inline": (inlined_by(css_inline.inline), 10),
    }
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(TURNS):
        for name, (make, number) in sides.items():
            taken[name].append(microseconds(make, list(islice(chosen, number))))
    ours, ours_plain, naive, usual = map(median, taken.values())
    print(f"{machine()}\nmails of {size / 1000:.0f} KB, CPU each")
    told("joined of fragments", ours, ours)
    told("the plain path, templates inlined once", ours_plain, ours)
    told("rendered, premailer, EmailMessage for every mail", naive, ours, 500)
    told("the same with css-inline", usual, ours, 75)
    told("premailer's, against the first 1,000 with the day's one-off work", naive, median(whole), 100)
    print(f"  the first 1,000 with the day's one-off work {median(whole):.1f} us each")
    memory(fast, chosen, int(sys.argv[1]) if len(sys.argv) > 1 else 1000)


def memory(make: Make, chosen: Iterator[Chosen], number: int) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for digest, key in islice(chosen, number):
        make(digest, key)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"  resident: {before:.0f} MB, after {number:,} more people {after:.0f} MB (bar 150): {'held' if after < 150 else 'NOT HELD'}"
    )


if __name__ == "__main__":
    main()
