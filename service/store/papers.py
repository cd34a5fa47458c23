"""Papers in the database. Touches the session it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import func, or_
from sqlmodel import Session, col, select

from service.models import TRUST, Form, Paper, ParsedPage, ParsedPaper, Summary
from service.store.locks import take_lock
from service.store.observations import COUNTS, put_observations
from service.words import folded

# What an observation may change; the identity and the day it was first featured stay.
_OBSERVED = (
    "title",
    "abstract",
    "authors",
    "author_count",
    "organization",
    "published_on",
    "code_url",
    "project_url",
    "thumbnail_url",
    "source_keywords",
    "source_summary",
    *COUNTS,
)


_AHEAD = timedelta(days=1)  # that the source's day may be of ours


class Stored(NamedTuple):
    """What became of a page's papers."""

    counts: Counter[str]  # by `new`, `changed` and `known`
    rejected: list[str]


def lock_papers(session: Session) -> None:
    """Until the transaction ends, nobody else stores papers: two fetches at once would both find one new."""
    take_lock(session.connection(), "papers")


def put_papers(
    session: Session, page: ParsedPage, *, asked_on: date | None, now: datetime, tag: Callable[[Paper], list[str]]
) -> Stored:
    """Store what a page says of its papers, and tag what is new of it.

    What the page does not tell leaves what is stored, and so does what it tells with less trust than the stored comes with;
    a paper listed again keeps the first day it was featured on; a changed title or abstract asks for a new summary. A new
    paper needs a day: its own, the page's, or the one asked for.
    """
    stored = Stored(Counter(), [])
    sound = list(_identified(session, page.papers, stored.rejected))
    known = {paper.id: paper for paper in papers_by_id(session, {identity for identity, _ in sound})}
    seen: dict[str, Paper] = {}
    for identity, parsed in sound:
        day = _past(parsed.featured_on or page.date or asked_on, now)
        if paper := known.get(identity):
            stored.counts["changed" if _merge(paper, parsed, page.form, day, tag) else "known"] += 1
        elif day is None:
            stored.rejected.append(f"{identity}: the page does not tell its day; name it with --on")
            continue
        else:
            paper = known[identity] = _new(identity, parsed, page.form, day, now, tag)
            session.add(paper)
            stored.counts["new"] += 1
        paper.seen_at = now
        seen[identity] = paper
    session.flush()
    put_observations(session, list(seen.values()), now)
    return stored


def _identified(session: Session, papers: Sequence[ParsedPaper], rejected: list[str]) -> Iterator[tuple[str, ParsedPaper]]:
    """Each paper with its id; one without is the stored one of the same title, if there is exactly one."""
    titles: dict[str, list[str]] = {}
    if any(paper.id is None for paper in papers):
        for identity, title in session.exec(select(Paper.id, Paper.title)):
            titles.setdefault(folded(title) or title, []).append(identity)
    for paper in papers:
        found = [paper.id] if paper.id else titles.get(folded(paper.title) or paper.title, [])
        if len(found) == 1:
            yield found[0], paper
        else:
            many = f"{len(found)} stored papers have this title" if found else "no stored paper has this title"
            rejected.append(f"{paper.title[:60]!r}: the page gives no arXiv id, and {many}")


def _past(day: date | None, now: datetime) -> date | None:
    """A day that is yet to come is today: the paper would stay out of every digest until then, and be the newest for ever."""
    today = now.date()
    return today if day and day > today + _AHEAD else day


def _new(identity: str, seen: ParsedPaper, form: Form, day: date, now: datetime, tag: Callable[[Paper], list[str]]) -> Paper:
    values = {name: _stored(getattr(seen, name)) for name in _OBSERVED}
    paper = Paper(id=identity, featured_on=day, first_seen_at=now, seen_at=now, **values)
    paper.told_by = _told_by(paper, [name for name, value in values.items() if value is not None], form)
    paper.tags = tag(paper)
    return paper


def _merge(paper: Paper, seen: ParsedPaper, form: Form, day: date | None, tag: Callable[[Paper], list[str]]) -> bool:
    """Answers whether anything changed."""
    told = {name: value for name in _OBSERVED if (value := _stored(getattr(seen, name))) is not None}
    better = {name: value for name, value in told.items() if _is_better(paper, name, form)}
    changes = {name: value for name, value in better.items() if value != getattr(paper, name)}
    if day and day < paper.featured_on:
        changes["featured_on"] = day
    for name, value in changes.items():
        setattr(paper, name, value)
    paper.told_by = _told_by(paper, better, form)
    if changes.keys() & {"title", "abstract", "source_keywords"}:
        paper.tags = tag(paper)
    if changes.keys() & {"title", "abstract"}:
        _clear_summary(paper)
    return bool(changes)


def _is_better(paper: Paper, name: str, form: Form) -> bool:
    """Counts follow the newest answer, whatever its form; so does what is not told yet."""
    is_free = name in COUNTS or getattr(paper, name) is None
    return is_free or _trust(form) >= _trust(paper.told_by.get(name))


def _told_by(paper: Paper, told: Collection[str], form: Form) -> dict[str, str]:
    """Only what is from a form of less than full trust is noted, and of counts nothing."""
    if _trust(form) == _trust(None):
        return {name: before for name, before in paper.told_by.items() if name not in told}
    return {**paper.told_by, **{name: str(form) for name in told if name not in COUNTS}}


def _trust(form: str | None) -> int:
    """None: of full trust."""
    return TRUST[Form(form)] if form else max(TRUST.values())


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


def model_failures(session: Session, since: datetime) -> dict[str, int]:
    """How many papers a model failed on that are due for another try since then, or later, by what it met."""
    is_failed = col(Paper.summary_version).is_(None) & col(Paper.summary_error).is_not(None)
    question = select(Paper.summary_error, func.count()).where(is_failed, col(Paper.summary_next_try_at) >= since)
    return {error or "": count for error, count in session.exec(question.group_by(col(Paper.summary_error)))}


def put_opinions(session: Session, paper_id: str, opinions: dict[str, Any]) -> None:
    """What models think of the paper, by topic; see service/match/opinions.py."""
    session.get_one(Paper, paper_id).opinions = opinions


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
    paper.opinions = None


def _stored(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
