"""`fetch`: bring papers in. Touches the network and the database."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from sqlalchemy import Engine

from service import connections
from service.cadence import last_listed_day
from service.cli.listing import Listing
from service.cli.output import (
    LARGEST_NUMBER,
    Json,
    counted,
    database,
    database_reading,
    day,
    now,
    past_day,
    progress,
    read_file,
    say,
    say_json,
    tell,
)
from service.errors import WrongUse
from service.models import Page
from service.pipeline.doubts import mail_alarms
from service.pipeline.gather import GatherReport, days_to_backfill, gather_days, gather_latest, gather_papers
from service.settings import sender
from service.store.answers import kept_page_ids
from service.store.database import reading
from service.store.pages import newest_pages

if TYPE_CHECKING:
    from service.fetch.fetcher import Fetcher

_MOST_REJECTED = 10  # of a page, told one by one

app = typer.Typer(cls=Listing, invoke_without_command=True)


@app.callback()
def fetch(
    context: typer.Context,
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The list of that day, as in 2026-11-20.")] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="The lists of that day and all later ones not read whole yet.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="DATE", help="With --since: the last day; default: the last whole list.")
    ] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="FILE-or-URL ...", help="Saved pages or addresses instead of the source; several may follow."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring papers in: fetch, parse, store, summarise.

    Says how many are new, known, changed or rejected, and why, and what is odd about the answers.

    Without options: the newest list, which still grows, and those whole ones that are due. `--since` can be stopped, and
    goes on where it was when it is run again. `fetch log` lists what was fetched.
    """
    if context.invoked_subcommand:
        return
    _check_sources(sources or [])
    asked_on, days = past_day(on), _span(since, until)
    if sum(given is not None for given in (days, on, sources)) > 1 and not (on and sources):
        raise WrongUse("--since goes with --until only")
    with (
        database() as (settings, engine),
        connections.fetcher(settings, engine) as fetcher,
        connections.language_model(settings) as model,
    ):
        if sources:
            report = gather_papers(
                engine, sources, lambda place: _read(fetcher, place), now=now(), asked_on=asked_on, model=model
            )
        elif asked_on or days:
            wanted = [asked_on] if asked_on else _days_due(engine, *days or ())
            with progress("Fetching") as show:
                report = gather_days(engine, settings.source_url, wanted, fetcher.fetch, clock=now, model=model, progress=show)
        else:
            report = gather_latest(engine, settings.source_url, fetcher.fetch, now=now(), model=model)
        tell_problems(report)
        say_json(gather_json(report)) if as_json else say_gathered(report)
        if settings.admin_email:
            identity = sender(settings)
            with connections.transport(settings, engine, identity) as transport:
                mail_alarms(engine, transport, identity, settings.admin_email, now())
    if report.has_failed:
        raise typer.Exit(1)


@app.command("log")
def log(
    count: Annotated[
        int, typer.Option("--count", metavar="N", min=1, max=LARGEST_NUMBER, help="How many, the newest first.")
    ] = 30,
    as_json: Json = False,
) -> None:
    """List the last fetches, with what was odd about each.

    Those marked with a star are kept whole: `paperround parse --fetch N` reads one again.
    """
    with database_reading() as session:
        pages, kept = newest_pages(session, count), kept_page_ids(session)
    if as_json:
        say_json([{**page.model_dump(mode="json"), "is_kept": page.id in kept} for page in pages])
        return
    for page in pages:
        say(f"{page.id}{'*' if page.id in kept else ' '}  {page.fetched_at:%Y-%m-%d %H:%M} UTC  {page_line(page)}")
        for warning in () if page.error else page.warnings:
            say(f"    in doubt: {warning}")
    if not pages:
        say("Nothing fetched yet: run `paperround fetch`.")


def _check_sources(sources: list[str]) -> None:
    for missing in (source for source in sources if not _is_web(source) and not Path(source).is_file()):
        raise WrongUse(f"{missing} is neither a file nor an http(s) address")
    if any("@" in urlsplit(source).netloc for source in sources):
        raise WrongUse("an address with a user and a password would be stored and shown: give one without")


def _span(since: str | None, until: str | None) -> tuple[date, date] | None:
    """Raises WrongUse."""
    first, last = day(since), day(until) or last_listed_day(now())
    if first is None:
        if until:
            raise WrongUse("--until goes with --since")
        return None
    if last < first:
        raise WrongUse(f"there is no list from {first} to {last}")
    return first, min(last, now().date())


def _days_due(engine: Engine, first: date, last: date) -> list[date]:
    with reading(engine) as session:
        return days_to_backfill(session, first, last)


def gather_json(report: GatherReport) -> dict[str, Any]:
    counts = {"new": 0, "known": 0, "changed": 0, "rejected": 0}
    for page in report.pages:
        counts["new"] += page.new_count
        counts["known"] += page.known_count
        counts["changed"] += page.changed_count
        counts["rejected"] += len(page.rejected)
    pages = [page.model_dump(mode="json", exclude={"id"}) for page in report.pages]
    return {**counts, **{key: value for key, value in asdict(report).items() if key != "pages"}, "pages": pages}


def tell_problems(report: GatherReport) -> None:
    """On stderr, a line each: pages that failed, and what is odd about the others."""
    for page in report.pages:
        if page.error:
            tell(f"error: {page.error}")
            continue
        if page.rejected and not page.stored_count:
            tell(f"error: {page.address}: none of its papers could be stored; the first: {page.rejected[0]}")
        for warning in page.warnings:
            tell(f"warning: {page.address}: {warning}")
    by_reason: dict[str, list[str]] = {}
    for paper_id, reason in report.summary_errors.items():
        by_reason.setdefault(reason, []).append(paper_id)
    for reason, ids in by_reason.items():
        more = f" and {len(ids) - 1} more" if ids[1:] else ""
        tell(f"warning: {ids[0]}{more}: a model's summary was not taken: {reason}")


def say_gathered(report: GatherReport) -> None:
    for page in (page for page in report.pages if page.form):
        say(page_line(page))
        for reason in page.rejected[:_MOST_REJECTED]:
            say(f"  rejected: {reason}")
        if more := page.rejected[_MOST_REJECTED:]:
            say(f"  and {len(more)} more rejected, which --json tells")
    written = [f"{count} by {'a model' if by == 'model' else 'the authors'}" for by, count in report.summaries.items() if count]
    say(f"Summaries written: {', '.join(written) or 'none'}")


def page_line(page: Page) -> str:
    if page.error:
        return f"Failed: {page.error}"
    if page.form is None:
        return f"{page.address}: nothing there"
    shown = f" of {page.shown_on:%A %-d %B %Y}" if page.shown_on else ""
    counts = f"{page.new_count} new, {page.known_count} known, {page.changed_count} changed, {len(page.rejected)} rejected"
    return f"{page.address}: {counted(page.paper_count, 'paper')}{shown} ({page.form}): {counts}"


def _is_web(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _read(fetcher: Fetcher, address: str) -> bytes:
    return fetcher.fetch(address) if _is_web(address) else read_file(Path(address))
