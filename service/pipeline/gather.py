"""Gather papers: which lists are read. Touches the database, and the network through `fetch` and `model`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Engine
from sqlmodel import Session

from service.cadence import last_listed_day
from service.errors import FetchFailed
from service.language_model import LanguageModel
from service.models import Doubt, Page, listed_days
from service.pipeline.answers import Fetch, Read, Request, read_answer, record_absence, record_failure
from service.pipeline.opinions import form_opinions
from service.pipeline.summaries import summarize_papers
from service.pipeline.topics import renew_expansions
from service.sources.addresses import day_list, day_page
from service.store.alarms import put_alarms
from service.store.database import reading, transaction
from service.store.pages import days_last_asked_at, days_read_whole, first_fetched_at

_FURTHEST_BACK = timedelta(days=30)
_RECENT = timedelta(days=4)  # lists whose counts still move
_AGAIN_AFTER = timedelta(hours=6)  # a recent list is read again, for its counts and its late arrivals
_MOST_PARTS = 20  # of a list; a source that goes on for ever is cut off
_MOST_FAILURES = 3  # in a row, then the source is left alone
_ABSENT = (404, 405, 410)


@dataclass(frozen=True, slots=True)
class _Gathering:
    """What every step of one run reads with."""

    engine: Engine
    source: str
    fetch: Fetch
    clock: Callable[[], datetime]
    is_optional: bool = False  # nobody asked for these days, so that the source has no list of one is no failure


@dataclass(frozen=True, slots=True)
class GatherReport:
    pages: tuple[Page, ...]
    summaries: dict[str, int]  # by who wrote them
    summary_errors: dict[str, str]  # by paper id

    @property
    def has_failed(self) -> bool:
        """A page could not be read, or all of its papers were rejected."""
        return any(page.error or (page.rejected and not page.stored_count) for page in self.pages)


def gather_latest(
    engine: Engine, source: str, fetch: Fetch, *, now: datetime, model: LanguageModel | None = None
) -> GatherReport:
    """The newest list, by its page and by the API; every whole one not read since its day ended; recent ones again.

    At most 30 days back, and for the counts of papers by their lists only, never by a request a paper.
    """
    gathering = _Gathering(engine, source, fetch, lambda: now, is_optional=True)
    newest = _read(gathering, Request(source, is_newest=True))
    reads = [newest]
    shown_on = newest.page.date if newest.page else None
    if shown_on:
        reads += _read_day(gathering, shown_on, beside=newest)
    with reading(engine) as session:
        days = _days_to_read(session, now)
    reads += _read_days(gathering, days)
    return _report(engine, reads, model, now)


def gather_days(
    engine: Engine,
    source: str,
    days: Sequence[date],
    fetch: Fetch,
    *,
    clock: Callable[[], datetime],
    model: LanguageModel | None = None,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> GatherReport:
    """The lists of these days, by the API where there is one. Each is stored when it is read, so stopping loses nothing."""
    reads = _read_days(_Gathering(engine, source, fetch, clock), days, progress)
    return _report(engine, reads, model, clock())


def _read_days(
    gathering: _Gathering, days: Sequence[date], progress: Callable[[int, int], None] = lambda _done, _total: None
) -> list[Read]:
    """Until all are read, or the source failed on three in a row."""
    reads: list[Read] = []
    failures = 0
    for done, day in enumerate(days):
        progress(done, len(days))
        found = _read_day(gathering, day)
        failures = failures + 1 if any(read.row.error for read in found) else 0
        reads += found
        if failures == _MOST_FAILURES:
            break
    return reads


def days_to_backfill(session: Session, since: date, until: date) -> list[date]:
    """Listed days of the span that were not read whole yet, so that a backfill goes on where it was stopped."""
    read = days_read_whole(session, since)
    return [day for day in listed_days(since, until) if day not in read]


def gather_papers(
    engine: Engine,
    addresses: Iterable[str],
    fetch: Fetch,
    *,
    now: datetime,
    asked_on: date | None = None,
    model: LanguageModel | None = None,
) -> GatherReport:
    """Every page named. `asked_on` is the day of papers on pages that tell none. What is odd about them alarms nobody."""
    gathering = _Gathering(engine, "", fetch, lambda: now)
    reads = [_read(gathering, Request(address, asked_on)) for address in addresses]
    return _report(engine, reads, model, now, is_watched=False)


def _days_to_read(session: Session, now: datetime) -> list[date]:
    """On a new database the last listed day; later every listed day since the first fetch that is due."""
    last = last_listed_day(now)
    first_at = first_fetched_at(session)
    first = max(min(first_at.date(), last) if first_at else last, now.date() - _FURTHEST_BACK)
    whole, asked_at = days_read_whole(session, first), days_last_asked_at(session, first)
    resting = {day for day, at in asked_at.items() if now - at < _AGAIN_AFTER or (day in whole and now.date() - day > _RECENT)}
    return [day for day in listed_days(first, last) if day not in resting]


def _read_day(gathering: _Gathering, day: date, *, beside: Read | None = None) -> list[Read]:
    """The day's list by the API, part for part; by its page where the API can't be read.

    `beside` is what its page said just now, to compare with.
    """
    reads: list[Read] = []
    request = Request("", day, ids_elsewhere=beside.ids if beside else frozenset())
    while len(reads) < _MOST_PARTS and (address := day_list(gathering.source, day, len(reads))):
        request = replace(request, address=address, part=len(reads))
        try:
            content = gathering.fetch(address)
        except FetchFailed as error:
            doubt = _doubt_of_the_api(error)
            return [*reads, *(_absent_api(gathering, request, doubt) if beside else [_read_page(gathering, day, doubt)])]
        reads.append(read_answer(gathering.engine, request, content, gathering.clock()))
        request = replace(request, ids_before=request.ids_before | reads[-1].ids)
        if not reads[-1].row.goes_on:
            return reads
    return reads or [_read_page(gathering, day, None)]


def _doubt_of_the_api(error: FetchFailed) -> Doubt | None:
    """A source may have no API, which is no doubt; one that has it and does not answer is one."""
    return None if error.status in _ABSENT else Doubt("API", f"the API can't be read, its page is: {error}")


def _absent_api(gathering: _Gathering, request: Request, doubt: Doubt | None) -> list[Read]:
    """The page was read just now; the doubt is about no day's list, and ends when the API answers with this one."""
    if not doubt:
        return []
    absence = record_absence(gathering.engine, replace(request, asked_on=None), doubt, gathering.clock())
    return [replace(absence, request=request)]


def _read_page(gathering: _Gathering, day: date, doubt: Doubt | None) -> Read:
    return _read(gathering, Request(day_page(gathering.source, day), day, doubts=(doubt,) if doubt else ()))


def _read(gathering: _Gathering, request: Request) -> Read:
    try:
        content = gathering.fetch(request.address)
    except FetchFailed as error:
        if gathering.is_optional and error.status == 404 and not request.is_newest:
            doubt = Doubt("absent", f"the source has no page for {request.asked_on}")
            return record_absence(gathering.engine, request, doubt, gathering.clock())
        return record_failure(gathering.engine, request, error, gathering.clock())
    return read_answer(gathering.engine, request, content, gathering.clock())


def _report(
    engine: Engine, reads: Sequence[Read], model: LanguageModel | None, now: datetime, *, is_watched: bool = True
) -> GatherReport:
    if is_watched:
        with transaction(engine) as session:
            put_alarms(session, _found(reads), now)
            renew_expansions(session, now)
    summaries, errors = summarize_papers(engine, model, now)
    if model:
        form_opinions(engine, model, now)
    return GatherReport(tuple(read.row for read in reads), summaries, errors)


def _found(reads: Iterable[Read]) -> dict[str, list[tuple[int, Doubt]]]:
    """Doubts by kind of answer. One that was not answered tells nothing, neither that a cause goes on nor that it ended."""
    found: dict[str, list[tuple[int, Doubt]]] = {}
    for read in reads:
        if read.page or read.doubts:
            found.setdefault(read.request.kind, [])
            for doubt in read.doubts:
                found[read.request.kind].append((read.row.id or 0, doubt))
    return found
