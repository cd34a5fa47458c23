from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.drift import FEWEST_DAYS, Expected, Usual, doubts, field_counts
from service.models import Form, Page, ParsedPage, ParsedPaper
from service.pipeline.answers import usual
from service.sources import parse_page
from tests.builders import DAY
from tests.sources.corpus import api_days

TODAY = DAY + timedelta(days=1)


def papers(count: int, **fields: Any) -> tuple[ParsedPaper, ...]:
    told: dict[str, Any] = {"abstract": "We propose.", "source_summary": "A planner."} | fields
    return tuple(ParsedPaper(f"2610.{number:05d}", "A planner", **told) for number in range(count))


def listed(count: int = 20, on: date | None = DAY, **fields: Any) -> ParsedPage:
    return ParsedPage(Form.API, "day", on, papers(count, **fields))


def expected(**known: Any) -> Expected:
    return Expected(today=TODAY, **known)


def used_to(*counts: int, weeks: int = 5) -> Usual:
    """Lists of so many papers on each weekday before DAY, for some weeks; 95 of 100 papers had a summary of the source's."""
    days = [DAY - timedelta(days=number) for number in range(1, weeks * 7 + 1)]
    weekdays = [day for day in days if day.weekday() < 5]
    found = {day: counts[number % len(counts)] for number, day in enumerate(weekdays)}
    return Usual(found, {"abstract": 1.0, "source_summary": 0.95, "code_url": 0.4}, len(found))


def causes(page: ParsedPage, known: Expected) -> list[str]:
    return [doubt.cause for doubt in doubts(page, known)]


def test_a_list_as_it_should_be_is_not_doubted() -> None:
    assert doubts(listed(), expected(asked_on=DAY, newest_due_on=DAY, usual=used_to(20, 30))) == ()


@pytest.mark.parametrize(
    ("page", "known", "cause", "words"),
    [
        (replace(listed(), period="week"), {"asked_on": DAY}, "period", "the source shows one of kind 'week'"),
        (listed(on=DAY - timedelta(days=1)), {"asked_on": DAY}, "day", "asked for 2026-10-01, the source shows 2026-09-30"),
        (listed(on=TODAY + timedelta(days=1)), {"newest_due_on": DAY}, "day", "which is yet to come"),
        (listed(on=DAY - timedelta(days=1)), {"newest_due_on": DAY}, "stale", "that of 2026-10-01 was due"),
        (listed(0), {}, "empty", "the page holds no papers"),
        (listed(0, on=None), {"asked_on": DAY}, "empty", "the page holds no papers"),
        (
            replace(listed(), rejected=("record 2: no arXiv id",)),
            {},
            "records",
            "1 of 21 records can't be read; the first: record 2",
        ),
        (
            replace(listed(3), card_ids=("2610.00000", "2610.00009")),
            {},
            "cards",
            "1 of 2 cards are of papers that the payload lacks",
        ),
        (replace(listed(9), card_ids=("2610.00000",)), {}, "cards", "the payload holds 9 papers, and only 1 cards are shown"),
        (
            listed(10),
            {"ids_elsewhere": ("2610.00000",)},
            "page and API",
            "the page shows 1 papers, the API 10; 9 are not on both",
        ),
    ],
)
def test_some_rules_hold_from_the_first_day_on(page: ParsedPage, known: dict[str, Any], cause: str, words: str) -> None:
    (doubt,) = doubts(page, expected(**known))
    assert doubt.cause == cause
    assert words in doubt.words


@pytest.mark.parametrize(
    ("page", "known"),
    [
        (listed(0, on=date(2026, 10, 3)), {"asked_on": date(2026, 10, 3)}),  # a Saturday
        (listed(0), {"is_continued": True}),
        (listed(20), {"ids_elsewhere": [f"2610.{number:05d}" for number in range(16)]}),  # it has grown in between
        (listed(5), {"ids_elsewhere": [f"2610.{number:05d}" for number in range(3)]}),
        (listed(3), {"ids_elsewhere": [f"2609.{number:05d}" for number in range(9)], "is_continued": True}),
        (replace(listed(), period="week", date=None), {}),
        (listed(3, source_summary=None), {}),
    ],
)
def test_what_is_normal_is_not_doubted(page: ParsedPage, known: dict[str, Any]) -> None:
    assert causes(page, replace(expected(**known), today=date(2026, 10, 4))) == []


@pytest.mark.parametrize(
    ("page", "known", "cause", "words"),
    [
        (listed(9), {"usual": used_to(20, 30)}, "count", "9 papers on a Thursday, where there usually are between 20 and 30"),
        (listed(61), {"usual": used_to(20, 30)}, "count", "61 papers on a Thursday, where there usually are between 20 and 30"),
        (
            listed(20, source_summary=None),
            {"usual": used_to(20)},
            "field source_summary",
            "0 of 20 papers have source_summary; usually 95% do",
        ),
        (
            listed(20),
            {"usual": used_to(20), "ids_before": [f"2610.{n:05d}" for n in range(11)]},
            "overlap",
            "11 of 20 papers stood on",
        ),
        (listed(9), {"usual": used_to(9), "count_earlier": 20}, "count", "the list has shrunk from 20 papers to 9"),
    ],
)
def test_other_rules_compare_with_what_usually_comes(page: ParsedPage, known: dict[str, Any], cause: str, words: str) -> None:
    (doubt,) = doubts(page, expected(**known))
    assert doubt.cause == cause
    assert words in doubt.words
    few = replace(known["usual"], day_count=9)
    assert causes(page, expected(**{**known, "usual": few})) == []


@pytest.mark.parametrize(
    ("page", "known"),
    [
        (listed(10), {"usual": used_to(20, 30)}),
        (listed(60), {"usual": used_to(20, 30)}),
        (listed(3), {"usual": used_to(20, 30), "is_continued": True}),
        (listed(3, on=None), {"usual": used_to(20, 30)}),
        (replace(listed(3), period="week"), {"usual": used_to(20, 30)}),
        (listed(10), {"usual": used_to(10), "count_earlier": 20}),
        (listed(20), {"usual": used_to(20), "ids_before": [f"2610.{n:05d}" for n in range(10)]}),
        (listed(9), {"usual": used_to(9), "ids_before": [f"2610.{n:05d}" for n in range(9)]}),  # too few to tell
        (listed(9, source_summary=None), {"usual": used_to(9)}),
    ],
)
def test_a_list_within_what_usually_comes_is_not_doubted(page: ParsedPage, known: dict[str, Any]) -> None:
    assert causes(page, expected(**known)) == []


def test_a_weekdays_list_is_compared_with_those_of_the_same_weekday() -> None:
    counts = {DAY - timedelta(days=7 * week): 60 for week in range(1, 6)} | {DAY - timedelta(days=n): 10 for n in (1, 2, 3, 8, 9)}
    assert causes(listed(12), expected(usual=Usual(counts, {}, len(counts)))) == ["count"]
    assert causes(listed(58), expected(usual=Usual(counts, {}, len(counts)))) == []


@pytest.mark.parametrize("weeks", [3, 5])
def test_where_its_weekday_has_few_lists_all_days_count_and_its_own_earlier_one_never(weeks: int) -> None:
    known = used_to(20, weeks=weeks)
    with_itself = replace(known, counts={**known.counts, DAY: 9})
    assert causes(listed(9), expected(usual=known)) == causes(listed(9), expected(usual=with_itself)) == ["count"]


def test_todays_list_still_grows_so_a_short_one_is_normal() -> None:
    assert causes(listed(2, on=TODAY), expected(newest_due_on=DAY, usual=used_to(20, 30))) == []


def test_a_field_that_few_papers_have_may_be_missing() -> None:
    assert causes(listed(20, code_url=None), expected(usual=used_to(20))) == []


# ---- real weeks


Lists = list[tuple[date, ParsedPage, Page]]


@pytest.fixture(scope="module")
def lists(real: Path) -> Lists:
    """Each real list, and the row that would be stored of it; fetched in the morning after."""
    return [
        (on, page, row_of(on, page))
        for on, records in api_days(real)[:382]  # without the five days that were fetched twice
        if (page := parse_page(json.dumps(records).encode(), asked_on=on))
    ]


def row_of(on: date, page: ParsedPage) -> Page:
    fetched_at = datetime(on.year, on.month, on.day, 6, tzinfo=UTC) + timedelta(days=1)
    counts = field_counts(page.papers)
    return Page(address="", fetched_at=fetched_at, form=page.form, shown_on=on, new_count=len(page.papers), field_counts=counts)


def watched(lists: Lists, change: Callable[[ParsedPage, ParsedPage], ParsedPage]) -> Iterator[tuple[date, list[str]]]:
    """What is doubted of each list with 10 others to compare with, after a change made with a look at the one before."""
    for number, (on, page, _) in enumerate(lists):
        recent = [row for day, _, row in lists[:number] if on - timedelta(days=60) <= day]
        if len(recent) >= FEWEST_DAYS:
            before = lists[number - 1][1]
            ids = [paper.id for paper in before.papers]
            known = Expected(today=on + timedelta(days=1), asked_on=on, ids_before=ids, usual=usual(recent))
            yield on, causes(change(page, before), known)


@pytest.mark.slow
def test_on_real_lists_alarms_are_rare_and_what_really_was_lost_is_noticed(lists: Lists) -> None:
    """Of 352 lists: twice the source's own summaries were missing, and 6 lists were much shorter or longer than usual."""
    found = dict(watched(lists, lambda page, _: page))
    assert len(found) == 352
    doubted = {on: said for on, said in found.items() if said}
    lost = [on for on, said in doubted.items() if said == ["field source_keywords", "field source_summary"]]
    assert lost == [date(2025, 7, 4), date(2026, 3, 17)]
    assert [said for on, said in doubted.items() if on not in lost] == [["count"]] * 6


@pytest.mark.slow
def test_the_list_of_the_day_before_is_noticed_even_if_it_does_not_tell_its_day(lists: Lists) -> None:
    def yesterdays(_: ParsedPage, before: ParsedPage) -> ParsedPage:
        return replace(before, date=None)

    long = {on for (_, before, _), (on, _, _) in pairwise(lists) if len(before.papers) >= 10}
    found = [said for on, said in watched(lists, yesterdays) if on in long]
    assert len(found) > 250
    assert all("overlap" in said for said in found)


@pytest.mark.slow
def test_a_list_without_abstracts_is_noticed(lists: Lists) -> None:
    def without_abstracts(page: ParsedPage, _: ParsedPage) -> ParsedPage:
        return replace(page, papers=tuple(replace(paper, abstract=None) for paper in page.papers))

    long = {on for on, page, _ in lists if len(page.papers) >= 10}
    found = [said for on, said in watched(lists, without_abstracts) if on in long]
    assert len(found) > 250
    assert all("field abstract" in said for said in found)
