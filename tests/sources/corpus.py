"""The real records, and what a parser should make of each, worked out by other means than the parser's."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Day = tuple[date, list[Record]]


def lines(path: Path) -> Iterator[Record]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def api_days(real: Path) -> list[Day]:
    """Every list of the API that there is; a day that was fetched early and late comes twice."""
    days: list[Day] = []
    for path in sorted((real / "corpus").glob("api_daily_*.jsonl.gz")):
        found: dict[date, list[Record]] = {}
        for line in lines(path):
            found.setdefault(date.fromisoformat(line["feed_date"]), []).append(line["item"])
        days += found.items()
    return days


def flat_days(real: Path, name: str) -> dict[date, list[Record]]:
    """The lists of a project that flattened them; a day without papers is there and empty."""
    found: dict[date, list[Record]] = {}
    for line in lines(real / "corpus" / name):
        items = found.setdefault(date.fromisoformat(line["feed_date"]), [])
        if line["item"]:
            items.append(line["item"])
    return found


def expected(record: Record, on: date | None) -> dict[str, Any]:
    paper = record["paper"]
    shown = [author for author in paper["authors"] if not author.get("hidden")]
    organization = record.get("organization") or paper.get("organization") or {}
    return {
        "id": paper["id"],
        "title": fold(paper["title"]),
        "abstract": fold(paper["summary"]),
        "authors": tuple(name for author in shown if (name := fold(author["name"]))),
        "organization": fold(organization.get("fullname") or organization.get("name")),
        "published_on": _day(paper["publishedAt"]),
        "featured_on": _day(paper.get("submittedOnDailyAt")) or on,
        "upvotes": paper["upvotes"],
        "comments": record["numComments"],
        "code_url": fold(paper.get("githubRepo")),
        "code_stars": paper.get("githubStars"),
        "project_url": fold(paper.get("projectPage")),
        "thumbnail_url": fold(record.get("thumbnail")),
        "source_keywords": tuple(word for told in paper.get("ai_keywords") or () if (word := fold(told))) or None,
        "source_summary": fold(paper.get("ai_summary")),
    }


def fold(text: str | None) -> str | None:
    return " ".join(text.split()) or None if text else None


def _day(moment: str | None) -> date | None:
    return datetime.fromisoformat(moment).date() if moment else None


def without(text: str, dropped: Counter[str], kept: str) -> str:
    """`text` less what `kept` lacks; each such character is counted."""
    lost = Counter(text) - Counter(kept)
    dropped.update(lost)
    return " ".join("".join(c for c in text if c not in lost).split())
