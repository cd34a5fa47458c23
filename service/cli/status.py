"""`status`: what was fetched and sent last, and what needs a person. Touches the database."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import typer
from sqlmodel import Session

from service.cli.fetch import page_line
from service.cli.output import Json, counted, database_reading, now, say, say_json
from service.models import DeliveryState, Page
from service.store.deliveries import deliveries_of_issue, latest_issue, lost_counts, unsettled_counts
from service.store.pages import last_fetched
from service.store.papers import newest_featured_on, paper_count
from service.store.subscribers import subscriber_counts

_OLD_FETCH = timedelta(hours=26)
_RECENTLY = timedelta(days=7)
_WAITING = {
    DeliveryState.PLANNED: "planned and not sent",
    DeliveryState.DEFERRED: "refused for now",
    DeliveryState.UNKNOWN: "handed over, but the server's answer was lost",
}
_LOST = {DeliveryState.REJECTED: "refused for good", DeliveryState.EXPIRED: "given up as too old"}


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
    pages = last_fetched(session)
    issue = latest_issue(session)
    outcomes = [delivery.state for delivery in deliveries_of_issue(session, issue.id)] if issue and issue.id else []
    people = subscriber_counts(session)
    return {
        "pages": [page.model_dump(mode="json", exclude={"id"}) | {"line": page_line(page)} for page in pages],
        "papers": paper_count(session),
        "newest_day": newest_featured_on(session),
        "subscribers": people,
        "issue": {"id": issue.id, "planned_at": issue.planned_at, **{s: outcomes.count(s) for s in DeliveryState}}
        if issue
        else None,
        "needs_a_person": [*_fetch_needs(pages, people["active"], moment), *_delivery_needs(session, moment)],
    }


def _fetch_needs(pages: list[Page], active: int, moment: datetime) -> list[str]:
    needs = [f"the last fetch failed: {page.error}" for page in pages if page.error]
    if not needs and active and pages and moment - pages[0].fetched_at > _OLD_FETCH:
        needs = [f"nothing was fetched since {pages[0].fetched_at:%Y-%m-%d %H:%M} UTC: run `paperround fetch`"]
    return needs


def _delivery_needs(session: Session, moment: datetime) -> list[str]:
    waiting, lost = unsettled_counts(session, moment), lost_counts(session, moment - _RECENTLY)
    needs = [
        f"{counted(waiting[state], 'mail')} {words}: `paperround send-now` tries again"
        for state, words in _WAITING.items()
        if waiting.get(state)
    ]
    needs += [
        f"{counted(lost[state], 'mail')} {words} in the last 7 days: `paperround why EMAIL` tells the reason"
        for state, words in _LOST.items()
        if lost.get(state)
    ]
    return needs


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
