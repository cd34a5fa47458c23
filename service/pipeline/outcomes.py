"""What becomes of a mail by what it met, and which mails must not go out any more. Pure but for the jitter of retries."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import cast

from service.cadence import why_no_mail
from service.delivery.feed import Result
from service.errors import DeliveryFailed, DeliveryUncertain, PaperroundError, ServerUnusable
from service.models import Bounce, DeliveryState, Notice, NoticeKind, Outgoing, Subscriber, SubscriberState
from service.pipeline.subscriptions import what_changed
from service.replies import asked_wait, bounce_of, enhanced_code, is_about_the_domain
from service.store.ledger import Settled

_ASK_AGAIN = timedelta(days=1)


def outcome(result: Result, mail: Outgoing, now: datetime) -> Settled:
    """Of one attempt. A mail that may have arrived before stays `unknown` while it is only put off."""
    if isinstance(result, str):
        return Settled(DeliveryState.ACCEPTED, smtp_reply=result, enhanced_code=enhanced_code(result))
    next_try_at = now + _wait(result, mail) * random.uniform(1.0, 1.2)  # noqa: S311
    if isinstance(result, DeliveryUncertain):
        return Settled(DeliveryState.UNKNOWN, str(result), next_try_at=next_try_at, is_uncertain=True)
    reply = str(result) if isinstance(result, DeliveryFailed) and result.code else None
    code = enhanced_code(reply) if reply else None
    if reply and isinstance(result, DeliveryFailed) and result.permanent:
        return Settled(DeliveryState.REJECTED, reply, reply, code, bounce_of(reply))
    reason = str(result) if isinstance(result, PaperroundError) else f"the mail could not be made: {result!r}"
    state = DeliveryState.UNKNOWN if mail.uncertain_count else DeliveryState.DEFERRED
    bounce = Bounce.POLICY if isinstance(result, ServerUnusable) and result.permanent else None
    return Settled(state, reason, reply, code, bounce, next_try_at)


def pauses_domain(result: Result) -> bool:
    """Whether the other mails to the same domain must wait as long as this one."""
    if not isinstance(result, DeliveryFailed) or result.permanent or result.broke_off:
        return False
    return is_about_the_domain(str(result))


def unwanted(mail: Outgoing, person: Subscriber, suppression: str | None, now: datetime) -> Settled | None:
    """What becomes of a mail that must not go out now, or None. `suppression`: why its address gets no mail.

    One that may have arrived keeps its papers over a pause, or they would come again after it.
    """
    reason = _why_not(mail, person, suppression, now)
    if reason is None:
        return None
    is_over = suppression or person.state != SubscriberState.ACTIVE
    if mail.state == DeliveryState.UNKNOWN and not is_over:
        return Settled(DeliveryState.UNKNOWN, mail.reason, next_try_at=now + _ASK_AGAIN)
    may_have_come = "; an earlier attempt may have arrived" if mail.uncertain_count else ""
    return Settled(DeliveryState.SKIPPED, f"{reason}{may_have_come}")


def _why_not(mail: Outgoing, person: Subscriber, suppression: str | None, now: datetime) -> str | None:
    if suppression or not mail.is_notice:
        return why_no_mail(person, now, suppression)
    notice = cast("Notice", mail)
    kind = notice.kind
    if kind == NoticeKind.CONFIRMATION and person.state != SubscriberState.PENDING:
        return f"{person.state} already"
    if kind == NoticeKind.CHANGE and person.state == SubscriberState.UNSUBSCRIBED:
        return str(person.state)
    if kind == NoticeKind.CHANGE and not what_changed(notice):
        return "changed back before it was told"
    return None


def _wait(result: Exception, mail: Outgoing) -> timedelta:
    """Each doubt doubles the wait of the next: a server whose answers are always lost may take every copy."""
    if isinstance(result, DeliveryUncertain):
        return _back_off(mail.attempts) * (1 << min(mail.uncertain_count, 10))
    asked = asked_wait(str(result)) if isinstance(result, DeliveryFailed) else None
    return asked or _back_off(mail.attempts)


def _back_off(earlier_attempts: int) -> timedelta:
    """5 minutes, doubled with each attempt up to 4 hours."""
    return timedelta(minutes=min(5 * 2 ** min(earlier_attempts, 10), 240))
