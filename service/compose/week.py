"""What a weekly digest tells beside its papers: the days with lists, the themes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import sqrt

from service.models import Paper, Theme

MISSED = RISERS = 3
_THEMES = 5
_WEEKS_BEFORE = 4
_LEAST_COUNT = 3  # papers of a theme
_LEAST_RISE = 1.0  # in standard deviations of what is usual


def listed_days(first: date, last: date) -> tuple[date, ...]:
    """The days on which the source makes lists: none on Saturdays and Sundays."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(day for day in days if day.weekday() < 5)


def themes(papers: Iterable[Paper], days: Sequence[date]) -> tuple[Theme, ...]:
    """The tags that rose most in the week of `days` against the four weeks before it.

    A count of papers varies as its square root does (Poisson), so the rise is told in that; one is added for what was rare.
    """
    counts: dict[str, Counter[date]] = {}
    for paper in papers:
        for tag in paper.tags:
            counts.setdefault(tag, Counter())[paper.featured_on] += 1
    found = [_theme(tag, by_day, days) for tag, by_day in counts.items()]
    risen = [theme for theme in found if theme.count >= _LEAST_COUNT and _rise(theme) >= _LEAST_RISE]
    return tuple(sorted(risen, key=lambda theme: (-_rise(theme), theme.tag))[:_THEMES])


def _theme(tag: str, by_day: Counter[date], days: Sequence[date]) -> Theme:
    begin = days[0] - timedelta(weeks=_WEEKS_BEFORE)
    before = sum(count for day, count in by_day.items() if begin <= day < days[0])
    return Theme(tag, tuple(by_day[day] for day in days), before / _WEEKS_BEFORE)


def _rise(theme: Theme) -> float:
    return (theme.count - theme.usual) / sqrt(theme.usual + 1)
