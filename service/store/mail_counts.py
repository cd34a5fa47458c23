"""How many mails wait, are being sent, or were lost. Touches the session it is given, which it only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from service.models import OPEN_STATES, Bounce, Delivery, DeliveryState, Notice
from service.store.ledger import TABLES, is_free

_NOT_DONE = (*OPEN_STATES, DeliveryState.SENDING)


def is_anything_open(session: Session) -> bool:
    """Whether any mail is not done."""
    return any(session.exec(select(table.id).where(col(table.state).in_(_NOT_DONE)).limit(1)).first() for table in TABLES)


def waiting_counts(
    session: Session, now: datetime, dead: Collection[str], *, due_before: datetime | None = None
) -> dict[str, int]:
    """Mails that no living worker has and that are not done, by state; or those only whose time came before an instant."""
    counts: dict[str, int] = {}
    for table in TABLES:
        is_unclaimed = or_(is_free(table, now), col(table.worker).in_(dead))
        question = select(table.state, func.count()).where(col(table.state).in_(OPEN_STATES), is_unclaimed)
        if due_before is not None:
            question = question.where(func.coalesce(table.next_try_at, table.planned_at) <= due_before)
        for state, count in session.exec(question.group_by(col(table.state))):
            counts[state] = counts.get(state, 0) + count
    return counts


def sending_until(session: Session, now: datetime, dead: Collection[str]) -> datetime | None:
    """When the last lease ends of those that living workers hold now; None where no mail is being sent."""
    longest = [
        select(func.max(table.lease_until)).where(
            col(table.state).in_(_NOT_DONE), col(table.lease_until) > now, col(table.worker).not_in(dead)
        )
        for table in TABLES
    ]
    ends = [session.exec(question).one() for question in longest]
    return max((end for end in ends if end), default=None)


def stuck_counts(session: Session, attempts: int) -> dict[str, int]:
    """Digests of so many attempts, the last of which met no answer about them, by what it met: the mail server is in trouble.

    The answer to an earlier attempt is kept.
    """
    is_put_off = col(Delivery.state) == DeliveryState.DEFERRED
    is_unanswered = col(Delivery.smtp_reply).is_distinct_from(col(Delivery.reason))
    is_stuck = is_put_off & is_unanswered & col(Delivery.bounce).is_(None) & (col(Delivery.attempts) >= attempts)
    question = select(Delivery.reason, func.count()).where(is_stuck)
    return {reason or "": count for reason, count in session.exec(question.group_by(col(Delivery.reason)))}


def refused_counts(session: Session) -> dict[str, int]:
    """Mails that wait though no wait helps, by why: the mail server takes none of ours."""
    counts: Counter[str] = Counter()
    for table in TABLES:
        is_refused = (col(table.state) == DeliveryState.DEFERRED) & (col(table.bounce) == Bounce.POLICY)
        question = select(table.reason, func.count()).where(is_refused).group_by(col(table.reason))
        counts.update({reason or "": count for reason, count in session.exec(question)})
    return counts


def lost_counts(session: Session, since: datetime) -> dict[str, int]:
    """Digests given up or refused for good since then, by state.

    A mailbox that is gone is seen to by its suppression, and of a notice nobody but its subscriber is in need.
    """
    lost = col(Delivery.state).in_([DeliveryState.REJECTED, DeliveryState.EXPIRED])
    is_there = col(Delivery.bounce).is_distinct_from(Bounce.HARD)
    question = select(Delivery.state, func.count()).where(lost, is_there, col(Delivery.settled_at) >= since)
    return dict(session.exec(question.group_by(col(Delivery.state))).all())


def state_counts(session: Session, table: type[Notice] | type[Delivery]) -> dict[str, int]:
    """All that were ever planned, by state."""
    return dict(session.exec(select(table.state, func.count()).group_by(col(table.state))).all())
