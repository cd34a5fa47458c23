"""Plan, claim, send, crash, reconcile, unsubscribe and the clock in random order: the sum always balances, and nobody gets two
digests of a day but through a doubt that the ledger knows."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlmodel import col, select

from service.cadence import last_complete_day, why_no_mail
from service.delivery.feed import Feed, carry_one_by_one
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable
from service.models import DONE_STATES, Delivery, DeliveryState, Issue, Subscriber
from service.pipeline.deliver import Run, send_all
from service.pipeline.due import send_due_mails
from service.pipeline.reconcile import reconcile
from service.pipeline.retry import RETRIABLE, retry
from service.pipeline.send import send_now
from service.pipeline.subscriptions import change, pause, resubscribe, unsubscribe
from service.store.database import open_database, reading, transaction
from service.store.deliveries import deliveries_where
from service.store.ledger import Claimed, due_mails
from service.store.subscribers import all_subscribers
from service.store.suppressions import add_suppression, remove_suppression, suppressed
from service.subscribers import address_hash
from tests.builders import SENDER, paper

PEOPLE = ("ada@example.org", "ben@example.org", "chi@elsewhere.example")
BEGIN = datetime(2026, 10, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)


class Killed(BaseException):
    """As SIGKILL: nothing is tidied up."""


REFUSALS = {
    "greylisted": DeliveryFailed(450, "4.2.0 greylisted, try again in 300 seconds"),
    "domain down": DeliveryFailed(451, "4.3.0 down"),
    "full": DeliveryFailed(552, "5.2.2 full"),
    "nobody": DeliveryFailed(550, "5.1.1 no such user"),
    "policy": DeliveryFailed(554, "5.7.1 spam"),
    "closing": DeliveryFailed(421, "4.3.2 closing"),
    "broken": DeliveryFailed(None, "broke off"),
    "away": ServerUnusable("away"),
    "lost": DeliveryUncertain("the answer was lost"),
    "killed": Killed(),
}
EVENTS = ("fine", "another sender", "the others leave", "kept and lost", "kept and killed", *REFUSALS)

person = some.sampled_from(PEOPLE)


class Idle:
    def carry(self, feed: Feed) -> None:
        """Hands nothing over, so that only the planning happens."""

    def send(self, message: bytes, *, to: str) -> str:
        raise AssertionError


class Ledger(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        file = Path(self.folder.name) / "paperround.db"
        shutil.copy(TEMPLATE[0], file)
        self.engine = open_database(f"sqlite:///{file}")
        self.now, self.listed_to = BEGIN, BEGIN.date() - 3 * DAY
        self.arrived: Counter[tuple[int, str]] = Counter()  # by person and day
        self.keys: Counter[str] = Counter()
        self.crashes = 0
        with transaction(self.engine) as session:
            session.add_all(Subscriber(email=email, topics=["agents"], added_at=BEGIN) for email in PEOPLE)
        self.pass_time(0)

    @rule(minutes=some.sampled_from([1, 7, 60, 300, 1440]))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        with transaction(self.engine) as session:
            while self.listed_to < self.now.date():
                self.listed_to += DAY
                day = self.listed_to
                session.add(paper(f"{day:%y%m}.{day.day:05d}", "LLM agents", featured_on=day))

    @rule()
    def wake(self) -> None:
        send_due_mails(self.engine, lambda: nullcontext(Idle()), SENDER, clock=lambda: self.now, stale_after=timedelta(hours=24))
        self.crashes = 0

    @rule(days_ago=some.integers(0, 2), emails=some.sets(person, min_size=1))
    def plan_by_hand(self, days_ago: int, emails: set[str]) -> None:
        with reading(self.engine) as session:
            people = [found.id for found in all_subscribers(session) if found.id and found.email in emails]
        on = last_complete_day(self.now) - days_ago * DAY
        send_now(self.engine, Idle(), SENDER, people, on=on, clock=lambda: self.now, stale_after=timedelta(hours=24))
        self.crashes = 0

    @rule(events=some.lists(some.sampled_from(EVENTS), max_size=4))
    def send(self, events: list[str]) -> None:
        with reading(self.engine) as session:
            mails = due_mails(session, self.now)
        try:
            send_all(self.engine, Scripted(self, list(events)), mails, named_mail, Run(lambda: self.now))
        except Killed:
            self.crashes += 1

    @rule()
    def recover(self) -> None:
        reconcile(self.engine, self.now, stale_after=timedelta(hours=24))
        self.crashes = 0

    @rule(email=person, what=some.sampled_from(["unsubscribe", "resubscribe", "pause", "go on", "suppress", "lift"]))
    def change_mind(self, email: str, what: str) -> None:
        with transaction(self.engine) as session:
            found = session.exec(select(Subscriber).where(col(Subscriber.email) == email)).one()
            if what == "unsubscribe":
                unsubscribe(session, found, self.now)
            elif what == "resubscribe":
                resubscribe(session, found, self.now)
            elif what == "suppress":
                add_suppression(session, address_hash(email), "by hand", self.now)
            elif what == "lift":
                remove_suppression(session, address_hash(email))
            elif found.state == "active":
                pause(session, found, (self.now + 2 * DAY).date() if what == "pause" else None, self.now)

    @rule(state=some.sampled_from(RETRIABLE))
    def try_again(self, state: str) -> None:
        with transaction(self.engine) as session:
            retry(session, [row for row, _ in deliveries_where(session, states=[state])], self.now)

    @invariant()
    def every_issue_balances(self) -> None:
        with reading(self.engine) as session:
            planned = Counter(session.exec(select(Delivery.issue_id)))
            assert {issue.id: issue.candidate_count for issue in session.exec(select(Issue))} == {
                issue.id: planned[issue.id] for issue in session.exec(select(Issue))
            }

    @invariant()
    def at_most_one_mail_a_crash_is_in_doubt(self) -> None:
        assert sum(row.state == DeliveryState.SENDING for row in self.rows()) <= self.crashes

    @invariant()
    def nobody_gets_two_digests_of_a_day_but_through_a_known_doubt(self) -> None:
        for row in self.rows():
            in_doubt_now = row.state == DeliveryState.SENDING
            assert self.arrived[row.subscriber_id, f"{row.digest_on}"] <= 1 + row.uncertain_count + in_doubt_now
            assert self.keys[row.key] >= (row.state == DeliveryState.ACCEPTED)

    @invariant()
    def nobody_gets_a_paper_twice_but_through_a_known_doubt(self) -> None:
        got: Counter[tuple[int, str]] = Counter()
        for row in self.rows():
            if row.state == DeliveryState.ACCEPTED and not row.uncertain_count:
                got.update((row.subscriber_id, paper_id) for paper_id in row.paper_ids)
        assert not got or max(got.values()) == 1

    def teardown(self) -> None:
        """With a sound server, and nobody away, every issue is complete in the end."""
        with transaction(self.engine) as session:
            for found in session.exec(select(Subscriber)):
                change(session, found, {"paused_until": None}, self.now)
        for _ in range(3):
            self.now += timedelta(hours=25)
            self.recover()
            self.send([])
        assert {row.state for row in self.rows()} <= set(DONE_STATES)
        self.every_issue_balances()
        self.nobody_gets_two_digests_of_a_day_but_through_a_known_doubt()
        self.engine.dispose()
        self.folder.cleanup()

    def rows(self) -> list[Delivery]:
        with reading(self.engine) as session:
            return list(session.exec(select(Delivery)))


class Scripted:
    """A mail server to which these things happen, one a mail; then it is sound."""

    def __init__(self, ledger: Ledger, events: list[str]) -> None:
        self.ledger, self.events = ledger, events

    def carry(self, feed: Feed) -> None:
        carry_one_by_one(feed, self.send)

    def send(self, message: bytes, *, to: str) -> str:
        self.check_wanted(to)
        happens = self.events.pop(0) if self.events else "fine"
        if happens == "another sender":
            self.ledger.send([])
        if happens == "the others leave":
            for email in set(PEOPLE) - {to}:
                self.ledger.change_mind(email, "unsubscribe")
        if happens in REFUSALS:
            raise REFUSALS[happens]
        key, subscriber_id, day = message.decode().split()
        self.ledger.arrived[int(subscriber_id), day] += 1
        self.ledger.keys[key] += 1
        if happens == "kept and killed":
            raise Killed
        if happens == "kept and lost":
            raise DeliveryUncertain("the answer was lost")
        return "250 2.0.0 queued"

    def check_wanted(self, to: str) -> None:
        with reading(self.ledger.engine) as session:
            found = session.exec(select(Subscriber).where(col(Subscriber.email) == to)).one()
            assert why_no_mail(found, self.ledger.now) is None
            assert suppressed(session, [to]) == {}


def named_mail(claimed: Claimed, _now: datetime) -> tuple[str, bytes]:
    mail = cast("Delivery", claimed.mail)
    return "x", f"{mail.key} {mail.subscriber_id} {mail.digest_on}".encode()


TEMPLATE: list[Path] = []


@pytest.fixture(autouse=True)
def template(migrated_file: Path) -> None:
    TEMPLATE[:] = [migrated_file]


def run_machine(examples: int, steps: int) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    run_state_machine_as_test(
        Ledger, settings=settings(max_examples=examples, stateful_step_count=steps, suppress_health_check=checks)
    )


def test_whatever_happens_in_whatever_order_the_sum_balances_and_nothing_comes_twice() -> None:
    run_machine(4, 15)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_same_over_many_more_histories() -> None:
    run_machine(60, 40)
