"""Read one answer of the source: fetch, parse, doubt, store. Touches the database, and the network through `fetch`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from service.cadence import last_listed_day
from service.drift import FIELDS, Expected, Usual, doubts, field_counts
from service.errors import FetchFailed, PageChanged
from service.models import Doubt, Form, Page, ParsedPage
from service.sources import parse_page
from service.sources.addresses import FULL_ANSWER
from service.store.answers import keep_answer
from service.store.database import transaction
from service.store.pages import add_page, last_page_of_each_day
from service.store.papers import lock_papers, papers_featured, put_papers
from service.tag import tag_paper

Fetch = Callable[[str], bytes]  # an address -> its bytes; raises FetchFailed

log = structlog.get_logger(__name__)

_USUAL_SPAN = timedelta(days=60)


@dataclass(frozen=True, slots=True)
class Request:
    """One answer to be read, and what is known of it before."""

    address: str
    asked_on: date | None = None  # the day of papers on a page that tells none
    is_newest: bool = False  # the source's newest list, of whatever day
    part: int = 0  # of a list that comes in several answers
    ids_before: frozenset[str | None] = frozenset()  # papers on the earlier parts
    ids_elsewhere: frozenset[str | None] = frozenset()  # papers of this list by another form, read just now
    doubts: tuple[Doubt, ...] = ()  # what is doubtful about having to ask here

    @property
    def kind(self) -> str:
        """What it is one of: the doubts about one kind end with the next sound answer of it."""
        return "newest list" if self.is_newest else f"list of {self.asked_on}"


@dataclass(frozen=True, slots=True)
class Read:
    """What was read, and the row that tells of it."""

    request: Request
    row: Page
    page: ParsedPage | None  # None where nothing could be read
    doubts: tuple[Doubt, ...] = ()

    @property
    def ids(self) -> frozenset[str | None]:
        return frozenset(paper.id for paper in self.page.papers) if self.page else frozenset()


def read_answer(engine: Engine, request: Request, content: bytes, now: datetime) -> Read:
    """Parse and store it, whatever it is; a page that no parser knows is stored as the failure that it is."""
    try:
        page = parse_page(content, asked_on=request.asked_on)
    except PageChanged as error:
        return _unreadable(engine, request, content, error, now)
    with transaction(engine) as session:
        lock_papers(session)
        found = _doubts(session, request, page, now)
        row = add_page(session, _stored(session, request, page, found, now))
        keep_answer(session, row.id or 0, content)
    log.info("page read", address=request.address, form=row.form, papers=row.paper_count, new=row.new_count, doubts=len(found))
    return Read(request, row, page, found)


def record_failure(engine: Engine, request: Request, error: FetchFailed, now: datetime) -> Read:
    """That nothing came."""
    found = _doubts_of_failure(request, error)
    with transaction(engine) as session:
        row = add_page(session, _row(request, found, now, error=str(error)))
    log.error("page not read", address=request.address, reason=str(error))
    return Read(request, row, None, found)


def _doubts_of_failure(request: Request, error: FetchFailed) -> tuple[Doubt, ...]:
    """A server that is down comes back by itself. One that refuses does so until somebody looks, but where it only lacks
    the list of a day, who asked for that day is told."""
    is_absent = error.status in (404, 410) and not request.is_newest
    return (Doubt("refused", str(error)),) if error.is_lasting and not is_absent else ()


def record_absence(engine: Engine, request: Request, doubt: Doubt, now: datetime) -> Read:
    """That the source has no such list, or not at this address, which is no failure."""
    with transaction(engine) as session:
        row = add_page(session, _row(request, (doubt,), now))
    return Read(request, row, None, (doubt,))


def _unreadable(engine: Engine, request: Request, content: bytes, error: PageChanged, now: datetime) -> Read:
    found = (Doubt("page", str(error)),)
    with transaction(engine) as session:
        row = add_page(session, _row(request, found, now, error=f"{request.address}: {error}"))
        keep_answer(session, row.id or 0, content)
    log.error("page not read", address=request.address, reason=str(error))
    return Read(request, row, None, found)


def _doubts(session: Session, request: Request, page: ParsedPage, now: datetime) -> tuple[Doubt, ...]:
    today, assumed = now.astimezone(UTC).date(), _assumed_day(request, page, now)
    rows = last_page_of_each_day(session, page.form, today - _USUAL_SPAN)
    day = page.date or assumed or today
    earlier = next((row.paper_count for row in rows if row.shown_on == day), None)
    expected = Expected(
        today=today,
        asked_on=request.asked_on,
        newest_due_on=last_listed_day(now) if request.is_newest else None,
        is_continued=request.part > 0,
        ids_before=_ids_of_the_day_before(session, rows, day),
        ids_elsewhere=request.ids_elsewhere,
        count_earlier=earlier,
        usual=usual([row for row in rows if row.shown_on != day]),
    )
    dayless = (Doubt("no day", f"the page does not say which day it shows: new papers are taken for {assumed}'s"),)
    found = [*request.doubts, *doubts(page, expected), *(dayless if assumed and not request.asked_on else ())]
    return tuple({doubt.cause: doubt for doubt in found}.values())


def _assumed_day(request: Request, page: ParsedPage, now: datetime) -> date | None:
    """The day of papers that tell none: the one asked for, or where the newest list tells none either, the last weekday."""
    if request.asked_on or not request.is_newest or page.date or page.period not in (None, "day"):
        return request.asked_on
    today = now.astimezone(UTC).date()
    return today if today.weekday() < 5 else last_listed_day(now)


def _ids_of_the_day_before(session: Session, rows: list[Page], day: date) -> Collection[str]:
    before = max((row.shown_on for row in rows if row.shown_on and row.shown_on < day), default=None)
    return {paper.id for paper in papers_featured(session, before, before)} if before else ()


def usual(rows: Collection[Page]) -> Usual:
    """One row a day. A list counts as whole when it was read after its day."""
    total = sum(row.paper_count for row in rows)
    told = {name: sum(row.field_counts.get(name, 0) for row in rows) for name in FIELDS}
    return Usual(
        counts={row.shown_on: row.paper_count for row in rows if row.shown_on and row.fetched_at >= _end_of(row.shown_on)},
        shares={name: count / total for name, count in told.items()} if total else {},
        day_count=len(rows),
    )


def _end_of(day: date) -> datetime:
    return datetime.combine(day + timedelta(days=1), time(), UTC)


def _stored(session: Session, request: Request, page: ParsedPage, found: tuple[Doubt, ...], now: datetime) -> Page:
    """Store the page's papers; answers the row that tells what became of them."""
    stored = put_papers(session, page, asked_on=_assumed_day(request, page, now), now=now, tag=tag_paper)
    return _row(
        request,
        found,
        now,
        form=page.form,
        period=page.period,
        shown_on=page.date,
        part=request.part,
        goes_on=_goes_on(request, page),
        new_count=stored.counts["new"],
        changed_count=stored.counts["changed"],
        known_count=stored.counts["known"],
        rejected=[*page.rejected, *stored.rejected],
        field_counts=field_counts(page.papers),
    )


def _row(request: Request, doubts: Sequence[Doubt], now: datetime, **told: Any) -> Page:
    """With what is `told` of it, by column."""
    return Page(
        address=request.address,
        fetched_at=now,
        asked_on=request.asked_on,
        warnings=[doubt.words for doubt in doubts],
        causes=[doubt.cause for doubt in doubts],
        **told,
    )


def _goes_on(request: Request, page: ParsedPage) -> bool:
    """The API tells no total: a list may go on while answers are full and bring papers that earlier ones didn't."""
    is_full = page.form == Form.API and len(page.papers) + len(page.rejected) >= FULL_ANSWER
    return is_full and not {paper.id for paper in page.papers} <= request.ids_before
