"""Start and settle one mail, with statements that are made once: they run for every mail. Touches the session it is given."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Update, and_, bindparam, exists, or_, update
from sqlmodel import Session

from service.models import OPEN_STATES, DeliveryState, Outgoing, Subscriber, Suppression
from service.store.ledger import LEASE, Claimed, Settled
from service.subscribers import address_hash

_DONE = (DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.EXPIRED)


def start_mail(session: Session, claimed: Claimed, now: datetime) -> bool:
    """Make a claimed mail `sending`; answers False, and changes nothing, where it must not go out as it is.

    That is where the claim is lost, its domain was paused, the person's state, pause or address is another than when it was
    claimed, or the address is suppressed. Saying it twice changes nothing.
    """
    person = claimed.person
    found = {
        **_claim(claimed),
        "person": person.id,
        "person_state": person.state,
        "person_email": person.email,
        "paused_until": person.paused_until,
        "hash": address_hash(claimed.to),
        "now": now,
        "lease_end": now + LEASE,
    }
    return _run(session, _starting(type(claimed.mail)), found)


def settle_mail(session: Session, claimed: Claimed, settled: Settled, now: datetime) -> bool:
    """Record what became of a started mail; its claim ends.

    Answers False, and changes nothing, where the claim is no longer this one: it was recorded before, or the lease ran out
    and somebody else took the mail up, or the person was erased.
    """
    return _run(session, _settling(type(claimed.mail)), _outcome(claimed, settled, now))


def settle_unstarted(session: Session, claimed: Claimed, settled: Settled, now: datetime) -> bool:
    """End or put off a claimed mail that was not handed over."""
    return _run(session, _settling_unstarted(type(claimed.mail)), _outcome(claimed, settled, now))


def _run(session: Session, statement: Update, values: dict[str, Any]) -> bool:
    result = session.connection().execute(statement, values)
    return result.rowcount == 1


def _claim(claimed: Claimed) -> dict[str, Any]:
    return {
        "mail": claimed.mail.id,
        "by": claimed.worker,
        "attempts_before": claimed.mail.attempts,
        "attempt": claimed.mail.attempts + 1,
    }


def _outcome(claimed: Claimed, settled: Settled, now: datetime) -> dict[str, Any]:
    return {
        **_claim(claimed),
        "outcome": settled.state,
        "reason": settled.reason,
        "smtp_reply": settled.smtp_reply or claimed.mail.smtp_reply,
        "enhanced_code": settled.enhanced_code,
        "bounce": settled.bounce,
        "next_try_at": settled.next_try_at,
        "more_uncertain": int(settled.is_uncertain),
        "settled_at": now if settled.state in _DONE else None,
    }


@cache
def _starting(table: type[Outgoing]) -> Update:
    mail, person = _columns(table), _columns(Subscriber)
    is_time = or_(mail.next_try_at.is_(None), mail.next_try_at <= bindparam("now"))
    unsent = and_(mail.state.in_(OPEN_STATES), mail.attempts == bindparam("attempts_before"), is_time)
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
    return _settled(table).where(mail.state.in_(OPEN_STATES), mail.attempts == bindparam("attempts_before"))


def _settled(table: type[Outgoing]) -> Update:
    names = ("reason", "smtp_reply", "enhanced_code", "bounce", "next_try_at", "settled_at")
    told: dict[str, Any] = {name: bindparam(name) for name in names}
    count = _columns(table).uncertain_count + bindparam("more_uncertain")
    return _of_ours(table).values(state=bindparam("outcome"), uncertain_count=count, worker=None, lease_until=None, **told)


def _of_ours(table: Any) -> Update:
    mail = _columns(table)
    return update(table.__table__).where(mail.id == bindparam("mail"), mail.worker == bindparam("by"))


def _columns(table: Any) -> Any:
    return table.__table__.c
