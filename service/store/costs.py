"""Answers of a language model that are kept, and what was spent on models. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import func
from sqlmodel import Session, col, select

from service.models import KeptCompletion, Spending
from service.store.locks import take_lock


def kept_completion(session: Session, key: str) -> str | None:
    found = session.get(KeptCompletion, key)
    return found.text if found else None


def keep_completion(session: Session, key: str, text: str, now: datetime) -> None:
    session.merge(KeptCompletion(key=key, text=text, made_at=now))


def drop_completion(session: Session, key: str) -> None:
    """An answer that was refused would be refused again."""
    if found := session.get(KeptCompletion, key):
        session.delete(found)


def microdollars_spent(session: Session, on: date) -> int:
    """By all models of that day."""
    question = select(func.coalesce(func.sum(Spending.microdollars), 0)).where(col(Spending.spent_on) == on)
    return int(session.exec(question).one())


def add_spending(
    session: Session,
    on: date,
    model: str,
    *,
    calls: int = 0,
    cached: int = 0,
    tokens: tuple[int, int] = (0, 0),
    microdollars: int = 0,
) -> None:
    """`tokens` are the prompt's and the completion's."""
    take_lock(session.connection(), "spending")
    row = session.get(Spending, (on, model)) or Spending(spent_on=on, model=model)
    row.calls += calls
    row.cached_calls += cached
    row.prompt_tokens += tokens[0]
    row.completion_tokens += tokens[1]
    row.microdollars += microdollars
    session.add(row)


def spending_since(session: Session, since: date) -> Sequence[Spending]:
    """Newest day first."""
    question = select(Spending).where(col(Spending.spent_on) >= since)
    return session.exec(question.order_by(col(Spending.spent_on).desc(), col(Spending.model))).all()
