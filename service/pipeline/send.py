"""`send-now`: plan everybody's digest of one day, send it, report. Touches the database, and the mail server."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from service.cadence import why_no_mail
from service.errors import WrongUse
from service.models import OPEN_STATES, Delivery, DeliveryState, Digest, Sender, Subscriber, SubscriberState
from service.pipeline.crew import Crew, send_wave
from service.pipeline.deliver import Clock, Progress, Transport
from service.pipeline.digests import Planned, Planner, already_planned
from service.pipeline.heap import collect_rarely
from service.pipeline.reconcile import reconcile
from service.render import subject_line
from service.store.database import reading, transaction
from service.store.deliveries import (
    add_issue,
    deliveries_by_key,
    delivery_keys,
    lock_planning,
    open_deliveries,
    plan_deliveries,
)
from service.store.ledger import due_mails, make_due
from service.store.subscribers import all_subscribers, subscribers_by_email
from service.store.suppressions import suppressed

_PORTION = 500  # people planned in one transaction, so that others need not wait long


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one person's part."""

    email: str
    on: date
    state: str
    reason: str | None
    paper_ids: tuple[str, ...] = ()
    subject: str | None = None
    reply: str | None = None  # of the mail server, or where the file lies


@dataclass(frozen=True, slots=True)
class SendReport:
    on: date
    issue_id: int | None  # None where nothing was planned, as in a dry run
    outcomes: tuple[Outcome, ...]

    @property
    def counts(self) -> dict[str, int]:
        """By state; their sum is the number of candidates."""
        states = [outcome.state for outcome in self.outcomes]
        return {str(state): states.count(state) for state in DeliveryState}

    @property
    def unfinished(self) -> tuple[Outcome, ...]:
        done = (DeliveryState.ACCEPTED, DeliveryState.SKIPPED)
        return tuple(outcome for outcome in self.outcomes if outcome.state not in done)


def chosen_people(engine: Engine, emails: Collection[str], topics: Collection[str]) -> list[Subscriber]:
    """All active subscribers, or those named, or those of the topics named. Raises WrongUse for an unknown address."""
    with reading(engine) as session:
        if emails:
            people = subscribers_by_email(session, emails)
        else:
            people = [person for person in all_subscribers(session) if person.state == SubscriberState.ACTIVE]
    if unknown := set(emails) - {person.email for person in people}:
        raise WrongUse(f"{', '.join(sorted(unknown))}: no such subscriber")
    return [person for person in people if not topics or set(topics) & set(person.topics)]


def dry_run(engine: Engine, people: Sequence[Subscriber], on: date, now: datetime) -> SendReport:
    """What send_now would send, with nothing stored: the digests of that day, and what is open from before."""
    with reading(engine) as session:
        active, outcomes = _split(session, people, on, now)
        waiting = open_deliveries(session, _ids(active))
        by_id = {person.id: person for person in active}
        for delivery in waiting:
            reason = f"still {delivery.state} from before"
            email = by_id[delivery.subscriber_id].email
            outcomes.append(Outcome(email, delivery.digest_on, DeliveryState.PLANNED, reason, tuple(delivery.paper_ids)))
        planner = Planner(on)
        for portion in _portions(active):
            for planned in planner.digests(session, portion):
                if planned.delivery is None or planned.delivery.state not in OPEN_STATES:
                    outcomes.append(_stands(planned) or _planned(planned.digest))
    return _report(on, None, outcomes)


def send_now(
    engine: Engine,
    transport: Transport,
    sender: Sender,
    people: Sequence[Subscriber],
    *,
    on: date,
    clock: Clock,
    stale_after: timedelta,
    progress: Progress = lambda _done, _total: None,
    should_stop: Callable[[], bool] = lambda: False,
    states: Collection[str] = OPEN_STATES,
    workers: Path | None = None,
    crew: Crew | None = None,
) -> SendReport:
    """Plan the digests of day `on`, and send them with whatever these people still have open from before.

    Nobody waits for their next try. Told to stop, it ends after the mails that are being handed over; what is left is sent
    by the next run. Mails in other states than `states` are held for the administrator.
    """
    collect_rarely()
    expired = reconcile(engine, clock(), stale_after=stale_after, workers=workers)
    with reading(engine) as session:
        active, outcomes = _split(session, people, on, clock())
    issue_id, planned, already = _plan_issue(engine, active, on, clock())
    with transaction(engine) as session:
        make_due(session, _ids(active), clock())
        waiting = due_mails(session, clock(), states, digests_of=_ids(active))
        keys = planned | expired | delivery_keys(session, waiting)
    subjects: dict[str, str] = {}
    send_wave(
        engine,
        transport,
        waiting,
        sender,
        clock,
        crew,
        progress=progress,
        should_stop=should_stop,
        states=states,
        workers=workers,
        note=subjects.__setitem__,
    )
    with reading(engine) as session:
        outcomes += [_outcome(person, row, subjects.get(row.key)) for row, person in deliveries_by_key(session, keys)]
    told = {(outcome.email, outcome.on) for outcome in outcomes}
    outcomes += [outcome for outcome in already if (outcome.email, outcome.on) not in told]
    return _report(on, issue_id, outcomes)


def _report(on: date, issue_id: int | None, outcomes: Sequence[Outcome]) -> SendReport:
    return SendReport(on, issue_id, tuple(sorted(outcomes, key=lambda outcome: (outcome.email, outcome.on))))


def _ids(people: Sequence[Subscriber]) -> set[int]:
    return {person.id for person in people if person.id is not None}


def _split(session: Session, people: Sequence[Subscriber], on: date, now: datetime) -> tuple[list[Subscriber], list[Outcome]]:
    """Who gets mail, and for the others why not."""
    stopped = {email: f"suppressed: {reason}" for email, reason in suppressed(session, [p.email for p in people]).items()}
    reasons = [(person, stopped.get(person.email) or why_no_mail(person, now)) for person in people]
    skipped = [Outcome(person.email, on, DeliveryState.SKIPPED, reason) for person, reason in reasons if reason]
    return [person for person, reason in reasons if not reason], skipped


def _plan_issue(
    engine: Engine, people: Sequence[Subscriber], on: date, now: datetime
) -> tuple[int | None, set[str], list[Outcome]]:
    """Freeze who gets what; who has a digest of that day already gets no second one. No issue where all have."""
    issue_id: int | None = None
    keys: set[str] = set()
    already: list[Outcome] = []
    planner = Planner(on)
    for portion in _portions(people):
        with transaction(engine) as session:
            lock_planning(session)
            found = [(planned, _stands(planned)) for planned in planner.digests(session, portion)]
            already += [outcome for _, outcome in found if outcome]
            if fresh := [planned for planned, outcome in found if not outcome]:
                issue_id = issue_id or add_issue(session, started_by="send-now", now=now)
                keys.update(plan_deliveries(session, issue_id, fresh, now))
    return issue_id, keys, already


def _portions(people: Sequence[Subscriber]) -> Iterator[Sequence[Subscriber]]:
    return (people[start : start + _PORTION] for start in range(0, len(people), _PORTION))


def _stands(planned: Planned) -> Outcome | None:
    digest, delivery = planned
    reason = already_planned(planned)
    if reason is None or delivery is None:
        return None
    return Outcome(digest.subscriber.email, digest.on, DeliveryState.SKIPPED, reason, tuple(delivery.paper_ids))


def _planned(digest: Digest) -> Outcome:
    if not digest.is_mailed:
        return Outcome(digest.subscriber.email, digest.on, DeliveryState.SKIPPED, digest.silence)
    ids = tuple(pick.paper.id for pick in digest.picks)
    return Outcome(digest.subscriber.email, digest.on, DeliveryState.PLANNED, None, ids, subject_line(digest))


def _outcome(person: Subscriber, row: Delivery, subject: str | None) -> Outcome:
    return Outcome(person.email, row.digest_on, row.state, row.reason, tuple(row.paper_ids), subject, row.smtp_reply)
