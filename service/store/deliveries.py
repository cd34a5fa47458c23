"""The ledger: issues and deliveries in the database. Touches the session it is given.

(subscriber, digest day) is unique, so whoever plans a day first has planned it. A skipped day holds no mail and may be
planned again, by the same row; every other state stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, update
from sqlmodel import Session, col, select

from service.models import HOLDING_STATES, OPEN_STATES, Delivery, DeliveryState, Digest, Issue, Subscriber, new_key
from service.store.database import take_lock

LEASE = timedelta(minutes=15)  # longer than one mail can take, the 10 minutes for its last reply included


@dataclass(frozen=True, slots=True)
class History:
    """What a person got, as far as the next digest needs to know."""

    last_accepted_on: date | None
    held_ids: frozenset[str]
    delivery: Delivery | None  # the one of the day asked about


def lock_planning(session: Session) -> None:
    """Until the transaction ends, nobody else plans: what a person holds can't change between reading and planning."""
    take_lock(session.connection(), "plan")


def add_issue(session: Session, *, started_by: str, now: datetime) -> int:
    issue = Issue(started_by=started_by, planned_at=now)
    session.add(issue)
    session.flush()
    assert issue.id is not None
    return issue.id


def histories(session: Session, subscriber_ids: Collection[int], *, on: date, since: date) -> dict[int, History]:
    """By subscriber, before the digest of day `on`, whose papers were featured on `since` at the earliest.

    A digest holds no paper newer than its own day, so those before `since` can't hold a paper of the window.
    """
    before = col(Delivery.digest_on) < on
    last = session.exec(
        select(Delivery.subscriber_id, func.max(Delivery.digest_on))
        .where(col(Delivery.state) == DeliveryState.ACCEPTED, before)
        .group_by(col(Delivery.subscriber_id))
    )
    last_accepted: dict[int, date] = dict(last.all())
    held: dict[int, set[str]] = {}
    today: dict[int, Delivery] = {}
    for delivery in session.exec(select(Delivery).where(col(Delivery.digest_on) >= since)):
        if delivery.state in HOLDING_STATES:
            held.setdefault(delivery.subscriber_id, set()).update(delivery.paper_ids)
        if delivery.digest_on == on:
            today[delivery.subscriber_id] = delivery
    return {
        person: History(last_accepted.get(person), frozenset(held.get(person, ())), today.get(person))
        for person in subscriber_ids
    }


def plan_delivery(session: Session, issue_id: int, digest: Digest, earlier: Delivery | None, now: datetime) -> Delivery:
    """Freeze one person's part of the issue; a skipped `earlier` one of the same day is planned anew."""
    assert digest.subscriber.id is not None
    row = earlier or Delivery(
        issue_id=issue_id, subscriber_id=digest.subscriber.id, digest_on=digest.on, since_on=digest.since, planned_at=now
    )
    row.issue_id = issue_id
    row.key = new_key()
    row.since_on = digest.since
    row.state = DeliveryState.SKIPPED if digest.silence else DeliveryState.PLANNED
    row.reason = digest.silence
    row.paper_ids = [pick.paper.id for pick in digest.picks]
    row.looked_at_count = digest.looked_at_count
    row.planned_at = now
    session.add(row)
    session.flush()
    return row


def open_deliveries(session: Session, subscriber_ids: Collection[int], now: datetime) -> list[int]:
    """Ids of those still to be sent that no process holds, oldest first."""
    question = select(Delivery.id).where(
        col(Delivery.state).in_(OPEN_STATES), _is_free(now), col(Delivery.subscriber_id).in_(subscriber_ids)
    )
    return [key for key in session.exec(question.order_by(col(Delivery.digest_on), col(Delivery.id))) if key is not None]


def claim_delivery(session: Session, delivery_id: int, now: datetime) -> Delivery | None:
    """Take one delivery for sending, or None if another process has it or it is open no more."""
    claimed = session.exec(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id, col(Delivery.state).in_(OPEN_STATES), _is_free(now))
        .values(state=DeliveryState.SENDING, lease_until=now + LEASE, attempts=Delivery.attempts + 1)
    )
    return session.get(Delivery, delivery_id, populate_existing=True) if claimed.rowcount == 1 else None


def record_outcome(
    session: Session,
    delivery_id: int,
    state: DeliveryState,
    *,
    now: datetime,
    reason: str | None = None,
    smtp_reply: str | None = None,
    next_try_at: datetime | None = None,
) -> None:
    """What became of a claimed delivery; its lease ends. A delivery erased meanwhile is left alone."""
    row = session.get(Delivery, delivery_id)
    if row is None:
        return
    row.state = state
    row.reason = reason
    row.smtp_reply = smtp_reply
    row.next_try_at = next_try_at
    row.lease_until = None
    if state is DeliveryState.ACCEPTED:
        row.accepted_at = now


def recover_lost(session: Session, now: datetime) -> int:
    """A mail that a process was handing over when it died may or may not have arrived; answers how many there were."""
    lost = session.exec(
        update(Delivery)
        .where(col(Delivery.state) == DeliveryState.SENDING, col(Delivery.lease_until) <= now)
        .values(state=DeliveryState.UNKNOWN, lease_until=None, reason="the sending process ended before the reply was recorded")
    )
    return lost.rowcount


def expire_stale(session: Session, now: datetime, stale_after: timedelta) -> int:
    """Give up what could not be sent in time, which frees its papers; answers how many there were."""
    expired = session.exec(
        update(Delivery)
        .where(col(Delivery.state).in_(OPEN_STATES), _is_free(now), col(Delivery.planned_at) <= now - stale_after)
        .values(
            state=DeliveryState.EXPIRED,
            reason=func.coalesce(Delivery.reason, "not sent") + f", given up after {stale_after // timedelta(hours=1)} hours",
        )
    )
    return expired.rowcount


def deliveries_of_issue(session: Session, issue_id: int) -> list[tuple[Delivery, Subscriber]]:
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    return list(session.exec(question.where(col(Delivery.issue_id) == issue_id).order_by(col(Subscriber.email))))


def deliveries_by_id(session: Session, ids: Collection[int]) -> list[tuple[Delivery, Subscriber]]:
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    return list(session.exec(question.where(col(Delivery.id).in_(ids)).order_by(col(Subscriber.email), col(Delivery.digest_on))))


def latest_issue(session: Session) -> Issue | None:
    return session.exec(select(Issue).order_by(col(Issue.id).desc()).limit(1)).first()


def state_counts(session: Session, *, states: Iterable[DeliveryState]) -> dict[str, int]:
    question = select(Delivery.state, func.count()).where(col(Delivery.state).in_(list(states))).group_by(col(Delivery.state))
    return dict(session.exec(question).all())


def _is_free(now: datetime) -> ColumnElement[bool]:
    """No process holds it: there is no lease, or it ran out."""
    return or_(col(Delivery.lease_until).is_(None), col(Delivery.lease_until) <= now)
