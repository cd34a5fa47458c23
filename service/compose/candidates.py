"""A paper as it stands for those who chose the same topics: its relevance, its momentum, its order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from typing import NamedTuple

from service.models import Entry, LeftOut, Match, Paper, Pick, Standing, Topic

MOMENTUM_LIFT = 0.15  # the most that upvotes an hour can lift
HALF_LIFT_AT = 2.0  # upvotes an hour

Ids = frozenset[str]
Order = tuple[float, int, str]  # strongest first, then most upvotes, then by id

in_order = itemgetter(0)  # the key by which candidates are sorted


class Choice(NamedTuple):
    """The topics that somebody chose, in the catalogue's order."""

    slugs: Sequence[str]
    topics: tuple[Topic, ...]
    mask: int  # as a set of bits


class News(NamedTuple):
    """What is new to those whose last digests looked at the same."""

    ids: Ids
    by_topic: Mapping[str, Ids]  # of them, those that have to do with it; and all of the window that are above its bar
    most_read: tuple[tuple[str, int], ...]  # those read enough to be shown to whom they don't concern, with the topics that
    # they have to do with as a set of bits; the most upvoted first


class Candidate(NamedTuple):
    """A paper as it stands for all who chose the same of its topics, or for one person alone."""

    order: Order
    pick: Pick
    home: str | None
    out: LeftOut | None  # why it is not in

    def standing_as(self, standing: Standing, entry: Entry, followed: tuple[str, ...] = ()) -> Candidate:
        """With a pick of its own."""
        (_, upvotes, key), pick, home, out = self
        own = Pick(pick.paper, pick.matches, standing, entry, followed)
        return Candidate((-standing.strength, upvotes, key), own, home, out)


def candidate(pick: Pick, out: LeftOut | None = None) -> Candidate:
    paper = pick.paper
    return Candidate((-pick.standing.strength, -(paper.upvotes or 0), paper.id), pick, home(pick), out)


def home(pick: Pick) -> str | None:
    """The topic that it fits best, where it is above that one's bar."""
    return pick.matches[0].slug if pick.matches and pick.matches[0].is_above else None


def upvotes_an_hour(paper: Paper, on: date) -> float:
    """Lately, or since the day it was featured began, whichever is more; `on` ends at midnight in UTC."""
    begin = datetime.combine(paper.featured_on, time(), UTC)
    age = datetime.combine(on, time(), UTC) + timedelta(days=1) - begin
    return max((paper.upvotes or 0) / max(age / timedelta(hours=1), 1.0), (paper.velocity or 0.0) / 24, 0.0)


def momentum_lift(upvotes_an_hour: float) -> float:
    return MOMENTUM_LIFT * upvotes_an_hour / (upvotes_an_hour + HALF_LIFT_AT)


def best_first(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Those above the topics' bars before the near misses, each kind strongest first."""
    return tuple(sorted(matches, key=lambda match: (not match.is_above, -match.score, match.slug)))
