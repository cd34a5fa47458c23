"""Hand mails over and record each outcome. Touches the database, and the mail server through `Transport`.

Each step is a transaction of its own: one mail after another is claimed, made, handed over and recorded, deliveries and
notices alike. Whatever breaks in between, the tables tell where to carry on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

import stamina
import structlog
from sqlalchemy import Engine

from service.cadence import local_day, why_no_mail
from service.delivery.message import build_message
from service.errors import DeliveryFailed, DeliveryUncertain, PaperroundError, ServerUnusable, StoreFailed
from service.links import Fresh, fresh_link, mail_links
from service.models import (
    Delivery,
    DeliveryState,
    Email,
    Notice,
    NoticeKind,
    Outgoing,
    Sender,
    Subscriber,
    SubscriberState,
)
from service.pipeline.digests import Board, digest_again, topic_board
from service.render import render_digest, render_notice
from service.store.database import reading, transaction
from service.store.ledger import claim_mail, record_outcome

log = structlog.get_logger(__name__)

Clock = Callable[[], datetime]
Progress = Callable[[int, int], None]  # mails done, and how many there are

_MOST_BREAKS = 3  # connections lost in a row, then the server is left alone until the next run
_PURPOSES = {
    NoticeKind.CONFIRMATION: Fresh.CONFIRM,
    NoticeKind.CHANGE: Fresh.UNDO,
    NoticeKind.ACCOUNT: Fresh.ACCOUNT,
    NoticeKind.ADDRESS: Fresh.ADDRESS,
    NoticeKind.MOVE: Fresh.UNDO,
}


class Transport(Protocol):
    def send(self, message: bytes, *, to: str) -> str:
        """Hand one mail over; answers the reply. Raises DeliveryFailed, DeliveryUncertain, ServerUnusable."""


def send_all(
    engine: Engine,
    transport: Transport,
    sender: Sender,
    mails: Sequence[Outgoing],
    clock: Clock,
    progress: Progress | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, tuple[Email, str]]:
    """One mail after another, until all are handed over, the server takes none, or we are told to stop between two.

    Answers each accepted one's content and reply, by its key.
    """
    with reading(engine) as session:
        board = topic_board(session)
    sent: dict[str, tuple[Email, str]] = {}
    breaks = 0
    for done, mail in enumerate(mails):
        if should_stop():
            break
        if progress:
            progress(done, len(mails))
        try:
            if accepted := _send_one(engine, transport, sender, mail, board, clock):
                sent[mail.key] = accepted
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
    engine: Engine, transport: Transport, sender: Sender, mail: Outgoing, board: Board, clock: Clock
) -> tuple[Email, str] | None:
    """Claim, hand over, record. Raises what the mail met, once it is recorded, for the caller to decide about the next."""
    with transaction(engine) as session:
        claimed = claim_mail(session, mail, clock())
    if claimed is None:
        return None
    row, person = claimed
    if reason := _why_not(row, person, clock()):
        _record_unwanted(engine, mail, row, person, reason, clock())
        return None
    try:
        email, message = _made(engine, row, person, sender, board, clock())
        reply = transport.send(message, to=row.email if isinstance(row, Notice) else person.email)
    except (DeliveryFailed, DeliveryUncertain, ServerUnusable) as error:
        _record_failure(engine, row, error, clock())
        raise
    except Exception as error:  # whatever else is wrong with this one mail must not stop the rest
        log.debug("mail could not be made", mail=row.key, exc_info=True)
        _record_failure(engine, row, error, clock())
        return None
    _record(engine, row, DeliveryState.ACCEPTED, clock(), smtp_reply=reply)
    return email, reply


def _record_unwanted(engine: Engine, before: Outgoing, row: Outgoing, person: Subscriber, reason: str, now: datetime) -> None:
    """One that may have arrived keeps its papers over a pause, or they would come again after it."""
    if before.state == DeliveryState.UNKNOWN and person.state == SubscriberState.ACTIVE:
        _record(engine, row, DeliveryState.UNKNOWN, now, reason=row.reason, next_try_at=now + timedelta(days=1))
    else:
        _record(engine, row, DeliveryState.SKIPPED, now, reason=reason)


def _why_not(row: Outgoing, person: Subscriber, now: datetime) -> str | None:
    """Why a mail that was planned is wanted no more."""
    if not isinstance(row, Notice):
        return why_no_mail(person, now)
    if row.kind == NoticeKind.CONFIRMATION and person.state != SubscriberState.PENDING:
        return f"{person.state} already"
    if row.kind == NoticeKind.CHANGE and person.state == SubscriberState.UNSUBSCRIBED:
        return str(person.state)
    return None


def _made(engine: Engine, row: Outgoing, person: Subscriber, sender: Sender, board: Board, now: datetime) -> tuple[Email, bytes]:
    sent_on = local_day(now, person.zone)
    if isinstance(row, Notice):
        topics = {topic.slug: topic for topic in board.topics}
        link = fresh_link(sender, _PURPOSES[NoticeKind(row.kind)], row.key, now)  # fresh however long the mail waited
        email = render_notice(row, person, topics, link=link, sent_on=sent_on)
        return email, build_message(email, sender, to=row.email, key=row.key, now=now)
    assert isinstance(row, Delivery)
    with reading(engine) as session:
        digest = digest_again(session, person, row, board)
    links = mail_links(sender, person.key, row.digest_on)
    email = render_digest(digest, links, sent_on=sent_on, postal_line=sender.postal_line)
    return email, build_message(email, sender, to=person.email, key=row.key, now=now, unsubscribe_link=links.unsubscribe)


def _record_failure(engine: Engine, row: Outgoing, error: Exception, now: datetime) -> None:
    state = DeliveryState.DEFERRED
    if isinstance(error, DeliveryFailed) and error.permanent:
        state = DeliveryState.REJECTED
    elif isinstance(error, DeliveryUncertain):
        state = DeliveryState.UNKNOWN
    reason = str(error) if isinstance(error, PaperroundError) else f"the mail could not be made: {error!r}"
    reply = str(error) if isinstance(error, DeliveryFailed) else None
    next_try_at = now + _back_off(row.attempts) if state is not DeliveryState.REJECTED else None
    _record(engine, row, state, now, reason=reason, smtp_reply=reply, next_try_at=next_try_at)


def _back_off(attempts: int) -> timedelta:
    """5 minutes, doubled with each attempt up to 4 hours, and up to a fifth more so that retries spread."""
    minutes: int = min(5 * 2 ** min(attempts - 1, 10), 240)
    return timedelta(minutes=minutes * random.uniform(1.0, 1.2))  # noqa: S311


def _record(engine: Engine, row: Outgoing, state: DeliveryState, now: datetime, **told: Any) -> None:
    """Insist: while the outcome of a mail that is out isn't recorded, the mail may go out again."""
    for attempt in stamina.retry_context(on=StoreFailed, attempts=10, timeout=300):
        with attempt, transaction(engine) as session:
            is_ours = record_outcome(session, row, state, now=now, **told)
    told_of = {"mail": row.key, "kind": type(row).__name__.lower(), "state": str(state), "reason": told.get("reason")}
    log.info("mail settled", **told_of, recorded=is_ours)
