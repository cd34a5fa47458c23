"""On every real record at hand: each form that a list can come in tells the same papers, whole."""

from __future__ import annotations

import json
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from service.models import Form, ParsedPage
from service.sources import parse_page
from tests.source_pages import list_page
from tests.sources.corpus import Day, Record, api_days, expected, fold, without

# What the parsers drop from 6,481 records; should the source send zero-width characters some day, it is more.
DROPPED_COUNT = 0


@pytest.fixture(scope="module")
def days(real: Path) -> list[Day]:
    found = api_days(real)
    assert (len(found), sum(len(records) for _, records in found)) == (387, 6481)
    return found


def answer(records: list[Record], _on: date) -> bytes:
    return json.dumps(records).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("form", "compose"),
    [(Form.API, answer), (Form.PAYLOAD, partial(list_page, year=2024)), (Form.PAYLOAD, partial(list_page, year=2026))],
    ids=["API", "page of 2024", "page of 2026"],
)
def test_every_record_comes_whole(days: list[Day], form: Form, compose: Callable[[list[Record], date], bytes]) -> None:
    wrong: list[str] = []
    dropped: Counter[str] = Counter()
    for on, records in days:
        page = parse_page(compose(records, on))
        assert (page.form, len(page.papers), page.rejected, page.doubts) == (form, len(records), (), ())
        assert form == Form.API or page.date == on
        wrong += differences(page, records, on if page.date else None, dropped)
    assert wrong == []
    assert {unicodedata.category(character) for character in dropped} <= {"Cc", "Cf", "Cs"}
    assert dropped.total() == DROPPED_COUNT


def differences(page: ParsedPage, records: list[Record], on: date | None, dropped: Counter[str]) -> list[str]:
    """Fields that aren't the record's after folding white space; characters that are dropped are counted."""
    found = []
    for record, paper in zip(records, page.papers, strict=True):
        for field, value in expected(record, on).items():
            told = getattr(paper, field)
            if isinstance(value, str) and isinstance(told, str) and value != told:
                value = without(value, dropped, told)
            if value != told:
                found.append(f"{paper.id} {field}: {value!r} is {told!r}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("year", [2024, 2026])
def test_a_page_without_its_payload_gives_every_id_and_title_from_its_cards(days: list[Day], year: int) -> None:
    for on, records in days:
        page = parse_page(list_page(records, on, year=year, has_payload=False))
        assert (page.form, page.date, page.rejected) == (Form.CARDS, on, ())
        assert page.doubts[0].words == f"no payload element; {len(records)} cards read instead"
        for record, paper in zip(records, page.papers, strict=True):
            assert paper.id == record["paper"]["id"]
            assert paper.title == fold(record["title"])
            assert (paper.upvotes, paper.comments) == (record["paper"]["upvotes"], record["numComments"])


@pytest.mark.slow
def test_the_cards_beside_a_payload_are_of_the_same_papers(days: list[Day]) -> None:
    for on, records in days:
        page = parse_page(list_page(records, on))
        assert page.card_ids == tuple(paper.id for paper in page.papers)


def test_the_real_cards_of_2026_are_read(real: Path) -> None:
    page = parse_page((real / "html" / "excerpt_2026-09-28_daily_cards.html").read_bytes())
    assert (page.form, [paper.id for paper in page.papers]) == (Form.CARDS, ["2609.30222", "2609.31590"])
    first, second = page.papers
    assert (first.upvotes, first.comments, first.organization) == (6, 1, "Carnegie Mellon University")
    assert (second.upvotes, second.author_count, second.organization) == (5, 10, None)
    assert second.thumbnail_url == "https://cdn-thumbnails.huggingface.co/social-thumbnails/papers/2609.31590.png"


def test_the_real_payload_of_2026_is_read(real: Path) -> None:
    page = parse_page((real / "html" / "excerpt_2026-09-28_daily_payload.html").read_bytes())
    assert (page.form, page.period, page.date, len(page.papers)) == (Form.PAYLOAD, "day", date(2026, 9, 28), 1)
    assert None not in (page.papers[0].abstract, page.papers[0].authors, page.papers[0].published_on)


def test_the_real_page_of_2024_tells_the_same_by_its_payload_and_by_its_cards(real: Path) -> None:
    content = (real / "html" / "2024-08-01_daily_full.html").read_bytes()
    whole = parse_page(content)
    cards = parse_page(content.replace(b'data-target="DailyPapers"', b'data-target="Changed"'))
    assert (cards.form, cards.date) == (Form.CARDS, whole.date)
    assert whole.card_ids == tuple(paper.id for paper in cards.papers)
    for by_payload, by_card in zip(whole.papers, cards.papers, strict=True):
        for field in ("id", "title", "upvotes"):
            assert getattr(by_card, field) == getattr(by_payload, field), field


@pytest.mark.parametrize(
    ("name", "count", "with_meta"),
    [("03-11_list_titles_and_abstracts", 101, 0), ("2025-12-18_list_with_authors_and_dates", 46, 45)],
)
def test_the_real_text_pages_are_read_exactly(real: Path, name: str, count: int, with_meta: int) -> None:
    """Title and abstract stand on two lines that follow each other, between blank ones; each line is used once."""
    text = (real / "text" / f"{name}.txt").read_text("utf-8")
    page = parse_page(text.encode(), asked_on=date(2025, 12, 31))
    assert (page.form, len(page.papers)) == (Form.TEXT, count)
    written = [folded for line in text.splitlines() if (folded := fold(line))]
    place = 0
    for paper in page.papers:
        place = written.index(paper.title, place)
        assert written[place + 1] == paper.abstract
        place += 2
    assert sum(paper.published_on is not None for paper in page.papers) == with_meta
    assert sum((paper.organization or paper.author_count) is not None for paper in page.papers) == with_meta
