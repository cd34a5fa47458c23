"""CPU of composing 10,000 subscribers' digests of one real day, beyond matching. Bar: under 60 µs each on a usual day.

Run: .venv/bin/python -m tests.benchmarks.compose_digests
The pool is made within the measured time, its matches are not; as when sending, 500 people are composed at a time, and their
digests are dropped, within the measured time as well, once the next ones are composed. They read 1 to 6 topics each and hold
nearly all that passed before that day, as daily readers do (a tenth read weekly, and hold what passed before that week). Every
tenth marked papers, every eighth follows somebody, every ninth mutes a phrase. Of several rounds, each with a pool of its own,
the least says most: whatever else runs on the machine only adds to it. Rounds after the first find the papers' words read, as
the next portion or the next hour's digests do.
"""

from __future__ import annotations

import gc
import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from statistics import mean, median
from time import process_time

from service.compose import Pool, compose_digest
from service.models import Digest, History, Mark, MarkKind, Match, Paper, Subscriber, Topic
from service.pipeline.heap import collect_rarely
from tests.benchmarks.machine import machine
from tests.benchmarks.real_days import NOON, days_of_2026, matches_of, topics
from tests.conftest import REAL

PEOPLE, PORTION, ROUNDS = 10_000, 500, 5
WINDOW = timedelta(days=7)
BAR = 60  # µs of CPU a digest


def main() -> None:
    collect_rarely()  # as before a wave of mails
    days = days_of_2026(REAL)
    by_length = sorted((day for day in days if day.month in (5, 6) and day.day > 7), key=lambda day: (len(days[day]), day))
    print(machine())
    for name, on in (("usual", by_length[len(by_length) // 2]), ("long", max(by_length[-3:]))):
        say(f"a {name} day of {len(days[on])} papers, {on}", days, on)


def say(name: str, days: dict[date, list[Paper]], on: date) -> None:
    recent = papers_of(days, on - timedelta(days=13), on)
    window = [paper for paper in recent if paper.featured_on >= on - WINDOW]
    older = papers_of(days, on - timedelta(days=30), on - timedelta(days=14))
    popular = sorted(older, key=lambda paper: -(paper.upvotes or 0))[:150]
    catalogue = topics()
    matches = matches_of([*recent, *popular], catalogue)
    earlier = papers_of(days, on - timedelta(days=34), on)
    rounds = []
    for _ in range(ROUNDS):
        people = readers(random.Random(7), catalogue, recent, popular, matches, on)
        begin = process_time()
        pool = Pool(catalogue, window, matches, on=on, marked=popular, earlier=earlier)
        spent, sizes = composed(people, pool, on - WINDOW, process_time() - begin)
        rounds.append(spent / PEOPLE * 1e6)
    told = ", ".join(f"{len(found):,} {kind} ones of {mean(found):.1f} papers" for kind, found in sizes.items())
    print(f"{name}; {len(window)} in the pool; {PEOPLE:,} digests: {told}")
    print(
        f"  µs of CPU each, the pool within: least {min(rounds):.1f}, median {median(rounds):.1f} of {ROUNDS} rounds; bar {BAR}"
    )


def composed(
    people: Iterator[tuple[Subscriber, History]], pool: Pool, since: date, spent: float
) -> tuple[float, dict[str, list[int]]]:
    """CPU seconds, begun with those `spent` already, and how many papers the digests of each kind hold."""
    digests: list[Digest] = []
    sizes: dict[str, list[int]] = defaultdict(list)
    for _ in range(0, PEOPLE, PORTION):
        portion = list(islice(people, PORTION))
        gc.freeze()  # or each collection would look through what the benchmark holds as well
        begin = process_time()
        digests = [compose_digest(person, pool, history, since=since) for person, history in portion]
        spent += process_time() - begin
        for digest in digests:
            sizes[str(digest.kind) if digest.is_mailed else "silent"].append(len(digest.picks))
    return spent, sizes


def papers_of(days: dict[date, list[Paper]], first: date, last: date) -> list[Paper]:
    return [paper for day, papers in days.items() if first <= day <= last for paper in papers]


def readers(
    chance: random.Random,
    catalogue: list[Topic],
    recent: list[Paper],
    popular: list[Paper],
    matches: dict[str, tuple[Match, ...]],
    on: date,
) -> Iterator[tuple[Subscriber, History]]:
    upvotes = {paper.id: paper.upvotes or 0 for paper in recent}
    above = {paper.id: {match.slug for match in matches[paper.id] if match.is_above} for paper in recent}
    featured = {paper.id: paper.featured_on for paper in recent}
    authors = sorted({author for paper in recent for author in paper.authors or ()})
    for number in range(PEOPLE):
        chosen = chance.sample([topic.slug for topic in catalogue], chance.randint(1, 6))
        is_weekly = number % 10 == 0
        last = on - timedelta(days=7 if is_weekly else 1)
        passed = [key for key, slugs in above.items() if featured[key] <= last and not slugs.isdisjoint(chosen)]
        held = [key for key in passed if chance.random() < 0.98]
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
                last_told_on=last,
                last_planned_at=datetime.combine(last, time(8), UTC) + timedelta(days=1),
                held_ids=frozenset(held),
                lines={key: (featured[key], upvotes[key] * 3 // 4) for key in held[::3]},
                marks=tuple(
                    Mark(subscriber_id=number, paper_id=paper.id, kind=MarkKind.MORE, marked_at=NOON) for paper in marked
                ),
            ),
        )


if __name__ == "__main__":
    main()
