"""Subscribers, and the addresses that must not be taken in again. Touches nothing."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TypedDict, cast

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from service.models.rows import Json, new_key, one_of

LANGUAGES = ("en", "de")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SubscriberState(StrEnum):
    PENDING = "pending"  # asked, not confirmed yet
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


class Wishes(TypedDict):
    """What a person asks of each digest, as their row holds it."""

    topics: list[str]
    cadence: str
    length: str
    minimum_score: float
    followed: list[str]
    muted: list[str]
    with_outside: bool


class Subscriber(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint(one_of(SubscriberState), name="state"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
        CheckConstraint(f"language IN {LANGUAGES}", name="language"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)
    email: str = Field(unique=True)
    state: str = SubscriberState.ACTIVE
    topics: list[str] = Field(default=[], sa_type=Json(list[str]))  # slugs
    zone: str = "UTC"  # IANA name
    hour: int = 8  # local
    cadence: str = "daily"  # daily, weekdays, weekly:mon ... weekly:sun
    paused_until: date | None = None  # the local day on which mail begins again
    length: str = "minutes:6"  # of reading, minutes:3 ... minutes:30; or papers:5 ... papers:50
    minimum_score: float = 0.0  # 0 to 1: what a topic must reach beside its own bar
    followed: list[str] = Field(default=[], sa_type=Json(list[str]))  # authors and organisations, by name
    muted: list[str] = Field(default=[], sa_type=Json(list[str]))  # phrases
    language: str = "en"  # of what we say; papers stay in theirs
    with_abstract: bool = False  # beside the summary
    with_outside: bool = True  # a paper outside their topics
    with_note: bool = False  # a short mail when nothing passes
    added_at: datetime
    unsubscribed_at: datetime | None = None
    next_digest_at: datetime | None = Field(default=None, index=True)  # None: to be worked out

    @property
    def wishes(self) -> Wishes:
        """For composing, where reading seven attributes of a mapped row would be an eighth of all work."""
        return cast("Wishes", vars(self))


def is_weekly(cadence: str) -> bool:
    return cadence.startswith("weekly")


class Suppression(SQLModel, table=True):
    """An address that must not be taken in again, kept as a hash when its owner was erased."""

    address_hash: str = Field(primary_key=True)
    reason: str
    added_at: datetime
