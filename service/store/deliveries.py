"""Issues and deliveries in the database. Touches the session it is given.

(subscriber, digest day) is unique, so whoever plans a day first has planned it. A skipped day holds no mail and may be
planned again, by the same row; every other state stands.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from service.models import (
    HOLDING_STATES,
    Delivery,
    DeliveryState,
    Digest,
    Entry,
    History,
    Issue,
    Subscriber,
    SubscriberState,
    new_key,
)
from service.store.database import take_lock
from service.store.ledger import is_open, is_unsent, settle_unsent

_Value = TypeVar("_Value", int, str)


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
    rows: dict[int, list[Delivery]] = {}
    for ids in _portions(subscriber_ids):
        theirs = col(Delivery.subscriber_id).in_(ids)
        accepted = (theirs, col(Delivery.state) == DeliveryState.ACCEPTED, col(Delivery.digest_on) < on)
        newest = select(Delivery.subscriber_id, func.max(Delivery.digest_on)).where(*accepted)
        last.update(session.exec(newest.group_by(col(Delivery.subscriber_id))).all())
        within = select(Delivery).where(theirs, col(Delivery.digest_on) >= since).order_by(col(Delivery.digest_on))
        for delivery in session.exec(within):
            rows.setdefault(delivery.subscriber_id, []).append(delivery)
    return {person: _history(rows.get(person, ()), last.get(person), on) for person in subscriber_ids}


def _history(rows: Sequence[Delivery], last_accepted_on: date | None, on: date) -> History:
    """`rows` by day, the oldest first."""
    holding = [row for row in rows if row.state in HOLDING_STATES]
    silent = [row for row in rows if row.state == DeliveryState.SKIPPED and not row.paper_ids]
    told = max((row for row in holding + silent if row.digest_on < on), key=lambda row: row.digest_on, default=None)
    return History(
        last_accepted_on=last_accepted_on,
        last_told_on=told.digest_on if told else None,
        last_planned_at=told.planned_at if told else None,
        held_ids=frozenset(key for row in holding for key in row.paper_ids),
        lines=_lines(holding),
        delivery=next((row for row in rows if row.digest_on == on), None),
    )


def _lines(holding: Sequence[Delivery]) -> dict[str, tuple[date, int]]:
    """Papers that the person had in a line or less and never as a card: the first day, and the upvotes then."""
    lines: dict[str, tuple[date, int]] = {}
    cards: set[str] = set()
    for row in holding:
        if row.plan:
            below = range(row.plan["cards"], row.plan["cards"] + row.plan["lines"] + row.plan["unlisted"])
            for place, (key, kept) in enumerate(zip(row.paper_ids, row.plan["picks"], strict=True)):
                if place not in below and kept.get("entry") != Entry.MISSED:
                    cards.add(key)
                elif "up" in kept:
                    lines.setdefault(key, (row.digest_on, kept["up"]))
    return {key: line for key, line in lines.items() if key not in cards}


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
    row.state = DeliveryState.PLANNED if digest.is_mailed else DeliveryState.SKIPPED
    row.reason = digest.silence
    row.paper_ids = [pick.paper.id for pick in digest.picks]
    row.looked_at_count = digest.looked_at_count
    row.plan = digest.plan
    row.planned_at = now
    row.attempts = 0
    row.next_try_at = row.smtp_reply = None
    session.add(row)
    session.flush()
    return row


def open_deliveries(session: Session, subscriber_ids: Collection[int], now: datetime) -> list[Delivery]:
    """Those still to be sent that no process holds, whenever their next try is due; the least tried first."""
    wanted = set(subscriber_ids)
    question = select(Delivery).where(is_open(Delivery, now))
    ordered = question.order_by(col(Delivery.attempts), col(Delivery.digest_on), col(Delivery.id))
    return [delivery for delivery in session.exec(ordered) if delivery.subscriber_id in wanted]


def skip_unwanted(session: Session, now: datetime, why_no_mail: Callable[[Subscriber, datetime], str | None]) -> int:
    """What is still unsent for people who get no mail now is settled, with the reason; answers how many there were."""
    may_be = or_(col(Subscriber.state) != SubscriberState.ACTIVE, col(Subscriber.paused_until).is_not(None))
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    count = 0
    for delivery, person in session.exec(question.where(is_unsent(Delivery, now), may_be)).all():
        if reason := why_no_mail(person, now):
            count += settle_unsent(session, delivery, DeliveryState.SKIPPED, reason=reason, now=now)
    return count


def issue_counts(session: Session, issue_id: int) -> dict[str, int]:
    """Deliveries by state."""
    question = select(Delivery.state, func.count()).where(col(Delivery.issue_id) == issue_id)
    return dict(session.exec(question.group_by(col(Delivery.state))).all())


def deliveries_by_key(session: Session, keys: Collection[str]) -> list[tuple[Delivery, Subscriber]]:
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    return [row for some in _portions(keys) for row in session.exec(question.where(col(Delivery.key).in_(some)))]


def delivery_of(session: Session, subscriber_id: int, on: date) -> Delivery | None:
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id, col(Delivery.digest_on) == on)
    return session.exec(question).first()


def deliveries_of(session: Session, subscriber_id: int) -> list[Delivery]:
    """The newest day first."""
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id)
    return list(session.exec(question.order_by(col(Delivery.digest_on).desc())))


def latest_issue(session: Session) -> Issue | None:
    return session.exec(select(Issue).order_by(col(Issue.id).desc()).limit(1)).first()


def _portions(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """A statement takes some thousands of values at the most."""
    ordered = sorted(values)
    return (ordered[start : start + 1000] for start in range(0, len(ordered), 1000))
