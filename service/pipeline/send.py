"""`send-now`: plan everybody's digest of one day, send it, report. Touches the database, and the mail server."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine
from sqlmodel import Session

from service.cadence import why_no_mail
from service.errors import WrongUse
from service.models import OPEN_STATES, Delivery, DeliveryState, Digest, Sender, Subscriber
from service.pipeline.crew import Crew, send_wave
from service.pipeline.deliver import Clock, Progress, Run, Transport
from service.pipeline.digests import Planned, Planner, already_planned
from service.pipeline.heap import collect_between_portions, collect_rarely
from service.pipeline.reconcile import reconcile
from service.portions import portions
from service.render import subject_line
from service.store.database import Stretch, reading, transaction
from service.store.deliveries import delivery_keys, open_deliveries, told_deliveries
from service.store.ledger import due_mails, make_due
from service.store.planning import add_issue, lock_planning, plan_deliveries
from service.store.subscribers import active_subscribers, subscribers_by_email, subscribers_by_id
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


def chosen_people(engine: Engine, emails: Collection[str], topics: Collection[str]) -> Sequence[int]:
    """All active subscribers, or those named, or those of the topics named, by id. Raises WrongUse for an unknown address."""
    with reading(engine) as session:
        if emails:
            named = subscribers_by_email(session, emails)
            if unknown := set(emails) - {person.email for person in named}:
                raise WrongUse(f"{', '.join(sorted(unknown))}: no such subscriber")
            return [person.id for person in named if person.id and _has_chosen(person.topics, topics)]
        return array("q", [number for number, chosen in active_subscribers(session) if _has_chosen(chosen, topics)])


def _has_chosen(chosen: Collection[str], topics: Collection[str]) -> bool:
    return not topics or not set(topics).isdisjoint(chosen)


def dry_run(engine: Engine, people: Sequence[int], on: date, now: datetime) -> SendReport:
    """What send_now would send, with nothing stored: the digests of that day, and what is open from before."""
    with reading(engine) as session:
        known = [person for portion in portions(people, _PORTION) for person in subscribers_by_id(session, portion)]
        active, outcomes = _split(session, known, on, now)
        waiting = open_deliveries(session, _ids(active))
        by_id = {person.id: person for person in active}
        for delivery in waiting:
            reason = f"still {delivery.state} from before"
            email = by_id[delivery.subscriber_id].email
            outcomes.append(Outcome(email, delivery.digest_on, DeliveryState.PLANNED, reason, tuple(delivery.paper_ids)))
        planner = Planner(on)
        for portion in portions(active, _PORTION):
            for planned in planner.digests(session, portion):
                if planned.delivery is None or planned.delivery.state not in OPEN_STATES:
                    outcomes.append(_stands(planned) or _planned(planned.digest))
    return _report(on, None, outcomes)


def send_now(
    engine: Engine,
    transport: Transport,
    sender: Sender,
    people: Sequence[int],
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
    frozen = _plan_issue(engine, people, on, clock())
    with transaction(engine) as session:
        make_due(session, frozen.people, clock())
        waiting = due_mails(session, clock(), states, tables=(Delivery,), people=frozen.people)
        keys = frozen.keys | expired | delivery_keys(session, waiting)
    subjects: dict[str, str] = {}
    run = Run(clock, states, workers, should_stop, progress, subjects.__setitem__)
    send_wave(engine, transport, waiting, sender, run, crew)
    with reading(engine) as session:
        outcomes = [_outcome(email, row, subjects.get(row.key)) for row, email in told_deliveries(session, keys)]
    standing = {(outcome.email, outcome.on): outcome for outcome in frozen.standing}
    for outcome in outcomes:
        standing.pop((outcome.email, outcome.on), None)
    return _report(on, frozen.issue_id, [*outcomes, *frozen.skipped, *standing.values()])


def _report(on: date, issue_id: int | None, outcomes: Sequence[Outcome]) -> SendReport:
    return SendReport(on, issue_id, tuple(sorted(outcomes, key=lambda outcome: (outcome.email, outcome.on))))


def _ids(people: Sequence[Subscriber]) -> set[int]:
    return {person.id for person in people if person.id is not None}


def _split(session: Session, people: Sequence[Subscriber], on: date, now: datetime) -> tuple[list[Subscriber], list[Outcome]]:
    """Who gets mail, and for the others why not."""
    suppressions = suppressed(session, [person.email for person in people])
    reasons = [(person, why_no_mail(person, now, suppressions.get(person.email))) for person in people]
    skipped = [Outcome(person.email, on, DeliveryState.SKIPPED, reason) for person, reason in reasons if reason]
    return [person for person, reason in reasons if not reason], skipped


@dataclass(slots=True)
class _Frozen:
    issue_id: int | None = None  # none where all have a digest of that day already
    people: set[int] = field(default_factory=set)  # who gets mail
    keys: set[str] = field(default_factory=set)
    skipped: list[Outcome] = field(default_factory=list)  # of who gets no mail
    standing: list[Outcome] = field(default_factory=list)  # of digests that were planned before


def _plan_issue(engine: Engine, people: Sequence[int], on: date, now: datetime) -> _Frozen:
    """Freeze who gets what; who has a digest of that day already gets no second one."""
    frozen, planner, stretch = _Frozen(), Planner(on), Stretch(engine)
    for portion in portions(people, _PORTION):
        stretch.rest()
        if len(portion) == _PORTION:
            collect_between_portions()
        with transaction(engine) as session:
            lock_planning(session)
            active, skipped = _split(session, subscribers_by_id(session, portion), on, now)
            frozen.people |= _ids(active)
            frozen.skipped += skipped
            found = [(planned, _stands(planned)) for planned in planner.digests(session, active)]
            frozen.standing += [outcome for _, outcome in found if outcome]
            if fresh := [planned for planned, outcome in found if not outcome]:
                frozen.issue_id = frozen.issue_id or add_issue(session, started_by="send-now", now=now)
                frozen.keys.update(plan_deliveries(session, frozen.issue_id, fresh, now))
    return frozen


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


def _outcome(email: str, row: Delivery, subject: str | None) -> Outcome:
    ids = tuple(map(sys.intern, row.paper_ids))  # of very many people, who got the same papers
    return Outcome(email, row.digest_on, row.state, row.reason, ids, subject, row.smtp_reply)
