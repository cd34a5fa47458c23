from __future__ import annotations

import gzip
import json
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import PageChanged
from service.models import ParsedPaper
from service.sources import parse_page
from tests.builders import DAY, page, record

TEXT_PAGE = """new

Get trending papers in your email inbox!

Subscribe

Daily Papers

byAK and the research community

{day}

A Planner That Waits

Waiting is underrated. We propose a planner that waits.

NorthLab The Northfield Lab
·
Sep 30 4

A Second Title

A second abstract, with no line below it.

Third: On Dots

A third abstract.

  • 8 authors
·
Oct 15, 2024
"""


def test_a_daily_page_tells_everything_its_record_has() -> None:
    told = record(
        githubRepo="https://example.org/code",
        githubStars=7,
        projectPage="https://example.org/project",
        ai_summary="A planner.",
        ai_keywords=["planning", " LLM  agents "],
        authors=[{"name": "Ada  Okafor"}, {"name": "Hidden", "hidden": True}, {"name": "Lena Brandt", "hidden": False}],
    )
    told |= {"thumbnail": "https://example.org/t.png", "organization": {"name": "lab", "fullname": "The Lab"}}
    read = parse_page(page([told]))
    assert (read.form, read.period, read.date) == ("hydration payload", "day", DAY)
    assert read.papers == (
        ParsedPaper(
            id="2610.00001",
            title="A planner for LLM agents",
            abstract="Planning is slow. We propose a planner for LLM agents that is 3 times faster.",
            authors=("Ada Okafor", "Lena Brandt"),
            author_count=2,
            organization="The Lab",
            published_on=date(2026, 9, 30),
            featured_on=DAY,
            upvotes=5,
            comments=1,
            code_url="https://example.org/code",
            code_stars=7,
            project_url="https://example.org/project",
            thumbnail_url="https://example.org/t.png",
            source_keywords=("planning", "LLM agents"),
            source_summary="A planner.",
        ),
    )


def test_what_a_record_does_not_tell_is_none() -> None:
    read = parse_page(page([{"paper": {"id": "2610.00002", "title": "Bare"}}])).papers[0]
    assert read == ParsedPaper(id="2610.00002", title="Bare", featured_on=DAY)


def test_the_day_on_the_page_is_used_where_the_record_has_none() -> None:
    bare = {"paper": {"id": "2610.00002", "title": "Bare"}}
    assert parse_page(page([bare], on=date(2026, 9, 4))).papers[0].featured_on == date(2026, 9, 4)
    without = parse_page(page([bare], on=None))
    assert without.papers[0].featured_on is None
    assert without.warnings == ("the page does not say which day it shows",)


def test_entities_in_a_title_are_unescaped_once() -> None:
    assert parse_page(page([record(title="R&amp;D at <scale> & beyond")])).papers[0].title == "R&amp;D at <scale> & beyond"


def test_white_space_is_folded_and_hidden_characters_are_dropped() -> None:
    read = parse_page(page([record(title="A\n  planner\u202e\u200b for\x00 \\alpha agents")])).papers[0]
    assert read.title == "A planner for \\alpha agents"


@pytest.mark.parametrize("given_id", ["2610.00001v3", "https://arxiv.org/abs/2610.00001", "2610.00001/sso-callback"])
def test_a_papers_id_is_the_arxiv_id_without_version(given_id: str) -> None:
    assert parse_page(page([record(id=given_id)])).papers[0].id == "2610.00001"


def test_one_bad_record_is_named_and_the_rest_are_read() -> None:
    read = parse_page(page([record(), {"paper": {"id": "none", "title": "x"}}, "nonsense", {"paper": {"id": "2610.00009"}}]))
    assert [paper.id for paper in read.papers] == ["2610.00001"]
    assert read.rejected == ("record 2: no arXiv id (none)", "record 3: not an object", "record 4: 2610.00009 has no title")


def test_the_api_answers_with_the_same_papers_as_the_page() -> None:
    records = [record(), record("2610.00002", "Another")]
    read = parse_page(json.dumps(records).encode())
    assert (read.form, read.period, read.date) == ("JSON API", "day", DAY)
    assert read.papers == parse_page(page(records)).papers


def test_api_records_of_several_days_show_no_single_day() -> None:
    records = [record(), record("2610.00002", submittedOnDailyAt="2026-09-30T10:00:00Z")]
    assert parse_page(json.dumps(records).encode()).date is None


def test_an_empty_list_is_a_page_without_papers() -> None:
    assert parse_page(b"[]").papers == ()
    assert parse_page(page([])).papers == ()


def test_plain_text_tells_titles_abstracts_and_the_lines_below_them() -> None:
    read = parse_page(TEXT_PAGE.format(day="Oct 1").encode(), asked_on=DAY)
    assert (read.form, read.period, read.date) == ("plain text", "day", DAY)
    first, second, third = read.papers
    assert (first.id, first.title, first.abstract) == (
        None,
        "A Planner That Waits",
        "Waiting is underrated. We propose a planner that waits.",
    )
    assert (first.organization, first.published_on, first.comments) == ("The Northfield Lab", date(2026, 9, 30), 4)
    assert second == ParsedPaper(None, "A Second Title", "A second abstract, with no line below it.", featured_on=DAY)
    assert (third.author_count, third.published_on, third.comments) == (8, date(2024, 10, 15), None)


def test_plain_text_without_a_year_shows_no_day() -> None:
    read = parse_page(TEXT_PAGE.format(day="Oct 1").encode())
    assert read.date is None
    assert read.papers[0].published_on is None
    assert read.papers[2].published_on == date(2024, 10, 15)
    assert read.warnings == ("the page shows 'Oct 1' without a year",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html><body>404</body></html>", "no papers payload"),
        (b'<div data-target="DailyPapers" data-props="{&quot;dailyPapers&quot;:[{"></div>', "not JSON"),
        (b'<div data-target="DailyPapers" data-props="[]"></div>', "not an object"),
        (b'<div data-target="DailyPapers" data-props="{}"></div>', "no list of papers"),
        (page([{"paper": {}}]), "none of the page's 1 records is a paper"),
        (b'[{"paper": {"id"', "not whole JSON"),
        (b'{"error": "not found"}', "not a list"),
        (b'[{"a": 1}]', "none of the 1 JSON records"),
        (b"[" * 100_000, "not whole JSON"),
        (b"Dear reader,\nhello", "its banner is missing"),
        (TEXT_PAGE.format(day="Oct 1").encode() + b"\nA title alone\n", "ends in a title"),
    ],
)
def test_what_is_no_page_of_papers_is_refused_in_words(content: bytes, reason: str) -> None:
    with pytest.raises(PageChanged, match=reason):
        parse_page(content)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    [
        "id",
        "title",
        "summary",
        "authors",
        "upvotes",
        "publishedAt",
        "submittedOnDailyAt",
        "ai_keywords",
        "githubRepo",
        "organization",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=6), JSON)
def test_no_record_breaks_a_page(fields: dict[str, Any], outer: Any) -> None:
    strange = record()
    strange["paper"] |= fields
    strange["organization"] = outer
    read = parse_page(page([record("2610.00077"), strange]))
    assert read.papers[0].id == "2610.00077"
    assert len(read.papers) + len(read.rejected) == 2


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_of_any_kind_are_read_or_refused(content: bytes) -> None:
    for start in (b"", b"[", b"<", b"new\nSubscribe\n"):
        with suppress(PageChanged):
            parse_page(start + content)


# ---- real pages


def folded(text: str) -> str:
    return " ".join(text.split())


def test_the_real_page_of_2024_gives_13_papers_with_every_field_it_has(real: Path) -> None:
    read = parse_page((real / "html" / "2024-08-01_daily_full.html").read_bytes())
    assert (read.form, read.period, read.date) == ("hydration payload", "day", date(2024, 8, 1))
    assert len(read.papers) == 13
    assert (read.rejected, read.warnings) == ((), ())
    for paper in read.papers:
        assert paper.authors
        assert paper.author_count == len(paper.authors)
        assert None not in (paper.id, paper.abstract, paper.published_on, paper.upvotes, paper.comments, paper.thumbnail_url)
        assert paper.featured_on == date(2024, 8, 1)
    assert (read.papers[0].id, read.papers[0].upvotes, read.papers[0].author_count) == ("2407.21783", 94, 533)


@pytest.mark.parametrize(
    ("name", "count"), [("03-11_list_titles_and_abstracts", 101), ("2025-12-18_list_with_authors_and_dates", 46)]
)
def test_real_text_pages_give_exact_titles_and_abstracts(real: Path, name: str, count: int) -> None:
    text = (real / "text" / f"{name}.txt").read_text("utf-8")
    read = parse_page(text.encode())
    assert len(read.papers) == count
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    for paper in read.papers:
        place = lines.index(paper.title)
        assert lines[place + 1] == paper.abstract
        assert len(paper.title) < 200 < len(paper.abstract or "")


def corpus(real: Path) -> list[Path]:
    return sorted((real / "corpus").glob("api_daily_*.jsonl.gz"))


def test_every_record_of_the_corpus_is_read_with_its_fields(real: Path) -> None:
    assert len(corpus(real)) == 5
    for path in corpus(real):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            items = [json.loads(line)["item"] for line in lines]
        read = parse_page(json.dumps(items).encode())
        assert len(read.papers) == len(items)
        assert read.rejected == ()
        for item, paper in zip(items, read.papers, strict=True):
            told = item["paper"]
            assert paper.id == told["id"]
            assert paper.title == folded(told["title"])
            assert folded(paper.abstract or "") == paper.abstract
            assert (paper.upvotes, paper.comments) == (told["upvotes"], item["numComments"])
            assert paper.code_url == told.get("githubRepo")
            assert paper.authors == tuple(folded(author["name"]) for author in told["authors"] if not author.get("hidden"))
            assert f"{paper.published_on}" == told["publishedAt"][:10]


def test_a_real_page_of_another_kind_is_refused(real: Path) -> None:
    with pytest.raises(PageChanged, match="no papers payload"):
        parse_page((real / "html" / "negative_2025-03-28_hf_spaces_page.html").read_bytes())
