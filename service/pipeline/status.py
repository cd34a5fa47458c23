"""What was fetched and sent last, and what needs a person. Touches the session it is given, which it only reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from service.models import DeliveryState, Page
from service.store.alarms import alarms
from service.store.deliveries import deliveries_of_issue, latest_issue, lost_counts, sending_until, unsettled_counts
from service.store.pages import last_fetched
from service.store.papers import newest_featured_on, paper_count
from service.store.subscribers import subscriber_counts

_OLD_FETCH = timedelta(hours=26)
_RECENTLY = timedelta(days=7)
_WAITING = {
    DeliveryState.PLANNED: "planned and not sent",
    DeliveryState.DEFERRED: "not taken yet",
    DeliveryState.UNKNOWN: "handed over, but the server's answer was lost",
}
_LOST = {DeliveryState.REJECTED: "refused for good", DeliveryState.EXPIRED: "given up as too old"}


def service_state(session: Session, moment: datetime) -> dict[str, Any]:
    """What a person, a page or a monitor is told; `needs_a_person` is empty where all is well."""
    pages = last_fetched(session)
    issue = latest_issue(session)
    outcomes = [delivery.state for delivery in deliveries_of_issue(session, issue.id)] if issue and issue.id else []
    people = subscriber_counts(session)
    return {
        "pages": [page.model_dump(mode="json", exclude={"id"}) for page in pages],
        "doubts": [alarm.model_dump(mode="json") for alarm in alarms(session)],
        "papers": paper_count(session),
        "newest_day": newest_featured_on(session),
        "subscribers": people,
        "issue": {"id": issue.id, "planned_at": issue.planned_at, **{s: outcomes.count(s) for s in DeliveryState}}
        if issue
        else None,
        "sending_until": max(sending_until(session, moment), default=None),
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
        f"{_counted(waiting[state], 'mail')} {words}: `paperround send-now` tries again"
        for state, words in _WAITING.items()
        if waiting.get(state)
    ]
    needs += [
        f"{_counted(lost[state], 'mail')} {words} in the last 7 days: `paperround why EMAIL` tells the reason"
        for state, words in _LOST.items()
        if lost.get(state)
    ]
    return needs


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
