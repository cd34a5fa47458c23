"""Answers of the source in the database. Touches the session it is given."""

from __future__ import annotations

from sqlmodel import Session, col, select

from service.models import Page


def add_page(session: Session, page: Page) -> Page:
    session.add(page)
    session.flush()
    return page


def latest_pages(session: Session, most: int) -> list[Page]:
    """Newest first."""
    return list(session.exec(select(Page).order_by(col(Page.fetched_at).desc(), col(Page.id).desc()).limit(most)))
