"""Plan deliveries, a first time or again. Touches the session it is given.

(subscriber, digest day) is unique, so whoever plans a day first has planned it. A skipped day holds no mail and may be
planned again, by the same row; every other state stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from itertools import accumulate, compress, pairwise
from typing import Any

from msgspec.structs import replace
from sqlalchemy import Insert, bindparam, insert, update
from sqlmodel import Session, col, select

from service.models import HOLDING_STATES, Delivery, DeliveryState, Digest, Issue, Plan, new_key
from service.store.locks import take_lock
from service.store.prepared import prepared

_UNSENT = ("next_try_at", "tried_at", "smtp_reply", "enhanced_code", "bounce")  # told of no mail before it is sent


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
