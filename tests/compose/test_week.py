from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from service.models import DigestKind, Entry, Paper
from tests.builders import DAY, paper, subscriber
from tests.test_compose import compose, ids

WEEKLY = subscriber(topics=["agents"], cadence="weekly:fri")


def tagged(number: int, tag: str, on: date, **fields: Any) -> Paper:
    return paper(f"2610.{number:05d}", f"Thing{number}", abstract="It is.", tags=[tag], featured_on=on, **fields)


def week(papers: list[Paper], person: Any = WEEKLY, **more: Any) -> Any:
    return compose(papers, person, since=DAY - timedelta(days=6), **more)


def test_themes_are_the_tags_that_rose_against_the_four_weeks_before() -> None:
    monday = DAY - timedelta(days=3)
    earlier = [tagged(n, "common", DAY - timedelta(days=7 + n % 28)) for n in range(40)]
    now = [tagged(100 + n, "common", monday) for n in range(10)]
    now += [tagged(200 + n, "rising", monday + timedelta(days=n % 3)) for n in range(5)]
    now += [tagged(300 + n, "rare", monday) for n in range(2)]
    digest = week([paper("2610.00999", "Agents"), *now], earlier=[*earlier, *now])
    assert digest.kind is DigestKind.WEEKLY
    assert digest.week
    assert digest.week.days == (*(date(2026, 9, day) for day in (25, 28, 29, 30)), DAY)
    assert [(theme.tag, theme.counts, theme.usual) for theme in digest.week.themes] == [("rising", (0, 2, 2, 1, 0), 0)]


def test_what_is_usual_is_told_by_the_days_before_that_are_stored_and_nothing_rises_where_those_are_too_few() -> None:
    now = [tagged(n, "robots", DAY) for n in range(9)]
    weekdays = [date(2026, 9, day) for day in (15, 16, 17, 18, 21, 22, 23, 24)]
    before = [tagged(100 + n, "robots", day) for n, day in enumerate(weekdays)]
    before += [tagged(200 + n, f"tag {n}", day) for n, day in enumerate(weekdays)]
    assert themes_of(now) == []
    assert themes_of([*before[4:8], *now]) == []
    assert themes_of([*before, *now]) == [("robots", 9, 5)]


def test_what_only_grew_as_the_whole_week_did_does_not_rise() -> None:
    weekdays = [date(2026, 9, day) for day in (21, 22, 23, 24)] + [date(2026, 9, day) for day in (14, 15, 16, 17, 18)]
    before = [tagged(10 * n + m, "common", day) for n, day in enumerate(weekdays) for m in range(4)]
    now = [tagged(200 + n, "common", DAY) for n in range(50)] + [tagged(300 + n, "robots", DAY) for n in range(4)]
    assert themes_of([*before, *now]) == [("robots", 4, 0)]


def themes_of(earlier: list[Paper]) -> list[tuple[str, int, float]]:
    digest = week([paper("2610.00999", "Agents")], earlier=earlier)
    return [(theme.tag, theme.count, theme.usual) for theme in digest.week.themes]


def test_risers_are_of_the_digest_and_the_missed_are_the_most_read_outside_it() -> None:
    papers = [
        paper("2610.00001", "Agents", velocity=40.0),
        paper("2610.00002", "Agents", velocity=90.0),
        paper("2610.00003", "Agents", velocity=1.0),
        *(paper(f"2610.{n:05d}", "Soup", upvotes=10 * n) for n in range(4, 12)),
    ]
    digest = week(papers)
    assert digest.week
    assert [pick.paper.id for pick in digest.week.risers] == ["2610.00002", "2610.00001"]
    assert [pick.paper.id for pick in digest.week.missed] == ["2610.00011", "2610.00010", "2610.00009"]
    assert {pick.entry for pick in digest.week.missed} == {Entry.MISSED}
    assert len(ids(digest)) == 6
    assert digest.outside is None
    quiet = subscriber(topics=["agents"], cadence="weekly:fri", with_outside=False)
    assert week(papers, quiet).week.missed == ()
