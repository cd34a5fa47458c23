"""Making the bytes of mails: `python -m tests.benchmarks.make_mails [SUBSCRIBERS]`. Needs the extra `benchmarks` for css-inline.

From a chosen Digest to finished bytes, with all that is the person's own, links too, of a day of 40 papers. Bars: 500 times
less CPU than rendering, premailer and EmailMessage for every mail, 75 times less than the same with css-inline, and with the
day's one-off work for 1,000 subscribers 100 times; choosing and joining together 120 us a mail; memory under 150 MB and flat
for 100,000. All sides make mails of people whom they did not see before, in turns, after 5,000 others for what is joined and
after none where the day's work counts. Each figure is the median of its turns. What is joined is finished as it goes out: the
header and both parts, which no step copies into one; doing so is told apart.
"""

from __future__ import annotations

import logging
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import count, islice
from statistics import median
from typing import TypeVar

import premailer

from service.compose import Pool, compose_digest
from service.delivery.form import MessageForm
from service.delivery.message import Message, build_message
from service.links import mail_links
from service.models import Band, Digest, Email, MailLinks, Match, Reason, Subscriber
from service.render import Press, render_digest
from service.render.sheets import sheet
from service.render.templates import mail_template, page_template
from tests.benchmarks.machine import machine, most_resident
from tests.benchmarks.wave import word
from tests.builders import DAY, SENDER, paper, subscriber, topic

CHANCE = random.Random(4)
Make = Callable[[Digest], Message]
T = TypeVar("T")
TURNS = 9
WARM = 5000


def words(count: int) -> str:
    """Of so many different ones that no paper is much like another."""
    return " ".join(word(CHANCE) for _ in range(count))


TOPICS = [topic(f"topic-{number}", name=words(2).capitalize()) for number in range(20)]
PAPERS = [
    paper(
        f"2610.{number:05d}",
        words(7).capitalize(),
        abstract=words(180),
        authors=[words(2).title() for _ in range(6)],
        author_count=6,
        organization="Northfield Lab",
        upvotes=CHANCE.randint(1, 300),
        code_url=f"https://example.org/code/{number}",
        code_stars=12,
        tldr=words(18).capitalize() + ".",
        problem=words(15).capitalize() + ".",
        result=words(15).capitalize() + ".",
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


POOL = Pool(TOPICS, PAPERS, MATCHES, on=DAY)


def people() -> Iterator[Subscriber]:
    """Each with five of the topics: ten cards, then lines."""
    for number in count():
        yield subscriber(
            key=f"{CHANCE.getrandbits(128):032x}",
            email=f"reader{number}@example.org",
            topics=sorted(topic.slug for topic in CHANCE.sample(TOPICS, 5)),
            hour=CHANCE.randint(5, 10),
            zone=CHANCE.choice(["UTC", "Europe/Berlin", "Asia/Tokyo"]),
            length="papers:30",
        )


def chosen(person: Subscriber) -> Digest:
    return compose_digest(person, POOL, since=DAY)


def joined() -> Make:
    """A new wave's."""
    press, form = Press(), MessageForm(SENDER)

    def make(digest: Digest) -> bytes:
        person = digest.subscriber
        links = mail_links(SENDER, person.key, DAY)
        email = press.encoded_email(digest, links, sent_on=DAY)
        return form.message(email, to=person.email, key=person.key, now=datetime.now(UTC), unsubscribe_link=links.unsubscribe)

    return make


def built(email: Email, digest: Digest, links: MailLinks) -> bytes:
    person = digest.subscriber
    return build_message(
        email, SENDER, to=person.email, key=person.key, now=datetime.now(UTC), unsubscribe_link=links.unsubscribe
    )


def plain(digest: Digest) -> bytes:
    links = mail_links(SENDER, digest.subscriber.key, DAY)
    return built(render_digest(digest, links, sent_on=DAY), digest, links)


def inlined_by(inline: Callable[[str], str]) -> Make:
    """Rendered, inlined and built for every mail."""

    def make(digest: Digest) -> bytes:
        links = mail_links(SENDER, digest.subscriber.key, DAY)
        said = sheet(digest, links, sent_on=DAY, postal_line=None, is_web=False)
        html = inline(page_template("digest.html").render(sheet=said, say=said.language.say))
        text = mail_template("digest.txt").render(sheet=said, say=said.language.say)
        return built(Email(said.subject, html, text), digest, links)

    return make


def with_premailer(html: str) -> str:
    return str(premailer.transform(html, disable_validation=True, cssutils_logging_level=logging.CRITICAL, keep_style_tags=True))


def microseconds(work: Callable[[T], object], things: Sequence[T]) -> float:
    """CPU for each."""
    start = time.process_time()
    for thing in things:
        work(thing)
    return (time.process_time() - start) / len(things) * 1e6


def told(name: str, taken: float, ours: float, bar: float | None = None) -> None:
    ratio = taken / ours
    judged = "" if bar is None else f" (bar {bar:.0f}): {'held' if ratio >= bar else 'NOT HELD'}"
    print(f"  {name:<62}{taken:10.1f} us, {ratio:6.0f} times{judged}")


def within(name: str, figure: float, bar: float, unit: str) -> None:
    print(f"  {name:<62}{figure:10.1f} {unit} (bar {bar:.0f}): {'held' if figure <= bar else 'NOT HELD'}")


def main() -> None:
    import css_inline

    subscribers = people()
    first = [chosen(person) for person in islice(subscribers, 1000)]
    size = len(joined()(first[0]))  # the templates are inlined once a process, for every path
    whole = median(microseconds(joined(), first) for _ in range(TURNS))
    fast = joined()
    for person in islice(subscribers, WARM):
        fast(chosen(person))
    sides: dict[str, tuple[Make, int]] = {
        "joined": (fast, 500),
        "in one": (lambda digest: bytes(fast(digest)), 500),
        "plain": (plain, 5),
        "premailer": (inlined_by(with_premailer), 3),
        "css-inline": (inlined_by(css_inline.inline), 5),
    }
    taken: dict[str, list[float]] = {name: [] for name in ["choosing", *sides]}
    for _ in range(TURNS):
        for name, (make, number) in sides.items():
            some = list(islice(subscribers, number))
            digests = [chosen(person) for person in some]
            taken[name].append(microseconds(make, digests))
        taken["choosing"].append(microseconds(chosen, list(islice(subscribers, 500))))
    middle = {name: median(figures) for name, figures in taken.items()}
    ours = middle["joined"]
    print(f"{machine()}\nmails of {size / 1000:.0f} KB, CPU each")
    told("joined of fragments", ours, ours)
    told("the same, copied into one", middle["in one"], ours)
    told("the plain path, templates inlined once", middle["plain"], ours)
    told("rendered, premailer, EmailMessage for every mail", middle["premailer"], ours, 500)
    told("the same with css-inline", middle["css-inline"], ours, 75)
    told("premailer's, against the first 1,000 with the day's one-off work", middle["premailer"], whole, 100)
    print(f"  {'the first 1,000 with the one-off work':<62}{whole:10.1f} us")
    within("choosing and joining together", middle["choosing"] + ours, 120, "us")
    memory(fast, subscribers, int(sys.argv[1]) if len(sys.argv) > 1 else 1000)


def memory(make: Make, subscribers: Iterator[Subscriber], number: int) -> None:
    before = most_resident()
    for person in islice(subscribers, number):
        make(chosen(person))
    after = most_resident()
    within(f"resident, {before:.0f} MB before {number:,} more people", after, 150, "MB")


if __name__ == "__main__":
    main()
