from __future__ import annotations

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, event
from sqlmodel import col, select

from service.errors import DeliveryFailed, FetchFailed, ServerUnusable
from service.models import Delivery
from service.pipeline.gather import gather_papers
from service.pipeline.status import watched_state
from service.store.database import reading
from tests.builders import NOW
from tests.web.conftest import LINKS, Web, agents


def test_health_tells_whether_a_person_is_needed(web: Web) -> None:
    assert web.get("/health").status_code == web.head("/health").status_code == 200
    web.gather(agents())
    assert web.get("/health").json() == {
        "database": "ok",
        "last_fetch_at": "2026-10-02T06:00:00+00:00",
        "overdue": {"digests": 0, "mails": 0},
        "needs_a_person": 0,
    }

    def fails(address: str) -> bytes:
        raise FetchFailed("away")

    gather_papers(web.engine, ["page"], fails, now=NOW.replace(hour=7))
    assert (web.get("/health").status_code, web.get("/health").json()["needs_a_person"]) == (503, 1)


def test_a_source_that_nobody_asked_for_more_than_a_day_needs_a_person_where_somebody_gets_mail(sqlite: Engine) -> None:
    web = Web(sqlite)
    web.gather(agents())

    def told(hours: int) -> list[str]:
        with reading(sqlite) as session:
            state = watched_state(session, NOW + timedelta(hours=hours))
        return [need for need in state["needs_a_person"] if "fetch" in need]

    assert told(27) == []
    web.add(next_digest_at=NOW + timedelta(days=9))
    assert told(26) == []
    assert told(27) == ["nothing was fetched since 2026-10-02 06:00 UTC: run `paperround fetch`"]


def test_health_says_when_the_database_is_gone(sqlite: Engine) -> None:
    web = Web(sqlite)
    with sqlite.begin() as connection:
        connection.exec_driver_sql("DROP TABLE page")
    answer = web.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"database": "failed"})


def test_a_digest_that_nobody_planned_is_overdue_after_a_quarter_of_an_hour(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.now = NOW.replace(hour=8, minute=14)
    assert web.get("/health").status_code == 200
    web.now += timedelta(minutes=2)
    assert (web.get("/health").status_code, web.get("/health").json()["overdue"]) == (503, {"digests": 1, "mails": 0})
    web.wake()
    assert web.get("/health").status_code == 200


def test_a_mail_that_waits_for_its_next_try_is_overdue_only_past_it(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.mailbox.refuse["*"] = ServerUnusable("away")
    web.now = NOW.replace(hour=8)
    web.wake()
    assert web.get("/health").status_code == 200
    web.now += timedelta(minutes=30)
    assert web.get("/health").json()["overdue"] == {"digests": 0, "mails": 1}


@pytest.mark.parametrize("first", [ServerUnusable("the mail server is away"), DeliveryFailed(450, "4.2.0 greylisted")])
def test_a_mail_server_that_stays_away_needs_a_person_before_mails_are_given_up(web: Web, first: Exception) -> None:
    web.gather(agents())
    web.wake()
    seen: list[int] = []
    for minute, met in ((0, first), (10, ServerUnusable("the mail server is away")), (30, ServerUnusable("it still is"))):
        web.mailbox.refuse["*"] = met
        web.now = NOW.replace(hour=8, minute=minute)
        web.wake()
        seen.append(web.get("/health").status_code)
    assert seen == [200, 200, 503]
    web.mailbox.refuse.clear()
    web.now += timedelta(hours=1)
    web.wake()
    assert web.get("/health").status_code == 200


@pytest.mark.parametrize("waiting", ["digest", "notice"])
def test_a_mail_server_that_refuses_our_login_needs_a_person_at_once(web: Web, waiting: str) -> None:
    if waiting == "digest":
        web.gather(agents())
        web.wake()
        web.now = NOW.replace(hour=8)
    else:
        web.post(f"{LINKS.settings}/account")
    web.mailbox.refuse["*"] = ServerUnusable("the mail server can't be used: 535 5.7.8 no", permanent=True)
    seen: list[tuple[int, int]] = []
    for _attempt in range(4):
        web.wake()
        answer = web.get("/health")
        seen.append((answer.status_code, answer.json()["needs_a_person"]))
        web.now += timedelta(minutes=14)
    assert seen == [(503, 1)] * 4
    web.mailbox.refuse.clear()
    web.now += timedelta(hours=1)
    web.gather()
    web.wake()
    assert web.get("/health").status_code == 200


@pytest.mark.parametrize(("reply", "status"), [("5.1.1 no such user", 200), ("5.7.1 your mail is not wanted here", 503)])
def test_a_mailbox_that_is_gone_needs_nobody_and_a_refusal_of_our_mail_does(web: Web, reply: str, status: int) -> None:
    web.gather(agents())
    web.wake()
    web.mailbox.refuse["*"] = DeliveryFailed(550, reply)
    web.now = NOW.replace(hour=8)
    web.wake()
    with reading(web.engine) as session:
        assert session.exec(select(Delivery.state)).all() == ["rejected"]
    assert web.get("/health").status_code == status


def test_a_digest_that_was_given_up_needs_a_person(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.mailbox.refuse["*"] = ServerUnusable("away")
    web.now = NOW.replace(hour=8)
    web.wake()
    web.mailbox.refuse.clear()
    web.now += timedelta(hours=25)
    web.gather(agents())
    web.wake()
    with reading(web.engine) as session:
        assert session.exec(select(Delivery.state).order_by(col(Delivery.id))).all() == ["expired", "accepted"]
    assert (web.get("/health").status_code, web.get("/health").json()["needs_a_person"]) == (503, 1)


def test_a_notice_that_was_refused_needs_nobody(web: Web) -> None:
    web.mailbox.refuse["ada@example.org"] = DeliveryFailed(550, "no such user")
    web.post(f"{LINKS.settings}/account")
    web.wake()
    assert [notice.state for notice in web.notices()] == ["rejected"]
    assert web.get("/health").status_code == 200


def test_metrics_are_what_the_tables_hold(web: Web) -> None:
    web.add(email="ben@example.org", id=2, key="b" * 32, state="pending")
    web.gather(agents())
    web.wake()
    web.now = NOW.replace(hour=8)
    web.wake()
    text = web.get("/metrics").text
    told = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert told["paperround_papers",] == 1
    assert (told["paperround_subscribers", "active"], told["paperround_subscribers", "pending"]) == (1, 1)
    assert told["paperround_mails", "delivery", "accepted"] == 1
    assert told["paperround_last_fetch_timestamp_seconds",] == NOW.timestamp()
    assert told["paperround_needs_a_person",] == 0
    assert "process_resident_memory_bytes" in text
    assert "@" not in text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_monitors_can_only_read(web: Web, method: str) -> None:
    assert web.client.request(method, "/metrics").status_code == 405


def test_a_monitor_that_asks_within_a_wave_has_no_mails_and_no_people_read(web: Web) -> None:
    web.gather(agents())
    web.mailbox.refuse["*"] = ServerUnusable("away")
    web.now = NOW.replace(hour=8)
    web.wake()
    asked: list[str] = []
    note = lambda _connection, _cursor, statement, *_: asked.append(statement)  # noqa: E731
    event.listen(web.engine, "before_cursor_execute", note)
    assert web.get("/health").status_code == web.get("/metrics").status_code == 200
    event.remove(web.engine, "before_cursor_execute", note)
    assert asked
    assert [statement for statement in asked if "email" in statement or "paper_ids" in statement] == []
