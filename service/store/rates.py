"""The turns of the mail limits, which all processes on this database share. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from service.limits import IN_ALL, Limits, grant
from service.models import Turn
from service.store.locks import take_lock

_PREFIX = "mail "  # the hosts that papers come from have rows beside these


def allow_mails(
    session: Session, limits: Limits, domains: Sequence[str], most: int, clock: Callable[[], datetime]
) -> tuple[list[bool], float]:
    """`grant` for all processes. Durable with the transaction: before it no mail may go.

    The clock is asked once the lock is ours: turns that passed while others held it are lost, or they would be taken too late.
    """
    take_lock(session.connection(), "mail rate")
    names = {_PREFIX + name for name in (IN_ALL, *domains)}
    rows = session.exec(select(Turn).where(col(Turn.host).in_(names))).all()
    before = {row.host.removeprefix(_PREFIX): row.at.timestamp() for row in rows}
    turns = dict(before)
    answer = grant(limits, domains, most, turns, clock().timestamp())
    for name, at in turns.items():
        if at != before.get(name):
            session.merge(Turn(host=_PREFIX + name, at=datetime.fromtimestamp(at, UTC)))
    return answer
