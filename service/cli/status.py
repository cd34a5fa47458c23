"""`status`: what was fetched and sent last, and what needs a person. Touches the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import typer
from sqlmodel import Session

from service.cli.fetch import page_line
from service.cli.output import Json, counted, database_reading, now, say, say_json
from service.models import DeliveryState, Page
from service.store.deliveries import deliveries_of_issue, latest_issue, state_counts
from service.store.pages import latest_pages
from service.store.papers import newest_featured_on, paper_count
from service.store.subscribers import subscriber_counts

_OLD_FETCH = timedelta(hours=26)
_WAITING = {
    DeliveryState.PLANNED: "planned and not sent",
    DeliveryState.DEFERRED: "refused for now",
    DeliveryState.UNKNOWN: "sent, but the server's answer was lost",
}


def status(as_json: Json = False) -> None:
    """What was fetched and sent last, and what needs you.

    Exit status 1 where something needs a person.
    """
    with database_reading() as session:
        state = _state(session, now())
    say_json(state) if as_json else _say(state)
    if state["needs_a_person"]:
        raise typer.Exit(1)


def _state(session: Session, moment: datetime) -> dict[str, Any]:
    pages = latest_pages(session, 2)
    issue = latest_issue(session)
    parts = deliveries_of_issue(session, issue.id) if issue and issue.id else []
    outcomes = [delivery.state for delivery, _ in parts]
    people = subscriber_counts(session)
    needs = [*_fetch_needs(pages, people["active"], moment), *_delivery_needs(session, outcomes)]
    return {
        "pages": [page.model_dump(mode="json", exclude={"id"}) | {"line": page_line(page)} for page in pages],
        "papers": paper_count(session),
        "newest_day": newest_featured_on(session),
        "subscribers": people,
        "issue": {"id": issue.id, "planned_at": issue.planned_at, **{s: outcomes.count(s) for s in DeliveryState}}
        if issue
        else None,
        "needs_a_person": needs,
    }


def _fetch_needs(pages: list[Page], active: int, moment: datetime) -> list[str]:
    if not pages:
        return []
    if pages[0].error:
        return [f"the last fetch failed: {pages[0].error}"]
    if active and moment - pages[0].fetched_at > _OLD_FETCH:
        return [f"nothing was fetched since {pages[0].fetched_at:%Y-%m-%d %H:%M} UTC: run `paperround fetch`"]
    return []


def _delivery_needs(session: Session, last_outcomes: list[str]) -> list[str]:
    waiting = state_counts(session, states=list(_WAITING))
    needs = [
        f"{counted(waiting[state], 'mail')} {words}: `paperround send-now` tries again"
        for state, words in _WAITING.items()
        if waiting.get(state)
    ]
    lost = [
        f"{counted(count, 'mail')} of the last issue {state}: `paperround why EMAIL` tells the reason"
        for state in (DeliveryState.REJECTED, DeliveryState.EXPIRED)
        if (count := last_outcomes.count(state))
    ]
    return needs + lost


def _say(state: dict[str, Any]) -> None:
    for page in state["pages"]:
        say(f"{page['fetched_at'][:16].replace('T', ' ')} UTC  {page['line']}")
    if not state["pages"]:
        say("Nothing fetched yet: run `paperround fetch`.")
    newest = f", the newest of {state['newest_day']}" if state["newest_day"] else ""
    say(f"{counted(state['papers'], 'paper')} stored{newest}")
    say("Subscribers: " + ", ".join(f"{count} {name}" for name, count in state["subscribers"].items()))
    if issue := state["issue"]:
        parts = [f"{issue[s]} {s}" for s in DeliveryState if issue[s]]
        say(f"Last issue: {issue['id']}, {issue['planned_at']:%Y-%m-%d %H:%M} UTC: {', '.join(parts) or 'nobody was due'}")
    for need in state["needs_a_person"]:
        say(f"Needs you: {need}")
    if not state["needs_a_person"]:
        say("Nothing needs you.")
