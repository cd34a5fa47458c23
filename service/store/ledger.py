"""What becomes of each mail on its way, deliveries and notices alike. Touches the session it is given."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, update
from sqlmodel import Session, col, select

from service.models import OPEN_STATES, Delivery, DeliveryState, Notice, Outgoing, Subscriber

# Longer than one mail can take: two connections of at most ten steps of a minute, and ten minutes for the last reply.
LEASE = timedelta(minutes=35)

NOTICE_AGE = timedelta(days=5)

TABLES: tuple[type[Notice], type[Delivery]] = (Notice, Delivery)  # in the order of sending


def due_mails(session: Session, now: datetime) -> list[Outgoing]:
    """Those of everybody that are to be sent now, and that no process holds: notices first, then the least tried."""
    found: list[Outgoing] = []
    for table in TABLES:
        is_due = or_(col(table.next_try_at).is_(None), col(table.next_try_at) <= now)
        question = select(table).where(is_open(table, now), is_due)
        found += session.exec(question.order_by(col(table.attempts), col(table.planned_at), col(table.id)))
    return found


def claim_mail(session: Session, mail: Outgoing, now: datetime) -> tuple[Outgoing, Subscriber] | None:
    """Take one mail for sending, or None if another process has it or it is open no more."""
    table = type(mail)
    claimed = session.exec(
        update(table)
        .where(col(table.id) == mail.id, is_open(table, now))
        .values(state=DeliveryState.SENDING, lease_until=now + LEASE, attempts=table.attempts + 1)
    )
    if claimed.rowcount != 1:
        return None
    row = session.get_one(table, mail.id, populate_existing=True)
    return row, session.get_one(Subscriber, row.subscriber_id)


def record_outcome(
    session: Session,
    claimed: Outgoing,
    state: DeliveryState,
    *,
    now: datetime,
    reason: str | None = None,
    smtp_reply: str | None = None,
    next_try_at: datetime | None = None,
) -> bool:
    """What became of a claimed mail; its lease ends.

    Answers False, and changes nothing, where the claim is no longer this one: the lease ran out and somebody else took
    the mail up, or the person was erased.
    """
    table = type(claimed)
    is_settled = state in (DeliveryState.ACCEPTED, DeliveryState.REJECTED)
    recorded = session.exec(
        update(table)
        .where(
            col(table.id) == claimed.id,
            col(table.state) == DeliveryState.SENDING,
            col(table.attempts) == claimed.attempts,
        )
        .values(
            state=state,
            reason=reason,
            smtp_reply=smtp_reply,
            next_try_at=next_try_at,
            lease_until=None,
            settled_at=now if is_settled else None,
        )
    )
    return recorded.rowcount == 1


def recover_lost(session: Session, now: datetime) -> int:
    """A mail that a process was handing over when it died may or may not have arrived; answers how many there were."""
    count = 0
    for table in TABLES:
        lost = session.exec(
            update(table)
            .where(col(table.state) == DeliveryState.SENDING, col(table.lease_until) <= now)
            .values(
                state=DeliveryState.UNKNOWN, lease_until=None, reason="the sending process ended before the reply was recorded"
            )
        )
        count += lost.rowcount
    return count


def expire_stale(session: Session, now: datetime, stale_after: timedelta) -> set[str]:
    """Give up what was planned too long ago and surely never arrived, which frees its papers; answers the keys.

    A notice waits for five days at least: what it tells of stays true.
    """
    expired = set()
    for table in TABLES:
        age = max(stale_after, NOTICE_AGE) if table is Notice else stale_after
        stale = select(table).where(is_unsent(table, now), col(table.planned_at) <= now - age)
        for mail in session.exec(stale).all():
            reason = f"{mail.reason or 'not sent'}; given up after {age // timedelta(hours=1)} hours"
            if settle_unsent(session, mail, DeliveryState.EXPIRED, reason=reason, now=now):
                expired.add(mail.key)
    return expired


def settle_unsent(session: Session, mail: Outgoing, state: DeliveryState, *, reason: str, now: datetime) -> bool:
    """End a mail that was surely never sent; answers False where a process has claimed it since it was read."""
    table = type(mail)
    settled = session.exec(
        update(table)
        .where(col(table.id) == mail.id, is_unsent(table, now))
        .values(state=state, reason=reason, settled_at=now if state is DeliveryState.EXPIRED else None, lease_until=None)
    )
    return settled.rowcount == 1


def waiting_counts(session: Session, now: datetime, *, due_before: datetime | None = None) -> Counter[str]:
    """Mails that no process is working on and that are not done, by state; or those only whose time came before an instant.

    One that a process was handing over when it died counts as unknown.
    """
    counts: Counter[str] = Counter()
    for table in TABLES:
        question = select(table.state, func.count()).where(
            col(table.state).in_([*OPEN_STATES, DeliveryState.SENDING]), _is_free(table, now)
        )
        if due_before is not None:
            question = question.where(func.coalesce(table.next_try_at, table.planned_at) <= due_before)
        counts.update(dict(session.exec(question.group_by(col(table.state))).all()))
    counts[DeliveryState.UNKNOWN] += counts.pop(DeliveryState.SENDING, 0)
    return counts


def sending_until(session: Session, now: datetime) -> list[datetime]:
    """When the leases end of mails that a process is handing over, or was when it died."""
    ends: list[datetime] = []
    for table in TABLES:
        held = select(table).where(col(table.state) == DeliveryState.SENDING, col(table.lease_until) > now)
        ends += [mail.lease_until for mail in session.exec(held) if mail.lease_until]
    return ends


def lost_counts(session: Session, since: datetime) -> dict[str, int]:
    """Digests given up or refused for good since then, by state. Of a notice nobody but its subscriber is in need."""
    lost = col(Delivery.state).in_([DeliveryState.REJECTED, DeliveryState.EXPIRED])
    question = select(Delivery.state, func.count()).where(lost, col(Delivery.settled_at) >= since)
    return dict(session.exec(question.group_by(col(Delivery.state))).all())


def state_counts(session: Session, table: type[Notice] | type[Delivery]) -> dict[str, int]:
    """All that were ever planned, by state."""
    return dict(session.exec(select(table.state, func.count()).group_by(col(table.state))).all())


def is_open(table: type[Outgoing], now: datetime) -> ColumnElement[bool]:
    """It still wants to be sent, and no process holds it."""
    return col(table.state).in_(OPEN_STATES) & _is_free(table, now)


def is_unsent(table: type[Outgoing], now: datetime) -> ColumnElement[bool]:
    """It surely never arrived, and no process holds it."""
    return col(table.state).in_([DeliveryState.PLANNED, DeliveryState.DEFERRED]) & _is_free(table, now)


def _is_free(table: type[Outgoing], now: datetime) -> ColumnElement[bool]:
    return or_(col(table.lease_until).is_(None), col(table.lease_until) <= now)
