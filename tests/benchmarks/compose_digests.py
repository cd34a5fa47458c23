"""CPU of composing 10,000 subscribers' digests of one real day, beyond matching. Bar: under 60 µs each.

Run: .venv/bin/python -m tests.benchmarks.compose_digests
The pool is made within the measured time, its matches are not; as when sending, 500 people are composed at a time. They read 1
to 6 topics each and hold nine tenths of what passed before that day, as daily readers do (a tenth read weekly, and hold
what passed before that week). Every tenth marked papers, every eighth follows somebody, every ninth mutes a phrase.
"""

from __future__ import annotations

import gc
import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from time import process_time

from service.compose import Pool, compose_digest
from service.models import History, Mark, MarkKind, Match, Paper, Subscriber, Topic
from tests.benchmarks.machine import machine
from tests.benchmarks.real_days import NOON, days_of_2026, matches_of, topics
from tests.conftest import REAL

PEOPLE, PORTION = 10_000, 500
BAR = 60e-6  # seconds of CPU a digest


def main() -> None:
    days = days_of_2026(REAL)
    on = sorted(days)[-20]
    window = papers_of(days, on - timedelta(days=13), on)
    older = papers_of(days, on - timedelta(days=30), on - timedelta(days=14))
    popular = sorted(older, key=lambda paper: -(paper.upvotes or 0))[:150]
    catalogue = topics()
    matches = matches_of([*window, *popular], catalogue)
    people = readers(random.Random(7), catalogue, window, popular, matches, on)
    kinds, sizes, spent = Counter[str](), [], 0.0
    begin = process_time()
    pool = Pool(catalogue, window, matches, on=on, marked=popular, earlier=papers_of(days, on - timedelta(days=34), on))
    spent += process_time() - begin
    for _ in range(0, PEOPLE, PORTION):
        portion = list(islice(people, PORTION))
        gc.freeze()  # or each collection would look through what the benchmark holds as well
        begin = process_time()
        found = [compose_digest(person, pool, history, since=on - timedelta(days=7)) for person, history in portion]
        spent += process_time() - begin
        kinds.update(str(digest.kind) if digest.is_mailed else "silent" for digest in found)
        sizes += [len(digest.picks) for digest in found]
    print(machine())
    print(f"{len(window)} papers in the pool, {len(days[on])} of them of {on}; {len(catalogue)} topics")
    print(f"{PEOPLE:,} digests: {dict(kinds)}; {sum(sizes) / PEOPLE:.1f} papers each, at most {max(sizes)}")
    print(f"{spent / PEOPLE * 1e6:.1f} µs of CPU a digest, the pool within; bar {BAR * 1e6:.0f} µs")


def papers_of(days: dict[date, list[Paper]], first: date, last: date) -> list[Paper]:
    return [paper for day, papers in days.items() if first <= day <= last for paper in papers]


def readers(
    chance: random.Random,
    catalogue: list[Topic],
    window: list[Paper],
    popular: list[Paper],
    matches: dict[str, tuple[Match, ...]],
    on: date,
) -> Iterator[tuple[Subscriber, History]]:
    above = {paper.id: {match.slug for match in matches[paper.id] if match.is_above} for paper in window}
    featured = {paper.id: paper.featured_on for paper in window}
    authors = sorted({author for paper in window for author in paper.authors or ()})
    for number in range(PEOPLE):
        chosen = chance.sample([topic.slug for topic in catalogue], chance.randint(1, 6))
        is_weekly = number % 10 == 0
        last = on - timedelta(days=7 if is_weekly else 1)
        passed = [key for key, slugs in above.items() if featured[key] <= last and not slugs.isdisjoint(chosen)]
        held = [key for key in passed if chance.random() < 0.9]
        marked = chance.sample(popular, chance.randint(1, 6)) if number % 10 == 1 else []
        person = Subscriber(
            id=number,
            email=f"reader{number}@example.org",
            added_at=NOON,
            topics=chosen,
            cadence="weekly:mon" if is_weekly else "daily",
            followed=[chance.choice(authors)] if number % 8 == 0 else [],
            muted=[chance.choice(["benchmark", "survey", "quantization"])] if number % 9 == 0 else [],
        )
        yield (
            person,
            History(
                last_accepted_on=last,
                last_told_on=last,
                last_planned_at=datetime.combine(last, time(8), UTC) + timedelta(days=1),
                held_ids=frozenset(held),
                lines={key: (featured[key], 5) for key in held[::3]},
                marks=tuple(
                    Mark(subscriber_id=number, paper_id=paper.id, kind=MarkKind.MORE, marked_at=NOON) for paper in marked
                ),
            ),
        )


if __name__ == "__main__":
    main()
