"""`fetch`: bring papers in. Touches the network and the database."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from service import connections
from service.cli.output import Json, counted, database, day, now, read_file, say, say_json, tell
from service.errors import WrongUse
from service.fetch import Fetcher
from service.models import Page
from service.pipeline.gather import GatherReport, day_address, gather_latest, gather_papers


def fetch(
    on: Annotated[str | None, typer.Option("--on", metavar="DATE", help="The list of that day, as in 2026-11-20.")] = None,
    sources: Annotated[
        list[str] | None,
        typer.Option(
            "--from", metavar="FILE-or-URL ...", help="Saved pages or addresses instead of the source; several may follow."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Bring papers in: fetch, parse, store, summarise.

    Says how many are new, known, changed or rejected, and why.

    Without options: today's list, which still grows, and the last complete one.
    """
    asked_on = day(on)
    for missing in (source for source in sources or () if not _is_web(source) and not Path(source).is_file()):
        raise WrongUse(f"{missing} is neither a file nor an http(s) address")
    if any("@" in urlsplit(source).netloc for source in sources or ()):
        raise WrongUse("an address with a user and a password would be stored and shown: give one without")
    with database() as (settings, engine), connections.fetcher(settings, engine) as fetcher:
        complete = connections.completion(settings)

        def read(address: str) -> bytes:
            return _read(fetcher, address)

        if sources is None and asked_on is None:
            report = gather_latest(engine, settings.source_url, read, now=now(), complete=complete)
        else:
            places = sources if sources or asked_on is None else [day_address(settings.source_url, asked_on)]
            report = gather_papers(engine, places or [], read, now=now(), asked_on=asked_on, complete=complete)
    tell_problems(report)
    say_json(gather_json(report)) if as_json else say_gathered(report)
    if report.has_failed:
        raise typer.Exit(1)


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
        elif page.rejected and not report.stored_count(page):
            tell(f"error: {page.address}: none of its papers could be stored; the first: {page.rejected[0]}")
        for warning in page.warnings:
            tell(f"warning: {page.address}: {warning}")
    for paper_id, reason in report.summary_errors.items():
        tell(f"warning: {paper_id}: a model's summary was not taken: {reason}")


def say_gathered(report: GatherReport) -> None:
    for page in (page for page in report.pages if page.form):
        say(page_line(page))
        for reason in page.rejected:
            say(f"  rejected: {reason}")
    written = [f"{count} by {'a model' if by == 'model' else 'the authors'}" for by, count in report.summaries.items() if count]
    say(f"Summaries written: {', '.join(written) or 'none'}")


def page_line(page: Page) -> str:
    if page.error:
        return f"Failed: {page.error}"
    if page.form is None:
        return f"{page.address}: nothing there"
    total = page.new_count + page.known_count + page.changed_count + len(page.rejected)
    shown = f" of {page.shown_on:%A %d %B %Y}" if page.shown_on else ""
    counts = f"{page.new_count} new, {page.known_count} known, {page.changed_count} changed, {len(page.rejected)} rejected"
    return f"{page.address}: {counted(total, 'paper')}{shown} ({page.form}): {counts}"


def _is_web(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _read(fetcher: Fetcher, address: str) -> bytes:
    return fetcher.fetch(address) if _is_web(address) else read_file(Path(address))
