"""Plan and send what is due by the tables, at every waking. Touches the database, and the mail server through `open_transport`.

The tables are the state and a waking is only that: one that is lost, late or doubled changes nothing. Each person's next
digest stands on their row; whatever is due and free is taken up, so this is the recovery after a crash as well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import Engine
from sqlmodel import Session

from service.cadence import last_complete_day, last_listed_day, next_digest_at
from service.models import OPEN_STATES, DeliveryState, Notice, Sender, Subscriber
from service.pipeline.crew import Crew, send_wave
from service.pipeline.deliver import Clock, Progress, Run, Transport, send_all
from service.pipeline.digests import Planned, Planner, already_planned
from service.pipeline.doubts import doubt_of_day
from service.pipeline.heap import collect_between_portions, collect_rarely
from service.pipeline.make import mail_maker
from service.pipeline.reconcile import reconcile
from service.store.database import Stretch, reading, transaction
from service.store.ledger import due_mails
from service.store.planning import add_issue, lock_planning, plan_deliveries
from service.store.subscribers import due_subscribers, schedule_subscribers, unscheduled_subscribers

log = structlog.get_logger(__name__)

_PORTION = 500  # people in one transaction
_JUST_NOW = timedelta(minutes=2)  # an hour that came while nobody was awake, between two wakings, still counts


def send_due_mails(
    engine: Engine,
    open_transport: Callable[[], AbstractContextManager[Transport]],
    sender: Sender,
    *,
    clock: Clock,
    stale_after: timedelta,
    progress: Callable[[], AbstractContextManager[Progress]] = lambda: nullcontext(lambda _done, _total: None),
    should_stop: Callable[[], bool] = lambda: False,
    waits_for_sound_lists: bool = False,
    states: Collection[str] = OPEN_STATES,
    workers: Path | None = None,
    crew: Crew | None = None,
) -> int:
    """Answers how many mails were accepted. What can't be sent now is due again later.

    `waits_for_sound_lists`: while the list that digests would be made from is in doubt, none are planned. Mails in other
    states than `states` are held for the administrator.
    """
    collect_rarely()
    reconcile(engine, clock(), stale_after=stale_after, workers=workers)
    is_waiting = waits_for_sound_lists and _is_in_doubt(engine, last_listed_day(clock()))
    _plan_due(engine, clock(), is_waiting)
    with reading(engine) as session:
        waiting = due_mails(session, clock(), states)
    if not waiting:
        return 0
    with open_transport() as transport, progress() as show:
        run = Run(clock, states, workers, should_stop, progress=show)
        accepted = send_wave(engine, transport, waiting, sender, run, crew)
    log.info("wave sent", accepted=accepted, mails=len(waiting))
    return accepted


def send_due_notices(
    engine: Engine,
    open_transport: Callable[[], AbstractContextManager[Transport]],
    sender: Sender,
    *,
    clock: Clock,
    should_stop: Callable[[], bool] = lambda: False,
    states: Collection[str] = OPEN_STATES,
    workers: Path | None = None,
) -> int:
    """Beside a wave, which may take hours: who waits to confirm, or for a link that soon expires, waits for nobody's digest.

    Answers how many were accepted.
    """
    with reading(engine) as session:
        waiting = due_mails(session, clock(), states, tables=(Notice,))
    if not waiting:
        return 0
    with open_transport() as transport:
        return send_all(engine, transport, waiting, mail_maker(engine, sender), Run(clock, states, workers, should_stop))


def _is_in_doubt(engine: Engine, on: date) -> bool:
    with reading(engine) as session:
        doubt = doubt_of_day(session, on)
    if doubt:
        log.warning("digests wait", day=f"{on}", reason=doubt)
    return doubt is not None


def _plan_due(engine: Engine, now: datetime, is_waiting: bool) -> None:
    """Everybody due at this waking is one issue, however many transactions it takes. Who waits stays due."""
    issue_id: int | None = None
    planner, stretch = Planner(last_complete_day(now)), Stretch(engine)
    while True:
        with transaction(engine) as session:
            lock_planning(session)
            unscheduled = unscheduled_subscribers(session, _PORTION)
            _schedule(session, unscheduled, now - _JUST_NOW)
            people = [] if is_waiting else due_subscribers(session, now, _PORTION)
            if not people and not unscheduled:
                return
            issue_id = _plan(session, issue_id, planner.digests(session, people), now)
            _schedule(session, people, now)
        stretch.rest()
        if len(people) == _PORTION:
            collect_between_portions()


def _plan(session: Session, issue_id: int | None, found: list[Planned], now: datetime) -> int | None:
    """Each one's digest of the last whole day. After an outage that is one digest, not many."""
    reasons = [already_planned(planned) for planned in found]
    for planned, reason in zip(found, reasons, strict=True):
        if reason:
            log.info("digest not planned", subscriber=planned.digest.subscriber.id, reason=reason)
    fresh = [planned for planned, reason in zip(found, reasons, strict=True) if not reason]
    if not fresh:
        return issue_id
    issue_id = issue_id or add_issue(session, started_by="serve", now=now)
    plan_deliveries(session, issue_id, fresh, now)
    told = log.bind()  # once: to find the logger takes longer than to tell nothing
    for digest, _ in fresh:
        state = DeliveryState.PLANNED if digest.is_mailed else DeliveryState.SKIPPED
        told.info("digest planned", subscriber=digest.subscriber.id, state=state, papers=len(digest.picks), reason=digest.silence)
    return issue_id


def _schedule(session: Session, people: list[Subscriber], after: datetime) -> None:
    schedule_subscribers(session, {person.id: _next_at(person, after) for person in people if person.id is not None})


def _next_at(person: Subscriber, after: datetime) -> datetime:
    """One whose settings can't be used, such as a cadence that no day fits, holds nobody else up."""
    try:
        return next_digest_at(person, after)
    except (OverflowError, ValueError) as error:
        log.error("subscriber can't be scheduled, tried again in a day", subscriber=person.id, reason=repr(error))
        return after + timedelta(days=1)
