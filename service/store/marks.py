"""What people said of papers, in the database. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session, col, select

from service.models import Mark, MarkKind, Paper
from service.portions import portions
from service.store.database import MOST_VALUES

_EXCLUDED = {MarkKind.MORE: MarkKind.LESS, MarkKind.LESS: MarkKind.MORE}


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
    for ids in portions(sorted(subscriber_ids), MOST_VALUES):
        question = select(Mark).where(col(Mark.subscriber_id).in_(ids))
        for mark in session.exec(question.order_by(col(Mark.marked_at), col(Mark.paper_id), col(Mark.kind))):
            found[mark.subscriber_id] = (*found.get(mark.subscriber_id, ()), mark)
    return found


def marked_papers(session: Session, subscriber_id: int) -> list[tuple[Mark, Paper]]:
    """The newest first."""
    question = select(Mark, Paper).join(Paper, col(Paper.id) == col(Mark.paper_id))
    newest = question.where(col(Mark.subscriber_id) == subscriber_id).order_by(col(Mark.marked_at).desc(), col(Mark.paper_id))
    return list(session.exec(newest))
