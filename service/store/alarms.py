"""Causes of doubt while they last. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from service.models import Alarm, Doubt

_LONGEST_UNSEEN = timedelta(days=7)


def put_alarms(session: Session, kinds: Mapping[str, Iterable[tuple[int, Doubt]]], now: datetime) -> None:
    """What one fetch found, by kind of answer, each with its page's number: causes begin, go on, or end.

    A kind that was not asked for, or did not answer, keeps its alarms, for a week at most: what is not asked for any more
    can't be found sound.
    """
    known = {alarm.cause: alarm for alarm in alarms(session)}
    found = {f"{kind}: {doubt.cause}": (page_id, doubt) for kind, doubts in kinds.items() for page_id, doubt in doubts}
    for cause, (page_id, doubt) in found.items():
        alarm = known.get(cause) or Alarm(cause=cause, words=doubt.words, page_id=page_id, since=now, seen_at=now)
        alarm.words, alarm.page_id, alarm.seen_at = doubt.words, page_id, now
        session.add(alarm)
    for cause, alarm in known.items():
        is_old = now - alarm.seen_at > _LONGEST_UNSEEN
        if cause not in found and (cause.partition(": ")[0] in kinds or is_old):
            session.delete(alarm)


def alarms(session: Session) -> list[Alarm]:
    """Oldest first."""
    return list(session.exec(select(Alarm).order_by(col(Alarm.since), col(Alarm.cause))))


def mark_told(session: Session, causes: Iterable[str], now: datetime) -> None:
    for alarm in session.exec(select(Alarm).where(col(Alarm.cause).in_(list(causes)))):
        alarm.told_at = now
