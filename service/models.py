"""Every noun of Paperround: stored rows first, then the frozen values that only flow. Touches nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, CheckConstraint, ForeignKey, MetaData, UniqueConstraint
from sqlmodel import Field, SQLModel

# Named constraints from the first migration on: SQLite can only change what has a name.
metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_key() -> str:
    """A random name that stays valid when rows move to another database, unlike a row number."""
    return uuid.uuid4().hex


WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class SubscriberState(StrEnum):
    ACTIVE = "active"
    UNSUBSCRIBED = "unsubscribed"


class DeliveryState(StrEnum):
    PLANNED = "planned"  # chosen, nothing sent yet
    SENDING = "sending"  # a process is handing it over
    ACCEPTED = "accepted"  # the mail server took it
    DEFERRED = "deferred"  # refused for now, tried again
    REJECTED = "rejected"  # refused for good
    UNKNOWN = "unknown"  # handed over, the answer was lost
    EXPIRED = "expired"  # too old to send
    SKIPPED = "skipped"  # no mail, with the reason


# Deliveries in these states hold their papers: the person has them, or may still get them.
HOLDING_STATES = tuple(state for state in DeliveryState if state not in ("rejected", "expired", "skipped"))
# Deliveries in these states still want to be sent.
OPEN_STATES = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)


def _one_of(states: type[StrEnum]) -> str:
    return f"state IN ({', '.join(repr(str(state)) for state in states)})"


# ---- rows: only store/ assigns to their attributes


class Page(SQLModel, table=True):
    """One answer of the source, or the failure to get one."""

    id: int | None = Field(default=None, primary_key=True)
    address: str
    fetched_at: datetime = Field(index=True)
    error: str | None = None
    form: str | None = None
    period: str | None = None
    shown_on: date | None = None
    new_count: int = 0
    known_count: int = 0
    changed_count: int = 0
    asked_on: date | None = None  # the day asked for
    rejected: list[str] = Field(default_factory=list, sa_type=JSON)  # each record's reason
    warnings: list[str] = Field(default_factory=list, sa_type=JSON)


class Paper(SQLModel, table=True):
    """A paper as the source last told of it, with its summary. Its identity is the arXiv id without version."""

    id: str = Field(primary_key=True)
    title: str
    abstract: str | None = None
    authors: list[str] | None = Field(default=None, sa_type=JSON)
    author_count: int | None = None
    organization: str | None = None
    published_on: date | None = None
    featured_on: date = Field(index=True)  # the first day it stood on the page
    upvotes: int | None = None
    comments: int | None = None
    code_url: str | None = None
    code_stars: int | None = None
    project_url: str | None = None
    thumbnail_url: str | None = None
    source_keywords: list[str] | None = Field(default=None, sa_type=JSON)
    source_summary: str | None = None
    first_seen_at: datetime
    seen_at: datetime

    tldr: str | None = None
    problem: str | None = None
    result: str | None = None
    tags: list[str] = Field(default_factory=list, sa_type=JSON)
    written_by: str | None = None  # "authors" or "model"
    summary_error: str | None = None  # why a model's summary was not taken
    summary_next_try_at: datetime | None = None

    @property
    def is_sample(self) -> bool:
        """arXiv has no month 00, so a sample paper can never pass for a real one."""
        return self.id.startswith("2600.")


class Topic(SQLModel, table=True):
    """What a subscriber chooses and an admin tunes. `position` keeps the catalogue's order."""

    slug: str = Field(primary_key=True)
    name: str
    description: str = ""
    threshold: float = 0.5
    any_phrases: list[str] = Field(default_factory=list, sa_type=JSON)
    all_phrases: list[str] = Field(default_factory=list, sa_type=JSON)
    none_phrases: list[str] = Field(default_factory=list, sa_type=JSON)
    position: int = 0


class Subscriber(SQLModel, table=True):
    __table_args__ = (
        CheckConstraint(_one_of(SubscriberState), name="state"),
        CheckConstraint("hour BETWEEN 0 AND 23", name="hour"),
    )

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)
    email: str = Field(unique=True)
    state: str = SubscriberState.ACTIVE
    topics: list[str] = Field(default_factory=list, sa_type=JSON)  # slugs
    zone: str = "UTC"  # IANA name
    hour: int = 8  # local
    cadence: str = "daily"  # daily, weekdays, weekly:mon ... weekly:sun
    added_at: datetime
    next_digest_at: datetime | None = Field(default=None, index=True)  # None: to be worked out


class Suppression(SQLModel, table=True):
    """An address that must not be taken in again, kept as a hash when its owner was erased."""

    address_hash: str = Field(primary_key=True)
    reason: str
    added_at: datetime


class Issue(SQLModel, table=True):
    """One wave of sending. Its recipients are frozen when it is planned."""

    id: int | None = Field(default=None, primary_key=True)
    started_by: str  # "send-now"
    planned_at: datetime = Field(index=True)


class Delivery(SQLModel, table=True):
    """One subscriber's part of an issue: the papers that one mail stands for, and what became of it."""

    __table_args__ = (UniqueConstraint("subscriber_id", "digest_on"), CheckConstraint(_one_of(DeliveryState), name="state"))

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)  # names the mail: its Message-ID
    issue_id: int = Field(sa_column_args=[ForeignKey("issue.id")], index=True)
    subscriber_id: int = Field(sa_column_args=[ForeignKey("subscriber.id", ondelete="CASCADE")])
    digest_on: date  # D
    since_on: date  # the first day of the digest's window
    state: str = Field(default=DeliveryState.PLANNED, index=True)
    reason: str | None = None  # why skipped, deferred, rejected, unknown or expired
    topics: list[str] = Field(default_factory=list, sa_type=JSON)  # what the person had chosen then
    paper_ids: list[str] = Field(default_factory=list, sa_type=JSON)
    looked_at_count: int = 0  # papers in the window that were new to the person
    attempts: int = 0
    next_try_at: datetime | None = None
    lease_until: datetime | None = None
    smtp_reply: str | None = None
    planned_at: datetime
    settled_at: datetime | None = None  # when accepted, rejected or expired


# ---- values: frozen, never stored as they are


@dataclass(frozen=True, slots=True)
class ParsedPaper:
    """What one page says of one paper; None where it does not tell."""

    id: str | None  # arXiv id without version
    title: str
    abstract: str | None = None
    authors: tuple[str, ...] | None = None  # without hidden ones
    author_count: int | None = None
    organization: str | None = None
    published_on: date | None = None  # on arXiv
    featured_on: date | None = None  # on the source's page
    upvotes: int | None = None
    comments: int | None = None
    code_url: str | None = None
    code_stars: int | None = None
    project_url: str | None = None
    thumbnail_url: str | None = None
    source_keywords: tuple[str, ...] | None = None
    source_summary: str | None = None


@dataclass(frozen=True, slots=True)
class ParsedPage:
    form: str  # which parser read it
    period: str | None  # "day", "week", "month"
    date: date | None  # the day shown
    papers: tuple[ParsedPaper, ...]
    rejected: tuple[str, ...] = ()  # records that could not be read, each with its reason
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    tldr: str | None
    problem: str | None
    result: str | None
    written_by: str  # "authors" or "model"


@dataclass(frozen=True, slots=True)
class Reason:
    """One phrase of a topic's filter, found in one field of a paper."""

    phrase: str
    field: str  # "title", "keywords" or "abstract"
    weight: float


@dataclass(frozen=True, slots=True)
class Match:
    """How well a paper fits a topic (0 to 1), and the computation behind it."""

    slug: str
    score: float
    is_above: bool  # of the topic's threshold
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Pick:
    """A paper chosen for a digest, with its matches among the person's topics, strongest first."""

    paper: Paper
    matches: tuple[Match, ...]


@dataclass(frozen=True, slots=True)
class Section:
    topic: Topic | None  # None: chosen earlier, and no topic of the person's finds it today
    picks: tuple[Pick, ...]


@dataclass(frozen=True, slots=True)
class Digest:
    """One person's digest of one day: what stands in it, or why there is none."""

    subscriber: Subscriber
    on: date
    since: date
    topics: tuple[Topic, ...]  # those the person chose
    looked_at_count: int
    sections: tuple[Section, ...] = ()  # full cards
    lines: tuple[Pick, ...] = ()  # one line each
    unlisted: tuple[Pick, ...] = ()  # counted only
    silence: str | None = None  # why there is no mail
    near_misses: tuple[Pick, ...] = ()

    @property
    def cards(self) -> tuple[Pick, ...]:
        return tuple(pick for section in self.sections for pick in section.picks)

    @property
    def picks(self) -> tuple[Pick, ...]:
        """All that the mail stands for, best first within each kind."""
        return self.cards + self.lines + self.unlisted


@dataclass(frozen=True, slots=True)
class Email:
    subject: str
    html: str
    text: str


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mails come from, and where their links lead."""

    mail_from: str
    public_url: str
    link_keys: tuple[str, ...] = field(repr=False)  # newest first; the newest signs
