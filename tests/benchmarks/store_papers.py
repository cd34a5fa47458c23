"""Storing a month of 1,000 papers, on SQLite: `python -m tests.benchmarks.store_papers`. The bar is 2 s of CPU."""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from service.models import ParsedPage
from service.sources import parse_page
from service.store.database import open_database, reading, transaction
from service.store.papers import paper_count, put_papers
from service.tag import tag_paper
from tests.benchmarks.machine import machine
from tests.builders import record

BAR = 2.0  # seconds
DAYS, A_DAY = 20, 50
NOW = datetime(2026, 11, 1, tzinfo=UTC)
ABSTRACT = "Planning with language models is slow. We propose a planner for agents that is 3 times faster on ten tasks. " * 12


def month() -> list[ParsedPage]:
    pages = []
    for number in range(DAYS):
        on = date(2026, 10, 1) + timedelta(days=number)
        authors = [{"name": f"Author {name}"} for name in range(12)]
        records = [
            record(f"26{number + 10}.{place:05d}", f"Paper {place} of day {number}", summary=ABSTRACT, authors=authors)
            for place in range(A_DAY)
        ]
        for told in records:
            told["paper"] |= {"submittedOnDailyAt": f"{on}T00:00:00Z", "ai_keywords": ["planning", "language models"] * 5}
        pages.append(parse_page(json.dumps(records).encode()))
    return pages


def store(pages: list[ParsedPage], database: Path, now: datetime) -> float:
    """CPU seconds, a transaction a page."""
    engine = open_database(f"sqlite:///{database}")
    begun = time.process_time()
    for page in pages:
        with transaction(engine) as session:
            put_papers(session, page, asked_on=None, now=now, tag=tag_paper)
    taken = time.process_time() - begun
    with reading(engine) as session:
        assert paper_count(session) == DAYS * A_DAY
    engine.dispose()
    return taken


def main() -> None:
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        first = store(month(), Path(folder) / "month.db", NOW)
        again = store(month(), Path(folder) / "month.db", NOW + timedelta(hours=1))
    print(f"1,000 new papers: {first:.2f} s of CPU (bar {BAR:.0f} s); the same once more, all known: {again:.2f} s")


if __name__ == "__main__":
    main()
