"""Give up mails a second chance. Touches the session it is given."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from service.models import Delivery, DeliveryState
from service.store.planning import held_by_others, lock_delivery, lock_planning, plan_again

RETRIABLE = (DeliveryState.EXPIRED, DeliveryState.REJECTED, DeliveryState.UNKNOWN)


def retry(session: Session, deliveries: Iterable[Delivery], now: datetime) -> dict[str, int]:
    """Make expired, rejected and unknown ones due again, under the same Message-ID; the others are left alone.

    Each with those of its papers that no other delivery of its person holds by now; with none left it is skipped. Answers
    how many became what.
    """
    lock_planning(session)
    counts = {"planned": 0, "skipped": 0}
    for delivery in deliveries:
        lock_delivery(session, delivery)
        if delivery.state not in RETRIABLE or delivery.worker:
            continue
        held = held_by_others(session, delivery)
        papers = [paper for paper in delivery.paper_ids if paper not in held]
        counts["planned" if plan_again(session, delivery, papers, now) else "skipped"] += 1
    return counts
