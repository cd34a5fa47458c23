"""What becomes of each mail on its way, deliveries and notices alike. Touches the session it is given.

A worker claims mails in portions, which only sets a lease: their state stays. It starts one a connection, which makes that
one `sending`, before the first byte of its content goes out; the commit that starts a connection's next mail also settles
its last one. So when a worker dies, at most one mail a connection is in doubt, and `free_leases` finds all of them.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple, TypeVar, cast, overload

from sqlalchemy import ColumnElement, ScalarSelect, or_, update
from sqlmodel import Session, SQLModel, col, select

from service.models import (
    OPEN_STATES,
    UNSENT_STATES,
    Bounce,
    Delivery,
    DeliveryState,
    Notice,
    Outgoing,
    Subscriber,
    Wishes,
)
from service.portions import portions
from service.store.database import MOST_VALUES
from service.store.values import Values
from service.store.workers import Workers
from service.subscribers import domain_of

_Row = TypeVar("_Row", bound=SQLModel)

# Longer than one mail can take: two connections of at most ten steps of a minute, and ten minutes for the last reply.
LEASE = timedelta(minutes=35)

_PORTION = 500  # rows read at once

NOTICE_AGE = timedelta(days=5)

TABLES: tuple[type[Notice], type[Delivery]] = (Notice, Delivery)  # in the order of sending

# When a row was touched sending never asks, and each instant takes a tenth of the time for all the rest.
_INSTANTS = {"planned_at", "tried_at", "settled_at", "lease_until", "added_at", "unsubscribed_at", "next_digest_at"}
_WISHES = set(Wishes.__annotations__) - {"cadence"}  # by which a digest was chosen; a notice tells them


def _without(table: type[_Row], unasked: Collection[str]) -> Values[_Row]:
    return Values(table, *[name for name in table.model_fields if name not in unasked])


_MAILS: Mapping[type[Outgoing], Values[Any]] = {table: _without(table, _INSTANTS) for table in TABLES}
_PEOPLE = {Notice: _without(Subscriber, _INSTANTS), Delivery: _without(Subscriber, _INSTANTS | _WISHES)}


class Ref(NamedTuple):
    """Where a mail stands in the tables, and to which domain it goes."""

    table: type[Outgoing]
    number: int
    domain: str


@dataclass(frozen=True, slots=True)
class Refs(Sequence[Ref]):
    """Those of a wave, in columns: 24 bytes each, where an object of its own would take 120."""

    tables: list[type[Outgoing]] = field(default_factory=list)
    numbers: array[int] = field(default_factory=partial(array, "q"))
    domains: list[str] = field(default_factory=list)  # each spelled once

    def add(self, table: type[Outgoing], number: int, domain: str) -> None:
        self.tables.append(table)
        self.numbers.append(number)
        self.domains.append(sys.intern(domain))

    def __len__(self) -> int:
        return len(self.numbers)

    @overload
    def __getitem__(self, place: int) -> Ref: ...
    @overload
    def __getitem__(self, place: slice) -> Refs: ...
    def __getitem__(self, place: int | slice) -> Ref | Refs:
        if isinstance(place, slice):
            return Refs(self.tables[place], self.numbers[place], self.domains[place])
        return Ref(self.tables[place], self.numbers[place], self.domains[place])


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail that a worker has claimed, and whom it is for, both as they were then."""

    mail: Outgoing
    person: Subscriber
    to: str
    worker: str

    @property
    def table(self) -> type[Outgoing]:
        return Notice if self.mail.is_notice else Delivery


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one attempt."""

    state: DeliveryState
    reason: str | None = None
    smtp_reply: str | None = None
    enhanced_code: str | None = None
    bounce: Bounce | None = None
    next_try_at: datetime | None = None
    is_uncertain: bool = False  # it may have arrived


def due_mails(
    session: Session,
    now: datetime,
    states: Collection[str] = OPEN_STATES,
    *,
    tables: Sequence[type[Outgoing]] = TABLES,
    people: Collection[int] | None = None,
) -> Refs:
    """What of these tables is to be sent now and no worker has claimed: notices first, then the least tried.

    Everybody's mails, or only those of the subscribers given.
    """
    refs = Refs()
    for table in tables:
        address: Any = col(Notice.email) if table is Notice else col(Subscriber.email)
        question = select(table.id, table.subscriber_id, address).join(Subscriber, col(Subscriber.id) == col(table.subscriber_id))
        ordered = question.where(is_due(table, now, states)).order_by(col(table.attempts), col(table.planned_at), col(table.id))
        for number, person, to in session.exec(ordered.execution_options(yield_per=_PORTION)):
            if number and (people is None or person in people):
                refs.add(table, number, domain_of(to))
    return refs


def claim_mails(
    session: Session, refs: Sequence[Ref], worker: str, now: datetime, states: Collection[str] = OPEN_STATES
) -> list[Claimed]:
    """Lease those of these mails that are still due and free, in their order; locked ones are somebody else's already."""
    found: dict[tuple[type[Outgoing], int], Claimed] = {}
    for table in TABLES:
        ids = [ref.number for ref in refs if ref.table is table]
        if not ids:
            continue
        mails = _leased(session, table, ids, worker, now, states)
        people = _people(session, _PEOPLE[table], {mail.subscriber_id for mail in mails})
        for mail in mails:
            assert mail.id is not None
            person = people[mail.subscriber_id]
            found[table, mail.id] = Claimed(mail, person, _recipient(mail, person), worker)
    return [found[ref[:2]] for ref in refs if ref[:2] in found]


def _leased(
    session: Session, table: type[Outgoing], ids: Sequence[int], worker: str, now: datetime, states: Collection[str]
) -> list[Outgoing]:
    """What the worker holds of these already is leased anew: the commit that said so may have failed after it was done."""
    is_ours = col(table.state).in_(states) & (col(table.worker) == worker)
    free = select(table.id).where(col(table.id).in_(ids), is_due(table, now, states) | is_ours)
    leased = update(table).where(col(table.id).in_(free.with_for_update(skip_locked=True)))
    values = _MAILS[table]
    claimed = leased.values(worker=worker, lease_until=now + LEASE).returning(*values.columns)
    return [values.value(row) for row in session.connection().execute(claimed).all()]


def _people(session: Session, values: Values[Subscriber], ids: Collection[int]) -> dict[int, Subscriber]:
    theirs = select(*values.columns).where(col(Subscriber.id).in_(ids))
    people = [values.value(row) for row in session.connection().execute(theirs).all()]
    return {person.id: person for person in people if person.id is not None}


def read_again(session: Session, claimed: Claimed) -> Claimed | None:
    """The mail and the person as they are now; None where they are gone."""
    mail = session.get(claimed.table, claimed.mail.id)
    person = session.get(Subscriber, claimed.person.id)
    if mail is None or person is None:
        return None
    return Claimed(mail, person, _recipient(mail, person), claimed.worker)


def _recipient(mail: Outgoing, person: Subscriber) -> str:
    return cast("Notice", mail).email if mail.is_notice else person.email


def give_back(session: Session, worker: str) -> None:
    """End a worker's claims on what it has not started."""
    for table in TABLES:
        claimed = update(table).where(col(table.state).in_(OPEN_STATES), col(table.worker) == worker)
        session.exec(claimed.values(worker=None, lease_until=None))


def free_leases(session: Session, workers: Workers, now: datetime) -> int:
    """Whatever dead workers had claimed is free again, and what others had whose lease ran out, but for those who surely live.

    What was being handed over may or may not have arrived: it becomes `unknown`, due at once. Answers how many.
    """
    count = 0
    for table in TABLES:
        ran_out = (col(table.lease_until) <= now) & col(table.worker).not_in(workers.living)
        lost = col(table.worker).in_(workers.dead) | ran_out
        sending = col(table.state) == DeliveryState.SENDING
        count += session.exec(
            update(table)
            .where(sending, lost)
            .values(
                state=DeliveryState.UNKNOWN,
                reason="the sending process ended before the reply was recorded",
                uncertain_count=table.uncertain_count + 1,
                next_try_at=None,
                worker=None,
                lease_until=None,
            )
        ).rowcount
        session.exec(update(table).where(col(table.state).in_(OPEN_STATES), lost).values(worker=None, lease_until=None))
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
            if settle_free(session, mail, DeliveryState.EXPIRED, reason=reason, now=now):
                expired.add(mail.key)
    return expired


def settle_free(session: Session, mail: Outgoing, state: DeliveryState, *, reason: str, now: datetime) -> bool:
    """End an open mail that nobody has claimed; answers False where a worker has since it was read."""
    table = type(mail)
    settled = session.exec(
        update(table)
        .where(col(table.id) == mail.id, col(table.state) == mail.state, is_free(table, now))
        .values(state=state, reason=reason, settled_at=now if state is DeliveryState.EXPIRED else None)
    )
    return settled.rowcount == 1


def make_due(session: Session, subscriber_ids: Iterable[int], now: datetime) -> None:
    """The open digests of these people wait no longer for their next try."""
    people = set(subscriber_ids)
    waiting = select(Delivery.id, Delivery.subscriber_id).where(
        col(Delivery.next_try_at) > now, col(Delivery.state).in_(OPEN_STATES)
    )
    ids = [number for number, person in session.exec(waiting) if person in people and number is not None]
    for some in portions(ids, MOST_VALUES):
        session.exec(update(Delivery).where(col(Delivery.id).in_(some)).values(next_try_at=None))


def pause_domain(session: Session, domain: str, until: datetime) -> None:
    """No open mail to the domain is tried before then."""
    for table in TABLES:
        address: Any = col(Notice.email) if table is Notice else _address_of(table)
        session.exec(
            update(table)
            .where(
                col(table.state).in_(OPEN_STATES),
                or_(col(table.next_try_at).is_(None), col(table.next_try_at) < until),
                address.endswith(f"@{domain}", autoescape=True),
            )
            .values(next_try_at=until)
        )


def _address_of(table: type[Outgoing]) -> ScalarSelect[str]:
    return select(Subscriber.email).where(col(Subscriber.id) == col(table.subscriber_id)).scalar_subquery()


def is_due(table: type[Outgoing], now: datetime, states: Collection[str] = OPEN_STATES) -> ColumnElement[bool]:
    """It wants to be sent now, and no worker has claimed it."""
    is_time = or_(col(table.next_try_at).is_(None), col(table.next_try_at) <= now)
    return col(table.state).in_(states) & is_time & is_free(table, now)


def is_unsent(table: type[Outgoing], now: datetime) -> ColumnElement[bool]:
    """It surely never arrived, and no worker has claimed it."""
    return col(table.state).in_(UNSENT_STATES) & (col(table.uncertain_count) == 0) & is_free(table, now)


def is_free(table: type[Outgoing], now: datetime) -> ColumnElement[bool]:
    return or_(col(table.lease_until).is_(None), col(table.lease_until) <= now)
