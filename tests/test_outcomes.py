"""What becomes of a mail by what it met, one at a time; test_bad_servers.py has the servers that say it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable
from service.models import Delivery, Notice
from service.pipeline.outcomes import outcome, unwanted
from tests.builders import DAY, NOW, subscriber

LOST, AWAY = DeliveryUncertain("the answer was lost"), ServerUnusable("the mail server is away")


def delivery(**fields: Any) -> Delivery:
    return Delivery(issue_id=1, subscriber_id=1, digest_on=DAY, since_on=DAY, planned_at=NOW, **fields)


@pytest.mark.parametrize(
    ("met", "attempts", "doubts", "minutes"),
    [
        *((AWAY, attempts, 0, minutes) for attempts, minutes in enumerate((5, 10, 20, 40, 80, 160, 240, 240))),
        (AWAY, 1000, 0, 240),
        *((LOST, 0, doubts, minutes) for doubts, minutes in enumerate((5, 10, 20, 40))),
        (LOST, 2, 2, 80),
        (LOST, 1000, 1000, 240 * 1024),
        (DeliveryFailed(451, "4.3.0 try again in 30 minutes"), 3, 0, 30),
        (DeliveryFailed(451, "4.3.0 try later"), 3, 0, 40),
    ],
)
def test_each_attempt_and_each_doubt_doubles_the_wait_unless_the_server_says_how_long(
    met: Exception, attempts: int, doubts: int, minutes: int
) -> None:
    next_try_at = outcome(met, delivery(attempts=attempts, uncertain_count=doubts), NOW).next_try_at
    assert next_try_at
    assert timedelta(minutes=minutes) <= next_try_at - NOW <= 1.2 * timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("kind", "state", "after", "reason"),
    [
        ("confirmation", "pending", 9, None),
        ("confirmation", "active", 9, "active already"),
        ("change", "active", 9, None),
        ("change", "active", 8, "changed back before it was told"),
        ("change", "unsubscribed", 9, "unsubscribed"),
        ("account", "unsubscribed", 9, None),
        ("account", "pending", 9, None),
    ],
)
def test_a_notice_goes_out_while_what_it_says_is_news(kind: str, state: str, after: int, reason: str | None) -> None:
    notice = Notice(
        subscriber_id=1, kind=kind, email="ada@example.org", planned_at=NOW, before={"hour": 8}, after={"hour": after}
    )
    settled = unwanted(notice, subscriber(state=state, paused_until=DAY + timedelta(days=9)), None, NOW)
    assert (settled and settled.reason) == reason
    suppressed = unwanted(notice, subscriber(), "hard bounce", NOW)
    assert suppressed
    assert suppressed.reason == "suppressed: hard bounce"
