"""Plan an issue, send its mails, record each outcome. Touches the database, and the mail server through `Transport`.

Each step is a transaction of its own: the recipients and their papers are frozen, then one mail after another is
claimed, handed over and recorded. Whatever breaks in between, the tables tell where to carry on.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from sqlalchemy import Engine

from service.cadence import local_day
from service.delivery.message import build_message
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable, WrongUse
from service.links import unsubscribe_link
from service.models import Delivery, DeliveryState, Digest, Email, Sender, Subscriber, SubscriberState
from service.pipeline.digests import Planned, digest_again, plan_digests
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
)
from service.store.subscribers import all_subscribers, subscribers_by_email

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]  # mails done, and how many there are


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
    issue_id: int | None  # None for a dry run
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


def dry_run(engine: Engine, people: Sequence[Subscriber], on: date) -> SendReport:
    """What send_now would plan, with nothing stored or sent."""
    active, outcomes = _split_active(people, on)
    with reading(engine) as session:
        for planned in plan_digests(session, active, on):
            outcomes.append(_already(planned) or _planned(planned.digest))
    return SendReport(on, None, tuple(sorted(outcomes, key=lambda outcome: outcome.email)))


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
        expire_stale(session, clock(), stale_after)
    issue_id, delivery_ids, already = _plan_issue(engine, active, on, clock())
    with reading(engine) as session:
        waiting = open_deliveries(session, [person.id for person in active if person.id is not None], clock())
    sent = _send_all(engine, transport, sender, waiting, clock, progress)
    with reading(engine) as session:
        for delivery, person in deliveries_by_id(session, delivery_ids | set(waiting)):
            outcomes.append(_outcome(person, delivery, sent.get(delivery.id or 0)))
    told = {(outcome.email, outcome.on) for outcome in outcomes}
    outcomes += [outcome for outcome in already if (outcome.email, outcome.on) not in told]
    return SendReport(on, issue_id, tuple(sorted(outcomes, key=lambda outcome: (outcome.email, outcome.on))))


def _split_active(people: Sequence[Subscriber], on: date) -> tuple[list[Subscriber], list[Outcome]]:
    active = [person for person in people if person.state == SubscriberState.ACTIVE]
    others = [person for person in people if person.state != SubscriberState.ACTIVE]
    return active, [Outcome(person.email, on, DeliveryState.SKIPPED, str(person.state)) for person in others]


def _plan_issue(engine: Engine, people: Sequence[Subscriber], on: date, now: datetime) -> tuple[int, set[int], list[Outcome]]:
    """Freeze who gets what, in one transaction; who has a digest of that day already gets no second one."""
    with transaction(engine) as session:
        lock_planning(session)
        issue_id = add_issue(session, started_by="send-now", now=now)
        ids: set[int] = set()
        already: list[Outcome] = []
        for planned in plan_digests(session, people, on):
            if outcome := _already(planned):
                already.append(outcome)
                continue
            row = plan_delivery(session, issue_id, planned.digest, planned.delivery, now)
            ids.add(row.id or 0)
    return issue_id, ids, already


def _send_all(
    engine: Engine,
    transport: Transport,
    sender: Sender,
    delivery_ids: Sequence[int],
    clock: Clock,
    progress: Progress | None,
) -> dict[int, tuple[Email, str | None]]:
    """One mail after another, until all are handed over or the server takes none at all. Answers each one's mail and reply."""
    sent: dict[int, tuple[Email, str | None]] = {}
    for done, delivery_id in enumerate(delivery_ids):
        if progress:
            progress(done, len(delivery_ids))
        try:
            if mail := _send_one(engine, transport, sender, delivery_id, clock):
                sent[delivery_id] = mail
        except ServerUnusable as error:
            log.warning("sending stopped reason=%s", error)
            break
    return sent


def _send_one(
    engine: Engine, transport: Transport, sender: Sender, delivery_id: int, clock: Clock
) -> tuple[Email, str | None] | None:
    """Claim, hand over, record. Raises ServerUnusable, after recording it, where the next mail would fare no better."""
    with transaction(engine) as session:
        delivery = claim_delivery(session, delivery_id, clock())
        person = session.get(Subscriber, delivery.subscriber_id) if delivery else None
        if delivery is None or person is None:
            return None
        if person.state != SubscriberState.ACTIVE:
            record_outcome(session, delivery_id, DeliveryState.SKIPPED, now=clock(), reason=str(person.state))
            return None
        digest = digest_again(session, person, delivery)
    try:
        email, message = _mail(digest, delivery, sender, clock())
        reply = transport.send(message, to=person.email)
    except (DeliveryFailed, DeliveryUncertain, ServerUnusable) as error:
        _record_failure(engine, delivery, error, clock())
        if isinstance(error, ServerUnusable):
            raise
        return None
    except Exception as error:  # whatever else is wrong with this one mail must not stop the rest
        log.exception("mail could not be made delivery=%s", delivery_id)
        _record_failure(engine, delivery, error, clock())
        return None
    with transaction(engine) as session:
        record_outcome(session, delivery_id, DeliveryState.ACCEPTED, now=clock(), smtp_reply=reply)
    log.info("mail accepted delivery=%s papers=%d", delivery_id, len(delivery.paper_ids))
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
    assert delivery.id is not None
    with transaction(engine) as session:
        record_outcome(
            session,
            delivery.id,
            state,
            now=now,
            reason=str(error) or type(error).__name__,
            smtp_reply=str(error) if isinstance(error, DeliveryFailed) else None,
            next_try_at=None if state is DeliveryState.REJECTED else now + _back_off(delivery.attempts),
        )
    log.warning("mail not accepted delivery=%s state=%s reason=%s", delivery.id, state, error)


def _back_off(attempts: int) -> timedelta:
    """5 minutes, doubled with each attempt up to 4 hours, and up to a fifth more so that retries spread."""
    minutes: int = min(5 * 2 ** min(attempts - 1, 10), 240)
    return timedelta(minutes=minutes * random.uniform(1.0, 1.2))  # noqa: S311


def _already(planned: Planned) -> Outcome | None:
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


def _outcome(person: Subscriber, delivery: Delivery, sent: tuple[Email, str | None] | None) -> Outcome:
    email, reply = sent or (None, delivery.smtp_reply)
    return Outcome(
        person.email,
        delivery.digest_on,
        delivery.state,
        delivery.reason,
        tuple(delivery.paper_ids),
        email.subject if email else None,
        reply,
    )
