"""Real days seen early and late: what is merged, what arrives late, what moves to another day."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from service.models import Observation, Paper, ParsedPage
from service.sources import parse_page
from service.sources.fields import paper_id
from service.store.database import reading, transaction
from service.store.papers import Stored, put_papers
from service.tag import tag_paper
from tests.source_pages import list_page
from tests.sources.corpus import Record, api_days, expected, flat_days, fold

LATER = datetime(2026, 5, 28, 15, tzinfo=UTC)


def put(engine: Engine, page: ParsedPage, now: datetime, asked_on: date | None = None) -> Stored:
    with transaction(engine) as session:
        return put_papers(session, page, asked_on=asked_on, now=now, tag=tag_paper)


def stored(engine: Engine) -> dict[str, Paper]:
    with reading(engine) as session:
        return {paper.id: paper for paper in session.exec(select(Paper))}


def observed(engine: Engine) -> dict[str, list[int | None]]:
    """Each paper's upvotes, oldest first."""
    found: dict[str, list[int | None]] = {}
    with reading(engine) as session:
        for observation in sorted(session.exec(select(Observation)), key=lambda o: o.observed_at):
            found.setdefault(observation.paper_id, []).append(observation.upvotes)
    return found


def unflattened(flat: Record) -> Record:
    """The API's record of what another project kept of it."""
    told: dict[str, Any] = {
        "id": flat.get("hf_url"),  # an identity from a link
        "title": flat["title"],
        "summary": flat.get("summary") or flat.get("abstract"),
        "authors": [{"name": name} for name in flat["authors"]],
        "upvotes": flat["upvotes"],
        "githubRepo": flat.get("github_repo") or flat.get("github_url"),
    }
    if "published_at" in flat:
        told |= {"publishedAt": flat["published_at"], "submittedOnDailyAt": flat["submitted_on_daily_at"]}
    return {"paper": told, "title": flat["title"], "numComments": flat.get("num_comments"), "thumbnail": flat.get("thumbnail")}


@pytest.mark.slow
def test_days_seen_early_and_late_hold_every_paper_once_with_its_newest_counts(engine: Engine, real: Path) -> None:
    late = flat_days(real, "later_flat_2026-01_and_2026-05.jsonl.gz")
    early = {day: records for day, records in api_days(real) if day in late}
    assert len(early) == 26
    for day, records in early.items():
        page = parse_page(json.dumps(records).encode())
        put(engine, page, datetime(day.year, day.month, day.day, 9, tzinfo=UTC), day)
    before = {key: (paper.featured_on, paper.upvotes, paper.code_stars) for key, paper in stored(engine).items()}
    for day, flat in late.items():
        page = parse_page(json.dumps([unflattened(record) for record in flat]).encode())
        assert (len(page.papers), page.rejected) == (len(flat), ())
        put(engine, page, LATER, day)
    papers, history = stored(engine), observed(engine)
    seen_late = {record["id"]: record for records in late.values() for record in records}
    assert set(papers) == set(before) | set(seen_late)
    arrivals = set(seen_late) - set(before)
    assert len(arrivals) > 100
    for key, paper in papers.items():
        if key in seen_late:
            assert (paper.upvotes, paper.comments) == (seen_late[key]["upvotes"], seen_late[key]["num_comments"])
            assert paper.seen_at == LATER
        if key in before:
            first_day, upvotes, stars = before[key]
            assert paper.featured_on <= first_day
            assert stars is None or paper.code_stars == stars  # the later answer does not tell them
            assert history[key] == [upvotes] + [paper.upvotes] * (len(history[key]) - 1)
            assert len(history[key]) == 2 or paper.upvotes == upvotes
    up = [key for key in set(before) & set(seen_late) if papers[key].upvotes != before[key][1]]
    assert len(up) > 300
    assert all(papers[key].velocity is not None for key in up)


def test_a_real_list_that_came_for_another_day_stays_with_its_own(engine: Engine, real: Path) -> None:
    """A crawler that believed the address stored the list of the 18th under the 19th, which did not exist yet."""
    crawled = flat_days(real, "page_crawl_flat_2026-02.jsonl.gz")
    wednesday, thursday = date(2026, 2, 18), date(2026, 2, 19)
    on_wednesday = {record["paper_id"] for record in crawled[wednesday]}
    wrong = [record for record in crawled[thursday] if record["paper_id"] in on_wednesday]
    right = [record for record in crawled[thursday] if record["paper_id"] not in on_wednesday]
    assert (len(wrong), len(right)) == (25, 21)
    night = datetime(2026, 2, 19, 1, 55, tzinfo=UTC)
    put(engine, parse_page(list_page([unflattened(record) for record in wrong], wednesday), asked_on=thursday), night, thursday)
    assert {paper.featured_on for paper in stored(engine).values()} == {wednesday}
    later = datetime(2026, 2, 20, 6, tzinfo=UTC)
    for day, records in ((wednesday, crawled[wednesday]), (thursday, right)):
        put(engine, parse_page(list_page([unflattened(record) for record in records], day), asked_on=day), later, day)
    papers = stored(engine)
    assert len(papers) == len(on_wednesday) + 21
    assert {key for key, paper in papers.items() if paper.featured_on == wednesday} == on_wednesday


@pytest.mark.slow
@pytest.mark.parametrize("year", [2024, 2026])
def test_a_month_of_crawled_pages_gives_each_paper_once(sqlite: Engine, real: Path, year: int) -> None:
    crawled = flat_days(real, "page_crawl_flat_2026-02.jsonl.gz")
    new = 0
    for day, records in crawled.items():
        page = parse_page(list_page([unflattened(record) for record in records], day, year=year))
        new += put(sqlite, page, LATER).counts["new"]
    papers = stored(sqlite)
    first_days = {record["paper_id"]: day for day, records in sorted(crawled.items(), reverse=True) for record in records}
    assert new == len(papers) == 783
    assert {key: paper.featured_on for key, paper in papers.items()} == first_days
    told = {record["paper_id"]: fold(record["title"]) for records in crawled.values() for record in records}
    assert {key: paper.title for key, paper in papers.items()} == told


def test_cards_seen_before_or_after_a_payload_change_nothing_that_it_told(engine: Engine, real: Path) -> None:
    on, records = api_days(real)[-1]
    by_cards = parse_page(list_page(records, on, has_payload=False))
    for number, page in enumerate((by_cards, parse_page(list_page(records, on)), by_cards)):
        put(engine, page, datetime(2026, 2, 21, 6 + number, tzinfo=UTC))
    papers = stored(engine)
    for record in records:
        paper = papers[record["paper"]["id"]]
        wanted = expected(record, on)
        for field in ("title", "abstract", "published_on", "code_url", "code_stars", "project_url", "source_summary"):
            assert getattr(paper, field) == wanted[field], field
        assert paper.told_by.keys() <= {"organization"}


def test_every_link_form_gives_the_papers_id(real: Path) -> None:
    for name, own in (("later_flat_2026-01_and_2026-05", "id"), ("page_crawl_flat_2026-02", "paper_id")):
        for records in flat_days(real, f"{name}.jsonl.gz").values():
            for record in records:
                links = [value for field, value in record.items() if field.endswith("_url") and value and "github" not in field]
                assert len(links) >= 2
                assert {paper_id(link) for link in links} == {record[own]}
