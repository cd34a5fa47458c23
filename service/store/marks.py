"""What people said of papers, in the database. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from service.models import Mark, MarkKind, Paper

_EXCLUDED = {MarkKind.MORE: MarkKind.LESS, MarkKind.LESS: MarkKind.MORE}
_PORTION = 1000  # ids in one question


def put_mark(session: Session, subscriber_id: int, paper_id: str, kind: MarkKind, now: datetime) -> bool:
    """Answers False where it was said before. More takes back less, and less more."""
    if session.get(Mark, (subscriber_id, paper_id, kind)):
        return False
    if excluded := _EXCLUDED.get(kind):
        take_back_mark(session, subscriber_id, paper_id, excluded)
    session.add(Mark(subscriber_id=subscriber_id, paper_id=paper_id, kind=kind, marked_at=now))
    session.flush()
    return True


def take_back_mark(session: Session, subscriber_id: int, paper_id: str, kind: MarkKind) -> bool:
    """Answers False where there was none."""
    found = session.get(Mark, (subscriber_id, paper_id, kind))
    if found is not None:
        session.delete(found)
        session.flush()
    return found is not None


def marks_of(session: Session, subscriber_ids: Collection[int]) -> dict[int, tuple[Mark, ...]]:
    """By subscriber, the oldest first; who has none is left out."""
    found: dict[int, tuple[Mark, ...]] = {}
    ids = sorted(subscriber_ids)
    for start in range(0, len(ids), _PORTION):
        question = select(Mark).where(col(Mark.subscriber_id).in_(ids[start : start + _PORTION]))
        for mark in session.exec(question.order_by(col(Mark.marked_at), col(Mark.paper_id), col(Mark.kind))):
            found[mark.subscriber_id] = (*found.get(mark.subscriber_id, ()), mark)
    return found


def marked_papers(session: Session, subscriber_id: int) -> list[tuple[Mark, Paper]]:
    """The newest first."""
    question = select(Mark, Paper).join(Paper, col(Paper.id) == col(Mark.paper_id))
    newest = question.where(col(Mark.subscriber_id) == subscriber_id).order_by(col(Mark.marked_at).desc(), col(Mark.paper_id))
    return list(session.exec(newest))
