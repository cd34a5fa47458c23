"""A whole day for the benchmarks of sending: 40 papers, 20 topics, and any number of people whose digest is due.

As a program, `python -m tests.benchmarks.wave COUNT URL` stores them; nothing is planned yet.
"""

from __future__ import annotations

import random
import sys
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, insert

from service.cadence import last_complete_day
from service.models import Paper, Subscriber, Topic
from service.pipeline.deliver import Transport
from service.pipeline.due import send_due_mails
from service.store.database import open_database, transaction
from service.store.topics import put_topics
from tests.builders import SENDER, paper, topic

_PAPERS, _TOPICS = 40, 20
_SYLLABLES = [
    "plan", "gen", "dif", "fu", "re", "trie", "mo", "del", "lan", "vi", "de", "ro", "bot",
    "train", "ward", "graph", "po", "li", "long", "con", "text", "at", "ten", "spar",
]  # fmt: skip


def due(engine: Engine, count: int, *, length: str = "papers:40") -> None:
    """So many readers of five topics each. A topic is found by a phrase of its own."""
    chance, now = random.Random(4), datetime.now(UTC)
    topics = [topic(f"topic-{number}", [f"field{number} theory"], name=f"Field {number}") for number in range(_TOPICS)]
    with transaction(engine) as session:
        put_topics(session, topics, author="benchmark", reason="benchmark", now=now)
        session.add_all([_paper(chance, number, topics, now) for number in range(_PAPERS)])
        session.flush()
        people = [
            Subscriber(
                id=number,
                email=f"reader{number}@example.org",
                topics=sorted(chance.sample([topic.slug for topic in topics], 5)),
                length=length,
                added_at=now,
                next_digest_at=now - timedelta(minutes=1),
            )
            for number in range(1, count + 1)
        ]
        session.execute(insert(Subscriber), [person.model_dump() for person in people])


def send(engine: Engine, transport: Transport) -> int:
    """The whole path: reconcile, plan, compose, join, send, record. Answers how many mails were accepted."""

    def opened() -> AbstractContextManager[Transport]:
        return nullcontext(transport)

    return send_due_mails(engine, opened, SENDER, clock=_now, stale_after=timedelta(days=1))


def _now() -> datetime:
    return datetime.now(UTC)


def _paper(chance: random.Random, number: int, topics: list[Topic], now: datetime) -> Paper:
    def words(count: int) -> str:
        return " ".join(word(chance) for _ in range(count))

    found = [topic.any_phrases[0] for topic in chance.sample(topics, 4)]
    return paper(
        f"2610.{number:05d}",
        f"{words(24).capitalize()} {found[0]}",
        abstract=". ".join(f"We propose {words(40)} {phrase}" for phrase in found),
        authors=[words(2).title() for _ in range(6)],
        author_count=6,
        organization="Northfield Lab",
        featured_on=last_complete_day(now),
        upvotes=chance.randint(1, 300),
        code_url=f"https://example.org/code/{number}",
        code_stars=12,
        tldr=words(40).capitalize() + ".",
        problem=words(45).capitalize() + ".",
        result=words(45).capitalize() + ".",
        written_by="authors",
    )


def word(chance: random.Random) -> str:
    """One of very many, of three syllables."""
    return "".join(chance.choices(_SYLLABLES, k=3))


if __name__ == "__main__":
    due(open_database(sys.argv[2]), int(sys.argv[1]))
