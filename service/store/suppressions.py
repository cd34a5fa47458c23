"""Addresses that get no mail, kept as hashes. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import insert
from sqlmodel import Session, col, select

from service.models import Subscriber, Suppression
from service.portions import portions
from service.store.database import MOST_VALUES
from service.subscribers import address_hash


def suppressed(session: Session, emails: Collection[str]) -> dict[str, str]:
    """Those of these addresses that get no mail, each with the reason."""
    hashes = {address_hash(email): email for email in emails}
    return {hashes[code]: reason for code, reason in _reasons(session, hashes).items()}


def suppressions(session: Session) -> list[tuple[Suppression, str | None]]:
    """All, the newest first, each with the address where a subscriber has it."""
    known = {address_hash(email): email for email in session.exec(select(Subscriber.email))}
    rows = session.exec(select(Suppression).order_by(col(Suppression.added_at).desc(), col(Suppression.address_hash)))
    return [(row, known.get(row.address_hash)) for row in rows]


def add_suppression(session: Session, hash: str, reason: str, now: datetime) -> bool:
    """Answers False where the address was suppressed before; its reason stays."""
    if session.get(Suppression, hash) is not None:
        return False
    session.add(Suppression(address_hash=hash, reason=reason, added_at=now))
    session.flush()
    return True


def add_suppressions(session: Session, reasons: Mapping[str, str], now: datetime) -> int:
    """By hash. Answers how many were not suppressed before; of the others the reason stays."""
    known = _reasons(session, reasons)
    rows = [{"address_hash": code, "reason": reason, "added_at": now} for code, reason in reasons.items() if code not in known]
    if rows:
        session.execute(insert(Suppression), rows)
    return len(rows)


def remove_suppression(session: Session, hash: str) -> bool:
    """Answers False where there was none."""
    row = session.get(Suppression, hash)
    if row is not None:
        session.delete(row)
        session.flush()
    return row is not None


def _reasons(session: Session, hashes: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in portions(sorted(hashes), MOST_VALUES):
        theirs = select(Suppression).where(col(Suppression.address_hash).in_(some))
        found.update({row.address_hash: row.reason for row in session.exec(theirs)})
    return found
