"""Gather papers: fetch, parse, store, summarise. Touches the database, and the network through `fetch` and `complete`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from service.cadence import last_listed_day
from service.errors import FetchFailed, ModelFailed, PageChanged
from service.models import Page, ParsedPage
from service.sources import parse_page
from service.store.database import reading, transaction
from service.store.pages import add_page, days_read_whole, first_fetched_at
from service.store.papers import lock_papers, papers_to_summarize, put_papers, put_summary
from service.summarize import Complete, summarize
from service.tag import tag_paper

Fetch = Callable[[str], bytes]  # an address -> its bytes; raises FetchFailed

log = logging.getLogger(__name__)

_FURTHEST_BACK = timedelta(days=30)
_SECOND_TRY = timedelta(hours=1)  # for a summary that a model could not give
_MOST_MODEL_FAILURES = 3  # in a row, then the model is left alone until the next run


@dataclass(frozen=True, slots=True)
class GatherReport:
    pages: tuple[Page, ...]
    summaries: dict[str, int]  # by who wrote them
    summary_errors: dict[str, str]  # by paper id

    @property
    def has_failed(self) -> bool:
        """A page could not be read, or all of its papers were rejected."""
        return any(page.error or (page.rejected and not self.stored_count(page)) for page in self.pages)

    @staticmethod
    def stored_count(page: Page) -> int:
        return page.new_count + page.changed_count + page.known_count


def gather_latest(engine: Engine, source: str, fetch: Fetch, *, now: datetime, complete: Complete | None = None) -> GatherReport:
    """Today's list, which still grows, and every whole one that was not read since its day ended, 30 days back at most."""
    pages = [_gather_page(engine, source, fetch, asked_on=None, now=now)]
    with reading(engine) as session:
        days = _days_to_read(session, now)
    pages += [_gather_page(engine, day_address(source, day), fetch, asked_on=day, now=now, may_be_missing=True) for day in days]
    return _summarized(engine, pages, complete, now)


def gather_papers(
    engine: Engine,
    addresses: Iterable[str],
    fetch: Fetch,
    *,
    now: datetime,
    asked_on: date | None = None,
    complete: Complete | None = None,
) -> GatherReport:
    """Every page named. `asked_on` is the day of papers on pages that tell none."""
    pages = [_gather_page(engine, address, fetch, asked_on=asked_on, now=now) for address in addresses]
    return _summarized(engine, pages, complete, now)


def day_address(source: str, day: date) -> str:
    return f"{source}/date/{day}"


def _days_to_read(session: Session, now: datetime) -> list[date]:
    """On a new database the last listed day; later every listed day since the first fetch that is not read whole."""
    last = last_listed_day(now)
    first_at = first_fetched_at(session)
    first = max(min(first_at.date(), last) if first_at else last, now.date() - _FURTHEST_BACK)
    read = days_read_whole(session, first)
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if day.weekday() < 5 and day not in read]


def _summarized(engine: Engine, pages: list[Page], complete: Complete | None, now: datetime) -> GatherReport:
    summaries, errors = _summarize_papers(engine, complete, now)
    return GatherReport(tuple(pages), summaries, errors)


def _gather_page(
    engine: Engine, address: str, fetch: Fetch, *, asked_on: date | None, now: datetime, may_be_missing: bool = False
) -> Page:
    try:
        page = parse_page(fetch(address), asked_on=asked_on)
    except (FetchFailed, PageChanged) as error:
        row = _page_without_papers(address, asked_on if may_be_missing else None, error, now)
        with transaction(engine) as session:
            add_page(session, row)
    else:
        with transaction(engine) as session:
            lock_papers(session)
            row = add_page(session, _stored_page(session, address, page, asked_on, now))
    log.info(
        "address=%s form=%s new=%d changed=%d rejected=%d", address, row.form, row.new_count, row.changed_count, len(row.rejected)
    )
    return row


def _page_without_papers(address: str, optional: date | None, error: FetchFailed | PageChanged, now: datetime) -> Page:
    """That the source has no page for a day that nobody asked for (`optional`) is no failure."""
    if isinstance(error, FetchFailed) and error.status == 404 and optional is not None:
        return Page(address=address, fetched_at=now, asked_on=optional, warnings=[f"the source has no page for {optional}"])
    said = str(error) if isinstance(error, FetchFailed) else f"{address}: {error}"
    return Page(address=address, fetched_at=now, error=said)


def _stored_page(session: Session, address: str, page: ParsedPage, asked_on: date | None, now: datetime) -> Page:
    """Store the page's papers; answers the row that tells what became of them."""
    stored = put_papers(session, page, asked_on=asked_on, now=now, tag=tag_paper)
    return Page(
        address=address,
        fetched_at=now,
        asked_on=asked_on,
        form=page.form,
        period=page.period,
        shown_on=page.date,
        new_count=stored.counts["new"],
        changed_count=stored.counts["changed"],
        known_count=stored.counts["known"],
        rejected=[*page.rejected, *stored.rejected],
        warnings=_page_warnings(page, asked_on),
    )


def _page_warnings(page: ParsedPage, asked_on: date | None) -> list[str]:
    warnings = [doubt.words for doubt in page.doubts]
    if asked_on and page.date and page.date != asked_on:
        warnings.append(f"asked for {asked_on}, the source shows {page.date}: that day is believed")
    if not page.papers and not page.rejected:
        warnings.append("the page holds no papers")
    return warnings


def _summarize_papers(engine: Engine, complete: Complete | None, now: datetime) -> tuple[dict[str, int], dict[str, str]]:
    """Each paper once for all subscribers; a paper that the model failed on is tried again on a later run."""
    with reading(engine) as session:
        papers = papers_to_summarize(session, now)
    counts = {"authors": 0, "model": 0}
    errors: dict[str, str] = {}
    failures_in_a_row = 0
    for paper in papers:
        summary, error = summarize(paper, complete if failures_in_a_row < _MOST_MODEL_FAILURES else _left_alone)
        failures_in_a_row = failures_in_a_row + 1 if isinstance(error, ModelFailed) else 0
        next_try_at = now + _SECOND_TRY if error else None
        with transaction(engine) as session:
            put_summary(session, paper.id, summary, error=str(error) if error else None, next_try_at=next_try_at)
        counts[summary.written_by] += 1
        if error:
            errors[paper.id] = str(error)
            log.warning("model summary not taken paper=%s reason=%s", paper.id, error)
    return counts, errors


def _left_alone(_prompt: str) -> str:
    raise ModelFailed("not asked: the language model did not answer before")
