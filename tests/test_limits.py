"""Limits on mails a second: over any requests at any times never more than they say, and hardly less while mails wait."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, event

from service import connections
from service.delivery.pipelined import PipelinedTransport
from service.limits import Limits, grant
from service.settings import Settings
from service.store.database import transaction
from service.store.locks import take_lock
from service.store.rates import allow_mails
from tests.builders import SENDER

START = 1_800_000_000.0  # seconds
WINDOW = 10.0  # seconds

rates = st.floats(0.05, 2000)
pauses = st.one_of(st.floats(0, 0.01), st.floats(0, 0.5), st.floats(0, 30))


def most_in_a_window(times: list[float]) -> int:
    return max((bisect_right(times, begin + WINDOW) - index for index, begin in enumerate(times)), default=0)


@given(rates, st.lists(st.tuples(pauses, st.integers(1, 400)), max_size=60))
def test_never_more_than_ten_n_and_one_go_out_in_any_ten_seconds(rate: float, requests: list[tuple[float, int]]) -> None:
    turns: dict[str, float] = {}
    now, times = START, []
    for pause, count in requests:
        now += pause
        answers, _ = grant(Limits(in_all=rate), ["d.example"] * count, count, turns, now)
        times += [now] * sum(answers)
    assert most_in_a_window(times) <= 10 * rate + 1


@settings(max_examples=20)
@given(st.floats(0.05, 100), st.lists(st.floats(0, 0.25), min_size=1, max_size=20), st.integers(1, 3))
def test_while_mails_wait_at_least_95_of_100_go_out_though_timers_are_late(
    rate: float, latenesses: list[float], processes: int
) -> None:
    """Each of several processes asks when it was told to, or a quarter of a second later at the most."""
    turns: dict[str, float] = {}
    clocks, sent, asked, now = [START] * processes, 0, 0, START
    while asked < 200:
        now = min(clocks)
        answers, wait = grant(Limits(in_all=rate), ["d.example"] * 40, 40, turns, now)
        sent += sum(answers)
        clocks[clocks.index(now)] = now + wait + latenesses[asked % len(latenesses)]
        asked += 1
    assert sent >= 0.95 * rate * (now - START) - 1


@given(st.lists(st.tuples(pauses, st.lists(st.sampled_from(["a.example", "b.example", "c.example"]), max_size=30)), max_size=40))
def test_each_domain_has_its_own_limit_within_that_of_all(requests: list[tuple[float, list[str]]]) -> None:
    turns: dict[str, float] = {}
    now, times = START, list[tuple[float, str]]()
    for pause, domains in requests:
        now += pause
        answers, _ = grant(Limits(in_all=5.0, per_domain=2.0), domains, 8, turns, now)
        times += [(now, domain) for domain, may_go in zip(domains, answers, strict=True) if may_go]
    assert most_in_a_window([at for at, _ in times]) <= 51
    for domain in ("a.example", "b.example", "c.example"):
        assert most_in_a_window([at for at, to in times if to == domain]) <= 21


def test_a_mail_to_a_slow_domain_is_overtaken_and_never_forgotten() -> None:
    ask = partial(grant, Limits(per_domain=1.0))
    turns: dict[str, float] = {}
    slow, other = "slow.example", "other.example"
    answers, wait = ask([slow, slow, other], 8, turns, START)
    assert answers == [True, False, True]
    assert wait == pytest.approx(0.25)
    assert ask([slow], 8, turns, START + 1.1)[0] == [True]


def test_without_limits_everything_goes_as_far_as_there_are_connections() -> None:
    assert grant(Limits(), ["d.example"] * 3, 2, {}, START)[0] == [True, True, False]


def test_a_clock_that_was_set_back_stops_nothing_for_long() -> None:
    turns: dict[str, float] = {}
    ask = partial(grant, Limits(in_all=1.0), ["d.example"], 1, turns)
    assert ask(START)[0] == [True]
    day_before = START - 86_400
    assert [ask(day_before + second)[0] for second in (0, 0.5, 1.1)] == [[True], [False], [True]]


@pytest.mark.slow
def test_processes_share_the_limit_through_the_database(engine: Engine) -> None:
    now = datetime(2026, 10, 2, 6, tzinfo=UTC)
    limits, times = Limits(in_all=10.0, per_domain=7.0), list[float]()
    for step in range(120):  # two processes ask by turns, each 8 times a second
        at = now + timedelta(seconds=step / 16)
        with transaction(engine) as session:
            answers, _ = allow_mails(session, limits, ["d.example", "e.example"], 1, lambda at=at: at)
        times += [at.timestamp()] * sum(answers)
    assert 0.95 * 10 * 7.5 <= len(times) <= 10 * 7.5 + 1


def test_a_database_that_fails_for_a_moment_ends_no_run(engine: Engine) -> None:
    settings, failures = Settings(smtp_url=SecretStr("smtp://127.0.0.1:25"), rate=20.0), [1, 2]

    def fail(_connection: Connection) -> None:
        if failures:
            raise engine.dialect.loaded_dbapi.OperationalError(f"away, {failures.pop()}")

    event.listen(engine, "begin", fail)
    try:
        with connections.transport(settings, engine, SENDER) as transport:
            assert isinstance(transport, PipelinedTransport)
            assert transport.allow
            assert transport.allow(["d.example"], 1)[0] == [True]
    finally:
        event.remove(engine, "begin", fail)


@pytest.mark.slow
def test_turns_that_passed_while_the_database_was_busy_are_lost(engine: Engine) -> None:
    """Who waited for the lock with an older time in hand would take them, and then those of the present as well."""
    settings, granted = Settings(smtp_url=SecretStr("smtp://127.0.0.1:25"), rate=20.0), list[bool]()
    with connections.transport(settings, engine, SENDER) as transport:
        assert isinstance(transport, PipelinedTransport)
        assert transport.allow
        allow = partial(transport.allow, ["d.example"] * 8, 8)
        asker = threading.Thread(target=lambda: granted.extend(allow()[0]))
        allow()
        time.sleep(0.6)
        with transaction(engine) as session:
            take_lock(session.connection(), "mail rate")
            asker.start()
            time.sleep(0.6)
            begun = time.monotonic()
        asker.join()
        granted.extend(allow()[0])
    assert 1 <= sum(granted) <= 20 * (time.monotonic() - begun + 0.25) + 1
