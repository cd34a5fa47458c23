"""Plan an issue, send its mails, record each outcome. Touches the database, and the mail server through `Transport`.

Each step is a transaction of its own: the recipients and their papers are frozen, then one mail after another is
claimed, handed over and recorded. Whatever breaks in between, the tables tell where to carry on.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Protocol

import stamina
from sqlalchemy import Engine

from service.cadence import local_day
from service.delivery.message import build_message
from service.errors import DeliveryFailed, DeliveryUncertain, PaperroundError, ServerUnusable, StoreFailed, WrongUse
from service.links import unsubscribe_link
from service.models import OPEN_STATES, Delivery, DeliveryState, Digest, Email, Sender, Subscriber, SubscriberState
from service.pipeline.digests import Board, Planned, digest_again, plan_digests, topic_board
from service.render import render_digest, subject_line
from service.store.database import reading, transaction
from service.store.deliveries import (
    add_issue,
    claim_delivery,
    deliveries_by_id,
    expire_stale,
    lock_planning,
    open_deliveries,
    plan_delivery,
    record_outcome,
    recover_lost,
    skip_inactive,
)
from service.store.subscribers import all_subscribers, subscribers_by_email

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]  # mails done, and how many there are

_PORTION = 500  # people planned in one transaction, so that others need not wait long
_MOST_BREAKS = 3  # connections lost in a row, then the server is left alone until the next run


class Transport(Protocol):
    def send(self, message: bytes, *, to: str) -> str:
        """Hand one mail over; answers the reply. Raises DeliveryFailed, DeliveryUncertain, ServerUnusable."""


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
    active, outcomes = _split_active(people, on)
    by_id = {person.id: person for person in active}
    with reading(engine) as session:
        for waiting in open_deliveries(session, _ids(active), now):
            reason = f"still {waiting.state} from before"
            email = by_id[waiting.subscriber_id].email
            outcomes.append(Outcome(email, waiting.digest_on, DeliveryState.PLANNED, reason, tuple(waiting.paper_ids)))
        for planned in plan_digests(session, active, on):
            if planned.delivery is None or planned.delivery.state not in OPEN_STATES:
                outcomes.append(already_planned(planned) or _planned(planned.digest))
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
    progress: Progress | None = None,
) -> SendReport:
    """Plan the digests of day `on`, and send them with whatever these people still have open from before."""
    active, outcomes = _split_active(people, on)
    with transaction(engine) as session:
        recover_lost(session, clock())
        skip_inactive(session)
        expired = expire_stale(session, clock(), stale_after)
    issue_id, planned, already = _plan_issue(engine, active, on, clock())
    with reading(engine) as session:
        waiting = [delivery.id or 0 for delivery in open_deliveries(session, _ids(active), clock())]
    sent = send_all(engine, transport, sender, waiting, clock, progress)
    with reading(engine) as session:
        for delivery, person in deliveries_by_id(session, {*planned, *waiting, *expired}):
            outcomes.append(_outcome(person, delivery, sent.get(delivery.id or 0)))
    told = {(outcome.email, outcome.on) for outcome in outcomes}
    outcomes += [outcome for outcome in already if (outcome.email, outcome.on) not in told]
    return _report(on, issue_id, outcomes)


def _report(on: date, issue_id: int | None, outcomes: Sequence[Outcome]) -> SendReport:
    return SendReport(on, issue_id, tuple(sorted(outcomes, key=lambda outcome: (outcome.email, outcome.on))))


def _ids(people: Sequence[Subscriber]) -> list[int]:
    return [person.id for person in people if person.id is not None]


def _split_active(people: Sequence[Subscriber], on: date) -> tuple[list[Subscriber], list[Outcome]]:
    active = [person for person in people if person.state == SubscriberState.ACTIVE]
    others = [person for person in people if person.state != SubscriberState.ACTIVE]
    return active, [Outcome(person.email, on, DeliveryState.SKIPPED, str(person.state)) for person in others]


def _plan_issue(
    engine: Engine, people: Sequence[Subscriber], on: date, now: datetime
) -> tuple[int | None, set[int], list[Outcome]]:
    """Freeze who gets what; who has a digest of that day already gets no second one. No issue where all have."""
    issue_id: int | None = None
    ids: set[int] = set()
    already: list[Outcome] = []
    for portion in _portions(people):
        with transaction(engine) as session:
            lock_planning(session)
            for planned in plan_digests(session, portion, on):
                if outcome := already_planned(planned):
                    already.append(outcome)
                    continue
                issue_id = issue_id or add_issue(session, started_by="send-now", now=now)
                ids.add(plan_delivery(session, issue_id, planned.digest, planned.delivery, now).id or 0)
    return issue_id, ids, already


def _portions(people: Sequence[Subscriber]) -> Iterator[Sequence[Subscriber]]:
    return (people[start : start + _PORTION] for start in range(0, len(people), _PORTION))


def send_all(
    engine: Engine,
    transport: Transport,
    sender: Sender,
    delivery_ids: Sequence[int],
    clock: Clock,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[int, tuple[Email, str]]:
    """One mail after another, until all are handed over, the server takes none, or we are told to stop between two.

    Answers each one's mail and reply.
    """
    with reading(engine) as session:
        board = topic_board(session)
    sent: dict[int, tuple[Email, str]] = {}
    breaks = 0
    for done, delivery_id in enumerate(delivery_ids):
        if should_stop():
            break
        if progress:
            progress(done, len(delivery_ids))
        try:
            if mail := _send_one(engine, transport, sender, delivery_id, board, clock):
                sent[delivery_id] = mail
            breaks = 0
        except ServerUnusable:
            break
        except (DeliveryFailed, DeliveryUncertain) as error:
            is_break = isinstance(error, DeliveryUncertain) or error.broke_off
            breaks = breaks + 1 if is_break else 0
        if breaks == _MOST_BREAKS:
            break
    return sent


def _send_one(
    engine: Engine, transport: Transport, sender: Sender, delivery_id: int, board: Board, clock: Clock
) -> tuple[Email, str] | None:
    """Claim, hand over, record. Raises what the mail met, once it is recorded, for the caller to decide about the next."""
    with transaction(engine) as session:
        claimed = claim_delivery(session, delivery_id, clock())
    if claimed is None:
        return None
    delivery, person = claimed
    if person.state != SubscriberState.ACTIVE:
        _record(engine, delivery, DeliveryState.SKIPPED, clock(), reason=str(person.state))
        return None
    try:
        with reading(engine) as session:
            digest = digest_again(session, person, delivery, board)
        email, message = _mail(digest, delivery, sender, clock())
        reply = transport.send(message, to=person.email)
    except (DeliveryFailed, DeliveryUncertain, ServerUnusable) as error:
        _record_failure(engine, delivery, error, clock())
        raise
    except Exception as error:  # whatever else is wrong with this one mail must not stop the rest
        log.debug("mail could not be made delivery=%s", delivery_id, exc_info=True)
        _record_failure(engine, delivery, error, clock())
        return None
    _record(engine, delivery, DeliveryState.ACCEPTED, clock(), smtp_reply=reply)
    return email, reply


def _mail(digest: Digest, delivery: Delivery, sender: Sender, now: datetime) -> tuple[Email, bytes]:
    person = digest.subscriber
    link = unsubscribe_link(sender, person.key)
    email = render_digest(digest, unsubscribe_link=link, sent_on=local_day(now, person.zone))
    return email, build_message(email, sender, to=person.email, key=delivery.key, unsubscribe_link=link, now=now)


def _record_failure(engine: Engine, delivery: Delivery, error: Exception, now: datetime) -> None:
    state = DeliveryState.DEFERRED
    if isinstance(error, DeliveryFailed) and error.permanent:
        state = DeliveryState.REJECTED
    elif isinstance(error, DeliveryUncertain):
        state = DeliveryState.UNKNOWN
    reason = str(error) if isinstance(error, PaperroundError) else f"the mail could not be made: {error!r}"
    reply = str(error) if isinstance(error, DeliveryFailed) else None
    next_try_at = now + _back_off(delivery.attempts) if state is not DeliveryState.REJECTED else None
    _record(engine, delivery, state, now, reason=reason, smtp_reply=reply, next_try_at=next_try_at)


def _back_off(attempts: int) -> timedelta:
    """5 minutes, doubled with each attempt up to 4 hours, and up to a fifth more so that retries spread."""
    minutes: int = min(5 * 2 ** min(attempts - 1, 10), 240)
    return timedelta(minutes=minutes * random.uniform(1.0, 1.2))  # noqa: S311


def _record(engine: Engine, delivery: Delivery, state: DeliveryState, now: datetime, **told: Any) -> None:
    """Insist: while the outcome of a mail that is out isn't recorded, the mail may go out again."""
    for attempt in stamina.retry_context(on=StoreFailed, attempts=10, timeout=300):
        with attempt, transaction(engine) as session:
            is_ours = record_outcome(session, delivery, state, now=now, **told)
    log.info("delivery=%s state=%s recorded=%s papers=%d", delivery.id, state, is_ours, len(delivery.paper_ids))


def already_planned(planned: Planned) -> Outcome | None:
    """A day that was planned before stands, unless it was silent: then later papers may still fill it."""
    digest, delivery = planned
    if delivery is None or delivery.state == DeliveryState.SKIPPED:
        return None
    reason = f"the digest of {digest.on} is {delivery.state} already" + (f": {delivery.reason}" if delivery.reason else "")
    return Outcome(digest.subscriber.email, digest.on, DeliveryState.SKIPPED, reason, tuple(delivery.paper_ids))


def _planned(digest: Digest) -> Outcome:
    if digest.silence:
        return Outcome(digest.subscriber.email, digest.on, DeliveryState.SKIPPED, digest.silence)
    ids = tuple(pick.paper.id for pick in digest.picks)
    return Outcome(digest.subscriber.email, digest.on, DeliveryState.PLANNED, None, ids, subject_line(digest))


def _outcome(person: Subscriber, delivery: Delivery, sent: tuple[Email, str] | None) -> Outcome:
    email, reply = sent or (None, delivery.smtp_reply)
    subject = email.subject if email else None
    ids = tuple(delivery.paper_ids)
    return Outcome(person.email, delivery.digest_on, delivery.state, delivery.reason, ids, subject, reply)
