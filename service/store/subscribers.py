"""Subscribers in the database. Touches the session it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Update, bindparam, delete, func, insert, update
from sqlmodel import Session, col, select

from service.models import Delivery, Mark, Notice, Subscriber, SubscriberState, Suppression, new_key
from service.store.planning import count_candidates
from service.store.prepared import prepared
from service.store.values import Values
from service.subscribers import SubscriberSettings, address_hash

_WHOLE = Values(Subscriber)


def subscriber(session: Session, email: str) -> Subscriber | None:
    return session.exec(select(Subscriber).where(col(Subscriber.email) == email)).first()


def subscriber_by_key(session: Session, key: str) -> Subscriber | None:
    """The person whom a link names."""
    return session.exec(select(Subscriber).where(col(Subscriber.key) == key)).first()


def all_subscribers(session: Session) -> list[Subscriber]:
    return list(session.exec(select(Subscriber).order_by(col(Subscriber.email))))


def subscribers_by_email(session: Session, emails: Collection[str]) -> list[Subscriber]:
    question = select(Subscriber).where(col(Subscriber.email).in_(emails))
    return list(session.exec(question.order_by(col(Subscriber.email))))


def subscribers_by_id(session: Session, ids: Collection[int]) -> list[Subscriber]:
    """In the order of the ids, of which a statement takes some thousands at the most."""
    rows = session.connection().execute(select(*_WHOLE.columns).where(col(Subscriber.id).in_(ids)))
    found = {person.id: person for person in map(_WHOLE.value, rows)}
    return [found[number] for number in ids if number in found]


def active_subscribers(session: Session) -> Iterator[tuple[int, Sequence[str]]]:
    """By address, each by id and with their topics; row by row, as they may be very many."""
    active = select(Subscriber.id, Subscriber.topics).where(col(Subscriber.state) == SubscriberState.ACTIVE)
    for number, topics in session.exec(active.order_by(col(Subscriber.email)).execution_options(yield_per=500)):
        assert number is not None
        yield number, topics


def subscriber_counts(session: Session) -> dict[str, int]:
    """By state."""
    counts = dict(session.exec(select(Subscriber.state, func.count()).group_by(col(Subscriber.state))).all())
    return {state: counts.get(state, 0) for state in SubscriberState}


def has_unsubscribed(session: Session, email: str) -> bool:
    """Whether the address, or an erased owner of it, asked for no more mail."""
    person = subscriber(session, email)
    if person is not None and person.state == SubscriberState.UNSUBSCRIBED:
        return True
    return session.get(Suppression, address_hash(email)) is not None


def add_subscriber(session: Session, settings: SubscriberSettings, now: datetime) -> Subscriber:
    person = Subscriber(**settings_columns(settings), added_at=now)
    session.add(person)
    session.flush()
    return person


def add_subscribers(session: Session, everybody: Sequence[SubscriberSettings], now: datetime) -> None:
    """At once, in a fifth of the time that one after the other takes."""
    rows = [{**settings_columns(settings), "key": new_key(), "added_at": now} for settings in everybody]
    if rows:
        session.execute(insert(Subscriber), rows)


def change_subscriber(session: Session, person: Subscriber, changes: Mapping[str, Any]) -> list[str]:
    """Assign the columns named; answers those whose value is another now."""
    changed = [name for name, value in changes.items() if getattr(person, name) != value]
    for name in changed:
        setattr(person, name, changes[name])
    session.add(person)
    return changed


def unscheduled_subscribers(session: Session, most: int) -> list[Subscriber]:
    """Active ones of whom it isn't known when their next digest is due; nobody else changes them until this is done."""
    active = col(Subscriber.state) == SubscriberState.ACTIVE
    return _values(session, select(*_WHOLE.columns).where(active, col(Subscriber.next_digest_at).is_(None)).limit(most))


def due_subscribers(session: Session, now: datetime, most: int) -> list[Subscriber]:
    """Active ones whose next digest is due, the longest waiting first; nobody else changes them until this is done."""
    due = (col(Subscriber.state) == SubscriberState.ACTIVE, col(Subscriber.next_digest_at) <= now)
    return _values(session, select(*_WHOLE.columns).where(*due).order_by(col(Subscriber.next_digest_at)).limit(most))


def _values(session: Session, question: Any) -> list[Subscriber]:
    return [_WHOLE.value(row) for row in session.connection().execute(question.with_for_update()).all()]


def overdue_subscriber_count(session: Session, before: datetime) -> int:
    """Active ones whose digest nobody has planned although it was due before that instant."""
    overdue = (col(Subscriber.state) == SubscriberState.ACTIVE, col(Subscriber.next_digest_at) <= before)
    return session.exec(select(func.count()).select_from(Subscriber).where(*overdue)).one()


def schedule_subscriber(session: Session, person: Subscriber, next_digest_at: datetime) -> None:
    person.next_digest_at = next_digest_at
    session.add(person)


def schedule_subscribers(session: Session, moments: Mapping[int, datetime]) -> None:
    """When each one's next digest is due."""
    connection = session.connection()
    rows = [{"person": number, "moment": moment} for number, moment in moments.items()]
    prepared(_scheduling(), connection.dialect).run(connection, rows)


@cache
def _scheduling() -> Update:
    table = Subscriber.metadata.tables["subscriber"]
    moment = bindparam("moment", type_=table.c.next_digest_at.type)
    return update(table).where(table.c.id == bindparam("person")).values(next_digest_at=moment)


def lock_subscriber(session: Session, person: Subscriber) -> bool:
    """Read the person anew; until the transaction ends nobody else changes them. SQLite's writers are alone anyway.

    Answers False where they were erased since they were read.
    """
    return session.get(Subscriber, person.id, with_for_update=True, populate_existing=True) is not None


def erase_subscriber(session: Session, person: Subscriber, now: datetime) -> None:
    """Delete the person, their deliveries, marks and notices; of one who had unsubscribed a hash of the address stays."""
    if person.state == SubscriberState.UNSUBSCRIBED:
        session.merge(Suppression(address_hash=address_hash(person.email), reason="unsubscribed", added_at=now))
    issues = session.exec(select(Delivery.issue_id).where(col(Delivery.subscriber_id) == person.id)).all()
    for issue_id, count in Counter(issues).items():
        count_candidates(session, issue_id, -count)
    session.exec(delete(Delivery).where(col(Delivery.subscriber_id) == person.id))
    session.exec(delete(Mark).where(col(Mark.subscriber_id) == person.id))
    session.exec(delete(Notice).where(col(Notice.subscriber_id) == person.id))
    session.delete(person)


def settings_columns(settings: SubscriberSettings) -> dict[str, Any]:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}
