"""Take people in: one, or the lines of a list, new or known or back again. Touches the session it is given."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from service.csv_lists import RollLine
from service.errors import PaperroundError
from service.models import Subscriber, SubscriberState
from service.pipeline.subscriptions import change
from service.portions import portions
from service.store.subscribers import (
    add_subscriber,
    add_subscribers,
    has_unsubscribed,
    settings_columns,
    subscriber,
    subscribers_by_email,
)
from service.store.suppressions import remove_suppression, suppressed
from service.subscribers import SubscriberSettings, address_hash

_PORTION = 500  # lines whose people are looked up at once


def take_in(
    session: Session, settings: SubscriberSettings, told: Collection[str], now: datetime, *, resubscribe: bool
) -> Subscriber:
    """Somebody new, or back again: what is `told` changes. Raises PaperroundError for an address that unsubscribed."""
    if settings.state != SubscriberState.UNSUBSCRIBED:
        refuse_unsubscribed(session, settings.email, resubscribe=resubscribe)
    person = subscriber(session, settings.email)
    if person is None:
        return add_subscriber(session, settings, now)
    change(session, person, _columns(settings, {*told, "state"}), now)
    return person


def refuse_unsubscribed(session: Session, email: str, *, resubscribe: bool) -> None:
    """Raises PaperroundError, unless they want the mail again: then nothing keeps it from them any more."""
    if not has_unsubscribed(session, email):
        return
    if not resubscribe:
        why = suppressed(session, [email]).get(email)
        told = f"is suppressed ({why})" if why else "unsubscribed"
        raise PaperroundError(f"{email} {told}: if they want the mail again, say --resubscribe")
    remove_suppression(session, address_hash(email))


def take_in_lines(
    session: Session, lines: Sequence[RollLine], now: datetime, *, resubscribe: bool, refuse: Callable[[str], None]
) -> Counter[str]:
    """Answers how many were `added`, `changed`, `unchanged` or `refused`; `refuse` is told which line, and why."""
    counts = Counter[str]()
    for portion in portions(lines, _PORTION):
        emails = [line.settings.email for line in portion]
        people = {person.email: person for person in subscribers_by_email(session, emails)}
        stored = people.keys() | suppressed(session, emails).keys()
        fresh = [line.settings for line in portion if line.settings.email not in stored]
        add_subscribers(session, fresh, now)  # at once: a reader's click waits meanwhile
        counts["added"] += len(fresh)
        for line in (line for line in portion if line.settings.email in stored):
            try:
                counts[_take_in_line(session, line, people.get(line.settings.email), now, resubscribe)] += 1
            except PaperroundError as error:
                refuse(f"line {line.number}: {error}")
                counts["refused"] += 1
    return counts


def _take_in_line(session: Session, line: RollLine, person: Subscriber | None, now: datetime, resubscribe: bool) -> str:
    """What the line does not tell is left alone in a known subscriber."""
    settings = line.settings
    if person is None or (person.state == SubscriberState.UNSUBSCRIBED and settings.state != SubscriberState.UNSUBSCRIBED):
        take_in(session, settings, line.told, now, resubscribe=resubscribe)
        return "added"
    return "changed" if change(session, person, _columns(settings, line.told), now) else "unchanged"


def _columns(settings: SubscriberSettings, told: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in settings_columns(settings).items() if name in told}
