"""Topics and their versions in the database. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, or_, select

from service.models import Topic, TopicVersion

SHIPPED_BY = "paperround"  # the author of versions that no person made


def all_topics(session: Session) -> list[Topic]:
    """In the catalogue's order."""
    return list(session.exec(select(Topic).order_by(col(Topic.position), col(Topic.slug))))


def topic(session: Session, slug: str) -> Topic | None:
    return session.get(Topic, slug)


def put_topics(session: Session, topics: Iterable[Topic], *, author: str, reason: str, now: datetime) -> dict[str, int]:
    """Add new topics behind the others, and change known ones in their place. Counts by `new`, `changed` and `unchanged`.

    Whatever is new or changed makes a version.
    """
    counts = {"new": 0, "changed": 0, "unchanged": 0}
    next_position = (session.exec(select(func.max(Topic.position))).one() or 0) + 1
    for given in topics:
        known = session.get(Topic, given.slug)
        is_same = known is not None and _fields(known) == _fields(given)
        counts["new" if known is None else "unchanged" if is_same else "changed"] += 1
        if is_same:
            continue
        position = known.position if known else next_position
        next_position += known is None
        version = _newest_version(session, given.slug) + 1
        session.merge(Topic(**_fields(given), position=position, version=version))
        row = TopicVersion(slug=given.slug, version=version, made_at=now, author=author, reason=reason, topic=_fields(given))
        session.add(row)
        session.flush()
    return counts


def outdated_topics(session: Session, shipped: Iterable[Topic]) -> list[str]:
    """Slugs of topics that are as an earlier Paperround shipped them, and that nobody changed since."""
    found = []
    for newest in shipped:
        known = session.get(Topic, newest.slug)
        if known and known.prior is not None and _fields(known) != _fields(newest):
            found += [newest.slug] if topic_versions(session, newest.slug)[0].author == SHIPPED_BY else []
    return found


def topic_versions(session: Session, slug: str) -> list[TopicVersion]:
    """The newest first."""
    return list(session.exec(select(TopicVersion).where(TopicVersion.slug == slug).order_by(col(TopicVersion.version).desc())))


def topic_at(session: Session, slug: str, version: int) -> Topic | None:
    """The topic as that version was."""
    return next(iter(topics_at(session, {slug: version})), None)


def topics_at(session: Session, versions: Mapping[str, int]) -> list[Topic]:
    """Topics as those versions were, in the catalogue's order; one that was never kept is left out."""
    wanted = [(TopicVersion.slug == slug) & (TopicVersion.version == version) for slug, version in versions.items()]
    rows = session.exec(select(TopicVersion).where(or_(*wanted))) if wanted else ()
    places = {known.slug: known.position for known in all_topics(session)}
    found = [Topic(**row.topic, version=row.version, position=places.get(row.slug, len(places))) for row in rows]
    return sorted(found, key=lambda row: (row.position, row.slug))


def _newest_version(session: Session, slug: str) -> int:
    return session.exec(select(func.max(TopicVersion.version)).where(TopicVersion.slug == slug)).one() or 0


def _fields(given: Topic) -> dict[str, Any]:
    return given.model_dump(exclude={"position", "version"})
