"""What was fetched and sent last, and what needs a person. Touches the session it is given, which it only reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from service.models import DONE_STATES, DeliveryState, Issue, Page
from service.store.alarms import alarms
from service.store.deliveries import issue_counts, latest_issue, silence_counts, unfinished_addresses
from service.store.mail_counts import lost_counts, refused_counts, sending_until, stuck_counts, waiting_counts
from service.store.pages import last_fetched
from service.store.papers import model_failures, newest_featured_on, paper_count
from service.store.subscribers import overdue_subscriber_count, subscriber_counts

_OLD_FETCH = timedelta(hours=26)
_RECENTLY = timedelta(days=7)
_LATELY = timedelta(hours=2)  # `serve` asks a model again each hour
_MANY_FAILURES = 3
_OVERDUE = timedelta(minutes=15)  # `serve` wakes each minute
_MANY_ATTEMPTS = 3  # within a quarter of an hour and more
WAITING = {
    DeliveryState.PLANNED: "planned and not sent",
    DeliveryState.DEFERRED: "not taken yet",
    DeliveryState.UNKNOWN: "handed over, but the server's answer was lost",
}
_LOST = {DeliveryState.REJECTED: "refused for good", DeliveryState.EXPIRED: "given up as too old"}


def watched_state(session: Session, moment: datetime, dead: Collection[str] = ()) -> dict[str, Any]:
    """What a monitor is told; `needs_a_person` is empty where all is well. Counts only, for it asks within large waves too.

    What `dead` workers have claimed is not being sent, though nobody has freed it yet.
    """
    pages = last_fetched(session)
    people = subscriber_counts(session)
    digests = overdue_subscriber_count(session, moment - _OVERDUE)
    being_sent = sending_until(session, moment, dead)  # then whatever waits comes after it
    mails = Counter(() if being_sent else waiting_counts(session, moment, dead, due_before=moment - _OVERDUE))
    return {
        "last_fetch_at": pages[0].fetched_at if pages else None,
        "papers": paper_count(session),
        "subscribers": people,
        "overdue": {"digests": digests, "mails": mails.total()},
        "sending_until": being_sent,
        "needs_a_person": [
            *_fetch_needs(pages, people["active"], moment),
            *_model_needs(model_failures(session, moment - _LATELY)),
            *_overdue_needs(digests, mails),
            *_refused_needs(refused_counts(session)),
            *_stuck_needs(stuck_counts(session, _MANY_ATTEMPTS)),
            *_lost_needs(lost_counts(session, moment - _RECENTLY)),
        ],
    }


def service_state(session: Session, moment: datetime, dead: Collection[str]) -> dict[str, Any]:
    """What a person is told: the same, with the pages of the last fetch, and the last issue with whom it lacks."""
    issue = latest_issue(session)
    return {
        **watched_state(session, moment, dead),
        "pages": [page.model_dump(mode="json", exclude={"id"}) for page in last_fetched(session)],
        "doubts": [alarm.model_dump(mode="json") for alarm in alarms(session)],
        "newest_day": newest_featured_on(session),
        "waiting": dict(waiting_counts(session, moment, dead)),
        "issue": _issue(session, issue) if issue else None,
        "silent": silence_counts(session, issue.id) if issue and issue.id else {},
    }


def _issue(session: Session, issue: Issue) -> dict[str, Any]:
    assert issue.id is not None
    counts = issue_counts(session, issue.id)
    return {
        "id": issue.id,
        "planned_at": issue.planned_at,
        "candidates": issue.candidate_count,
        **{state: counts.get(state, 0) for state in DeliveryState},
        "unfinished": unfinished_addresses(session, issue.id),
        "line": issue_line(issue, counts),
    }


def issue_line(issue: Issue, counts: Mapping[str, int]) -> str:
    """Whether an issue is complete: all of its candidates are accounted for by what can happen no more."""
    done = sum(counts.get(state, 0) for state in DONE_STATES)
    parts = " + ".join(f"{counts[state]} {state}" for state in DeliveryState if counts.get(state))
    whole = "complete" if done == issue.candidate_count else "incomplete"
    return f"Issue {issue.id} is {whole}: {_counted(issue.candidate_count, 'candidate')} = {parts or 'nobody was due'}"


def _fetch_needs(pages: list[Page], active: int, moment: datetime) -> list[str]:
    needs = [f"the last fetch failed: {page.error}" for page in pages if page.error]
    if not needs and active and pages and moment - pages[0].fetched_at > _OLD_FETCH:
        needs = [f"nothing was fetched since {pages[0].fetched_at:%Y-%m-%d %H:%M} UTC: run `paperround fetch`"]
    return needs


def _model_needs(failures: Mapping[str, int]) -> list[str]:
    """After some failures the other papers of a run are not asked about, and neither are they beyond a day's cap."""
    answers = Counter({reason: count for reason, count in failures.items() if not reason.startswith("not asked")})
    count = sum(failures.values())
    if not answers or count < _MANY_FAILURES:
        return []
    ((reason, _),) = answers.most_common(1)
    return [f"{count} papers wait for a model's summary: {reason}"]


def _overdue_needs(digests: int, mails: Mapping[str, int]) -> list[str]:
    needs = [f"{_counted(digests, 'digest')} should have been planned by now: is `paperround serve` running?"] if digests else []
    return needs + [
        f"{_counted(mails[state], 'mail')} {words}: `paperround deliveries list --state {state}` names the digests"
        for state, words in WAITING.items()
        if mails.get(state)
    ]


def _refused_needs(refused: Mapping[str, int]) -> list[str]:
    return [
        f"{_counted(count, 'mail')} will not go out before the settings or the mail server are mended: {reason}"
        for reason, count in refused.items()
    ]


def _stuck_needs(stuck: Mapping[str, int]) -> list[str]:
    return [
        f"{_counted(count, 'mail')} could not be handed over in {_MANY_ATTEMPTS} attempts, the next is made later: {reason}"
        for reason, count in stuck.items()
    ]


def _lost_needs(lost: Mapping[str, int]) -> list[str]:
    return [
        f"{_counted(lost[state], 'mail')} {words} in the last 7 days: `paperround deliveries list --state {state}` tells why"
        for state, words in _LOST.items()
        if lost.get(state)
    ]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
