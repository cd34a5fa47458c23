"""`send-now` and `preview`. Touches the database, the mail server or the outbox, and files."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlalchemy import Engine
from sqlmodel import Session

from service import connections
from service.cadence import last_complete_day, listed_day, local_day
from service.cli.logs import tell_nothing
from service.cli.output import (
    Json,
    On,
    counted,
    database,
    day,
    make_folder,
    now,
    past_day,
    progress,
    say,
    say_json,
    say_table,
    stop_signals,
    tell,
    write_file,
)
from service.cli.subscribers import person_named
from service.delivery.outbox import file_name
from service.errors import WrongUse
from service.links import mail_links
from service.models import OPEN_STATES, DeliveryState, Digest, Subscriber
from service.pipeline import send as pipeline
from service.pipeline.crew import Crew
from service.pipeline.digests import Planner, digest_for
from service.pipeline.doubts import doubt_of_day
from service.render import render_digest
from service.settings import Settings, sender, states_to_send
from service.store.database import reading
from service.store.topics import all_topics
from service.subscribers import parse_address, parse_topics

_MOST_LINES = 40
_FIRST_SUBJECTS = 10


def send_now(
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="EMAIL ...", help="Only these subscribers; several may follow.")
    ] = None,
    topic: Annotated[
        list[str] | None,
        typer.Option("--topic", metavar="SLUG ...", help="Only subscribers of these topics; each gets their whole digest."),
    ] = None,
    on: On = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be sent; store and send nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask before a real send.")] = False,
    as_json: Json = False,
) -> None:
    """Compose and send digests at once, whatever people's cadence and hour.

    Nobody gets a second digest of a day, or a paper twice. What is still open from an earlier run goes out too. Without a
    mail server set, mails go to the outbox. Ctrl-C ends it after the mails that are being handed over.
    """
    covered = past_day(on) or last_complete_day(now())
    if covered > last_complete_day(now()):
        tell(f"warning: the list of {covered} is not whole yet, and nobody gets a second digest of that day")
    with database() as (settings, engine):
        _tell_doubt(engine, listed_day(covered))
        people = _people(engine, to or (), topic or ())
        report = pipeline.dry_run(engine, people, covered, now()) if dry_run else _send(settings, engine, people, covered, yes)
        say_json(report_json(report)) if as_json else say_report(report, settings)
    if report.unfinished and not dry_run:
        tell(f"error: {_unfinished_in_words(report.unfinished)}")
        raise typer.Exit(1)


def _unfinished_in_words(unfinished: Sequence[pipeline.Outcome]) -> str:
    """`3 mails not sent; the first: 452 4.2.2 mailbox full; the next run carries on with 1 of them`."""
    count, open_count = len(unfinished), sum(outcome.state in OPEN_STATES for outcome in unfinished)
    again = "; the next run carries on" if open_count else ""
    some = f" with {open_count} of them" if 0 < open_count < count else ""
    return f"{counted(count, 'mail')} not sent; the first: {unfinished[0].reason or 'not tried yet'}{again}{some}"


def _tell_doubt(engine: Engine, on: date) -> None:
    with reading(engine) as session:
        doubt = doubt_of_day(session, on)
    if doubt:
        tell(f"warning: the list of {on} is in doubt: {doubt}")


def preview(
    to: Annotated[str | None, typer.Option("--to", metavar="EMAIL", help="The mail of this subscriber.")] = None,
    topics: Annotated[
        list[str] | None, typer.Option("--topics", metavar="SLUG,SLUG", help="The first mail of somebody with these topics.")
    ] = None,
    on: On = None,
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="Where the html and the text go.")] = Path("preview"),
    as_json: Json = False,
) -> None:
    """Write the mail that a person would get, or got, as files.

    Html and text, for one day. Nothing is stored or sent.
    """
    if (to is None) == (not topics):
        raise WrongUse("say whose mail: --to EMAIL or --topics SLUG,SLUG")
    covered = day(on) or last_complete_day(now())
    with database() as (settings, engine), reading(engine) as session:
        digest = _digest(session, to, topics, covered)
        identity = sender(settings.model_copy(update={"smtp_url": None}))
    if not digest.is_mailed:
        told = f"No mail for {covered}: {digest.silence}."
        say_json({"on": covered, "subject": None, "reason": digest.silence, "files": []}) if as_json else say(told)
        return
    person = digest.subscriber
    links, sent_on = mail_links(identity, person.key, digest.on), local_day(now(), person.zone)
    email = render_digest(digest, links, sent_on=sent_on, postal_line=identity.postal_line)
    name = file_name(person.email) if to else "topics"
    files = {out / f"{covered}_{name}.html": email.html, out / f"{covered}_{name}.txt": email.text}
    make_folder(out)
    for path, text in files.items():
        write_file(path, text)
    if as_json:
        say_json({"on": covered, "subject": email.subject, "reason": None, "files": list(files)})
    else:
        say("\n".join([email.subject, *map(str, files)]))


def report_json(report: pipeline.SendReport) -> dict[str, Any]:
    return {
        "issue": report.issue_id,
        "on": report.on,
        "candidates": len(report.outcomes),
        **report.counts,
        "outcomes": [asdict(outcome) for outcome in report.outcomes],
    }


def say_report(report: pipeline.SendReport, settings: Settings) -> None:
    """A line a person, then the sum. Of many people some lines, and the reason of every skip with its count."""
    if not report.outcomes:
        say("Nobody to send to: there are no active subscribers that fit.")
        return
    is_long = len(report.outcomes) > _MOST_LINES
    shown = _worth_telling(report) if is_long else report.outcomes
    say_table([(o.email, o.on, o.state, o.reason or o.subject or "", _place(o, settings)) for o in shown])
    if is_long:
        skips = Counter(outcome.reason for outcome in report.outcomes if outcome.state == DeliveryState.SKIPPED)
        say("\n".join(["...", *(f"{count} skipped: {reason}" for reason, count in skips.most_common())]))
    parts = [f"{count} {state}" for state, count in report.counts.items() if count]
    say(f"\nDigests of {report.on:%A %-d %B %Y}: {counted(len(report.outcomes), 'candidate')} = {' + '.join(parts)}")


def _worth_telling(report: pipeline.SendReport) -> list[pipeline.Outcome]:
    """What was not sent though it should, then the first subjects."""
    subjects = [outcome for outcome in report.outcomes if outcome.subject]
    unfinished = [outcome for outcome in report.unfinished if not outcome.subject]
    return [*unfinished[:_MOST_LINES], *subjects[:_FIRST_SUBJECTS]]


def _place(outcome: pipeline.Outcome, settings: Settings) -> str:
    return outcome.reply or "" if settings.smtp_url is None and outcome.subject else ""


def _people(engine: Engine, emails: Sequence[str], topics: Sequence[str]) -> Sequence[int]:
    with reading(engine) as session:
        slugs = parse_topics(",".join(topics), [found.slug for found in all_topics(session)]) if topics else ()
    return pipeline.chosen_people(engine, [parse_address(email) for email in emails], slugs)


def _send(settings: Settings, engine: Engine, people: Sequence[int], on: date, yes: bool) -> pipeline.SendReport:
    identity = sender(settings)
    _ask(settings, people, on, yes)
    with connections.transport(settings, engine, identity) as door, progress("Sending") as show, stop_signals() as should_stop:
        return pipeline.send_now(
            engine,
            door,
            identity,
            people,
            on=on,
            clock=now,
            stale_after=timedelta(hours=settings.stale_after_hours),
            progress=show,
            should_stop=should_stop,
            states=states_to_send(settings),
            workers=settings.worker_folder,
            crew=Crew(settings, identity, tell_nothing),
        )


def _ask(settings: Settings, people: Sequence[int], on: date, yes: bool) -> None:
    """Ask before mail leaves this machine. Raises Abort for no, WrongUse where nobody can answer."""
    if yes or settings.smtp_url is None or not people:
        return
    if not sys.stdin.isatty():
        raise WrongUse("this sends real mail: say --yes, or look first with --dry-run")
    typer.confirm(f"Send the digests of {on} to {counted(len(people), 'subscriber')} now?", abort=True, err=True)


def _digest(session: Session, to: str | None, topics: Sequence[str] | None, on: date) -> Digest:
    if to is not None:
        return digest_for(session, person_named(session, to), on).digest
    slugs = parse_topics(",".join(topics or ()), [topic.slug for topic in all_topics(session)])
    somebody = Subscriber(email="you@example.org", topics=list(slugs), added_at=now())
    return Planner(on).first_digest(session, somebody)
