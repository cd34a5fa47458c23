"""What a delivery keeps of its digest, to show the same one again: a plan. Touches nothing.

Structs, and no dataclasses: they are read from JSON, for each mail of a wave, and written.
What a digest and its plan hold alike stands here too.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum

import msgspec
from msgspec import Raw, Struct


class DigestKind(StrEnum):
    DAY = "day"
    CATCH_UP = "catch-up"  # the best of the days that the person missed
    WEEKLY = "weekly"
    NOTE = "note"  # nothing passed, and the person wants to be told


class Entry(StrEnum):
    """Why a paper is in."""

    TOPIC = "topic"  # above the bar of one of the person's topics, and above their own
    FOLLOWED = "followed"  # by somebody whom the person follows
    OUTSIDE = "outside"  # of no topic of theirs: the slot for what others read
    SECOND_LOOK = "second look"  # they had it in a line before, and it took off since
    MISSED = "missed"  # of no topic of theirs, and among the most read of the week
    EARLIER = "earlier"  # chosen earlier, and no topic of theirs finds it now


class LeftOutFor(StrEnum):
    """Why a paper of the person's topics is not in."""

    BELOW_TOPIC = "below the topic's bar"
    BELOW_MINIMUM = "below your minimum"
    MUTED = "muted phrase"


class SecondLook(Struct, frozen=True, array_like=True):
    """The one exception to "a paper once": how a paper took off since the person had it in a line."""

    first_on: date  # the day of the digest that held it
    upvotes_then: int
    upvotes_now: int


class KeptLiking(Struct, frozen=True):
    """Of a Liking; its lift is in the standing."""

    ids: tuple[str, ...]
    terms: tuple[tuple[str, float], ...]


class KeptPick(Struct, frozen=True, omit_defaults=True):
    """Of a Pick, whose paper is told apart. A year holds millions of these, so the defaults are left out."""

    at: tuple[float, float, float, float, float]  # the numbers of its Standing
    up: int | None = None  # the paper's upvotes then
    near: str | None = None
    entry: Entry = Entry.TOPIC
    followed: tuple[str, ...] = ()
    liking: KeptLiking | None = None
    look: SecondLook | None = None

    @property
    def is_personal(self) -> bool:
        """It tells what only one person has so."""
        return bool(self.followed or self.liking or self.look)


class KeptNear(Struct, frozen=True, array_like=True):
    """Of a LeftOut that was a near miss."""

    paper_id: str
    cause: LeftOutFor
    detail: str
    up: int | None = None  # the paper's upvotes then; None in plans from before they were kept


class Theme(Struct, frozen=True, array_like=True):
    """A tag that rose this week."""

    tag: str
    counts: tuple[int, ...]  # papers on each of the week's days
    usual: float  # papers a week, on average over the four weeks before, as far as those are stored

    @property
    def count(self) -> int:
        return sum(self.counts)


class KeptWeek(Struct, frozen=True):
    days: tuple[date, ...]
    themes: tuple[Theme, ...]
    risers: tuple[str, ...]  # the papers' ids


class Plan(Struct, frozen=True, omit_defaults=True):
    """Of a Digest, whose papers the delivery names in the same order."""

    covered_from: date | None = None  # None: from before there were plans
    kind: DigestKind = DigestKind.DAY
    cards: int = 0  # how many picks are full cards in their sections
    lines: int = 0  # how many behind these are one line each
    unlisted: int = 0  # how many behind these are only counted; the others are slots
    picks: tuple[Raw, ...] = ()  # each a KeptPick's JSON: most were told to others as well, and are known by these bytes
    silence: str | None = None
    week: KeptWeek | None = None
    near: tuple[KeptNear, ...] = ()


_PICK = msgspec.json.Decoder(KeptPick)


def written_pick(pick: KeptPick) -> Raw:
    return Raw(msgspec.json.encode(pick))


def read_pick(written: Raw | bytes) -> KeptPick:
    """Raises msgspec.ValidationError."""
    return _PICK.decode(written)
