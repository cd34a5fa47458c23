"""Real days as Papers in memory, matched with the shipped topics: for benchmarks. Third-party data, never part of the project."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

from service.catalogue import shipped_catalogue
from service.match import match_paper, phrasebook
from service.models import Match, Paper, Topic
from service.sources import parse_page
from service.tag import tag_paper
from tests.sources.corpus import api_days

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def topics() -> list[Topic]:
    return shipped_catalogue()


def days_of_2026(real: Path) -> dict[date, list[Paper]]:
    """Each paper on the first day that lists it."""
    return days_of(real, 2026)


def days_of(real: Path, *years: int) -> dict[date, list[Paper]]:
    seen: set[str] = set()
    days: dict[date, list[Paper]] = {}
    for on, records in sorted(api_days(real), key=lambda day: day[0]):
        if on.year in years:
            page = parse_page(json.dumps(records).encode())
            papers = [_paper(parsed, on) for parsed in page.papers if parsed.id and parsed.id not in seen]
            seen |= {paper.id for paper in papers}
            days.setdefault(on, []).extend(papers)
    return days


def _paper(parsed, on: date) -> Paper:
    moment = datetime(on.year, on.month, on.day, 20, tzinfo=UTC)
    told = {
        name: getattr(parsed, name) for name in ("id", "title", "abstract", "author_count", "organization", "upvotes", "code_url")
    }
    paper = Paper(
        **told,
        authors=list(parsed.authors or ()),
        source_keywords=list(parsed.source_keywords or ()),
        featured_on=on,
        first_seen_at=moment,
        seen_at=moment,
    )
    paper.tags = tag_paper(paper)
    return paper


def matches_of(papers: Iterable[Paper], catalogue: list[Topic]) -> dict[str, tuple[Match, ...]]:
    book = phrasebook(catalogue)
    return {paper.id: match_paper(paper, book) for paper in papers}
