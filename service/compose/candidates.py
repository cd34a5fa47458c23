"""A paper as it stands for those who chose the same topics: its relevance, its momentum, its order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from service.models import LeftOut, Match, Paper, Pick, Topic

FAINT = 0.2  # a match of a lower score says nothing
MOMENTUM_LIFT = 0.15  # the most that upvotes an hour can lift
HALF_LIFT_AT = 2.0  # upvotes an hour

Ids = frozenset[str]


class Choice(NamedTuple):
    """The topics that somebody chose, in the catalogue's order."""

    slugs: tuple[str, ...]
    mask: int  # as a set of bits
    topics: Mapping[str, Topic]


class News(NamedTuple):
    """What is new to those whose last digests looked at the same."""

    ids: Ids
    by_topic: Mapping[str, Ids]  # those that have to do with it, above its bar or not


class Candidate(NamedTuple):
    """A paper as it stands for all who chose the same of its topics. Sorted, the strongest comes first."""

    order: tuple[float, int, str]  # strongest first, then most upvotes, then by id
    pick: Pick
    home: str | None  # the topic that it stands under

    @property
    def id(self) -> str:
        return self.order[2]


class Below(NamedTuple):
    """A paper that is left out, in the candidates' order."""

    order: tuple[float, int, str]
    out: LeftOut


def candidate(pick: Pick) -> Candidate:
    paper = pick.paper
    home = pick.matches[0].slug if pick.matches and pick.matches[0].is_above else None
    return Candidate((-pick.standing.strength, -(paper.upvotes or 0), paper.id), pick, home)


def upvotes_an_hour(paper: Paper, on: date) -> float:
    """Lately, or since the day it was featured began, whichever is more; `on` ends at midnight in UTC."""
    begin = datetime.combine(paper.featured_on, time(), UTC)
    age = datetime.combine(on, time(), UTC) + timedelta(days=1) - begin
    return max((paper.upvotes or 0) / max(age / timedelta(hours=1), 1.0), (paper.velocity or 0.0) / 24, 0.0)


def momentum_lift(upvotes_an_hour: float) -> float:
    return MOMENTUM_LIFT * upvotes_an_hour / (upvotes_an_hour + HALF_LIFT_AT)


def telling(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Those that say something; above the topics' bars first, each kind strongest first."""
    found = (match for match in matches if match.is_above or match.score >= FAINT)
    return tuple(sorted(found, key=lambda match: (not match.is_above, -match.score, match.slug)))
