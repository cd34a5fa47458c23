"""What happens to a subscription: confirmed, changed, paused, ended, moved. Touches the session it is given.

A change of what is mailed writes a notice in the same transaction, so that the subscriber is told of it, with an undo,
whoever holds the link that did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from service.errors import PaperroundError, WrongUse
from service.models import Notice, NoticeKind, Subscriber, SubscriberState
from service.store.notices import add_notice, notice_count
from service.store.subscribers import change_subscriber, has_unsubscribed, subscriber

MAILED = ("topics", "cadence", "hour", "zone")  # what a mail's link may change
LONGEST_PAUSE = timedelta(days=366)
_A_DAY = timedelta(days=1)
_MOST_A_DAY = {NoticeKind.CONFIRMATION: 1, NoticeKind.ACCOUNT: 3, NoticeKind.ADDRESS: 3}


def ask_to_confirm(session: Session, person: Subscriber, now: datetime) -> None:
    """Mail a pending subscriber the question whether they want the digest. Raises PaperroundError past one a day."""
    if not _ask(session, person, NoticeKind.CONFIRMATION, now):
        raise PaperroundError(f"{person.email} was asked to confirm less than a day ago: ask again tomorrow")


def confirm(session: Session, person: Subscriber) -> None:
    """Of somebody who has ended it since, an old confirmation makes no subscriber again."""
    if person.state == SubscriberState.PENDING:
        change_subscriber(session, person, {"state": SubscriberState.ACTIVE})


def set_state(session: Session, person: Subscriber, state: SubscriberState) -> None:
    change_subscriber(session, person, {"state": state})


def pause(session: Session, person: Subscriber, until: date | None, today: date) -> None:
    """No digest before the local day `until`; None ends a pause. Raises WrongUse for a day that is no pause."""
    if until is not None and not today < until <= today + LONGEST_PAUSE:
        raise WrongUse("a pause ends on a day from tomorrow on, within a year")
    change_subscriber(session, person, {"paused_until": until})


def change_settings(session: Session, person: Subscriber, changes: Mapping[str, Any], now: datetime) -> bool:
    """Change what is mailed, or when, and tell the subscriber; answers False where nothing is another now."""
    before = {name: getattr(person, name) for name in MAILED}
    if not change_subscriber(session, person, {name: changes[name] for name in MAILED if name in changes}):
        return False
    after = {name: getattr(person, name) for name in MAILED}
    add_notice(session, person, NoticeKind.CHANGE, now=now, before=before, after=after)
    return True


def ask_for_account(session: Session, person: Subscriber, now: datetime) -> bool:
    """Mail a link to what is stored; answers False where enough went out today."""
    return _ask(session, person, NoticeKind.ACCOUNT, now)


def ask_at_new_address(session: Session, person: Subscriber, email: str, now: datetime) -> None:
    """Mail the question to the new address. Who is a subscriber there already, or wants no mail, is not asked or told of."""
    if subscriber(session, email) is None and not has_unsubscribed(session, email):
        _ask(session, person, NoticeKind.ADDRESS, now, email=email)


def move(session: Session, person: Subscriber, email: str, now: datetime) -> None:
    """The digest goes to `email` from now on; the old address is told. Raises WrongUse where somebody has the new one."""
    if person.email == email:
        return
    if subscriber(session, email) is not None:
        raise WrongUse("the digest goes to that address already")
    before = person.email
    change_subscriber(session, person, {"email": email})
    add_notice(session, person, NoticeKind.MOVE, now=now, email=before, before={"email": before}, after={"email": email})


def undo(session: Session, notice: Notice, person: Subscriber, now: datetime) -> None:
    """What the notice told of is as it was before. Raises WrongUse where an old address is somebody else's now."""
    if notice.kind == NoticeKind.MOVE:
        move(session, person, notice.before["email"], now)
    else:
        changed = {name for name in MAILED if notice.before[name] != notice.after[name]}
        change_settings(session, person, {name: notice.before[name] for name in changed}, now)


def _ask(session: Session, person: Subscriber, kind: NoticeKind, now: datetime, email: str | None = None) -> bool:
    if notice_count(session, person, kind, now - _A_DAY) >= _MOST_A_DAY[kind]:
        return False
    add_notice(session, person, kind, now=now, email=email)
    return True
