"""Answers of the source in the database. Touches the session it is given."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session, col, select

from service.models import Page


def add_page(session: Session, page: Page) -> Page:
    session.add(page)
    session.flush()
    return page


def days_read_whole(session: Session, since: date) -> set[date]:
    """Days whose list was read, or was asked for in vain, after the day had ended in UTC; from `since` on."""
    found = session.exec(select(Page).where(col(Page.error).is_(None), col(Page.fetched_at) >= _start_of(since)))
    return {day for page in found for day in (page.asked_on, page.shown_on) if day and page.fetched_at >= _end_of(day)}


def first_fetched_at(session: Session) -> datetime | None:
    return session.exec(select(Page.fetched_at).order_by(col(Page.fetched_at)).limit(1)).first()


def last_fetched(session: Session) -> list[Page]:
    """The pages of the last fetch, which bear one time."""
    newest = session.exec(select(Page.fetched_at).order_by(col(Page.fetched_at).desc()).limit(1)).first()
    return list(session.exec(select(Page).where(col(Page.fetched_at) == newest).order_by(col(Page.id)))) if newest else []


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _end_of(day: date) -> datetime:
    return _start_of(day) + timedelta(days=1)
