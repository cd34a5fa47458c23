"""Start and settle mails, a group of them with one statement. Touches the connection it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Boolean, ColumnElement, Connection, Update, and_, bindparam, case, exists, null, or_, update

from service.models import OPEN_STATES, DeliveryState, Outgoing, Subscriber, Suppression
from service.store.ledger import LEASE, TABLES, Claimed, Settled
from service.store.prepared import prepared
from service.subscribers import address_hash

_DONE = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.EXPIRED)

_Statement = Callable[[type[Outgoing]], Update]
_Values = dict[str, Any]


def start_mails(connection: Connection, claims: Sequence[Claimed], now: datetime) -> list[bool]:
    """Make claimed mails `sending`; answers False for one that must not go out as it is, which stays as it was.

    That is where the claim is lost, its domain was paused, the person's state, pause or address is another than when it was
    claimed, or the address is suppressed. Saying it twice changes nothing.
    """
    values = [_start(claimed) for claimed in claims]
    if _run(connection, _starting, claims, values, now) == len(claims):
        return [True] * len(claims)
    return [_run(connection, _starting, [claimed], [own], now) == 1 for claimed, own in zip(claims, values, strict=True)]


def settle_mails(connection: Connection, settled: Sequence[tuple[Claimed, Settled]], now: datetime) -> int:
    """Record what became of started mails; their claims end. Answers how many that changed.

    Where a claim is no longer this one, nothing changes: it was recorded before, or the lease ran out and somebody else took
    the mail up, or the person was erased.
    """
    return _run(connection, _settling, [claimed for claimed, _ in settled], [_outcome(*one) for one in settled], now)


def settle_unstarted(connection: Connection, claimed: Claimed, settled: Settled, now: datetime) -> None:
    """End or put off a claimed mail that was not handed over; to put it off counts as an attempt, for the next wait is longer."""
    attempts = claimed.mail.attempts + (settled.next_try_at is not None)
    _run(connection, _settling_unstarted, [claimed], [_outcome(claimed, settled) | {"attempts": attempts}], now)


def _run(
    connection: Connection, statement: _Statement, claims: Sequence[Claimed], values: Sequence[_Values], now: datetime
) -> int:
    """Answers how many mails changed."""
    shared = {"now": now, "lease_end": now + LEASE}
    dialect = connection.dialect
    return sum(prepared(statement(table), dialect).run(connection, own, shared) for table, own in _by_table(claims, values))


def _by_table(claims: Sequence[Claimed], values: Sequence[_Values]) -> Iterator[tuple[type[Outgoing], list[_Values]]]:
    for table in TABLES:
        if own := [row for claimed, row in zip(claims, values, strict=True) if claimed.table is table]:
            yield table, own


def _start(claimed: Claimed) -> _Values:
    person, attempts = claimed.person, claimed.mail.attempts
    return {
        "mail": claimed.mail.id,
        "by": claimed.worker,
        "attempts_before": attempts,
        "attempt": attempts + 1,
        "person": person.id,
        "person_state": person.state,
        "person_email": person.email,
        "paused_until": person.paused_until,
        "hash": address_hash(claimed.to),
    }


def _outcome(claimed: Claimed, settled: Settled) -> _Values:
    mail, attempts = claimed.mail, claimed.mail.attempts
    return {
        "mail": mail.id,
        "by": claimed.worker,
        "attempts_before": attempts,
        "attempt": attempts + 1,
        "outcome": settled.state,
        "reason": settled.reason,
        "smtp_reply": settled.smtp_reply or mail.smtp_reply,
        "enhanced_code": settled.enhanced_code,
        "bounce": settled.bounce,
        "next_try_at": settled.next_try_at,
        "more_uncertain": int(settled.is_uncertain),
        "is_done": settled.state in _DONE,
    }


@cache
def _starting(table: type[Outgoing]) -> Update:
    mail, person = _columns(table), _columns(Subscriber)
    is_time = or_(mail.next_try_at.is_(None), mail.next_try_at <= bindparam("now"))
    unsent = and_(_is_open(mail), mail.attempts == bindparam("attempts_before"), is_time)
    started = and_(mail.state == DeliveryState.SENDING, mail.attempts == bindparam("attempt"))
    as_claimed = exists().where(
        person.id == bindparam("person"),
        person.state == bindparam("person_state"),
        person.email == bindparam("person_email"),
        person.paused_until.is_not_distinct_from(bindparam("paused_until")),
    )
    is_suppressed = exists().where(_columns(Suppression).address_hash == bindparam("hash"))
    return (
        _of_ours(table)
        .where(or_(unsent, started), as_claimed, ~is_suppressed)
        .values(
            state=DeliveryState.SENDING,
            attempts=bindparam("attempt"),
            tried_at=bindparam("now"),
            lease_until=bindparam("lease_end"),
        )
    )


@cache
def _settling(table: type[Outgoing]) -> Update:
    mail = _columns(table)
    return _settled(table).where(mail.state == DeliveryState.SENDING, mail.attempts == bindparam("attempt"))


@cache
def _settling_unstarted(table: type[Outgoing]) -> Update:
    mail = _columns(table)
    counted = _settled(table).values(attempts=bindparam("attempts"))
    return counted.where(_is_open(mail), mail.attempts == bindparam("attempts_before"))


def _settled(table: type[Outgoing]) -> Update:
    mail, names = _columns(table), ("reason", "smtp_reply", "enhanced_code", "bounce", "next_try_at")
    told: dict[str, Any] = {name: bindparam(name) for name in names}
    return _of_ours(table).values(
        state=bindparam("outcome"),
        uncertain_count=mail.uncertain_count + bindparam("more_uncertain"),
        settled_at=case((bindparam("is_done", type_=Boolean), bindparam("now", type_=mail.settled_at.type))),
        worker=null(),
        lease_until=null(),
        **told,
    )


def _is_open(mail: Any) -> ColumnElement[bool]:
    """`in_` would be written out anew at each execution."""
    return or_(*(mail.state == state for state in OPEN_STATES))


def _of_ours(table: Any) -> Update:
    mail = _columns(table)
    return update(table.__table__).where(mail.id == bindparam("mail"), mail.worker == bindparam("by"))


def _columns(table: Any) -> Any:
    return table.__table__.c
