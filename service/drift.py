"""Doubt an answer of the source that is not as it should be, or not as it usually is. Pure.

Some rules always hold: the payload is there, the ids are sound, the day is right, a weekday's list isn't empty, what two
forms say at once agrees. The others compare with what was stored, and hold from 10 stored days on.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date

from service.models import Doubt, ParsedPage, ParsedPaper

FEWEST_DAYS = 10
_FEWEST_PAPERS = 10  # below, one paper more or less makes a share jump
_FEWEST_WEEKDAYS = 4  # lists of one weekday to compare with; else all days are
_LOW, _HIGH = 1 / 2, 2.0  # of the smallest and the largest usual list
_USUAL_SHARE = 0.6  # fields that fewer papers have come and go
_LOST_SHARE = 0.3  # of the usual share
_SAME_LIST = 0.5  # of the papers stood on the day before: at most 1 in 25 does
_DIFFERENT_LISTS = 0.2  # of the papers two answers name at once; a list grows between them

# Causes that lie in one day's list; the others lie in all that the source answers.
CAUSES_OF_A_DAY = frozenset({"empty", "absent", "day", "count", "overlap", "records", "page and API"})

# Every field that can vanish; a paper without id or title is rejected.
FIELDS = tuple(found.name for found in fields(ParsedPaper) if found.name not in ("id", "title"))


@dataclass(frozen=True, slots=True)
class Usual:
    """What this form of list usually held."""

    counts: Mapping[date, int] = field(default_factory=dict)  # papers on whole lists, by day
    shares: Mapping[str, float] = field(default_factory=dict)  # of papers with each field, 0 to 1
    day_count: int = 0  # how many days that is from


@dataclass(frozen=True, slots=True)
class Expected:
    """What is known before an answer is read."""

    today: date  # in UTC
    asked_on: date | None = None
    newest_due_on: date | None = None  # set where the newest list was asked for: the day of the last whole one
    is_continued: bool = False  # not the first part of a list
    ids_before: Collection[str | None] = ()  # the papers of the listed day before
    ids_elsewhere: Collection[str | None] = ()  # what another form said of this list just now; empty where none did
    count_earlier: int | None = None  # papers on this very list when it was read before
    usual: Usual = field(default_factory=Usual)


def field_counts(papers: Sequence[ParsedPaper]) -> dict[str, int]:
    """How many of the papers have each field."""
    return {name: sum(getattr(paper, name) is not None for paper in papers) for name in FIELDS}


def doubts(page: ParsedPage, expected: Expected) -> tuple[Doubt, ...]:
    """Every reason to doubt, those of the parser first."""
    found = [*page.doubts, *_fixed(page, expected)]
    if expected.usual.day_count >= FEWEST_DAYS:
        found += _unusual(page, expected)
    return tuple({doubt.cause: doubt for doubt in reversed(found)}.values())[::-1]


def _fixed(page: ParsedPage, expected: Expected) -> Iterator[Doubt]:
    if page.rejected and page.papers:
        many = f"{len(page.rejected)} of {len(page.rejected) + len(page.papers)} records can't be read"
        yield Doubt("records", f"{many}; the first: {page.rejected[0]}")
    yield from _wrong_day(page, expected)
    day = page.date or expected.asked_on or expected.today
    if not page.papers and not page.rejected and day.weekday() < 5 and not expected.is_continued:
        yield Doubt("empty", "the page holds no papers")
    yield from _disagreement(page, expected)


def _wrong_day(page: ParsedPage, expected: Expected) -> Iterator[Doubt]:
    is_list_of_a_day = expected.asked_on or expected.newest_due_on
    if is_list_of_a_day and page.period not in (None, "day", "paper"):
        yield Doubt("period", f"asked for the list of a day, the source shows one of kind {page.period!r}")
    if page.date is None:
        return
    if expected.asked_on and page.date != expected.asked_on:
        yield Doubt("day", f"asked for {expected.asked_on}, the source shows {page.date}: that day is believed")
    if page.date > expected.today:
        yield Doubt("day", f"the source shows {page.date}, which is yet to come")
    if expected.newest_due_on and page.date < expected.newest_due_on:
        yield Doubt("stale", f"the newest list is of {page.date}; that of {expected.newest_due_on} was due")


def _disagreement(page: ParsedPage, expected: Expected) -> Iterator[Doubt]:
    """Payload against cards, and page against API."""
    ids = {paper.id for paper in page.papers}
    if missing := set(page.card_ids) - ids:
        yield Doubt("cards", f"{len(missing)} of {len(page.card_ids)} cards are of papers that the payload lacks")
    elif page.card_ids and len(page.card_ids) < len(ids) * _LOW:
        yield Doubt("cards", f"the payload holds {len(ids)} papers, and only {len(page.card_ids)} cards are shown")
    elsewhere = set(expected.ids_elsewhere)
    different = elsewhere ^ ids
    if elsewhere and not expected.is_continued and len(different) > max(2, _DIFFERENT_LISTS * len(elsewhere | ids)):
        words = f"the page shows {len(elsewhere)} papers, the API {len(ids)}; {len(different)} are not on both"
        yield Doubt("page and API", words)


def _unusual(page: ParsedPage, expected: Expected) -> Iterator[Doubt]:
    if page.period == "day" and not expected.is_continued:
        yield from _unusual_count(page, expected)
    ids = {paper.id for paper in page.papers}
    again = ids & set(expected.ids_before)
    if len(ids) >= _FEWEST_PAPERS and len(again) > _SAME_LIST * len(ids):
        yield Doubt("overlap", f"{len(again)} of {len(ids)} papers stood on the list of the day before")
    yield from _lost_fields(page, expected.usual)


def _unusual_count(page: ParsedPage, expected: Expected) -> Iterator[Doubt]:
    """A list still grows on its day, so only a whole one is compared with others; any must not shrink much."""
    count = len(page.papers)
    if expected.count_earlier and count < expected.count_earlier * _LOW:
        yield Doubt("count", f"the list has shrunk from {expected.count_earlier} papers to {count}")
    if page.date is None or page.date >= expected.today or not count:
        return
    counts = expected.usual.counts
    alike = [usual for day, usual in counts.items() if day.weekday() == page.date.weekday() and day != page.date]
    usual_counts = alike if len(alike) >= _FEWEST_WEEKDAYS else [usual for day, usual in counts.items() if day != page.date]
    if usual_counts and not min(usual_counts) * _LOW <= count <= max(usual_counts) * _HIGH:
        between = f"between {min(usual_counts)} and {max(usual_counts)}"
        yield Doubt("count", f"{count} papers on a {page.date:%A}, where there usually are {between}")


def _lost_fields(page: ParsedPage, usual: Usual) -> Iterator[Doubt]:
    total = len(page.papers)
    if total < _FEWEST_PAPERS:
        return
    for name, count in field_counts(page.papers).items():
        share = usual.shares.get(name, 0.0)
        if share >= _USUAL_SHARE and count < _LOST_SHARE * share * total:
            yield Doubt(f"field {name}", f"{count} of {total} papers have {name}; usually {share:.0%} do")
