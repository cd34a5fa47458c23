"""A wave sent by two processes: real ones, with a real mail server."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from multiprocessing import active_children

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import select

from service.cli.logs import tell_nothing
from service.errors import PaperroundError
from service.models import Delivery, DeliveryState
from service.pipeline.crew import Crew
from service.pipeline.reconcile import reconcile
from service.pipeline.send import SendReport, chosen_people, send_now
from service.settings import Settings
from service.store.database import reading, transaction
from service.store.ledger import Ref, due_mails
from service.store.topics import put_topics
from tests.builders import DAY, NOW, SENDER, Mailbox, paper, subscriber, topic
from tests.mail_server import STALL, MailServer, Moment, Odd, running

pytestmark = pytest.mark.slow

PEOPLE = 30


@pytest.fixture
def readers(engine: Engine) -> Engine:
    with transaction(engine) as session:
        put_topics(session, [topic("agents")], author="a", reason="b", now=NOW)
        session.add(paper())
        session.add_all([subscriber(f"reader{n}@example.org", id=n, key=f"{n:032}") for n in range(1, PEOPLE + 1)])
    return engine


def crew(engine: Engine, server: MailServer, drain_seconds: int = 0) -> Crew:
    settings = Settings(
        database_url=engine.url.render_as_string(hide_password=False),
        smtp_url=SecretStr(f"smtp://127.0.0.1:{server.port}"),
        connections=4,
        processes=2,
        drain_seconds=drain_seconds,
    )
    return Crew(settings, SENDER, tell_nothing, fewest=1)


def run(engine: Engine, crew: Crew, should_stop: Callable[[], bool] = lambda: False) -> SendReport:
    """What `send-now` does. The crew opens its own connections; a mailbox in memory would get what it leaves out."""
    nobody, people = Mailbox(), chosen_people(engine, (), ())
    report = send_now(
        engine,
        nobody,
        SENDER,
        people,
        on=DAY,
        clock=lambda: datetime.now(UTC),
        stale_after=timedelta(days=1),
        should_stop=should_stop,
        crew=crew,
    )
    assert not nobody.mails
    return report


def states(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.exec(select(Delivery.state)))


def stalling_at(count: int) -> Callable[[Moment], Odd | None]:
    """Answers so many mails on each connection."""
    return lambda moment: STALL if moment.stage == "DOT" and moment.mails == count else None


def test_two_processes_send_each_mail_once_over_their_share_of_the_connections(readers: Engine) -> None:
    with running(MailServer(offers_pipelining=True)) as server:
        report = run(readers, crew(readers, server))
    assert sorted(server.recipients.values()) == [1] * PEOPLE
    assert server.connections == 4
    assert {(outcome.state, outcome.subject, outcome.reply) for outcome in report.outcomes} == {
        ("accepted", "1 paper: Agents · A planner for agents", "250 2.0.0 queued")
    }


def test_told_to_stop_they_end_and_what_is_left_is_sent_by_the_next_run(readers: Engine) -> None:
    stalled = list[Moment]()  # the first mail of each connection is recorded by then

    def stall(moment: Moment) -> Odd | None:
        if moment.stage == "DOT" and moment.mails == 1:
            stalled.append(moment)
            return STALL
        return None

    with running(MailServer(stall, offers_pipelining=True)) as server:
        report = run(readers, crew(readers, server), should_stop=lambda: len(stalled) == 4)
        assert report.counts["accepted"] == 4
        assert report.counts["unknown"] <= 4
        server.behaviour = lambda moment: None
        run(readers, crew(readers, server))
    assert states(readers) == [DeliveryState.ACCEPTED] * PEOPLE
    assert len(server.recipients) == PEOPLE


def test_each_told_to_stop_as_well_they_hand_over_what_they_have_begun(readers: Engine) -> None:
    """As systemd does where it stops all of a service's processes, and a terminal."""
    asked = threading.Event()

    class Slow(MailServer):
        async def _end(self, writer: asyncio.StreamWriter, moment: Moment, message: bytes) -> bool:
            await asyncio.sleep(0.5 if moment.mails else 0)
            return await super()._end(writer, moment, message)

    def stop() -> None:
        while len(server.accepted) < 4:
            time.sleep(0.01)
        time.sleep(0.1)
        for child in active_children():
            os.kill(child.pid or 0, signal.SIGTERM)
        asked.set()

    with running(Slow(offers_pipelining=True)) as server:
        hands = crew(readers, server, drain_seconds=30)
        stopper = threading.Thread(target=stop)
        stopper.start()
        report = run(readers, hands, should_stop=asked.is_set)
        stopper.join()
    assert report.counts["unknown"] == report.counts["sending"] == 0
    assert report.counts["accepted"] == len(server.accepted) < PEOPLE


def test_one_that_is_killed_is_told_of_and_loses_nothing(readers: Engine) -> None:
    def kill_one() -> None:
        while len(server.accepted) < 4:
            time.sleep(0.01)
        first, second = sorted(active_children(), key=lambda child: child.pid or 0)
        first.kill()
        first.join()
        server.behaviour = lambda moment: None
        second.terminate()

    with running(MailServer(stalling_at(1), offers_pipelining=True)) as server:
        killer = threading.Thread(target=kill_one)
        killer.start()
        with pytest.raises(PaperroundError, match=f"ended with status -{signal.SIGKILL}"):
            run(readers, crew(readers, server))
        killer.join()
        assert reconcile(readers, datetime.now(UTC), stale_after=timedelta(days=1)) == set()
        assert states(readers).count(DeliveryState.UNKNOWN) <= 4
        run(readers, crew(readers, server))
    assert states(readers) == [DeliveryState.ACCEPTED] * PEOPLE
    assert len(server.recipients) == PEOPLE
    assert server.recipients.total() <= PEOPLE + 4


def test_few_mails_take_no_second_process(readers: Engine) -> None:
    with running(MailServer()) as server, reading(readers) as session:
        hands = crew(readers, server)
        assert hands.size(due_mails(session, NOW)) == 0
        assert [hands.size([Ref(Delivery, 1, "example.org")] * count) for count in (1, 2, 1000)] == [1, 2, 2]
