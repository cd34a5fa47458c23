"""Notices in the database. Touches the session it is given."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from service.models import DeliveryState, Notice, NoticeKind, Subscriber

# A worker that has claimed it may have made its mail already.
_UNSENT = (col(Notice.state) == DeliveryState.PLANNED, col(Notice.worker).is_(None))


def add_notice(
    session: Session,
    person: Subscriber,
    kind: NoticeKind,
    *,
    now: datetime,
    email: str | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> Notice:
    """It goes to the person's address, or to `email`."""
    assert person.id is not None
    notice = Notice(
        subscriber_id=person.id, kind=kind, email=email or person.email, before=before or {}, after=after or {}, planned_at=now
    )
    session.add(notice)
    return notice


def notice_by_key(session: Session, key: str) -> tuple[Notice, Subscriber] | None:
    """The notice that a link names, and whom it is about."""
    question = select(Notice, Subscriber).join(Subscriber, col(Subscriber.id) == col(Notice.subscriber_id))
    return session.exec(question.where(col(Notice.key) == key)).first()


def notice_count(session: Session, person: Subscriber, kind: NoticeKind, since: datetime) -> int:
    """How many of a kind were written for a person since then."""
    theirs = (col(Notice.subscriber_id) == person.id, col(Notice.kind) == kind, col(Notice.planned_at) > since)
    return session.exec(select(func.count()).select_from(Notice).where(*theirs)).one()


def unsent_notice(session: Session, person: Subscriber, kind: NoticeKind) -> Notice | None:
    """One that nobody has tried to send yet, or is about to."""
    theirs = (col(Notice.subscriber_id) == person.id, col(Notice.kind) == kind)
    return session.exec(select(Notice).where(*theirs, *_UNSENT).limit(1)).first()


def amend_unsent_notice(session: Session, notice: Notice, *, after: dict[str, Any], now: datetime) -> bool:
    """Answers False where somebody has taken it up since it was read."""
    amended = session.exec(update(Notice).where(col(Notice.id) == notice.id, *_UNSENT).values(after=after, planned_at=now))
    return amended.rowcount == 1


def notices_of(session: Session, subscriber_id: int) -> list[Notice]:
    """The newest first."""
    question = select(Notice).where(col(Notice.subscriber_id) == subscriber_id)
    return list(session.exec(question.order_by(col(Notice.planned_at).desc())))
