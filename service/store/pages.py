"""Answers of the source in the database. Touches the session it is given."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import and_, func, or_
from sqlmodel import Session, col, select

from service.models import Page


def add_page(session: Session, page: Page) -> Page:
    session.add(page)
    session.flush()
    return page


def days_read_whole(session: Session, since: date) -> set[date]:
    """Days whose list was read, without a doubt about it, after the day had ended in UTC; from `since` on.

    That another day's list came instead does not count. The doubts about a list in parts stand on its first.
    """
    whole: set[date] = set()
    is_sound: dict[date, bool] = {}
    for page in _answers(session, since):
        if (day := page.shown_on or page.asked_on) is None:
            continue
        if page.part == 0:
            is_sound[day] = not page.is_suspect
        if is_sound.get(day) and not page.goes_on and _is_over(day, page):
            whole.add(day)
    return whole


def days_last_asked_at(session: Session, since: date) -> dict[date, datetime]:
    """When each day's list was last asked for after the day had ended, whatever came; from `since` on."""
    return {
        day: page.fetched_at
        for page in _answers(session, since)
        if not page.goes_on
        for day in (page.asked_on, page.shown_on)
        if day and _is_over(day, page)
    }


def _answers(session: Session, since: date) -> list[Page]:
    """Oldest first."""
    found = select(Page).where(col(Page.error).is_(None), col(Page.fetched_at) >= _start_of(since))
    return list(session.exec(found.order_by(col(Page.fetched_at), col(Page.id))))


def _is_over(day: date, page: Page) -> bool:
    return page.fetched_at >= _start_of(day + timedelta(days=1))


def last_page_of_each_day(session: Session, form: str, since: date) -> list[Page]:
    """The newest answer of this form for each day's list, by day; of a list in parts the first."""
    newest = (
        select(func.max(Page.id))
        .where(Page.form == form, Page.period == "day", Page.part == 0, col(Page.shown_on) >= since)
        .group_by(col(Page.shown_on))
    )
    return list(session.exec(select(Page).where(col(Page.id).in_(newest)).order_by(col(Page.shown_on))))


def last_page_of(session: Session, day: date) -> Page | None:
    """The newest answer about this day's list, whatever its form, even one that nobody could read; the first of its parts.

    What was asked for one day is about that day, whatever it shows.
    """
    about = or_(col(Page.asked_on) == day, and_(col(Page.asked_on).is_(None), col(Page.shown_on) == day))
    since = col(Page.fetched_at) >= _start_of(day)  # no list is read before its day; by the index
    found = session.exec(select(Page).where(about, since, Page.part == 0).order_by(col(Page.id).desc()))
    return next((page for page in found if page.is_suspect or (page.error is None and page.form)), None)


def first_fetched_at(session: Session) -> datetime | None:
    return session.exec(select(Page.fetched_at).order_by(col(Page.fetched_at)).limit(1)).first()


def last_fetched(session: Session) -> list[Page]:
    """The pages of the last fetch, which bear one time."""
    newest = session.exec(select(Page.fetched_at).order_by(col(Page.fetched_at).desc()).limit(1)).first()
    return list(session.exec(select(Page).where(col(Page.fetched_at) == newest).order_by(col(Page.id)))) if newest else []


def newest_pages(session: Session, count: int) -> list[Page]:
    """Newest first."""
    return list(session.exec(select(Page).order_by(col(Page.id).desc()).limit(count)))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
