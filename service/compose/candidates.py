"""A paper as it stands for those who chose the same topics: its relevance, its momentum, its order. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import attrgetter
from typing import NamedTuple

from service.models import Entry, LeftOut, LeftOutFor, Match, Paper, Pick, Standing, Topic

MOMENTUM_LIFT = 0.15  # the most that upvotes an hour can lift
HALF_LIFT_AT = 2.0  # upvotes an hour

Ids = frozenset[str]
Order = tuple[float, int, str]  # strongest first, then most upvotes, then by id

in_order = attrgetter("order")  # the key by which candidates are sorted


class Choosable(NamedTuple):
    """A topic of the catalogue; they sort in its order."""

    bit: int  # its own, in a set of topics
    slug: str
    topic: Topic


@dataclass(slots=True)
class Choice:
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


@dataclass(slots=True)  # not frozen: that makes making one three times as slow
class Candidate:
    """A paper as it stands for all who chose the same of its topics, or for one person alone."""

    order: Order
    pick: Pick
    placed: tuple[str | None, Pick]  # the pick under its home
    out: LeftOut | None  # why it is not in

    def standing_as(self, standing: Standing, entry: Entry, followed: tuple[str, ...] = ()) -> Candidate:
        """With a pick of its own."""
        (_, upvotes, key), pick = self.order, self.pick
        own = Pick(pick.paper, pick.matches, standing, entry, followed)
        return Candidate((-standing.strength, upvotes, key), own, (self.placed[0], own), self.out)


def candidate(pick: Pick, out: LeftOut | None = None) -> Candidate:
    paper = pick.paper
    return Candidate((-pick.standing.strength, -(paper.upvotes or 0), paper.id), pick, (home(pick), pick), out)


class Candidates(dict[int, Candidate]):
    """A paper as it stands for those who chose these of its topics, a set of bits: made when somebody asks first."""

    __slots__ = ("_choosable", "_lift", "_matches", "_paper", "mask")

    def __init__(
        self, paper: Paper, matches: tuple[Match, ...], upvotes_an_hour: float, choosable: Mapping[str, Choosable]
    ) -> None:
        self._paper, self._matches, self._choosable = paper, matches, choosable
        self._lift = momentum_lift(upvotes_an_hour)
        self.mask = sum([choosable[match.slug].bit for match in matches])  # all of its topics

    def __missing__(self, mask: int) -> Candidate:
        own = tuple([match for match in self._matches if self._choosable[match.slug].bit & mask])
        standing = Standing(own[0].score if own else 0.0, momentum=self._lift)
        pick = Pick(self._paper, own, standing)
        made = self[mask] = candidate(pick, self._below_bar(pick) if own and not own[0].is_above else None)
        return made

    def _below_bar(self, pick: Pick) -> LeftOut:
        best = pick.matches[0]
        return LeftOut(pick, LeftOutFor.BELOW_TOPIC, f"{best.score:.2f} of {self._choosable[best.slug].topic.threshold:.2f}")


def home(pick: Pick) -> str | None:
    """The topic that it fits best, where it is above that one's bar."""
    return pick.matches[0].slug if pick.matches and pick.matches[0].is_above else None


def upvotes_an_hour(paper: Paper, on: date) -> float:
    """Lately, or since the day it was featured began, whichever is more; `on` ends at midnight in UTC."""
    begin = datetime.combine(paper.featured_on, time(), UTC)
    age = datetime.combine(on, time(), UTC) + timedelta(days=1) - begin
    return max((paper.upvotes or 0) / (age / timedelta(hours=1)), (paper.velocity or 0.0) / 24)


def momentum_lift(upvotes_an_hour: float) -> float:
    return MOMENTUM_LIFT * upvotes_an_hour / (upvotes_an_hour + HALF_LIFT_AT)
