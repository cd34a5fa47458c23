"""What is mailed: issues, deliveries, notices, emails and their links. Touches nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple

import msgspec
from pydantic import field_serializer
from sqlalchemy import JSON, CheckConstraint, ForeignKey, UniqueConstraint
from sqlmodel import Field, SQLModel

from service.models.plans import DigestKind, Plan
from service.models.rows import Json, new_key, one_of


class DeliveryState(StrEnum):
    PLANNED = "planned"  # chosen, nothing sent yet
    SENDING = "sending"  # a worker is handing it over
    ACCEPTED = "accepted"  # the mail server took it
    DEFERRED = "deferred"  # refused for now, tried again
    REJECTED = "rejected"  # refused for good
    UNKNOWN = "unknown"  # handed over, the answer was lost
    EXPIRED = "expired"  # too old to send
    SKIPPED = "skipped"  # no mail, with the reason


# Deliveries in these states hold their papers: the person has them, or may still get them.
HOLDING_STATES = tuple(state for state in DeliveryState if state not in ("rejected", "expired", "skipped"))
# Mails in these states still want to be sent.
OPEN_STATES = (DeliveryState.PLANNED, DeliveryState.DEFERRED, DeliveryState.UNKNOWN)
# Of these, mails that surely never arrived.
UNSENT_STATES = (DeliveryState.PLANNED, DeliveryState.DEFERRED)
# Mails in these states are done; an issue is complete when all of its deliveries are.
DONE_STATES = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.EXPIRED, DeliveryState.SKIPPED)


class Bounce(StrEnum):
    """Why a mail was refused for good (RFC 3463), or why it waits: the server takes none of ours."""

    HARD = "hard"  # there is no such mailbox: the address is suppressed
    SOFT = "soft"  # this mail, for now: a full mailbox, say
    POLICY = "policy"  # our reputation, our login or our mail; not the person


class Issue(SQLModel, table=True):
    """One wave of sending. Its recipients are frozen when it is planned."""

    id: int | None = Field(default=None, primary_key=True)
    started_by: str  # "send-now" or "serve"
    planned_at: datetime = Field(index=True)
    candidate_count: int = 0  # deliveries planned as part of it


class Outgoing(SQLModel):
    """One mail on its way, and what became of it: what a Delivery and a Notice share."""

    is_notice: ClassVar[bool] = False

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(default_factory=new_key, unique=True)  # names the mail: its Message-ID
    subscriber_id: int
    state: str = Field(default=DeliveryState.PLANNED, index=True)
    reason: str | None = None  # why skipped, deferred, rejected, unknown or expired
    attempts: int = 0
    uncertain_count: int = 0  # attempts of which nobody knows whether the mail arrived
    next_try_at: datetime | None = None
    worker: str | None = None  # who has claimed it
    lease_until: datetime | None = None  # for so long
    smtp_reply: str | None = None  # the last one
    enhanced_code: str | None = None  # that it held, as in 5.1.1
    bounce: str | None = None
    planned_at: datetime
    tried_at: datetime | None = None  # last
    settled_at: datetime | None = None  # when accepted, rejected or expired


class Delivery(Outgoing, table=True):
    """One subscriber's part of an issue: the papers that one mail stands for, and what became of it."""

    __table_args__ = (
        UniqueConstraint("subscriber_id", "digest_on"),
        CheckConstraint(one_of(DeliveryState), name="state"),
        CheckConstraint(one_of(Bounce, "bounce"), name="bounce"),
    )

    model_config = {"arbitrary_types_allowed": True}  # a Plan

    issue_id: int = Field(sa_column_args=[ForeignKey("issue.id")], index=True)
    subscriber_id: int = Field(sa_column_args=[ForeignKey("subscriber.id", ondelete="CASCADE")])
    digest_on: date  # D
    since_on: date  # the first day of the digest's window
    topics: list[str] = Field(default=[], sa_type=Json(list[str]))  # what the person had chosen then
    topic_versions: dict[str, int] = Field(default={}, sa_type=Json(dict[str, int]))  # what its papers are explained by
    paper_ids: list[str] = Field(default=[], sa_type=Json(list[str]))
    looked_at_count: int = 0  # papers in the window that were new to the person
    plan: Plan = Field(default=Plan(), sa_type=Json(Plan, Plan()))  # the digest's arrangement and reasons (Digest.kept)

    @field_serializer("plan")
    def _told(self, plan: Plan) -> Any:
        """As pydantic can write it."""
        return msgspec.json.decode(msgspec.json.encode(plan))

    @property
    def is_of_a_mail(self) -> bool:
        """Not of a silence."""
        return bool(self.paper_ids) or self.plan.kind is DigestKind.NOTE


class NoticeKind(StrEnum):
    CONFIRMATION = "confirmation"  # asks a pending subscriber whether they want the mail
    CHANGE = "change"  # tells which settings were changed, and offers the undo
    ACCOUNT = "account"  # brings a link to what is stored, to the address and to the eraser
    ADDRESS = "address"  # asks at a new address whether the mail may come there
    MOVE = "move"  # tells the old address that the mail goes elsewhere, and offers the undo


class Notice(Outgoing, table=True):
    """A mail about a subscription itself, written by the request that it answers. No digest, so no rule of one a day."""

    is_notice: ClassVar[bool] = True

    __table_args__ = (
        CheckConstraint(one_of(DeliveryState), name="state"),
        CheckConstraint(one_of(NoticeKind, "kind"), name="kind"),
        CheckConstraint(one_of(Bounce, "bounce"), name="bounce"),
    )

    subscriber_id: int = Field(sa_column_args=[ForeignKey("subscriber.id", ondelete="CASCADE")], index=True)
    kind: str
    email: str  # where it goes
    before: dict[str, Any] = Field(default={}, sa_type=JSON)  # the settings changed, as they were
    after: dict[str, Any] = Field(default={}, sa_type=JSON)  # and as they became


@dataclass(frozen=True, slots=True)
class Email:
    subject: str
    html: str
    text: str


class EncodedEmail(NamedTuple):
    """An Email whose parts are quoted-printable lines already, each ended with CRLF."""

    subject: str
    html: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Sender:
    """Who the mails come from, and where their links lead."""

    mail_from: str
    public_url: str
    link_keys: tuple[str, ...] = field(repr=False)  # newest first; the newest signs
    postal_line: str | None = None  # who sends, and their postal address, for the mails' foot
    unsubscribe_mailbox: str | None = None  # where somebody reads requests to unsubscribe


class MailLinks(NamedTuple):
    """The standing links of one digest's mail: whole addresses, and the tokens in them, each good for its own purpose."""

    site: str
    day: str  # the digest's, as in 2026-10-02
    unsubscribe_token: str
    settings_token: str
    pause_token: str
    web_token: str
    marks_token: str

    @property
    def unsubscribe(self) -> str:
        return f"{self.site}/unsubscribe/{self.unsubscribe_token}"

    @property
    def settings(self) -> str:
        return f"{self.site}/settings/{self.settings_token}"

    @property
    def pause(self) -> str:
        return f"{self.site}/pause/{self.pause_token}"

    @property
    def web(self) -> str:
        """This digest in a browser."""
        return f"{self.site}/digest/{self.web_token}/{self.day}"

    def mark(self, paper_id: str, what: str) -> str:
        """The link to say "more", "less", "saved" or "mute" of a paper; its page has the button."""
        return f"{self.site}/mark/{self.marks_token}/{paper_id}/{what}"
