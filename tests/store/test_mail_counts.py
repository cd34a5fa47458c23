"""What a monitor is told of mails that wait, are on their way, or were lost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlmodel import Session

from service.models import Delivery, Issue, Notice
from service.store.mail_counts import lost_counts, refused_counts, sending_until, stuck_counts, waiting_counts
from tests.builders import DAY, NOW, subscriber

MINUTE = timedelta(minutes=1)
LIVING = {"worker": "living", "lease_until": NOW + 9 * MINUTE}
DEAD = {"worker": "dead", "lease_until": NOW + 20 * MINUTE}
RUN_OUT = {"worker": "elsewhere", "lease_until": NOW}


@pytest.fixture(autouse=True)
def somebody(session: Session) -> None:
    session.add_all([subscriber(), Issue(id=1, started_by="serve", planned_at=NOW)])
    session.flush()


def add_digests(session: Session, *mails: dict[str, Any]) -> None:
    for number, mail in enumerate(mails):
        day = DAY - timedelta(days=number)
        session.add(
            Delivery(issue_id=1, subscriber_id=1, digest_on=day, since_on=day, **{"planned_at": NOW - 30 * MINUTE} | mail)
        )
    session.flush()


def add_notice(session: Session, **mail: Any) -> None:
    session.add(Notice(subscriber_id=1, kind="account", email="ada@example.org", planned_at=NOW - 30 * MINUTE, **mail))
    session.flush()


def test_what_no_living_worker_has_waits_until_it_is_done(session: Session) -> None:
    add_digests(
        session,
        {"state": "planned"},
        {"state": "planned", **LIVING},
        {"state": "planned", **DEAD},
        {"state": "unknown", **RUN_OUT},
        {"state": "deferred", "next_try_at": NOW + MINUTE},
        {"state": "sending", **DEAD},
        {"state": "accepted"},
    )
    add_notice(session, state="planned")
    assert waiting_counts(session, NOW, ["dead"]) == {"planned": 3, "unknown": 1, "deferred": 1}


def test_a_mail_is_late_by_when_its_next_try_was_due_or_else_by_when_it_was_planned(session: Session) -> None:
    add_digests(
        session,
        {"state": "planned"},
        {"state": "planned", "planned_at": NOW},
        {"state": "deferred", "next_try_at": NOW - 15 * MINUTE},
        {"state": "deferred", "next_try_at": NOW - 14 * MINUTE},
    )
    assert waiting_counts(session, NOW, [], due_before=NOW - 15 * MINUTE) == {"planned": 1, "deferred": 1}


def test_mails_are_being_sent_as_long_as_a_living_worker_holds_one(session: Session) -> None:
    add_digests(session, {"state": "sending", **DEAD}, {"state": "planned", **RUN_OUT}, {"state": "accepted", **LIVING})
    assert sending_until(session, NOW, ["dead"]) is None
    assert sending_until(session, NOW, []) == DEAD["lease_until"]
    add_notice(session, state="sending", **LIVING)
    assert sending_until(session, NOW, ["dead"]) == LIVING["lease_until"]


def test_the_server_is_in_trouble_where_the_last_of_many_attempts_met_no_answer(session: Session) -> None:
    away, answer = "the mail server is away", "450 4.2.0 later"
    add_digests(
        session,
        {"state": "deferred", "attempts": 3, "reason": away},
        {"state": "deferred", "attempts": 4, "reason": away, "smtp_reply": answer},
        {"state": "deferred", "attempts": 2, "reason": away},
        {"state": "deferred", "attempts": 9, "reason": answer, "smtp_reply": answer},
        {"state": "deferred", "attempts": 9, "reason": "535 no", "bounce": "policy"},
        {"state": "expired", "attempts": 9, "reason": away},
    )
    add_notice(session, state="deferred", reason="535 no", bounce="policy")
    assert stuck_counts(session, 3) == {away: 2}
    assert refused_counts(session) == {"535 no": 2}


def test_a_digest_is_lost_where_it_was_given_up_or_refused_lately_but_not_where_its_mailbox_is_gone(session: Session) -> None:
    add_digests(
        session,
        {"state": "expired", "settled_at": NOW},
        {"state": "rejected", "settled_at": NOW, "bounce": "policy"},
        {"state": "rejected", "settled_at": NOW - MINUTE, "bounce": "soft"},
        {"state": "rejected", "settled_at": NOW, "bounce": "hard"},
        {"state": "accepted", "settled_at": NOW},
    )
    add_notice(session, state="expired", settled_at=NOW)
    assert lost_counts(session, NOW) == {"expired": 1, "rejected": 1}
