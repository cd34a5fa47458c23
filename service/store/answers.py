"""Raw answers of the source, what it calls their state, and how often it was asked. Touches the session it is given."""

from __future__ import annotations

import gzip
from datetime import date, datetime

from sqlmodel import Session, col, delete, select

from service.models import Answer, Page, RequestCount, Turn, Validator

KEPT_ANSWERS = 30


def keep_answer(session: Session, page_id: int, content: bytes) -> None:
    """With the last 29 others."""
    session.add(Answer(page_id=page_id, content=gzip.compress(content, compresslevel=6, mtime=0)))
    session.flush()
    kept = select(Answer.page_id).order_by(col(Answer.page_id).desc()).limit(KEPT_ANSWERS)
    session.exec(delete(Answer).where(col(Answer.page_id).not_in(kept)))


def kept_answer(session: Session, page_id: int) -> bytes | None:
    answer = session.get(Answer, page_id)
    return gzip.decompress(answer.content) if answer else None


def kept_page_ids(session: Session) -> set[int]:
    return set(session.exec(select(Answer.page_id)))


def validator(session: Session, address: str) -> tuple[Validator, bytes] | None:
    """What the source called the state of this address, with the last answer from there; None where either is gone."""
    known = session.get(Validator, address)
    question = select(Answer).join(Page, col(Page.id) == col(Answer.page_id)).where(Page.address == address)
    answer = session.exec(question.order_by(col(Answer.page_id).desc()).limit(1)).first()
    return (known, gzip.decompress(answer.content)) if known and answer else None


def put_validator(session: Session, validator: Validator) -> None:
    session.merge(validator)


def turn_at(session: Session, host: str) -> datetime | None:
    """From when on this host may be asked again; None where it never was."""
    turn = session.get(Turn, host)
    return turn.at if turn else None


def put_turn(session: Session, host: str, at: datetime) -> None:
    session.merge(Turn(host=host, at=at))


def count_request(session: Session, day: date) -> int:
    """Answers how many went out on that day, this one included."""
    row = session.get(RequestCount, day, with_for_update=True) or RequestCount(day=day)
    row.count += 1
    session.add(row)
    return row.count
