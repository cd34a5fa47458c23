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
    In a week of more papers than usual nothing rises that only grew with it. None where less than a week before it is stored.
    """
    begin = days[0] - timedelta(weeks=_WEEKS_BEFORE)
    before: Counter[str] = Counter()
    days_before: set[date] = set()
    within: dict[date, Counter[str]] = {day: Counter() for day in days}
    paper_count = count_before = 0
    for paper in papers:
        on = paper.featured_on
        if on in within:
            within[on].update(paper.tags)
            paper_count += 1
        elif begin <= on < days[0]:
            before.update(paper.tags)
            days_before.add(on)
            count_before += 1
    weeks = len(days_before.intersection(listed_days(begin, days[0]))) / len(days)
    if weeks < 1:
        return ()
    tags = set().union(*within.values())
    found = [Theme(tag, tuple([within[day][tag] for day in days]), before[tag] / weeks) for tag in tags]
    growth = max(1.0, paper_count * weeks / count_before)
    risen = [theme for theme in found if theme.count >= _LEAST_COUNT and _rise(theme, growth) >= _LEAST_RISE]
    return tuple(sorted(risen, key=lambda theme: (-_rise(theme, growth), theme.tag))[:_THEMES])


def _rise(theme: Theme, growth: float) -> float:
    expected = theme.usual * growth
    return (theme.count - expected) / sqrt(expected + 1)
