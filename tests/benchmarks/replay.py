"""60 real days for 30 made-up readers, by the wakings of `serve`: what each got. Bars: no repeats but second looks.

Run: .venv/bin/python -m tests.benchmarks.replay [--show NUMBER]   (--show prints so many of the mails as text)
The lists of January to March 2026 come at 06:00 UTC after their day; of February the upvotes that a later crawl saw come three
days after. Readers have 1 to 6 topics; some read on weekdays or weekly, pause, mute, follow or mark; the service is down for
two days.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from service.cli.logs import tell_nothing
from service.models import Delivery, Digest, DigestKind, Entry, MarkKind, Pick, Subscriber
from service.pipeline.digests import digest_again, topic_board
from service.pipeline.due import send_due_mails
from service.pipeline.gather import gather_papers
from service.pipeline.subscriptions import change
from service.store.database import open_database, reading, transaction
from service.store.deliveries import deliveries_of
from service.store.marks import put_mark
from service.store.subscribers import add_subscriber, all_subscribers
from service.store.topics import all_topics
from service.subscribers import SubscriberSettings
from service.words import tokens
from tests.benchmarks.machine import machine
from tests.builders import SENDER, Mailbox
from tests.conftest import REAL
from tests.sources.corpus import Record, api_days, flat_days

DAYS, READERS = 60, 30
OUTAGE = (date(2026, 2, 11), date(2026, 2, 12))  # no waking on these days


@dataclass
class Tally:
    kinds: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    seen: set[str] = field(default_factory=set)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--show", type=int, default=0)
    shown = parser.parse_args().show
    tell_nothing()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/replay.db")
        mailbox = Mailbox()
        replay(engine, mailbox)
        print(machine())
        say_table(engine)
        chance = random.Random(3)
        for to, mail in chance.sample(mailbox.mails, min(shown, len(mailbox.mails))):
            part = mail.get_body(("plain",))
            print(f"\n{'=' * 78}\nTo: {to}\nSubject: {mail['Subject']}\n\n{part.get_content() if part else ''}")
        engine.dispose()


def replay(engine: Engine, mailbox: Mailbox) -> None:
    lists = {on: records for on, records in api_days(REAL) if date(2026, 1, 1) <= on <= date(2026, 3, 31)}
    days = sorted(lists)[:DAYS]
    crawled = flat_days(REAL, "page_crawl_flat_2026-02.jsonl.gz")
    add_readers(engine, days[0])
    day = days[0]
    while day <= days[-1]:
        morning = datetime.combine(day + timedelta(days=1), time(6), UTC)
        for on in (day, day - timedelta(days=3)):
            if on in lists and (on == day or on in crawled):
                gather(engine, later(lists[on], crawled.get(on, [])) if on != day else lists[on], on, morning)
        pause_and_mark(engine, day, morning)
        if day not in OUTAGE:
            send_due_mails(
                engine,
                lambda: nullcontext(mailbox),
                SENDER,
                clock=lambda morning=morning: morning + timedelta(hours=2),
                stale_after=timedelta(hours=24),
            )
        day += timedelta(days=1)


def gather(engine: Engine, records: list[Record], on: date, now: datetime) -> None:
    gather_papers(engine, ["replay"], lambda _: json.dumps(records).encode(), now=now, asked_on=on)


def later(records: list[Record], crawled: list[Record]) -> list[Record]:
    """With the upvotes that the crawl saw."""
    upvotes = {record["paper_id"]: record["upvotes"] for record in crawled}
    return [
        {**record, "paper": {**record["paper"], "upvotes": upvotes.get(record["paper"]["id"], record["paper"]["upvotes"])}}
        for record in records
    ]


def add_readers(engine: Engine, first: date) -> None:
    chance = random.Random(11)
    begin = datetime.combine(first, time(), UTC)
    with transaction(engine) as session:
        slugs = [topic.slug for topic in all_topics(session)]
        for number in range(READERS):
            settings = SubscriberSettings(
                email=f"reader{number:02d}@example.org",
                topics=tuple(chance.sample(slugs, 1 + number % 6)),
                cadence=("daily", "daily", "daily", "weekdays", "weekly:mon")[number % 5],
                length=("minutes:6", "minutes:3", "papers:8", "minutes:12")[number % 4],
                muted=("benchmark",) if number % 7 == 3 else (),
                followed=("NVIDIA",) if number % 9 == 4 else (),
                with_note=number % 3 == 0,
                minimum_score=0.7 if number % 8 == 5 else 0.0,
            )
            add_subscriber(session, settings, begin)


def pause_and_mark(engine: Engine, day: date, now: datetime) -> None:
    """Every tenth reader pauses for ten days; every sixth marks the first card of each Tuesday's mail."""
    with transaction(engine) as session:
        for number, person in enumerate(all_subscribers(session)):
            if number % 10 == 6 and day == date(2026, 1, 21):
                change(session, person, {"paused_until": date(2026, 1, 31)}, now)
            if number % 6 == 1 and day.weekday() == 1 and person.id and (rows := deliveries_of(session, person.id)):
                for key in rows[0].paper_ids[:1]:
                    put_mark(session, person.id, key, MarkKind.MORE, now)


def say_table(engine: Engine) -> None:
    print(f"{'reader':8}{'topics':>7}{'cadence':>12}{'length':>11}{'mails':>6}{'notes':>6}{'silent':>7}{'catch-ups':>10}"
          f"{'cards':>7}{'lines':>7}{'more':>6}{'repeats':>8}{'second':>7}{'outside':>8}{'quoted':>8}")  # fmt: skip
    total = Tally()
    with reading(engine) as session:
        board = topic_board(session)
        for person in all_subscribers(session):
            tally = Tally()
            for digest, delivery in digests(session, person, board):
                count(tally, digest, delivery)
            say_row(person, tally)
            total.kinds += tally.kinds
            total.counts += tally.counts
    mails = total.kinds["mail"]
    print(
        f"\nall: {mails} mails with papers, {total.counts['papers'] / mails:.1f} papers each "
        f"({total.counts['cards'] / mails:.1f} cards, {total.counts['lines'] / mails:.1f} lines, "
        f"{total.counts['unlisted'] / mails:.1f} more); {total.kinds['note']} notes; {total.kinds['silent']} silent days; "
        f"{total.kinds['catch-up']} catch-ups; {total.counts['repeats']} repeats (bar 0), {total.counts['second']} second looks "
        f"apart; {total.counts['quoted'] / max(total.counts['cards'], 1):.1%} of cards have a why that quotes the paper"
    )


def digests(session: Session, person: Subscriber, board: Any) -> Iterator[tuple[Digest | None, Delivery]]:
    assert person.id is not None
    for delivery in reversed(deliveries_of(session, person.id)):
        yield digest_again(session, person, delivery, board) if delivery.is_of_a_mail else None, delivery


def count(tally: Tally, digest: Digest | None, delivery: Delivery) -> None:
    if digest is None:
        tally.kinds["silent"] += 1
        return
    tally.kinds["note" if digest.kind is DigestKind.NOTE else "mail"] += 1
    tally.kinds["catch-up"] += digest.kind is DigestKind.CATCH_UP
    fresh = [pick for pick in digest.picks if pick.entry is not Entry.SECOND_LOOK]
    tally.counts["repeats"] += sum(pick.paper.id in tally.seen for pick in fresh)
    tally.counts["second"] += digest.second_look is not None
    tally.counts["outside"] += digest.outside is not None
    tally.seen |= {pick.paper.id for pick in fresh}
    tally.counts["papers"] += len(digest.picks)
    tally.counts["cards"] += len(digest.cards)
    tally.counts["lines"] += len(digest.lines)
    tally.counts["unlisted"] += len(digest.unlisted)
    tally.counts["quoted"] += sum(map(quotes, digest.cards))


def quotes(pick: Pick) -> bool:
    """Its why names a phrase that stands in the paper, or somebody followed who wrote it."""
    paper = pick.paper
    text = " " + " ".join(tokens(" ; ".join([paper.title, paper.abstract or "", *(paper.source_keywords or [])]))) + " "
    phrases = [reason.phrase for match in pick.matches if match.is_above for reason in match.reasons]
    return bool(pick.followed) or any(f" {' '.join(tokens(phrase))} " in text for phrase in phrases)


def say_row(person: Subscriber, tally: Tally) -> None:
    mails = max(tally.kinds["mail"], 1)
    means = "".join(f"{tally.counts[name] / mails:>{width}.1f}" for name, width in (("cards", 7), ("lines", 7), ("unlisted", 6)))
    print(
        f"{person.email[:8]:8}{len(person.topics):>7}{person.cadence:>12}{person.length:>11}{tally.kinds['mail']:>6}"
        f"{tally.kinds['note']:>6}{tally.kinds['silent']:>7}{tally.kinds['catch-up']:>10}{means}{tally.counts['repeats']:>8}"
        f"{tally.counts['second']:>7}{tally.counts['outside']:>8}{tally.counts['quoted'] / max(tally.counts['cards'], 1):>8.0%}"
    )


if __name__ == "__main__":
    main()
