"""`deliveries`: list, retry. Touches the database."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from sqlmodel import Session

from service.cli.listing import Listing
from service.cli.output import (
    LARGEST_NUMBER,
    Json,
    counted,
    database_reading,
    database_transaction,
    now,
    say,
    say_json,
    say_table,
)
from service.errors import WrongUse
from service.models import Delivery, DeliveryState, Issue, Subscriber
from service.pipeline.retry import RETRIABLE, retry
from service.pipeline.status import issue_line
from service.store.deliveries import deliveries_where, issue_counts

app = typer.Typer(cls=Listing, rich_markup_mode=None)

States = Annotated[list[str] | None, typer.Option("--state", metavar="STATE ...", help="Only in these states.")]
Reply = Annotated[str | None, typer.Option("--reply", metavar="TEXT", help="Only where the reply or the reason holds this.")]
Number = Annotated[int | None, typer.Option("--issue", metavar="NUMBER", min=1, max=LARGEST_NUMBER, help="Only of this issue.")]

_TOLD = ("digest_on", "state", "reason", "bounce", "smtp_reply", "enhanced_code", "attempts", "uncertain_count")
_TIMES = ("planned_at", "tried_at", "next_try_at", "settled_at")


@app.command("list")
def list_deliveries(state: States = None, reply: Reply = None, issue: Number = None, as_json: Json = False) -> None:
    """What became of each subscriber's part of an issue, the newest first.

    With --issue it says whether the issue is complete, and counts what is not.
    """
    with database_reading() as session:
        rows = deliveries_where(session, states=_states(state), reply=reply, issue_id=issue)
        whole = _issue(session, issue) if issue is not None else None
        counts = issue_counts(session, issue) if issue is not None else {}
    if as_json:
        say_json([_as_json(delivery, person) for delivery, person in rows])
        return
    if rows:
        say_table([_row(delivery, person) for delivery, person in rows])
    else:
        say("There are no such deliveries.")
    if whole:
        say(f"\n{issue_line(whole, counts)}")


@app.command("retry")
def retry_deliveries(state: States = None, reply: Reply = None, issue: Number = None, as_json: Json = False) -> None:
    """Make expired, rejected and unknown digests due again; `serve` or `send-now` sends them.

    Papers that the person got otherwise in the meantime fall out.
    """
    if not (state or reply or issue is not None):
        raise WrongUse("say which: --state, --reply or --issue")
    if wrong := set(_states(state)) - set(RETRIABLE):
        raise WrongUse(f"{', '.join(sorted(wrong))} can't be retried: say {' or '.join(RETRIABLE)}")
    with database_transaction() as session:
        rows = deliveries_where(session, states=_states(state) or RETRIABLE, reply=reply, issue_id=issue)
        counts = retry(session, [delivery for delivery, _ in rows], now())
    if as_json:
        say_json(counts)
    else:
        say(f"{counted(counts['planned'], 'digest')} due again; {counts['skipped']} skipped, as their papers came otherwise.")


def _states(given: list[str] | None) -> tuple[DeliveryState, ...]:
    if unknown := sorted(set(given or ()) - set(DeliveryState)):
        raise WrongUse(f"there is no state {', '.join(unknown)}: the states are {', '.join(DeliveryState)}")
    return tuple(DeliveryState(name) for name in given or ())


def _issue(session: Session, number: int) -> Issue:
    found = session.get(Issue, number)
    if found is None:
        raise WrongUse(f"there is no issue {number}")
    return found


def _row(delivery: Delivery, person: Subscriber) -> tuple[object, ...]:
    tries = counted(delivery.attempts, "attempt") if delivery.attempts else ""
    told = delivery.reason or delivery.smtp_reply or ""
    return (delivery.issue_id, delivery.digest_on, person.email, delivery.state, tries, told)


def _as_json(delivery: Delivery, person: Subscriber) -> dict[str, Any]:
    told = {name: getattr(delivery, name) for name in (*_TOLD, *_TIMES)}
    return {"issue": delivery.issue_id, "email": person.email, **told, "paper_ids": delivery.paper_ids}
