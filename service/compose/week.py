"""What a weekly digest tells beside its papers: the days with lists, the themes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import sqrt

from service.models import Paper, Theme, listed_days

MISSED = RISERS = 3
_THEMES = 5
_WEEKS_BEFORE = 4
_LEAST_COUNT = 3  # papers of a theme
_LEAST_RISE = 1.0  # in standard deviations of what is usual


def themes(papers: Iterable[Paper], days: Sequence[date]) -> tuple[Theme, ...]:
    """The tags that rose most in the week of `days` against the four weeks before it, as far as those are stored.

    A count of papers varies as its square root does (Poisson), so the rise is told in that; one is added for what was rare.
    None where less than a week before it is stored.
    """
    begin = days[0] - timedelta(weeks=_WEEKS_BEFORE)
    before: Counter[str] = Counter()
    days_before: set[date] = set()
    within: dict[date, Counter[str]] = {day: Counter() for day in days}
    for paper in papers:
        on = paper.featured_on
        if on in within:
            within[on].update(paper.tags)
        elif begin <= on < days[0]:
            before.update(paper.tags)
            days_before.add(on)
    weeks = len(days_before.intersection(listed_days(begin, days[0]))) / len(days)
    if weeks < 1:
        return ()
    tags = set().union(*within.values())
    found = [Theme(tag, tuple([within[day][tag] for day in days]), before[tag] / weeks) for tag in tags]
    risen = [theme for theme in found if theme.count >= _LEAST_COUNT and _rise(theme) >= _LEAST_RISE]
    return tuple(sorted(risen, key=lambda theme: (-_rise(theme), theme.tag))[:_THEMES])


def _rise(theme: Theme) -> float:
    return (theme.count - theme.usual) / sqrt(theme.usual + 1)
