"""What the database tells of issues and deliveries. Touches the session it is given, which it only reads."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import DecodeError, Raw
from sqlalchemy import case, func
from sqlmodel import Session, col, or_, select

from service.models import (
    DONE_STATES,
    HOLDING_STATES,
    OPEN_STATES,
    Delivery,
    DeliveryState,
    Entry,
    History,
    Issue,
    KeptPick,
    Subscriber,
    SubscriberState,
    read_pick,
)
from service.portions import portions
from service.store.database import MOST_VALUES
from service.store.ledger import Ref, is_free
from service.store.values import Values

_PAST = Values(Delivery, "subscriber_id", "digest_on", "state", "planned_at", "paper_ids", "plan")
_TOLD = Values(Delivery, "key", "digest_on", "state", "reason", "paper_ids", "smtp_reply")


def last_accepted_days(session: Session, subscriber_ids: Collection[int], *, before: date, since: date) -> dict[int, date]:
    """The day of each one's last digest before that of a day, of those who got one ever.

    Hardly anybody's is from before `since`; only theirs are looked for among all.
    """
    # not by the state in WHERE: SQLite would look through all that were ever accepted
    accepted = case((col(Delivery.state) == DeliveryState.ACCEPTED, col(Delivery.digest_on)))
    newest = select(Delivery.subscriber_id, func.max(accepted)).group_by(col(Delivery.subscriber_id))
    found: dict[int, date] = {}
    for ids in portions(sorted(subscriber_ids), MOST_VALUES):
        for theirs in (col(Delivery.digest_on) >= since, col(Delivery.digest_on) < since):
            missing = col(Delivery.subscriber_id).in_([one for one in ids if one not in found])
            days = session.exec(newest.where(missing, theirs, col(Delivery.digest_on) < before)).all()
            found.update((person, day) for person, day in days if day)
    return found


def histories(session: Session, since: Mapping[int, date], *, on: date) -> dict[int, History]:
    """By subscriber, before the digest of day `on`, whose papers were featured on their day in `since` at the earliest.

    A digest holds no paper newer than its own day, so those before can't hold a paper of the window.
    """
    rows: dict[int, list[Delivery]] = {}
    of_the_day: dict[int, Delivery] = {}
    by_day: dict[date, list[int]] = {}
    for person, day in since.items():
        by_day.setdefault(day, []).append(person)
    for day, people in by_day.items():
        for ids in portions(sorted(people), MOST_VALUES):
            theirs = col(Delivery.subscriber_id).in_(ids)
            within = select(*_PAST.columns).where(theirs, col(Delivery.digest_on) >= day).order_by(col(Delivery.digest_on))
            for delivery in map(_PAST.value, session.connection().execute(within)):
                rows.setdefault(delivery.subscriber_id, []).append(delivery)
            same_day = session.exec(select(Delivery).where(theirs, col(Delivery.digest_on) == on))
            of_the_day.update({delivery.subscriber_id: delivery for delivery in same_day})
    return {person: _history(rows.get(person, ()), of_the_day.get(person), on) for person in since}


def _history(rows: Sequence[Delivery], delivery: Delivery | None, on: date) -> History:
    """`rows` by day, the oldest first."""
    holding = [row for row in rows if row.state in HOLDING_STATES]
    silent = [row for row in rows if row.state == DeliveryState.SKIPPED and not row.paper_ids]
    told = max((row for row in holding + silent if row.digest_on < on), key=lambda row: row.digest_on, default=None)
    return History(
        last_told_on=told.digest_on if told else None,
        last_planned_at=told.planned_at if told else None,
        held_ids=frozenset(key for row in holding for key in row.paper_ids),
        lines=_lines(holding),
        delivery=delivery,
    )


def _lines(holding: Sequence[Delivery]) -> dict[str, tuple[date, int]]:
    """Papers that the person had in a line or less and never as a card: the first day, and the upvotes then."""
    lines: dict[str, tuple[date, int]] = {}
    cards: set[str] = set()
    for row in holding:
        plan, paper_ids = row.plan, row.paper_ids
        slots = plan.cards + plan.lines + plan.unlisted
        cards.update(paper_ids[: plan.cards] if plan.picks else ())
        below = zip(paper_ids[plan.cards :], plan.picks[plan.cards :], strict=False)
        for place, (key, written) in enumerate(below, plan.cards):
            kept = _pick_of(written)
            if place >= slots and kept.entry is not Entry.MISSED:
                cards.add(key)
            elif kept.up is not None:
                lines.setdefault(key, (row.digest_on, kept.up))
    return {key: line for key, line in lines.items() if key not in cards}


def _pick_of(written: Raw) -> KeptPick:
    """One that can't be read gives no second look, and stops no planning."""
    try:
        return read_pick(written)
    except DecodeError:
        return KeptPick((0.0,) * 5)


def deliveries_where(
    session: Session, *, states: Collection[str] = (), reply: str | None = None, issue_id: int | None = None
) -> list[tuple[Delivery, Subscriber]]:
    """The newest first; `reply` is part of what the server said, or of the reason."""
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    if states:
        question = question.where(col(Delivery.state).in_(states))
    if reply:
        said = [col(column).icontains(reply, autoescape=True) for column in (Delivery.smtp_reply, Delivery.reason)]
        question = question.where(or_(*said))
    if issue_id is not None:
        question = question.where(col(Delivery.issue_id) == issue_id)
    return list(session.exec(question.order_by(col(Delivery.id).desc())))


def open_deliveries(session: Session, subscriber_ids: Collection[int]) -> list[Delivery]:
    """Those of these people that still want to be sent, or are being sent, the oldest day first."""
    question = select(Delivery).where(col(Delivery.state).not_in(DONE_STATES))
    ordered = session.exec(question.order_by(col(Delivery.digest_on), col(Delivery.id)))
    return [delivery for delivery in ordered if delivery.subscriber_id in subscriber_ids]


def delivery_keys(session: Session, refs: Collection[Ref]) -> set[str]:
    found: set[str] = set()
    for ids in portions(sorted(ref.number for ref in refs), MOST_VALUES):
        found.update(session.exec(select(Delivery.key).where(col(Delivery.id).in_(ids))))
    return found


def unwelcome_deliveries(session: Session, now: datetime) -> list[tuple[Delivery, Subscriber]]:
    """What is open and unclaimed for people who may want no mail now: unsubscribed ones, or with a pause."""
    may_be = or_(col(Subscriber.state) != SubscriberState.ACTIVE, col(Subscriber.paused_until).is_not(None))
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    is_open = col(Delivery.state).in_(OPEN_STATES) & is_free(Delivery, now)
    return list(session.exec(question.where(is_open, may_be)))


def issue_counts(session: Session, issue_id: int) -> dict[str, int]:
    """Deliveries by state."""
    question = select(Delivery.state, func.count()).where(col(Delivery.issue_id) == issue_id)
    return dict(session.exec(question.group_by(col(Delivery.state))).all())


def told_deliveries(session: Session, keys: Collection[str]) -> Iterator[tuple[Delivery, str]]:
    """What a report tells of each of these, and its person's address."""
    columns: list[Any] = [*_TOLD.columns, col(Subscriber.email)]
    question = select(*columns).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    for some in portions(sorted(keys), MOST_VALUES):
        for *told, email in session.connection().execute(question.where(col(Delivery.key).in_(some))):
            yield _TOLD.value(told), email


def delivery_of(session: Session, subscriber_id: int, on: date) -> Delivery | None:
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id, col(Delivery.digest_on) == on)
    return session.exec(question).first()


def deliveries_of(session: Session, subscriber_id: int) -> list[Delivery]:
    """The newest day first."""
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id)
    return list(session.exec(question.order_by(col(Delivery.digest_on).desc())))


def unfinished_addresses(session: Session, issue_id: int) -> list[str]:
    """Whom an issue lacks to be complete."""
    question = select(Subscriber.email).join(Delivery, col(Subscriber.id) == col(Delivery.subscriber_id))
    open_ = (col(Delivery.issue_id) == issue_id, col(Delivery.state).not_in(DONE_STATES))
    return list(session.exec(question.where(*open_).order_by(col(Subscriber.email))))


def last_silence(session: Session, subscriber_id: int) -> Delivery | None:
    """The newest day that was looked at and gave no mail, with its reason; None where a mail came since."""
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id).order_by(col(Delivery.digest_on).desc())
    newest = session.exec(question.limit(1)).first()
    return newest if newest and newest.state == DeliveryState.SKIPPED and not newest.paper_ids else None


def silence_counts(session: Session, issue_id: int) -> dict[str, int]:
    """Why people of an issue got no mail, the commonest first, with how many."""
    count, reason = func.count(), col(Delivery.reason)
    silent = (col(Delivery.issue_id) == issue_id, col(Delivery.state) == DeliveryState.SKIPPED)
    question = select(reason, count).where(*silent).group_by(reason).order_by(count.desc(), reason)
    return {told or "": found for told, found in session.exec(question)}


def latest_issue(session: Session) -> Issue | None:
    return session.exec(select(Issue).order_by(col(Issue.id).desc()).limit(1)).first()
