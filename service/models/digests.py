"""A digest: what one person gets of one day or week, and the reason for each choice. Touches nothing.

Every reason is kept as the numbers and words that it was worked out from, so that the mail, the pages, `why` and the tests
show the same one, and can work it out again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from itertools import chain
from math import ceil
from typing import NamedTuple

from msgspec import Raw, structs

from service.models.mails import Delivery
from service.models.marks import Mark
from service.models.papers import Paper
from service.models.plans import (
    DigestKind,
    Entry,
    KeptLiking,
    KeptNear,
    KeptPick,
    KeptWeek,
    LeftOutFor,
    Plan,
    SecondLook,
    Theme,
    written_pick,
)
from service.models.subscribers import Subscriber
from service.models.topics import Match, Topic

SECONDS_A_CARD = 40
SECONDS_A_LINE = 8
NEAR_MISSES = 3


@dataclass(frozen=True, slots=True)
class History:
    """What a person got and said before, as far as the next digest needs to know."""

    last_told_on: date | None = None  # the last day that was dealt with: by a mail, or by a silence with its reason
    last_planned_at: datetime | None = None  # when that was
    missed_count: int = 0  # of the person's digest days, how many passed since then without one
    held_ids: frozenset[str] = frozenset()  # what they have, or may still get
    lines: Mapping[str, tuple[date, int]] = field(default_factory=dict)  # had in a line or less: when, with how many upvotes
    marks: tuple[Mark, ...] = ()
    delivery: Delivery | None = None  # the one of the day asked about


class Standing(NamedTuple):
    """Why a pick stands where it stands: the parts of its strength, which orders the digest."""

    relevance: float = 0.0  # the best score among the person's topics, 0 to 1
    followed: float = 0.0  # the lift for somebody followed
    liking: float = 0.0  # the lift by the person's marks, negative for what is like the unwanted
    momentum: float = 0.0  # the lift for upvotes an hour
    nearness: float = 0.0  # negative: much the same as a stronger pick, so that both don't stand side by side
    near_id: str | None = None  # that stronger pick's paper

    @property
    def strength(self) -> float:
        relevance, followed, liking, momentum, nearness, _ = self
        return relevance + followed + liking + momentum + nearness


class Liking(NamedTuple):
    """What the person's marks say of a paper."""

    lift: float
    like_ids: tuple[str, ...]  # the marked papers that say most, of the lift's direction
    terms: tuple[tuple[str, float], ...]  # what they share with this one, each with its part of the lift, the largest first


_NOWHERE = Standing()


@dataclass(slots=True)  # not frozen: that makes making one three times as slow
class Pick:
    """A paper chosen for a digest, with its matches among the person's topics: those above the bar first, strongest first."""

    paper: Paper
    matches: tuple[Match, ...]
    standing: Standing = _NOWHERE
    entry: Entry = Entry.TOPIC
    followed: tuple[str, ...] = ()  # the names that the person follows, as they wrote them
    liking: Liking | None = None  # told for full cards
    second_look: SecondLook | None = None
    _kept: tuple[str, Raw] | None = field(default=None, init=False, repr=False, compare=False)
    _featured_on: date | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def kept(self) -> tuple[str, Raw]:
        """What a delivery keeps of it: the paper's id, and a KeptPick's JSON. Made once, as many people share their picks."""
        if self._kept is None:
            self._kept = self.paper.id, _kept(self)
        return self._kept

    @property
    def featured_on(self) -> date:
        """The paper's; read once, as each digest asks it of all its picks, and a stored row answers slowly."""
        if self._featured_on is None:
            self._featured_on = self.paper.featured_on
        return self._featured_on

    @property
    def chips(self) -> tuple[str, ...]:
        """The slugs of the person's topics that it fits."""
        return tuple(match.slug for match in self.matches if match.is_above)


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A new paper that has to do with the person's topics, and why it is not in."""

    pick: Pick
    cause: LeftOutFor
    detail: str  # the muted phrase; or the score and the bar that it missed, as in "0.41 of 0.50"


@dataclass(slots=True)  # not frozen: that makes making one three times as slow
class Section:
    topic: Topic | None  # None: in for another reason than a topic; each pick tells it
    picks: tuple[Pick, ...]  # at least one


@dataclass(frozen=True, slots=True)
class Week:
    """What a weekly digest tells beside its papers."""

    days: tuple[date, ...]  # those with lists, oldest first: the columns of the themes' charts
    themes: tuple[Theme, ...]  # the most risen first
    risers: tuple[Pick, ...]  # papers of this digest whose upvotes come fastest now; each stands in it as well
    missed: tuple[Pick, ...]  # the most read of the week that no topic of the person's finds


@dataclass(slots=True)  # not frozen: that makes making one three times as slow
class Digest:
    """One person's digest: what stands in it, or why there is none."""

    subscriber: Subscriber
    on: date
    since: date  # the first day whose papers it may hold; the window overlaps the last digest's for late papers
    topics: tuple[Topic, ...]  # those the person chose
    looked_at_count: int  # papers that the person's last digest did not look at already, and those that passed
    covered_from: date  # the first day that it is about; the last is `on`
    kind: DigestKind = DigestKind.DAY
    sections: tuple[Section, ...] = ()  # full cards
    lines: tuple[Pick, ...] = ()  # one line each
    unlisted: tuple[Pick, ...] = ()  # counted only; the web version lists them
    second_look: Pick | None = None  # a full card of its own
    outside: Pick | None = None  # a full card of its own
    week: Week | None = None  # weekly only
    silence: str | None = None  # why nothing passed
    left_out: tuple[LeftOut, ...] = ()  # strongest first

    @property
    def cards(self) -> tuple[Pick, ...]:
        """The full cards in their sections; the slots have one more each."""
        return tuple(chain.from_iterable([section.picks for section in self.sections]))

    @property
    def passed(self) -> tuple[Pick, ...]:
        """What passed the person's bar, best first within each kind."""
        return self.cards + self.lines + self.unlisted

    @property
    def passed_count(self) -> int:
        return sum([len(section.picks) for section in self.sections]) + len(self.lines) + len(self.unlisted)

    @property
    def earlier_count(self) -> int:
        """How many papers passed that were featured before the days that it is about: late ones, and what new topics find."""
        first = self.covered_from
        return sum([pick.featured_on < first for pick in self.passed])

    @property
    def first(self) -> Pick | None:
        """The best of what passed."""
        best = self.sections[0].picks if self.sections else self.lines or self.unlisted
        return best[0] if best else None

    @property
    def slots(self) -> tuple[Pick, ...]:
        """What stands in it beside what passed, each labelled."""
        single = tuple(pick for pick in (self.second_look, self.outside) if pick)
        return single + (self.week.missed if self.week else ())

    @property
    def picks(self) -> tuple[Pick, ...]:
        """All that the mail stands for."""
        return self.passed + self.slots

    @property
    def near_misses(self) -> tuple[Pick, ...]:
        return tuple(out.pick for out in self._near)

    @property
    def _near(self) -> tuple[LeftOut, ...]:
        return tuple(out for out in self.left_out if out.cause is not LeftOutFor.MUTED)[:NEAR_MISSES]

    @property
    def muted_count(self) -> int:
        """How many new papers of the person's topics hold a phrase that they muted."""
        return sum(out.cause is LeftOutFor.MUTED for out in self.left_out)

    @property
    def is_mailed(self) -> bool:
        return self.silence is None or self.kind is DigestKind.NOTE

    @property
    def reading_seconds(self) -> int:
        cards = sum([len(section.picks) for section in self.sections]) + bool(self.second_look) + bool(self.outside)
        lines = len(self.lines) + (len(self.week.missed) if self.week else 0)
        return cards * SECONDS_A_CARD + lines * SECONDS_A_LINE

    @property
    def minutes(self) -> int:
        return ceil(self.reading_seconds / 60)

    @property
    def kept(self) -> tuple[list[str], Plan]:
        """What a delivery keeps of it, to show the same digest again: its papers' ids, and the plan."""
        kept = [pick.kept for pick in self.picks]
        return [paper_id for paper_id, _ in kept], Plan(
            self.covered_from,
            self.kind,
            sum([len(section.picks) for section in self.sections]),
            len(self.lines),
            len(self.unlisted),
            tuple([written for _, written in kept]),
            self.silence,
            _kept_week(self.week) if self.week else None,
            tuple([KeptNear(out.pick.kept[0], out.cause, out.detail, out.pick.paper.upvotes or 0) for out in self._near]),
        )


def _kept(pick: Pick) -> Raw:
    if not (pick.followed or pick.liking or pick.second_look):
        return _kept_of_all(pick.standing, pick.paper.upvotes, pick.entry)
    liking = pick.liking
    return written_pick(
        KeptPick(
            _numbers(pick.standing),
            pick.paper.upvotes,
            pick.standing.near_id,
            pick.entry,
            pick.followed,
            KeptLiking(liking.like_ids, tuple((term, round(part, 4)) for term, part in liking.terms)) if liking else None,
            pick.second_look,
        )
    )


@lru_cache(maxsize=10_000)
def _kept_of_all(place: Standing, upvotes: int | None, entry: Entry) -> Raw:
    """Many papers stand alike for many people."""
    return written_pick(KeptPick(_numbers(place), upvotes, place.near_id, entry))


def _numbers(place: Standing) -> tuple[float, float, float, float, float]:
    relevance, followed, liking, momentum, nearness, _ = place
    return round(relevance, 4), round(followed, 4), round(liking, 4), round(momentum, 4), round(nearness, 4)


def _kept_week(week: Week) -> KeptWeek:
    themes = tuple(structs.replace(theme, usual=round(theme.usual, 2)) for theme in week.themes)
    return KeptWeek(week.days, themes, tuple(pick.paper.id for pick in week.risers))
