"""`status`: what was fetched and sent last, and what needs a person. Touches the database."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import typer

from service.catalogue import shipped_catalogue
from service.cli.fetch import page_line
from service.cli.output import Json, counted, database, now, say, say_json
from service.models import Page
from service.pipeline.status import WAITING, service_state
from service.store.database import reading
from service.store.pages import last_fetched
from service.store.topics import outdated_topics
from service.store.workers import dead_workers, worker_folder

_MOST_NAMED = 20
_MOST_REASONS = 5  # for silences


def status(as_json: Json = False) -> None:
    """What was fetched and sent last, and what needs you.

    Exit status 1 where something needs a person.
    """
    with database() as (settings, engine), reading(engine) as session:
        dead = dead_workers(settings.worker_folder or worker_folder(engine))
        state = service_state(session, now(), dead) | {"outdated_topics": outdated_topics(session, shipped_catalogue())}
        pages = last_fetched(session)
    say_json(state) if as_json else _say(state, pages)
    if state["needs_a_person"]:
        raise typer.Exit(1)


def _say(state: dict[str, Any], pages: list[Page]) -> None:
    for page in pages:
        say(f"{page.fetched_at:%Y-%m-%d %H:%M} UTC  {page_line(page)}")
    for doubt in state["doubts"]:
        say(f"In doubt since {datetime.fromisoformat(doubt['since']):%Y-%m-%d %H:%M} UTC: {doubt['words']}")
    if not pages:
        say("Nothing fetched yet: run `paperround fetch`.")
    newest = f", the newest of {state['newest_day']}" if state["newest_day"] else ""
    say(f"{counted(state['papers'], 'paper')} stored{newest}")
    say("Subscribers: " + ", ".join(f"{count} {name}" for name, count in state["subscribers"].items()))
    if outdated := state["outdated_topics"]:
        say(f"Newer filters are shipped for {', '.join(outdated)}: `paperround topics import --shipped` takes them.")
    if issue := state["issue"]:
        say(f"Last issue, of {issue['planned_at']:%Y-%m-%d %H:%M} UTC: {issue['line']}")
        if issue["unfinished"]:
            shown = issue["unfinished"][:_MOST_NAMED]
            more = f" and {len(issue['unfinished']) - len(shown)} more" if len(issue["unfinished"]) > len(shown) else ""
            say(f"Not finished: {', '.join(shown)}{more}")
    for reason, count in list(state["silent"].items())[:_MOST_REASONS]:
        say(f"  {'one person' if count == 1 else f'{count} people'} got no mail: {reason}")
    if state["sending_until"]:
        say("Mails are being sent.")
    for name, words in WAITING.items():
        if count := state["waiting"].get(name):
            say(
                f"{counted(count, 'mail')} {words}: `serve` sends {'it' if count == 1 else 'them'}; `send-now` sends digests too."
            )
    for need in state["needs_a_person"]:
        say(f"Needs you: {need}")
    if not state["needs_a_person"]:
        say("Nothing needs you.")
