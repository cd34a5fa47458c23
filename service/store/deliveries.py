"""The ledger: issues and deliveries in the database. Touches the session it is given.

(subscriber, digest day) is unique, so whoever plans a day first has planned it. A skipped day holds no mail and may be
planned again, by the same row; every other state stands.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, update
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from service.models import (
    HOLDING_STATES,
    OPEN_STATES,
    Delivery,
    DeliveryState,
    Digest,
    Issue,
    Subscriber,
    SubscriberState,
    new_key,
)
from service.store.database import take_lock

# Longer than one mail can take: two connections of at most ten steps of a minute, and ten minutes for the last reply.
LEASE = timedelta(minutes=35)


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
    last: dict[int, date] = {}
    held: dict[int, set[str]] = {}
    today: dict[int, Delivery] = {}
    for ids in _portions(subscriber_ids):
        theirs = col(Delivery.subscriber_id).in_(ids)
        accepted = (theirs, col(Delivery.state) == DeliveryState.ACCEPTED, col(Delivery.digest_on) < on)
        newest = select(Delivery.subscriber_id, func.max(Delivery.digest_on)).where(*accepted)
        last.update(session.exec(newest.group_by(col(Delivery.subscriber_id))).all())
        for delivery in session.exec(select(Delivery).where(theirs, col(Delivery.digest_on) >= since)):
            if delivery.state in HOLDING_STATES:
                held.setdefault(delivery.subscriber_id, set()).update(delivery.paper_ids)
            if delivery.digest_on == on:
                today[delivery.subscriber_id] = delivery
    return {person: History(last.get(person), frozenset(held.get(person, ())), today.get(person)) for person in subscriber_ids}


def plan_delivery(session: Session, issue_id: int, digest: Digest, earlier: Delivery | None, now: datetime) -> Delivery:
    """Freeze one person's part of the issue; a skipped `earlier` one of the same day is planned anew."""
    assert digest.subscriber.id is not None
    row = earlier or Delivery(
        issue_id=issue_id, subscriber_id=digest.subscriber.id, digest_on=digest.on, since_on=digest.since, planned_at=now
    )
    row.issue_id = issue_id
    row.key = new_key()
    row.since_on = digest.since
    row.topics = [topic.slug for topic in digest.topics]
    row.state = DeliveryState.SKIPPED if digest.silence else DeliveryState.PLANNED
    row.reason = digest.silence
    row.paper_ids = [pick.paper.id for pick in digest.picks]
    row.looked_at_count = digest.looked_at_count
    row.planned_at = now
    row.next_try_at = None
    session.add(row)
    session.flush()
    return row


def open_deliveries(session: Session, subscriber_ids: Collection[int], now: datetime) -> list[Delivery]:
    """Those still to be sent that no process holds, whenever their next try is due."""
    wanted = set(subscriber_ids)
    return [delivery for delivery in session.exec(_open(now)) if delivery.subscriber_id in wanted]


def due_deliveries(session: Session, now: datetime) -> list[Delivery]:
    """Those of everybody that are to be sent now, and that no process holds."""
    is_due = or_(col(Delivery.next_try_at).is_(None), col(Delivery.next_try_at) <= now)
    return list(session.exec(_open(now).where(is_due)))


def _open(now: datetime) -> SelectOfScalar[Delivery]:
    """The least tried first, so that a hard one holds nobody up."""
    question = select(Delivery).where(col(Delivery.state).in_(OPEN_STATES), _is_free(now))
    return question.order_by(col(Delivery.attempts), col(Delivery.digest_on), col(Delivery.id))


def claim_delivery(session: Session, delivery_id: int, now: datetime) -> tuple[Delivery, Subscriber] | None:
    """Take one delivery for sending, or None if another process has it or it is open no more."""
    claimed = session.exec(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id, col(Delivery.state).in_(OPEN_STATES), _is_free(now))
        .values(state=DeliveryState.SENDING, lease_until=now + LEASE, attempts=Delivery.attempts + 1)
    )
    if claimed.rowcount != 1:
        return None
    delivery = session.get_one(Delivery, delivery_id, populate_existing=True)
    return delivery, session.get_one(Subscriber, delivery.subscriber_id)


def record_outcome(
    session: Session,
    claimed: Delivery,
    state: DeliveryState,
    *,
    now: datetime,
    reason: str | None = None,
    smtp_reply: str | None = None,
    next_try_at: datetime | None = None,
) -> bool:
    """What became of a claimed delivery; its lease ends.

    Answers False, and changes nothing, where the claim is no longer this one: the lease ran out and somebody else took
    the delivery up, or the person was erased.
    """
    is_settled = state in (DeliveryState.ACCEPTED, DeliveryState.REJECTED)
    recorded = session.exec(
        update(Delivery)
        .where(
            col(Delivery.id) == claimed.id,
            col(Delivery.state) == DeliveryState.SENDING,
            col(Delivery.attempts) == claimed.attempts,
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
    lost = session.exec(
        update(Delivery)
        .where(col(Delivery.state) == DeliveryState.SENDING, col(Delivery.lease_until) <= now)
        .values(state=DeliveryState.UNKNOWN, lease_until=None, reason="the sending process ended before the reply was recorded")
    )
    return lost.rowcount


def skip_inactive(session: Session) -> int:
    """What is still open for people who get no mail any more is settled; answers how many there were."""
    inactive = select(Subscriber.id).where(col(Subscriber.state) != SubscriberState.ACTIVE)
    skipped = session.exec(
        update(Delivery)
        .where(col(Delivery.state).in_(OPEN_STATES), col(Delivery.subscriber_id).in_(inactive))
        .values(state=DeliveryState.SKIPPED, reason=str(SubscriberState.UNSUBSCRIBED), lease_until=None)
    )
    return skipped.rowcount


def expire_stale(session: Session, now: datetime, stale_after: timedelta) -> set[int]:
    """Give up what was planned too long ago and surely never arrived, which frees its papers; answers which."""
    hours = stale_after // timedelta(hours=1)
    stale = select(Delivery).where(
        col(Delivery.state).in_([DeliveryState.PLANNED, DeliveryState.DEFERRED]),
        _is_free(now),
        col(Delivery.planned_at) <= now - stale_after,
    )
    expired = set()
    for delivery in session.exec(stale):
        delivery.state = DeliveryState.EXPIRED
        delivery.reason = f"{delivery.reason or 'not sent'}; given up after {hours} hours"
        delivery.settled_at = now
        expired.add(delivery.id or 0)
    return expired


def deliveries_of_issue(session: Session, issue_id: int) -> list[Delivery]:
    return list(session.exec(select(Delivery).where(col(Delivery.issue_id) == issue_id)))


def deliveries_by_id(session: Session, ids: Collection[int]) -> list[tuple[Delivery, Subscriber]]:
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    return [row for some in _portions(ids) for row in session.exec(question.where(col(Delivery.id).in_(some)))]


def latest_issue(session: Session) -> Issue | None:
    return session.exec(select(Issue).order_by(col(Issue.id).desc()).limit(1)).first()


def unsettled_counts(session: Session, now: datetime) -> dict[str, int]:
    """Deliveries that no process is working on and that are not done, by state; a lapsed `sending` counts as unknown."""
    question = select(Delivery.state, func.count()).where(
        col(Delivery.state).in_([*OPEN_STATES, DeliveryState.SENDING]), _is_free(now)
    )
    counts = dict(session.exec(question.group_by(col(Delivery.state))).all())
    counts[DeliveryState.UNKNOWN] = counts.get(DeliveryState.UNKNOWN, 0) + counts.pop(DeliveryState.SENDING, 0)
    return counts


def sending_until(session: Session, now: datetime) -> list[datetime]:
    """When the leases end of mails that a process is handing over, or was when it died."""
    held = (col(Delivery.state) == DeliveryState.SENDING, col(Delivery.lease_until) > now)
    return [end for end in session.exec(select(Delivery.lease_until).where(*held)) if end is not None]


def lost_counts(session: Session, since: datetime) -> dict[str, int]:
    """Deliveries given up or refused for good since then, by state."""
    lost = col(Delivery.state).in_([DeliveryState.REJECTED, DeliveryState.EXPIRED])
    question = select(Delivery.state, func.count()).where(lost, col(Delivery.settled_at) >= since)
    return dict(session.exec(question.group_by(col(Delivery.state))).all())


def _portions(ids: Collection[int]) -> Iterator[list[int]]:
    """A statement takes some thousands of values at the most."""
    ordered = sorted(ids)
    return (ordered[start : start + 1000] for start in range(0, len(ordered), 1000))


def _is_free(now: datetime) -> ColumnElement[bool]:
    """No process holds it: there is no lease, or it ran out."""
    return or_(col(Delivery.lease_until).is_(None), col(Delivery.lease_until) <= now)
