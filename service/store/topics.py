"""Topics in the database. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import func
from sqlmodel import Session, col, select

from service.models import Topic


def all_topics(session: Session) -> list[Topic]:
    """In the catalogue's order."""
    return list(session.exec(select(Topic).order_by(col(Topic.position), col(Topic.slug))))


def topic(session: Session, slug: str) -> Topic | None:
    return session.get(Topic, slug)


def put_topics(session: Session, topics: Iterable[Topic]) -> dict[str, int]:
    """Add new topics behind the others, and change known ones in their place. Counts by `new`, `changed` and `unchanged`."""
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    next_position = (session.exec(select(func.max(Topic.position))).one() or 0) + 1
    for topic in topics:
        known = session.get(Topic, topic.slug)
        is_same = known is not None and _fields(known) == _fields(topic)
        topic.position = known.position if known else next_position
        next_position += known is None
        counts["new" if known is None else "unchanged" if is_same else "changed"] += 1
        session.merge(topic)
    return counts


def _fields(topic: Topic) -> dict[str, object]:
    return topic.model_dump(exclude={"position"})
