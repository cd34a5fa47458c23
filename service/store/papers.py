"""Papers in the database. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from service.models import Paper, ParsedPaper, Summary
from service.store.database import take_lock

# What an observation may change; the identity and the day it was first featured stay.
_OBSERVED = (
    "title",
    "abstract",
    "authors",
    "author_count",
    "organization",
    "published_on",
    "upvotes",
    "comments",
    "code_url",
    "code_stars",
    "project_url",
    "thumbnail_url",
    "source_keywords",
    "source_summary",
)


def lock_papers(session: Session) -> None:
    """Until the transaction ends, nobody else stores papers: two fetches at once would both find one new."""
    take_lock(session.connection(), "papers")


def put_paper(session: Session, seen: ParsedPaper, *, featured_on: date, now: datetime, tag: Callable[[Paper], list[str]]) -> str:
    """Store one observation, and tag what it tells; answers `new`, `changed` or `known`.

    What the page does not tell leaves what is stored; a paper listed again keeps the first day it was featured on; a
    changed title or abstract asks for a new summary.
    """
    assert seen.id is not None
    values = {name: _stored(getattr(seen, name)) for name in _OBSERVED}
    paper = session.get(Paper, seen.id)
    if paper is None:
        paper = Paper(id=seen.id, featured_on=featured_on, first_seen_at=now, seen_at=now, **values)
        paper.tags = tag(paper)
        session.add(paper)
        return "new"
    changes = {name: value for name, value in values.items() if value is not None and value != getattr(paper, name)}
    if featured_on < paper.featured_on:
        changes["featured_on"] = featured_on
    for name, value in changes.items():
        setattr(paper, name, value)
    paper.seen_at = now
    if changes.keys() & {"title", "abstract", "source_keywords"}:
        paper.tags = tag(paper)
    if changes.keys() & {"title", "abstract"}:
        _clear_summary(paper)
    return "changed" if changes else "known"


def papers_featured(session: Session, since: date, until: date) -> list[Paper]:
    """Those featured from `since` to `until`, both included."""
    question = select(Paper).where(col(Paper.featured_on).between(since, until))
    return list(session.exec(question.order_by(col(Paper.id))))


def papers_by_id(session: Session, ids: Collection[str]) -> list[Paper]:
    return list(session.exec(select(Paper).where(col(Paper.id).in_(ids)).order_by(col(Paper.id))))


def papers_to_summarize(session: Session, now: datetime) -> list[Paper]:
    """Those without a summary, and those whose second try with a model is due."""
    unwritten = col(Paper.written_by).is_(None)
    due = col(Paper.summary_next_try_at) <= now
    return list(session.exec(select(Paper).where(or_(unwritten, due)).order_by(col(Paper.id))))


def put_summary(
    session: Session,
    paper_id: str,
    summary: Summary,
    *,
    version: str | None = None,
    error: str | None = None,
    is_refused: bool = False,
    next_try_at: datetime | None = None,
) -> None:
    """`version` is the model and prompt that were asked; `is_refused` tells that its answer did not pass."""
    paper = session.get_one(Paper, paper_id)
    paper.tldr, paper.problem, paper.result = summary.tldr, summary.problem, summary.result
    paper.written_by = summary.written_by
    paper.evidence = {name: place._asdict() for name, place in summary.evidence.items()}
    paper.checks = list(summary.checks)
    paper.tags = list(summary.tags) or paper.tags
    paper.summary_version = version
    paper.summary_tries += is_refused
    paper.summary_error = error
    paper.summary_next_try_at = next_try_at


def ask_again(session: Session, since: date, version: str, now: datetime) -> int:
    """Make due every paper featured from `since` on that another model or prompt summarised; answers how many."""
    other = or_(col(Paper.summary_version).is_(None), col(Paper.summary_version) != version)
    papers = session.exec(select(Paper).where(col(Paper.featured_on) >= since, other)).all()
    for paper in papers:
        paper.summary_next_try_at, paper.summary_tries = now, 0
    return len(papers)


def paper_count(session: Session) -> int:
    return session.exec(select(func.count()).select_from(Paper)).one()


def newest_featured_on(session: Session, *, before: date | None = None) -> date | None:
    question = select(func.max(Paper.featured_on))
    if before is not None:
        question = question.where(col(Paper.featured_on) < before)
    return session.exec(question).one()


def _clear_summary(paper: Paper) -> None:
    paper.tldr = paper.problem = paper.result = paper.written_by = None
    paper.evidence = paper.checks = paper.summary_version = None
    paper.summary_error = paper.summary_next_try_at = None
    paper.summary_tries = 0


def _stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
