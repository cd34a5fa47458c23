"""The seam between the ledger and whatever carries its mails: what a worker may take, and what one commit records."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import UTC, date, datetime, timedelta
from typing import Never

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import DBAPIError
from sqlmodel import col, select

from service.delivery.feed import Turn, carry_one_by_one
from service.delivery.message import Message
from service.errors import DeliveryFailed
from service.models import Delivery, DeliveryState, Notice, Subscriber
from service.pipeline.deliver import Round, Run
from service.store.database import reading, transaction
from service.store.ledger import LEASE, Claimed, Ref, Settled, claim_mails, due_mails, free_leases
from service.store.suppressions import add_suppression
from service.store.turns import settle_mails, settle_unstarted, start_mails
from service.store.workers import Workers
from service.subscribers import address_hash
from tests.kills import plan, tiny_mail

NOW = datetime.now(UTC) + timedelta(minutes=1)
REFUSED = DeliveryFailed(550, "5.1.1 no such user")
Rounds = Callable[..., Round]


@pytest.fixture
def planned(engine: Engine) -> Engine:
    plan(engine, 4)
    return engine


@pytest.fixture
def rounds(planned: Engine) -> Iterator[Rounds]:
    """Makes rounds of what is due, and closes them after the test."""
    with ExitStack() as made:

        def one(worker: str = "worker", clock: Callable[[], datetime] = lambda: NOW) -> Round:
            with reading(planned) as session:
                mails = due_mails(session, NOW)
            run = Round(planned, worker, mails, tiny_mail, Run(clock))
            return made.enter_context(closing(run))

        yield one


def states(engine: Engine) -> list[str]:
    with reading(engine) as session:
        return list(session.exec(select(Delivery.state).order_by(col(Delivery.id))))


@pytest.fixture
def commits(planned: Engine) -> Iterator[list[int]]:
    """Grows by one a commit."""
    seen: list[int] = []
    note = lambda _connection: seen.append(1)  # noqa: E731
    event.listen(planned, "commit", note)
    yield seen
    event.remove(planned, "commit", note)


def test_taking_a_parcel_leaves_its_state(planned: Engine, rounds: Rounds) -> None:
    run = rounds()
    assert run.take()
    assert run.take()
    assert states(planned) == ["planned"] * 4
    other = rounds("other")
    assert other.take() is None
    run.end()
    assert rounds("other").take()


def test_a_claim_whose_commit_seemed_lost_is_made_again(planned: Engine) -> None:
    refs = [Ref(Delivery, number, "example.org") for number in (1, 2)]

    def claimed_by(worker: str) -> list[int | None]:
        with transaction(planned) as session:
            return [claimed.mail.id for claimed in claim_mails(session, refs, worker, NOW)]

    assert claimed_by("worker") == [1, 2]
    assert claimed_by("worker") == [1, 2]
    assert claimed_by("other") == []


def test_a_mail_started_late_in_its_claim_has_a_whole_lease(planned: Engine, rounds: Rounds) -> None:
    """The last of a portion waits for all the others."""
    now = NOW
    run = rounds(clock=lambda: now)
    parcel = run.take()
    now += LEASE - timedelta(minutes=1)
    assert run.turn([Turn(None, parcel)]) == [True]
    with transaction(planned) as session:
        assert free_leases(session, Workers([], []), NOW + LEASE) == 0
    assert states(planned)[0] == "sending"


def test_what_goes_to_a_domain_to_be_avoided_waits_in_its_order(planned: Engine, rounds: Rounds) -> None:
    with transaction(planned) as session:
        session.get_one(Subscriber, 3).email = "reader3@other.example"
    run = rounds()
    taken = [run.take(avoid) for avoid in (["example.org"], ["example.org"], [], [], ["example.org"], [], [])]
    names = [parcel and parcel.to.partition("@")[0] for parcel in taken]
    assert names == ["reader3", None, "reader1", "reader2", None, "reader4", None]


def test_the_turns_of_several_connections_are_one_commit(planned: Engine, rounds: Rounds, commits: list[int]) -> None:
    run = rounds()
    one, two, three = run.take(), run.take(), run.take()
    assert one
    assert two
    assert three
    assert run.turn([Turn(None, one), Turn(None, two)]) == [True, True]
    assert states(planned) == ["sending", "sending", "planned", "planned"]
    commits.clear()
    assert run.turn([Turn((one, "250 2.0.0 kept"), three), Turn((two, REFUSED), None)]) == [True, False]
    assert len(commits) == 1
    assert states(planned) == ["accepted", "rejected", "sending", "planned"]


@pytest.mark.parametrize(
    "change",
    [{"state": "unsubscribed"}, {"email": "new@example.org"}, {"paused_until": date(9999, 1, 1)}, "suppress", "erase"],
    ids=["state", "email", "pause", "suppress", "erase"],
)
def test_a_parcel_taken_before_its_person_changed_does_not_start(
    planned: Engine, rounds: Rounds, change: dict[str, object] | str
) -> None:
    run = rounds()
    parcel = run.take()
    assert parcel
    with transaction(planned) as session:
        person = session.get_one(Subscriber, 1)
        if change == "suppress":
            add_suppression(session, address_hash(person.email), "by hand", NOW)
        elif change == "erase":
            session.delete(session.get_one(Delivery, 1))
        else:
            for name, value in dict(change).items():
                setattr(person, name, value)
    assert run.turn([Turn(None, parcel)]) == [False]
    run.end()
    assert "sending" not in states(planned)


def test_a_mail_in_hand_is_not_settled_as_if_it_had_never_been(planned: Engine) -> None:
    with transaction(planned) as session:
        (claimed,) = claim_mails(session, [Ref(Delivery, 1, "example.org")], "worker", NOW)
        assert start_mails(session.connection(), [claimed], NOW) == [True]
        settle_unstarted(session.connection(), claimed, Settled(DeliveryState.SKIPPED, "paused"), NOW)
    assert states(planned)[0] == "sending"


def test_of_a_group_all_start_but_those_that_changed(planned: Engine, rounds: Rounds) -> None:
    run = rounds()
    parcels = [run.take() for _ in range(3)]
    with transaction(planned) as session:
        session.get_one(Subscriber, 2).state = "unsubscribed"
    assert run.turn([Turn(None, parcel) for parcel in parcels]) == [True, False, True]
    assert states(planned) == ["sending", "skipped", "sending", "planned"]


def test_a_domain_paused_by_a_group_holds_the_mails_that_it_would_start(planned: Engine, rounds: Rounds) -> None:
    run = rounds()
    one, two = run.take(), run.take()
    assert one
    run.turn([Turn(None, one)])
    assert run.turn([Turn((one, DeliveryFailed(451, "4.3.0 down")), two)]) == [False]
    assert states(planned) == ["deferred", "planned", "planned", "planned"]


def test_a_mail_that_waits_longer_than_its_paused_domain_keeps_its_wait(planned: Engine, rounds: Rounds) -> None:
    run = rounds()
    one, two = run.take(), run.take()
    assert one
    assert two
    run.turn([Turn(None, one), Turn(None, two)])
    run.turn([Turn((one, DeliveryFailed(450, "4.2.0 greylisted, try again in 2 hours")), None)])
    run.turn([Turn((two, DeliveryFailed(451, "4.3.0 down")), None)])
    run.end()
    with reading(planned) as session:
        assert {mail.number for mail in due_mails(session, NOW + timedelta(hours=1))} == {2, 3, 4}


def test_a_paused_domain_gets_no_notices_either(planned: Engine, rounds: Rounds) -> None:
    run = rounds()
    one = run.take()
    assert one
    run.turn([Turn(None, one)])
    with transaction(planned) as session:
        for to in ("reader2@example.org", "reader3@other.example"):
            session.add(Notice(subscriber_id=2, kind="account", email=to, planned_at=NOW))
    run.turn([Turn((one, DeliveryFailed(451, "4.3.0 down")), None)])
    run.end()
    with reading(planned) as session:
        assert [mail.domain for mail in due_mails(session, NOW)] == ["other.example"]


def test_a_group_whose_database_failed_is_recorded_by_the_next_try(planned: Engine, rounds: Rounds) -> None:
    run = rounds()
    one = run.take()
    failures = [sqlite3.OperationalError("disk I/O error")]

    def fail(*_: object) -> None:
        if failures:
            raise DBAPIError("COMMIT", None, failures.pop())

    event.listen(planned, "commit", fail)
    try:
        assert run.turn([Turn(None, one)]) == [True]
    finally:
        event.remove(planned, "commit", fail)
    assert not failures
    assert states(planned)[0] == "sending"


def test_a_mail_that_can_not_be_made_waits_longer_each_time_up_to_four_hours(planned: Engine) -> None:
    def fail(*_: object) -> Never:
        raise ValueError("this is no header")

    waits: list[timedelta] = []
    for day in range(8):
        now = NOW + timedelta(days=day)
        mails = [Ref(Delivery, 1, "example.org")]
        with closing(Round(planned, "worker", mails, fail, Run(lambda: now))) as run:  # noqa: B023
            assert run.take() is None
        with reading(planned) as session:
            again = session.exec(select(Delivery.next_try_at).where(col(Delivery.id) == 1)).one()
        assert again
        waits.append(again - now)
    least = [timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 80, 160, 240, 240)]
    assert all(wait <= waited <= wait * 1.2 for wait, waited in zip(least, waits, strict=True))


def test_progress_reaches_its_end_though_some_are_not_handed_over(planned: Engine) -> None:
    shown: list[tuple[int, int]] = []
    with reading(planned) as session:
        mails = due_mails(session, NOW)
    with transaction(planned) as session:
        add_suppression(session, address_hash("reader2@example.org"), "by hand", NOW)

    def made_but_one(claimed: Claimed, now: datetime) -> tuple[str, Message]:
        if claimed.to == "reader3@example.org":
            raise ValueError("this is no header")
        return tiny_mail(claimed, now)

    def show(done: int, total: int) -> None:
        shown.append((done, total))

    with closing(Round(planned, "worker", mails, made_but_one, Run(lambda: NOW, progress=show))) as run:
        carry_one_by_one(run, lambda _message, *, to: f"250 2.0.0 kept for {to}")
    assert states(planned) == ["accepted", "skipped", "deferred", "accepted"]
    assert shown[-1] == (4, 4)


def test_a_turn_recorded_twice_changes_nothing_more(planned: Engine, rounds: Rounds) -> None:
    """Where the database broke off in a commit, nobody knows whether it was done."""
    run = rounds()
    one, two = run.take(), run.take()
    assert one
    turn = Turn((one, "250 kept"), two)
    run.turn([Turn(None, one)])
    for _ in range(2):
        with transaction(planned) as session:
            assert run._record([turn], session.connection()) == [True]
    with reading(planned) as session:
        assert [(row.state, row.attempts) for row in session.exec(select(Delivery).order_by(col(Delivery.id)).limit(2))] == [
            ("accepted", 1),
            ("sending", 1),
        ]


def test_an_outcome_of_an_earlier_try_changes_nothing_of_the_next_one_by_the_same_worker(planned: Engine) -> None:
    refs, put_off = [Ref(Delivery, 1, "example.org")], Settled(DeliveryState.DEFERRED)
    with transaction(planned) as session:
        connection = session.connection()
        (earlier,) = claim_mails(session, refs, "worker", NOW)
        start_mails(connection, [earlier], NOW)
        assert settle_mails(connection, [(earlier, put_off)], NOW) == 1
        (claimed,) = claim_mails(session, refs, "worker", NOW)
        start_mails(connection, [claimed], NOW)
        assert settle_mails(connection, [(earlier, put_off)], NOW) == 0
    assert states(planned)[0] == "sending"
