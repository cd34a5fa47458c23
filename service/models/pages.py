"""Answers of the source: what one says, what is stored of it, and what is doubtful about it. Touches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import JSON, ForeignKey
from sqlmodel import Field, SQLModel

from service.models.papers import ParsedPaper


class Form(StrEnum):
    """The forms in which the source answers; each has a parser of its own."""

    PAYLOAD = "hydration payload"  # a list page's JSON, of 2024 or of 2026
    PAPER_PAGE = "paper page"
    API = "JSON API"
    CARDS = "cards"  # a list page whose payload is gone
    TEXT = "plain text"  # as reader mode or copy-and-paste gives a list page


# The order of trust. Of one field, what a form tells is kept until a form of the same trust or more tells another; only
# counts always follow the newest answer. Cards cut names and show no abstract; text has lost every link.
TRUST = {Form.TEXT: 0, Form.CARDS: 1, Form.PAYLOAD: 2, Form.PAPER_PAGE: 2, Form.API: 2}


class Doubt(NamedTuple):
    """Something about an answer that is not as it should be, or not as it usually is."""

    cause: str  # the same whenever it comes again: a cause is told once
    words: str


@dataclass(frozen=True, slots=True)
class ParsedPage:
    form: Form
    period: str | None  # what its list covers: "day", "week", "month", "trending", "search", "paper"
    date: date | None  # the day shown
    papers: tuple[ParsedPaper, ...]
    rejected: tuple[str, ...] = ()  # records that could not be read, each with its reason
    doubts: tuple[Doubt, ...] = ()
    card_ids: tuple[str, ...] = ()  # the papers of the cards beside a payload


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
    part: int = 0  # of a list that comes in several answers, from 0
    goes_on: bool = False  # in the next part
    rejected: list[str] = Field(default=[], sa_type=JSON)  # each record's reason
    warnings: list[str] = Field(default=[], sa_type=JSON)  # its doubts, in words
    causes: list[str] = Field(default=[], sa_type=JSON)  # of the warnings, in their order
    field_counts: dict[str, int] = Field(default={}, sa_type=JSON)  # how many papers had each field

    @property
    def is_suspect(self) -> bool:
        return bool(self.causes)

    @property
    def stored_count(self) -> int:
        return self.new_count + self.known_count + self.changed_count

    @property
    def paper_count(self) -> int:
        return self.stored_count + len(self.rejected)


class Answer(SQLModel, table=True):
    """The bytes of one of the last answers, kept to be read again."""

    page_id: int = Field(sa_column_args=[ForeignKey("page.id", ondelete="CASCADE")], primary_key=True)
    content: bytes  # gzip


class Validator(SQLModel, table=True):
    """What the source calls the state of an address, to ask for it only where it changed (RFC 9110, 13.1)."""

    address: str = Field(primary_key=True)
    etag: str | None = None
    last_modified: str | None = None
    digest: str  # of the answer, to be sure that the one kept is meant


class Turn(SQLModel, table=True):
    """From when on a host may be asked again: its interval has passed, and the time for which it asked to be left alone."""

    host: str = Field(primary_key=True)
    at: datetime


class RequestCount(SQLModel, table=True):
    """How many requests went out on a day, in UTC."""

    day: date = Field(primary_key=True)
    count: int = 0


class Alarm(SQLModel, table=True):
    """One cause of doubt while it lasts: from the first suspect answer to the next sound one of that kind."""

    cause: str = Field(primary_key=True)
    words: str
    page_id: int = Field(sa_column_args=[ForeignKey("page.id", ondelete="CASCADE")])  # where it was seen last
    since: datetime
    seen_at: datetime  # last
    told_at: datetime | None = None  # when the mail to the administrator was handed over

    @property
    def kind_of_doubt(self) -> str:
        """The doubt's own cause, without the kind of answer in which it was found."""
        return self.cause.partition(": ")[2]


def listed_days(first: date, last: date) -> tuple[date, ...]:
    """The days on which the source makes lists: none on Saturdays and Sundays."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return tuple(day for day in days if day.weekday() < 5)
