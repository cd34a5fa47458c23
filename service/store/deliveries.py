"""Issues and deliveries in the database. Touches the session it is given.

(subscriber, digest day) is unique, so whoever plans a day first has planned it. A skipped day holds no mail and may be
planned again, by the same row; every other state stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from functools import cache
from itertools import accumulate, compress, pairwise
from typing import Any, TypeVar

from msgspec import DecodeError, Raw
from msgspec.structs import replace
from sqlalchemy import Insert, bindparam, func, insert, update
from sqlmodel import Session, col, or_, select

from service.models import (
    DONE_STATES,
    HOLDING_STATES,
    OPEN_STATES,
    Delivery,
    DeliveryState,
    Digest,
    Entry,
    History,
    Issue,
    KeptPick,
    Plan,
    Subscriber,
    SubscriberState,
    new_key,
    read_pick,
)
from service.store.database import take_lock
from service.store.ledger import Ref, is_free
from service.store.prepared import prepared
from service.store.values import Values

_Value = TypeVar("_Value", int, str)

_UNSENT = ("next_try_at", "tried_at", "smtp_reply", "enhanced_code", "bounce")  # told of no mail before it is sent
_PAST = Values(Delivery, "subscriber_id", "digest_on", "state", "planned_at", "paper_ids", "plan")
_TOLD = Values(Delivery, "key", "digest_on", "state", "reason", "paper_ids", "smtp_reply")


def lock_planning(session: Session) -> None:
    """Until the transaction ends, nobody else plans: what a person holds can't change between reading and planning."""
    take_lock(session.connection(), "plan")


def add_issue(session: Session, *, started_by: str, now: datetime) -> int:
    issue = Issue(started_by=started_by, planned_at=now)
    session.add(issue)
    session.flush()
    assert issue.id is not None
    return issue.id


def count_candidates(session: Session, issue_id: int, more: int) -> None:
    """So many of an issue's deliveries more, or less."""
    session.exec(update(Issue).where(col(Issue.id) == issue_id).values(candidate_count=Issue.candidate_count + more))


def histories(session: Session, subscriber_ids: Collection[int], *, on: date, since: date) -> dict[int, History]:
    """By subscriber, before the digest of day `on`, whose papers were featured on `since` at the earliest.

    A digest holds no paper newer than its own day, so those before `since` can't hold a paper of the window.
    """
    last: dict[int, date] = {}
    rows: dict[int, list[Delivery]] = {}
    of_the_day: dict[int, Delivery] = {}
    for ids in _portions(subscriber_ids):
        theirs = col(Delivery.subscriber_id).in_(ids)
        accepted = (theirs, col(Delivery.state) == DeliveryState.ACCEPTED, col(Delivery.digest_on) < on)
        newest = select(Delivery.subscriber_id, func.max(Delivery.digest_on)).where(*accepted)
        last.update(session.exec(newest.group_by(col(Delivery.subscriber_id))).all())
        within = select(*_PAST.columns).where(theirs, col(Delivery.digest_on) >= since).order_by(col(Delivery.digest_on))
        for delivery in map(_PAST.value, session.connection().execute(within)):
            rows.setdefault(delivery.subscriber_id, []).append(delivery)
        same_day = session.exec(select(Delivery).where(theirs, col(Delivery.digest_on) == on))
        of_the_day.update({delivery.subscriber_id: delivery for delivery in same_day})
    return {person: _history(rows.get(person, ()), last.get(person), of_the_day.get(person), on) for person in subscriber_ids}


def _history(rows: Sequence[Delivery], last_accepted_on: date | None, delivery: Delivery | None, on: date) -> History:
    """`rows` by day, the oldest first."""
    holding = [row for row in rows if row.state in HOLDING_STATES]
    silent = [row for row in rows if row.state == DeliveryState.SKIPPED and not row.paper_ids]
    told = max((row for row in holding + silent if row.digest_on < on), key=lambda row: row.digest_on, default=None)
    return History(
        last_accepted_on=last_accepted_on,
        last_told_on=told.digest_on if told else None,
        last_planned_at=told.planned_at if told else None,
        held_ids=frozenset(key for row in holding for key in row.paper_ids),
        lines=_lines(holding),
        delivery=delivery,
    )


def _lines(holding: Sequence[Delivery]) -> dict[str, tuple[date, int]]:
    """Papers that the person had in a line or less and never as a card: the first day, and the upvotes then."""
    lines: dict[str, tuple[date, int]] = {}
    cards: set[str] = set()
    for row in holding:
        plan, paper_ids = row.plan, row.paper_ids
        slots = plan.cards + plan.lines + plan.unlisted
        cards.update(paper_ids[: plan.cards] if plan.picks else ())
        below = zip(paper_ids[plan.cards :], plan.picks[plan.cards :], strict=False)
        for place, (key, written) in enumerate(below, plan.cards):
            kept = _pick_of(written)
            if place >= slots and kept.entry is not Entry.MISSED:
                cards.add(key)
            elif kept.up is not None:
                lines.setdefault(key, (row.digest_on, kept.up))
    return {key: line for key, line in lines.items() if key not in cards}


def _pick_of(written: Raw) -> KeptPick:
    """One that can't be read gives no second look, and stops no planning."""
    try:
        return read_pick(written)
    except DecodeError:
        return KeptPick((0.0,) * 5)


def plan_deliveries(
    session: Session, issue_id: int, digests: Sequence[tuple[Digest, Delivery | None]], now: datetime
) -> list[str]:
    """Freeze these people's parts of the issue; answers their keys.

    Beside each digest stands the skipped delivery of the same day, where there is one: it is planned anew.
    """
    rows = [_planned(digest) for digest, _ in digests]
    shared = {"issue_id": issue_id, "planned_at": now, "attempts": 0}
    unsent = dict.fromkeys(_UNSENT)
    again = [row | shared | unsent | {"row": earlier.id} for row, (_, earlier) in zip(rows, digests, strict=True) if earlier]
    new = [
        row | {"subscriber_id": digest.subscriber.id, "digest_on": digest.on}
        for row, (digest, earlier) in zip(rows, digests, strict=True)
        if not earlier
    ]
    connection = session.connection()
    prepared(_planning(), connection.dialect).run(connection, new, shared | {"uncertain_count": 0})
    if again:
        table = Delivery.metadata.tables["delivery"]
        connection.execute(update(table).where(table.c.id == bindparam("row")), again)
    for issue, count in Counter(earlier.issue_id for _, earlier in digests if earlier).items():
        count_candidates(session, issue, -count)
    count_candidates(session, issue_id, len(rows))
    return [row["key"] for row in rows]


def _planned(digest: Digest) -> dict[str, Any]:
    """The columns of a delivery that the planning sets for each person."""
    versions = {topic.slug: topic.version for topic in digest.topics}
    paper_ids, plan = digest.kept
    return {
        "key": new_key(),
        "since_on": digest.since,
        "topics": list(versions),
        "topic_versions": versions,
        "state": DeliveryState.PLANNED if digest.is_mailed else DeliveryState.SKIPPED,
        "reason": digest.silence,
        "paper_ids": paper_ids,
        "looked_at_count": digest.looked_at_count,
        "plan": plan,
    }


@cache
def _planning() -> Insert:
    table = Delivery.metadata.tables["delivery"]
    told = (column for column in table.c if column.key not in ("id", "worker", "lease_until", "settled_at", *_UNSENT))
    return insert(table).inline().values({column.key: bindparam(column.key, type_=column.type) for column in told})


def lock_delivery(session: Session, delivery: Delivery) -> None:
    """Read it anew; until the transaction ends no worker claims or starts it. SQLite's writers are alone anyway."""
    session.refresh(delivery, with_for_update=True)


def held_by_others(session: Session, delivery: Delivery) -> set[str]:
    """The papers that the person has, or may still get, by other deliveries than this one."""
    theirs = (col(Delivery.subscriber_id) == delivery.subscriber_id, col(Delivery.id) != delivery.id)
    held = session.exec(select(Delivery.paper_ids).where(*theirs, col(Delivery.state).in_(HOLDING_STATES)))
    return {paper for papers in held for paper in papers}


def plan_again(session: Session, delivery: Delivery, paper_ids: list[str], now: datetime) -> bool:
    """A delivery that was given up is due with these of its papers; with none left it is skipped, and the answer is False."""
    is_due = bool(paper_ids) or (delivery.is_of_a_mail and not delivery.paper_ids)
    delivery.plan = _plan_with(delivery, paper_ids)
    delivery.paper_ids = paper_ids
    delivery.state = DeliveryState.PLANNED if is_due else DeliveryState.SKIPPED
    delivery.reason = None if is_due else "its papers came with other digests"
    delivery.attempts = 0
    delivery.planned_at = now
    delivery.next_try_at = delivery.settled_at = None
    session.add(delivery)
    session.flush()
    return is_due


def _plan_with(delivery: Delivery, paper_ids: Collection[str]) -> Plan:
    """The delivery's plan, of these of its papers only."""
    plan = delivery.plan
    if not plan.picks:
        return plan
    stays = [key in paper_ids for key in delivery.paper_ids]
    ends = list(accumulate((plan.cards, plan.lines, plan.unlisted)))
    cards, lines, unlisted = (sum(stays[start:end]) for start, end in pairwise([0, *ends]))
    return replace(plan, cards=cards, lines=lines, unlisted=unlisted, picks=tuple(compress(plan.picks, stays)))


def deliveries_where(
    session: Session, *, states: Collection[str] = (), reply: str | None = None, issue_id: int | None = None
) -> list[tuple[Delivery, Subscriber]]:
    """The newest first; `reply` is part of what the server said, or of the reason."""
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    if states:
        question = question.where(col(Delivery.state).in_(states))
    if reply:
        said = [col(column).icontains(reply, autoescape=True) for column in (Delivery.smtp_reply, Delivery.reason)]
        question = question.where(or_(*said))
    if issue_id is not None:
        question = question.where(col(Delivery.issue_id) == issue_id)
    return list(session.exec(question.order_by(col(Delivery.id).desc())))


def open_deliveries(session: Session, subscriber_ids: Collection[int]) -> list[Delivery]:
    """Those of these people that still want to be sent, or are being sent, the oldest day first."""
    question = select(Delivery).where(col(Delivery.state).not_in(DONE_STATES))
    ordered = session.exec(question.order_by(col(Delivery.digest_on), col(Delivery.id)))
    return [delivery for delivery in ordered if delivery.subscriber_id in subscriber_ids]


def delivery_keys(session: Session, refs: Collection[Ref]) -> set[str]:
    ids = [ref.number for ref in refs]
    return {key for some in _portions(ids) for key in session.exec(select(Delivery.key).where(col(Delivery.id).in_(some)))}


def unwelcome_deliveries(session: Session, now: datetime) -> list[tuple[Delivery, Subscriber]]:
    """What is open and unclaimed for people who may want no mail now: unsubscribed ones, or with a pause."""
    may_be = or_(col(Subscriber.state) != SubscriberState.ACTIVE, col(Subscriber.paused_until).is_not(None))
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    is_open = col(Delivery.state).in_(OPEN_STATES) & is_free(Delivery, now)
    return list(session.exec(question.where(is_open, may_be)))


def issue_counts(session: Session, issue_id: int) -> dict[str, int]:
    """Deliveries by state."""
    question = select(Delivery.state, func.count()).where(col(Delivery.issue_id) == issue_id)
    return dict(session.exec(question.group_by(col(Delivery.state))).all())


def told_deliveries(session: Session, keys: Collection[str]) -> Iterator[tuple[Delivery, str]]:
    """What a report tells of each of these, and its person's address."""
    columns: list[Any] = [*_TOLD.columns, col(Subscriber.email)]
    question = select(*columns).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    for some in _portions(keys):
        for *told, email in session.connection().execute(question.where(col(Delivery.key).in_(some))):
            yield _TOLD.value(told), email


def delivery_of(session: Session, subscriber_id: int, on: date) -> Delivery | None:
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id, col(Delivery.digest_on) == on)
    return session.exec(question).first()


def deliveries_of(session: Session, subscriber_id: int) -> list[Delivery]:
    """The newest day first."""
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id)
    return list(session.exec(question.order_by(col(Delivery.digest_on).desc())))


def unfinished_deliveries(session: Session, issue_id: int) -> list[tuple[Delivery, Subscriber]]:
    """What an issue still lacks to be complete."""
    question = select(Delivery, Subscriber).join(Subscriber, col(Subscriber.id) == col(Delivery.subscriber_id))
    open_ = (col(Delivery.issue_id) == issue_id, col(Delivery.state).not_in(DONE_STATES))
    return list(session.exec(question.where(*open_).order_by(col(Subscriber.email))))


def last_silence(session: Session, subscriber_id: int) -> Delivery | None:
    """The newest day that was looked at and gave no mail, with its reason; None where a mail came since."""
    question = select(Delivery).where(col(Delivery.subscriber_id) == subscriber_id).order_by(col(Delivery.digest_on).desc())
    newest = session.exec(question.limit(1)).first()
    return newest if newest and newest.state == DeliveryState.SKIPPED and not newest.paper_ids else None


def silence_counts(session: Session, issue_id: int) -> dict[str, int]:
    """Why people of an issue got no mail, the commonest first, with how many."""
    count, reason = func.count(), col(Delivery.reason)
    silent = (col(Delivery.issue_id) == issue_id, col(Delivery.state) == DeliveryState.SKIPPED)
    question = select(reason, count).where(*silent).group_by(reason).order_by(count.desc(), reason)
    return {told or "": found for told, found in session.exec(question)}


def latest_issue(session: Session) -> Issue | None:
    return session.exec(select(Issue).order_by(col(Issue.id).desc()).limit(1)).first()


def _portions(values: Collection[_Value]) -> Iterator[list[_Value]]:
    """A statement takes some thousands of values at the most."""
    ordered = sorted(values)
    return (ordered[start : start + 1000] for start in range(0, len(ordered), 1000))
