"""What happens to a subscription: confirmed, changed, paused, ended, moved. Touches the session it is given.

A change of what is mailed writes a notice in the same transaction, so that the subscriber is told of it, with an undo,
whoever holds the link that did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from service.cadence import last_complete_day, local_day, next_digest_at
from service.errors import PaperroundError, WrongUse
from service.models import Notice, NoticeKind, Subscriber, SubscriberState, is_weekly
from service.pipeline.digests import stands
from service.store.deliveries import delivery_of
from service.store.notices import add_notice, amend_unsent_notice, notice_count, unsent_notice
from service.store.subscribers import change_subscriber, has_unsubscribed, schedule_subscriber, subscriber

MAILED = (  # what a mail's link may change
    *("topics", "cadence", "hour", "zone", "length", "minimum_score", "followed", "muted"),
    *("language", "with_abstract", "with_outside", "with_note"),
)
LONGEST_PAUSE = timedelta(days=366)
_A_DAY = timedelta(days=1)
_MOST_A_DAY = {NoticeKind.CONFIRMATION: 1, NoticeKind.ACCOUNT: 3, NoticeKind.ADDRESS: 3, NoticeKind.CHANGE: 20}


def change(session: Session, person: Subscriber, changes: Mapping[str, Any], now: datetime) -> list[str]:
    """Assign settings, and work out anew when an active one's next digest is due; answers the names of those that changed.

    A digest that is due already stays due: whoever changes their hour while it waits doesn't lose the day.
    """
    changed = set(change_subscriber(session, person, changes))
    if "state" in changed:
        change_subscriber(session, person, {"unsubscribed_at": now if person.state == SubscriberState.UNSUBSCRIBED else None})
    if person.state != SubscriberState.ACTIVE:
        return sorted(changed)
    is_due = person.next_digest_at is not None and person.next_digest_at <= now
    if changed & {"state", "paused_until"} or (changed & {"zone", "hour", "cadence"} and not is_due):
        schedule_subscriber(session, person, next_untaken_at(session, person, now))
    return sorted(changed)


def next_untaken_at(session: Session, person: Subscriber, after: datetime) -> datetime:
    """When the next digest is due: not at an hour that was chosen after the digest of that day had come."""
    moment = next_digest_at(person, after)
    while _is_taken(session, person, moment):
        moment = next_digest_at(person, moment)
    return moment


def _is_taken(session: Session, person: Subscriber, moment: datetime) -> bool:
    """Of a week one mail is enough on one local day, though that ends on another day in UTC than it began."""
    assert person.id is not None
    on, today = last_complete_day(moment), local_day(moment, person.zone)
    delivery = delivery_of(session, person.id, on)
    if delivery and stands(delivery):
        return True
    before = delivery_of(session, person.id, on - _A_DAY) if is_weekly(person.cadence) else None
    return before is not None and stands(before) and local_day(before.planned_at, person.zone) == today


def ask_to_confirm(session: Session, person: Subscriber, now: datetime) -> None:
    """Mail a pending subscriber the question whether they want the digest. Raises PaperroundError past one a day."""
    if not _ask(session, person, NoticeKind.CONFIRMATION, now):
        raise PaperroundError(f"{person.email} was asked to confirm less than a day ago: ask again tomorrow")


def confirm(session: Session, person: Subscriber, now: datetime) -> None:
    """Of somebody who has ended it since, an old confirmation makes no subscriber again."""
    if person.state == SubscriberState.PENDING:
        change(session, person, {"state": SubscriberState.ACTIVE}, now)


def unsubscribe(session: Session, person: Subscriber, now: datetime) -> bool:
    """Answers False where they were unsubscribed before."""
    return bool(change(session, person, {"state": SubscriberState.UNSUBSCRIBED}, now))


def resubscribe(session: Session, person: Subscriber, now: datetime) -> None:
    if person.state == SubscriberState.UNSUBSCRIBED:
        change(session, person, {"state": SubscriberState.ACTIVE}, now)


def pause(session: Session, person: Subscriber, until: date | None, now: datetime) -> None:
    """No digest before the local day `until`; None ends a pause. Raises WrongUse for a day that is no pause."""
    check_active(person)
    check_pause(person, until, now)
    change(session, person, {"paused_until": until}, now)


def check_pause(person: Subscriber, until: date | None, now: datetime) -> None:
    """Raises WrongUse."""
    today = local_day(now, person.zone)
    if until is not None and not today < until <= today + LONGEST_PAUSE:
        raise WrongUse("a pause ends on a day from tomorrow on, within a year")


def change_settings(session: Session, person: Subscriber, changes: Mapping[str, Any], now: datetime) -> bool:
    """Change what is mailed, or when, and tell the subscriber; answers False where nothing is another now.

    Raises WrongUse for who gets no mail, and past twenty mails a day.
    """
    check_active(person)
    if not unsent_notice(session, person, NoticeKind.CHANGE) and not _may_ask(session, person, NoticeKind.CHANGE, now):
        raise WrongUse("it was changed twenty times since yesterday: try again tomorrow")
    return _change_and_tell(session, person, changes, now)


def _change_and_tell(session: Session, person: Subscriber, changes: Mapping[str, Any], now: datetime) -> bool:
    """Changes that follow each other before the mail is out are told by one mail, whose undo undoes them all."""
    before, unsent = mailed(person), unsent_notice(session, person, NoticeKind.CHANGE)
    wanted = {name: changes[name] for name in MAILED if name in changes}
    if sorted(wanted.get("topics", ())) == before["topics"]:
        wanted.pop("topics", None)
    if not change(session, person, wanted, now):
        return False
    after = mailed(person)
    if unsent is None or not amend_unsent_notice(session, unsent, after=after, now=now):
        add_notice(session, person, NoticeKind.CHANGE, now=now, before=before, after=after)
    return True


def ask_for_account(session: Session, person: Subscriber, now: datetime) -> bool:
    """Mail a link to what is stored; answers False where enough went out today."""
    return _ask(session, person, NoticeKind.ACCOUNT, now)


def ask_at_new_address(session: Session, person: Subscriber, email: str, now: datetime) -> bool:
    """Mail the question to the new address; answers False where enough went out today.

    Who is a subscriber there already, or wants no mail, is not asked, and it is not told. Raises WrongUse for who gets no mail.
    """
    check_active(person)
    if not _may_ask(session, person, NoticeKind.ADDRESS, now):
        return False
    if subscriber(session, email) is None and not has_unsubscribed(session, email):
        add_notice(session, person, NoticeKind.ADDRESS, now=now, email=email)
    return True


def move_to(session: Session, person: Subscriber, notice: Notice, now: datetime) -> None:
    """What the owner of a new address confirmed, once: after a move no older question counts.

    Raises WrongUse, also for who unsubscribed since: that must stay with the address that did.
    """
    check_active(person)
    if person.email != notice.email and notice_count(session, person, NoticeKind.MOVE, notice.planned_at):
        raise WrongUse("the digest has moved since this question was mailed")
    _move(session, person, notice.email, now)


def undo(session: Session, notice: Notice, person: Subscriber, now: datetime) -> None:
    """What the notice told of is as it was before, however often it was changed today: only its reader has the link.

    Raises WrongUse for who unsubscribed since, as in `move_to`, and where an old address is somebody else's now.
    """
    check_active(person)
    if notice.kind == NoticeKind.MOVE:
        _move(session, person, notice.before["email"], now)
    else:
        _change_and_tell(session, person, what_changed(notice), now)


def _move(session: Session, person: Subscriber, email: str, now: datetime) -> None:
    """The digest goes to `email` from now on; the old address is told."""
    if person.email == email:
        return
    if subscriber(session, email) is not None:
        raise WrongUse("the digest goes to that address already")
    before = person.email
    change(session, person, {"email": email}, now)
    add_notice(session, person, NoticeKind.MOVE, now=now, email=before, before={"email": before}, after={"email": email})


def what_changed(notice: Notice) -> dict[str, Any]:
    """The settings that the notice tells of, as they were before."""
    before, after = notice.before, notice.after  # an old notice tells fewer
    return {name: before[name] for name in MAILED if name in before and before[name] != after.get(name)}


def mailed(person: Subscriber) -> dict[str, Any]:
    """What the settings page shows, and a notice tells of; the order of topics means nothing."""
    return {name: getattr(person, name) for name in MAILED} | {"topics": sorted(person.topics)}


def check_active(person: Subscriber) -> None:
    """Raises WrongUse for who gets no mail."""
    if person.state == SubscriberState.PENDING:
        raise WrongUse("the subscription is pending")
    if person.state == SubscriberState.UNSUBSCRIBED:
        raise WrongUse("the subscription is unsubscribed")


def _ask(session: Session, person: Subscriber, kind: NoticeKind, now: datetime) -> bool:
    if not _may_ask(session, person, kind, now):
        return False
    add_notice(session, person, kind, now=now)
    return True


def _may_ask(session: Session, person: Subscriber, kind: NoticeKind, now: datetime) -> bool:
    return notice_count(session, person, kind, now - _A_DAY) < _MOST_A_DAY[kind]
