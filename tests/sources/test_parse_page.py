from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import PageChanged
from service.models import Doubt, ParsedPaper
from service.sources import parse_page
from tests.builders import DAY, page, record
from tests.source_pages import list_page, paper_page

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
    assert without.doubts == (Doubt("no day", "the page does not say which day it shows"),)


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


@pytest.mark.parametrize(
    ("saved", "mark"),
    [("utf-8", b"\xef\xbb\xbf"), ("utf-16-le", b"\xff\xfe"), ("utf-16-be", b"\xfe\xff"), ("cp1252", b"")],
)
def test_a_page_that_was_saved_in_another_encoding_is_the_same_page(saved: str, mark: bytes) -> None:
    whole = list_page([record(title="Größe und Maß")], DAY).decode()
    named = whole.replace("<head>", '<head><meta charset="windows-1252">', 1)
    assert named != whole
    content = mark + (whole if mark else named).encode(saved, "xmlcharrefreplace")
    assert parse_page(content) == parse_page(whole.encode())


def test_an_encoding_that_is_no_encoding_of_pages_is_not_used() -> None:
    whole = list_page([record(title="Größe")], DAY)
    for name in ("punycode", "unicode_escape", "zip", "utf-7", "no such thing"):
        assert parse_page(whole.replace(b"<head>", f"<head><meta charset='{name}'>".encode(), 1)) == parse_page(whole)


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
    assert read.doubts == (Doubt("no day", "the page shows 'Oct 1' without a year"),)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html><body>404</body></html>", "no payload element, and no cards of papers"),
        (b'<div data-target="DailyPapers" data-props="{&quot;dailyPapers&quot;:[{"></div>', "not JSON"),
        (b'<div data-target="DailyPapers" data-props="[]"></div>', "not an object"),
        (b'<div data-target="DailyPapers" data-props="{}"></div>', "no list of papers"),
        (page([{"paper": {}}]), "none of the payload's 1 records is a paper"),
        (b'[{"paper": {"id"', "not JSON"),
        (b'{"error": "not found"}', "neither a list of papers nor a paper: not found"),
        (b'[{"a": 1}]', "none of the 1 JSON records"),
        (b"[" * 20_000, "not JSON"),
        (b"[" * 100_000, "too many parts"),
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


@settings(max_examples=200)
@given(st.dictionaries(FIELDS, JSON, max_size=6), JSON)
def test_no_record_breaks_a_page(fields: dict[str, Any], outer: Any) -> None:
    strange = record()
    strange["paper"] |= fields
    strange["organization"] = outer
    read = parse_page(page([record("2610.00077"), strange]))
    assert read.papers[0].id == "2610.00077"
    assert len(read.papers) + len(read.rejected) == 2


@settings(max_examples=300)
@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_bytes_of_any_kind_are_read_or_refused(content: bytes) -> None:
    for start in (b"", b"[", b"<", b"new\nSubscribe\n"):
        with suppress(PageChanged):
            parse_page(start + content)


def test_a_real_page_of_another_kind_is_refused(real: Path) -> None:
    with pytest.raises(PageChanged, match="no payload element, and no cards of papers"):
        parse_page((real / "html" / "negative_2025-03-28_hf_spaces_page.html").read_bytes())


# ---- page forms


@pytest.mark.parametrize(
    ("composed", "period", "shown_on"),
    [
        (list_page([record()], DAY), "day", DAY),
        (list_page([record()], DAY, year=2024), "day", DAY),
        (list_page([record()], DAY, period="week"), "week", None),
        (list_page([record()], DAY, period="month"), "month", None),
        (list_page([record()], DAY, is_trending=True), "trending", None),
        (list_page([record()], DAY, query="planning"), "search", None),
        (paper_page(record()), "paper", None),
        (json.dumps(record()["paper"]).encode(), "paper", None),
    ],
)
def test_every_page_tells_the_same_of_a_paper_and_says_what_its_list_covers(
    composed: bytes, period: str, shown_on: date | None
) -> None:
    read = parse_page(composed)
    assert (read.period, read.date, read.doubts) == (period, shown_on, ())
    (expected,) = parse_page(page([record()])).papers
    (paper,) = read.papers
    assert replace(paper, comments=1) == expected


@pytest.mark.parametrize("period", ["week", "month", "trending"])
def test_the_cards_of_a_page_that_covers_more_than_a_day_give_their_papers_no_day(period: str) -> None:
    kind: dict[str, Any] = {"is_trending": True} if period == "trending" else {"period": period}
    read = parse_page(list_page([record()], DAY, has_payload=False, **kind))
    assert (read.period, read.date, read.papers[0].featured_on) == (period, None, None)


def test_a_search_of_2024_by_the_api_tells_ids_and_titles() -> None:
    read = parse_page(
        b'[{"id": "2610.00001", "title": "A planner", "thumbnailUrl": "https://example.org/t.png", "source": "arxiv"}]'
    )
    assert read.papers == (ParsedPaper("2610.00001", "A planner", thumbnail_url="https://example.org/t.png"),)


def test_upvotes_that_stand_beside_a_paper_are_read_with_it() -> None:
    told = record(upvotes=9)
    composed = paper_page(told).replace(b"&quot;upvotes&quot;: 9, ", b"", 1).replace(b", &quot;upvotes&quot;: 9}}", b"}}", 1)
    assert b"upvotes&quot;: 9" in composed
    assert parse_page(composed).papers[0].upvotes == 9


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        ((b'data-target="DailyPapers"', b'data-target="Feed"'), "no payload element"),
        ((b"&quot;dailyPapers&quot;", b"&quot;papers&quot;"), "the payload holds no list of papers (dailyPapers)"),
        ((b"{&quot;canSubmit", b"{{&quot;canSubmit"), "the payload is not JSON: "),
        ((b"&quot;paper&quot;", b"&quot;work&quot;"), "none of the payload's 2 records is a paper; record 1: no arXiv id"),
    ],
)
def test_where_the_payload_is_gone_or_broken_the_cards_are_read_and_it_is_said(break_it: tuple[bytes, bytes], said: str) -> None:
    composed = list_page([record(), record("2610.00002", "R&D at <scale>")], DAY).replace(*break_it)
    read = parse_page(composed)
    assert [(paper.id, paper.title, paper.upvotes) for paper in read.papers] == [
        ("2610.00001", "A planner for LLM agents", 5),
        ("2610.00002", "R&D at <scale>", 5),
    ]
    assert [doubt.cause for doubt in read.doubts] == ["payload"]
    assert read.doubts[0].words.startswith(said)
    assert read.doubts[0].words.endswith("; 2 cards read instead")


def test_cards_that_stand_in_no_article_are_still_found_by_their_titles() -> None:
    composed = list_page([record(), record("2610.00002", "Another")], DAY, has_payload=False)
    bare = composed.replace(b"<article", b"<div").replace(b"</article>", b"</div>")
    assert [(paper.id, paper.title) for paper in parse_page(bare).papers] == [
        ("2610.00001", "A planner for LLM agents"),
        ("2610.00002", "Another"),
    ]
