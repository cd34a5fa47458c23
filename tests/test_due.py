"""Wakings over days, with the clock passed in: who is due gets theirs once, whatever wakes how often."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, text
from sqlmodel import col, select, update

from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable
from service.models import Delivery, DeliveryState, Notice, Subscriber
from service.pipeline.digests import Planner
from service.pipeline.due import send_due_mails, send_due_notices
from service.pipeline.gather import gather_papers
from service.pipeline.retry import retry
from service.pipeline.subscriptions import change, change_settings, pause
from service.store.database import reading, transaction
from service.store.ledger import Ref, claim_mails, settle_free
from service.store.planning import add_issue, lock_planning, plan_deliveries
from service.store.subscribers import due_subscribers, lock_subscriber, schedule_subscribers
from service.store.suppressions import add_suppression
from service.store.workers import worker_folder
from service.subscribers import address_hash
from tests.builders import SENDER, Mailbox, record
from tests.test_pipeline import ADA, BEN, gather, send, subscribe


def wake(engine: Engine, mailbox: Mailbox, now: datetime, should_stop: Callable[[], bool] = lambda: False) -> int:
    @contextmanager
    def opened() -> Iterator[Mailbox]:
        yield mailbox

    return send_due_mails(engine, opened, SENDER, clock=lambda: now, stale_after=timedelta(hours=24), should_stop=should_stop)


def wake_for_notices(engine: Engine, mailbox: Mailbox, now: datetime) -> int:
    return send_due_notices(engine, lambda: nullcontext(mailbox), SENDER, clock=lambda: now)


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 10, day, hour, minute, tzinfo=UTC)


def gather_daily(engine: Engine, first: int, last: int) -> None:
    """A paper on every weekday of October 2026 from `first` to `last`."""
    for day in range(first, last + 1):
        when = at(day, 0)
        if when.weekday() < 5:
            gather(engine, record(f"2610.{day:05d}", "LLM Agents"), on=when.date(), now=when)


def test_a_digest_goes_out_at_the_persons_hour_and_not_before(engine: Engine) -> None:
    gather_daily(engine, 1, 2)
    subscribe(engine, ADA, zone="Europe/Berlin", hour=8)
    mailbox = Mailbox()
    wakings = [at(2, 5, 50) + timedelta(minutes=number) for number in range(30)]
    sent = {moment: wake(engine, mailbox, moment) for moment in wakings}
    assert [moment for moment, count in sent.items() if count] == [at(2, 6)]  # 08:00 in Berlin
    assert mailbox.paper_ids(ADA) == [["2610.00001"]]


def test_an_outage_is_caught_up_with_one_digest(engine: Engine) -> None:
    gather_daily(engine, 1, 8)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox()
    wake(engine, mailbox, at(2, 8))
    wake(engine, mailbox, at(8, 19, 30))  # back after six days
    wake(engine, mailbox, at(8, 19, 31))
    wake(engine, mailbox, at(9, 8))
    assert mailbox.paper_ids(ADA) == [["2610.00001"], ["2610.00007", "2610.00006", "2610.00005", "2610.00002"], ["2610.00008"]]


def test_who_had_only_silences_misses_no_day_between_two_digests(engine: Engine) -> None:
    gather(engine, record("2610.00001", "Knitting", summary="We knit. Socks are warm."), on=at(1, 0).date(), now=at(1, 0))
    gather_daily(engine, 2, 2)
    subscribe(engine, ADA, hour=8, cadence="weekdays")
    mailbox = Mailbox()
    assert [wake(engine, mailbox, moment) for moment in (at(2, 8), at(3, 8), at(5, 8))] == [0, 0, 1]  # from Friday to Monday
    assert mailbox.paper_ids(ADA) == [["2610.00002"]]


def test_several_wakers_at_once_send_one_mail(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, BEN, hour=8)
    mailbox = Mailbox()
    threads = [threading.Thread(target=wake, args=(engine, mailbox, at(2, 8))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(to for to, _ in mailbox.mails) == [ADA, BEN]


def test_two_local_days_on_one_list_give_one_mail_and_a_silence(engine: Engine) -> None:
    """10:00 in Sydney on 3 and on 4 October 2026 are 00:00 and 23:00 UTC of the same day: the clock goes forward between."""
    gather_daily(engine, 1, 5)
    subscribe(engine, ADA, zone="Australia/Sydney", hour=10)
    mailbox = Mailbox()
    moment = at(2, 23)
    while moment < at(5, 1):
        wake(engine, mailbox, moment)
        moment += timedelta(minutes=30)
    with reading(engine) as session:
        found = [(row.digest_on.day, row.state) for row in session.exec(select(Delivery).order_by(col(Delivery.id)))]
    assert found == [(2, "accepted"), (3, "skipped")]
    assert mailbox.paper_ids(ADA) == [["2610.00002", "2610.00001"]]


def test_a_changed_hour_counts_from_then_on(engine: Engine) -> None:
    gather_daily(engine, 1, 5)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox()
    wake(engine, mailbox, at(2, 7))
    with transaction(engine) as session:
        change(session, session.get_one(Subscriber, 1), {"hour": 12}, at(2, 7))
    assert [wake(engine, mailbox, at(2, hour)) for hour in (8, 11, 12, 13)] == [0, 0, 1, 0]


def test_a_week_whose_hour_is_moved_within_its_day_comes_once_though_another_day_began_in_utc(engine: Engine) -> None:
    gather_daily(engine, 1, 9)
    subscribe(engine, ADA, cadence="weekly:fri", zone="America/Los_Angeles", hour=8)
    mailbox = Mailbox()
    assert wake(engine, mailbox, at(2, 15)) == 1
    with transaction(engine) as session:
        change(session, session.get_one(Subscriber, 1), {"hour": 20}, at(2, 16))
    assert [wake(engine, mailbox, moment) for moment in (at(3, 3), at(9, 15), at(10, 3))] == [0, 0, 1]
    assert mailbox.paper_ids(ADA)[1] == [f"2610.{day:05d}" for day in (9, 8, 7, 6, 5, 2)]


def test_who_is_added_gets_the_first_digest_at_their_next_hour(engine: Engine) -> None:
    gather_daily(engine, 1, 2)
    mailbox = Mailbox()
    subscribe(engine, ADA, hour=8)
    assert [wake(engine, mailbox, moment) for moment in (at(2, 9), at(2, 20), at(3, 8))] == [0, 0, 1]


def test_however_many_are_added_at_once_each_has_a_next_digest_after_one_waking(engine: Engine) -> None:
    subscribe(engine, *(f"reader{number}@example.org" for number in range(1100)), hour=8)
    wake(engine, Mailbox(), at(2, 7))
    with reading(engine) as session:
        assert {person.next_digest_at for person in session.exec(select(Subscriber))} == {at(2, 8)}


def test_one_whose_settings_can_not_be_used_holds_nobody_up(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, BEN, hour=8)
    with transaction(engine) as session:
        session.get_one(Subscriber, 1).cadence = "weekly:never"
    mailbox = Mailbox()
    assert [wake(engine, mailbox, moment) for moment in (at(2, 7), at(2, 8))] == [0, 1]


def test_a_zone_that_is_not_known_here_counts_as_utc(engine: Engine) -> None:
    gather_daily(engine, 1, 3)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox()
    assert wake(engine, mailbox, at(2, 8)) == 1
    with transaction(engine) as session:
        person = session.get_one(Subscriber, 1)
        person.zone, person.paused_until, person.next_digest_at = "Mars/Olympus", date(2026, 10, 4), None
    assert [wake(engine, mailbox, moment) for moment in (at(3, 8), at(4, 7), at(4, 8))] == [0, 0, 1]


def test_one_whose_digest_can_not_be_chosen_is_told_why_and_holds_nobody_up(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, BEN, hour=8)
    with transaction(engine) as session:
        session.exec(update(Subscriber).where(col(Subscriber.email) == ADA).values(length="long"))
    mailbox = Mailbox()
    assert wake(engine, mailbox, at(2, 8)) == 1
    assert [to for to, _ in mailbox.mails] == [BEN]
    with reading(engine) as session:
        (told,) = session.exec(select(Delivery).where(col(Delivery.state) == DeliveryState.SKIPPED))
        assert (told.reason or "").startswith("the digest could not be chosen: ")
        assert len(due_subscribers(session, at(2, 9), 10)) == 0


def test_who_changes_their_hour_while_a_digest_is_due_gets_it_all_the_same(engine: Engine) -> None:
    gather_daily(engine, 1, 2)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox()
    wake(engine, mailbox, at(2, 7))
    with transaction(engine) as session:  # at 08:04, while a long wave keeps the waking of 08:00 waiting
        change(session, session.get_one(Subscriber, 1), {"hour": 7}, at(2, 8, 4))
    assert [wake(engine, mailbox, moment) for moment in (at(2, 8, 9), at(2, 9), at(3, 7))] == [1, 0, 1]


def test_a_rhythm_changed_before_a_late_waking_holds_from_then_on(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox()
    wake(engine, mailbox, at(2, 7))
    with transaction(engine) as session:
        change(session, session.get_one(Subscriber, 1), {"cadence": "weekdays"}, at(2, 7, 50))
    assert wake(engine, mailbox, at(2, 8, 9)) == 1


def test_what_changes_while_a_waking_plans_waits_for_it_and_wins(postgresql: Engine) -> None:
    """On SQLite writers are alone anyway."""
    subscribe(postgresql, ADA, hour=8)
    wake(postgresql, Mailbox(), at(2, 7))

    def change_hour() -> None:
        with transaction(postgresql) as session:
            person = session.get_one(Subscriber, 1)
            lock_subscriber(session, person)
            change(session, person, {"hour": 20}, at(2, 8))

    thread = threading.Thread(target=change_hour)
    with transaction(postgresql) as session:
        assert len(due_subscribers(session, at(2, 8), 10)) == 1
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        schedule_subscribers(session, {1: at(3, 8)})
    thread.join()
    with reading(postgresql) as session:
        assert session.get_one(Subscriber, 1).next_digest_at == at(2, 20)


@pytest.mark.parametrize("planner", ["serve", "send-now", "retry"])
def test_who_plans_while_another_does_waits_for_it_and_takes_none_of_its_papers(postgresql: Engine, planner: str) -> None:
    """On SQLite writers are alone anyway."""
    gather_daily(postgresql, 1, 1)
    subscribe(postgresql, ADA, hour=8)
    if planner == "retry":
        send(postgresql, Mailbox(refuse={ADA: DeliveryFailed(554, "not today")}), on=date(2026, 10, 1), now=at(2, 7))
    wake(postgresql, Mailbox(), at(2, 7))

    def plan_the_first() -> None:
        if planner == "serve":
            wake(postgresql, Mailbox(), at(2, 8))
        elif planner == "send-now":
            send(postgresql, Mailbox(), on=date(2026, 10, 1), now=at(2, 8))
        else:
            with transaction(postgresql) as session:
                retry(session, [session.get_one(Delivery, 1)], at(2, 8))

    thread = threading.Thread(target=plan_the_first)
    with transaction(postgresql) as session:
        lock_planning(session)
        digests = Planner(date(2026, 10, 2)).digests(session, [session.get_one(Subscriber, 1)])
        thread.start()
        thread.join(0.5)
        plan_deliveries(session, add_issue(session, started_by="send-now", now=at(2, 8)), digests, at(2, 8))
    thread.join()
    with reading(postgresql) as session:
        assert [ids for ids in session.exec(select(Delivery.paper_ids)) if ids] == [["2610.00001"]]


def test_a_claim_wins_over_whoever_gives_a_mail_up(postgresql: Engine) -> None:
    gather_daily(postgresql, 1, 1)
    subscribe(postgresql, ADA, hour=8)
    wake(postgresql, Mailbox(refuse={"*": ServerUnusable("away")}), at(2, 8))
    with transaction(postgresql) as giving_up:
        read_before = giving_up.get_one(Delivery, 1)
        with transaction(postgresql) as claiming:
            assert claim_mails(claiming, [Ref(Delivery, 1, "example.org")], "worker", at(3, 9))
        assert not settle_free(giving_up, read_before, DeliveryState.EXPIRED, reason="too old", now=at(3, 9))


def test_a_mail_that_somebody_is_about_to_hand_over_gets_no_second_chance_beside_it(postgresql: Engine) -> None:
    """It would be sent by both."""
    gather_daily(postgresql, 1, 1)
    subscribe(postgresql, ADA, hour=8)
    wake(postgresql, Mailbox(refuse={"*": DeliveryUncertain("the answer was lost")}), at(2, 8))
    with transaction(postgresql) as retrying:
        read_before = retrying.get_one(Delivery, 1)
        with transaction(postgresql) as claiming:
            assert claim_mails(claiming, [Ref(Delivery, 1, "example.org")], "worker", at(2, 9))
        assert retry(retrying, [read_before], at(2, 9)) == {"planned": 0, "skipped": 0}
    with reading(postgresql) as session:
        assert session.get_one(Delivery, 1).state == "unknown"


def test_a_mail_that_may_have_arrived_is_not_sent_anew_after_a_pause(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox(refuse={"*": DeliveryUncertain("the answer was lost")})
    wake(engine, mailbox, at(2, 8))
    with transaction(engine) as session:
        pause(session, session.get_one(Subscriber, 1), date(2026, 10, 6), at(2, 9))
    mailbox.refuse.clear()
    assert [wake(engine, mailbox, moment) for moment in (at(2, 10), at(4, 10))] == [0, 0]
    with reading(engine) as session:
        delivery = session.get_one(Delivery, 1)
        assert delivery.state == "unknown"
    wake(engine, mailbox, at(6, 10))
    wake(engine, mailbox, at(7, 8))
    assert [mail["Message-ID"] for _, mail in mailbox.mails] == [f"<{delivery.key}@papers.example.org>"]


@pytest.mark.parametrize("why", ["unsubscribed", "suppressed: hard bounce"])
def test_a_mail_that_may_have_arrived_is_settled_when_no_more_mail_may_go_there(engine: Engine, why: str) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox(refuse={"*": DeliveryUncertain("the answer was lost")})
    wake(engine, mailbox, at(2, 8))
    with transaction(engine) as session:
        if why == "unsubscribed":
            change(session, session.get_one(Subscriber, 1), {"state": "unsubscribed"}, at(2, 9))
        else:
            add_suppression(session, address_hash(ADA), "hard bounce", at(2, 9))
    mailbox.refuse.clear()
    assert wake(engine, mailbox, at(2, 10)) == 0
    with reading(engine) as session:
        row = session.get_one(Delivery, 1)
    assert (row.state, row.reason) == ("skipped", f"{why}; an earlier attempt may have arrived")


def test_a_worker_that_died_on_this_machine_is_seen_to_at_the_next_waking(engine: Engine) -> None:
    """Its file is here and unlocked; the one on another machine may live for as long as its lease lasts."""
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, BEN, hour=8)

    class Killed(BaseException):
        pass

    class Kills(Mailbox):
        def send(self, message: bytes, *, to: str) -> str:
            raise Killed

    with pytest.raises(Killed):
        wake(engine, Kills(), at(2, 8))
    mailbox = Mailbox()
    assert wake(engine, mailbox, at(2, 8, 1)) == 2
    assert sorted(to for to, _ in mailbox.mails) == [ADA, BEN]
    with reading(engine) as session:
        assert sorted(session.exec(select(Delivery.uncertain_count))) == [0, 1]
    assert list(worker_folder(engine).iterdir()) == []


def test_what_a_living_sender_hands_over_is_not_taken_for_lost_however_long_the_machine_slept(engine: Engine) -> None:
    """Another process wakes first, hours after the leases have ended. What was not started it may take over."""
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, BEN, hour=8)
    theirs = Mailbox()

    class Sleeps(Mailbox):
        def send(self, message: bytes, *, to: str) -> str:
            wake(engine, theirs, at(2, 11))
            return super().send(message, to=to)

    ours = Sleeps()
    wake(engine, ours, at(2, 8))
    assert sorted(to for mailbox in (ours, theirs) for to, _ in mailbox.mails) == [ADA, BEN]
    with reading(engine) as session:
        rows = session.exec(select(Delivery))
        assert [(row.state, row.uncertain_count) for row in rows] == [("accepted", 0), ("accepted", 0)]


def test_a_change_while_the_notice_of_an_earlier_one_is_on_its_way_is_told_by_a_notice_of_its_own(engine: Engine) -> None:
    """The mail of a claimed notice may be made already."""
    subscribe(engine, ADA, BEN, hour=8)
    set_hour(engine, ADA, 9)
    set_hour(engine, BEN, 9)

    class Meanwhile(Mailbox):
        def send(self, message: bytes, *, to: str) -> str:
            if to == ADA:
                set_hour(engine, BEN, 10)
            return super().send(message, to=to)

    mailbox = Meanwhile()
    assert [wake(engine, mailbox, at(2, 7, minute)) for minute in (1, 2)] == [2, 1]
    with reading(engine) as session:
        notices = session.exec(select(Notice).where(col(Notice.email) == BEN).order_by(col(Notice.id)))
        assert [(notice.before["hour"], notice.after["hour"]) for notice in notices] == [(8, 9), (9, 10)]


def set_hour(engine: Engine, email: str, hour: int) -> None:
    with transaction(engine) as session:
        person = session.exec(select(Subscriber).where(col(Subscriber.email) == email)).one()
        change_settings(session, person, {"hour": hour}, at(2, 7))


def test_a_mail_refused_for_now_waits_for_its_next_try(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    refusing, mailbox = Mailbox(refuse={ADA: DeliveryFailed(451, "later")}), Mailbox()
    wake(engine, refusing, at(2, 8))
    assert [wake(engine, mailbox, at(2, 8, minute)) for minute in (1, 4, 7)] == [0, 0, 1]


def test_a_dead_server_is_tried_again_and_nothing_is_lost(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, BEN, hour=8)
    dead, mailbox = Mailbox(refuse={"*": ServerUnusable("refused")}), Mailbox()
    wake(engine, dead, at(2, 8))
    wake(engine, dead, at(2, 8, 1))
    wake(engine, mailbox, at(2, 9))
    assert sorted(to for to, _ in mailbox.mails) == [ADA, BEN]


UNREADABLE_PLANS = ['{"cards": "x"}', '{"covered_from": "2026-10-01", "lines": 1, "picks": [{"at": "x"}]}']


@pytest.mark.parametrize("plan", UNREADABLE_PLANS)
def test_a_plan_that_can_not_be_read_stops_nobody_elses_mail_now_or_later(engine: Engine, plan: str) -> None:
    gather_daily(engine, 1, 5)
    for email in (ADA, BEN):
        subscribe(engine, email, hour=8)
    wake(engine, Mailbox(refuse={"*": ServerUnusable("refused")}), at(2, 8))
    with transaction(engine) as session:
        session.connection().execute(text("UPDATE delivery SET plan = :plan WHERE subscriber_id = 1"), {"plan": plan})
    mailbox = Mailbox()
    wake(engine, mailbox, at(2, 9))
    assert mailbox.paper_ids(BEN) == [["2610.00001"]]
    wake(engine, mailbox, at(6, 8))
    assert mailbox.paper_ids(BEN)[1:] == [["2610.00005", "2610.00002"]]
    assert "2610.00005" in mailbox.paper_ids(ADA)[-1]


def test_being_told_to_stop_ends_between_two_mails_and_the_next_waking_carries_on(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, *(f"reader{number}@example.org" for number in range(6)), hour=8)
    mailbox = Mailbox()
    assert wake(engine, mailbox, at(2, 8), should_stop=lambda: len(mailbox.mails) >= 2) == 2
    assert wake(engine, mailbox, at(2, 8, 1)) == 4
    assert len({to for to, _ in mailbox.mails}) == 6


def test_digests_can_wait_for_a_list_that_is_not_in_doubt(engine: Engine) -> None:
    """The list of Friday comes for the Thursday that was asked for; a sound answer lets the digests go."""
    subscribe(engine, ADA, hour=8)
    thursday = at(1, 0).date()
    wrong = record("2610.00001", "LLM Agents", submittedOnDailyAt="2026-10-02T00:00:00Z")
    right = record("2610.00002", "LLM Agents", submittedOnDailyAt="2026-10-01T00:00:00Z")
    mailbox = Mailbox()

    def wake_at(hour: int, waits: bool) -> int:
        @contextmanager
        def opened() -> Iterator[Mailbox]:
            yield mailbox

        return send_due_mails(
            engine, opened, SENDER, clock=lambda: at(2, hour), stale_after=timedelta(hours=24), waits_for_sound_lists=waits
        )

    gather_papers(engine, ["api"], lambda _: json.dumps([wrong]).encode(), now=at(2, 6), asked_on=thursday)
    assert (wake_at(7, True), wake_at(8, True), wake_at(9, True)) == (0, 0, 0)
    gather_papers(engine, ["api"], lambda _: json.dumps([right]).encode(), now=at(2, 10), asked_on=thursday)
    assert wake_at(11, True) == 1
    assert mailbox.paper_ids(ADA) == [["2610.00002"]]


def test_by_default_digests_go_out_all_the_same(engine: Engine) -> None:
    subscribe(engine, ADA, hour=8)
    doubtful = json.dumps([record("2610.00001", "LLM Agents"), {"paper": {}}]).encode()
    gather_papers(engine, ["api"], lambda _: doubtful, now=at(2, 6), asked_on=at(1, 0).date())
    mailbox = Mailbox()
    assert (wake(engine, mailbox, at(2, 7)), wake(engine, mailbox, at(2, 8))) == (0, 1)


def test_on_a_monday_digests_wait_for_a_sound_list_of_friday(engine: Engine) -> None:
    """The last day is Sunday, which has no list."""
    subscribe(engine, ADA, hour=8, cadence="weekdays")
    gather_daily(engine, 1, 1)
    gather_papers(engine, ["api"], lambda _: b"[]", now=at(3, 6), asked_on=at(2, 0).date())
    mailbox = Mailbox()

    def wake_at(hour: int, waits: bool) -> int:
        return send_due_mails(
            engine,
            lambda: nullcontext(mailbox),
            SENDER,
            clock=lambda: at(5, hour),
            stale_after=timedelta(hours=24),
            waits_for_sound_lists=waits,
        )

    assert (wake_at(7, True), wake_at(8, True)) == (0, 0)
    with reading(engine) as session:
        assert session.exec(select(Delivery)).all() == []
    wake_at(9, False)
    with reading(engine) as session:
        assert len(session.exec(select(Delivery)).all()) == 1


@dataclass
class SlowMailbox(Mailbox):
    """Takes its time with each mail until it is told to go on."""

    has_begun: threading.Event = field(default_factory=threading.Event)
    may_go_on: threading.Event = field(default_factory=threading.Event)

    def send(self, message: bytes, *, to: str) -> str:
        self.has_begun.set()
        assert self.may_go_on.wait(120)
        return super().send(message, to=to)


def test_a_notice_goes_out_beside_a_wave_that_takes_its_time_and_only_once(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    slow, mailbox = SlowMailbox(), Mailbox()
    wave = threading.Thread(target=wake, args=(engine, slow, at(2, 8)))
    wave.start()
    try:
        assert slow.has_begun.wait(120)
        set_hour(engine, ADA, 9)
        sent = [wake_for_notices(engine, mailbox, at(2, 8, minute)) for minute in (1, 2)]
    finally:
        slow.may_go_on.set()
        wave.join()
    assert sent == [1, 0]
    assert [mail["Subject"] for _, mail in mailbox.mails] == ["Your digest was changed"]
    assert slow.paper_ids(ADA) == [["2610.00001"]]


def test_a_notice_and_a_digest_of_one_wave_go_out_once_each(engine: Engine) -> None:
    """They are the first of their tables, and bear the same number."""
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    set_hour(engine, ADA, 9)
    mailbox = Mailbox()
    assert [wake(engine, mailbox, at(2, hour)) for hour in (9, 10)] == [2, 0]
    assert [mail["Subject"].partition(":")[0] for _, mail in mailbox.mails] == ["Your digest was changed", "1 paper"]


def test_who_unsubscribed_hears_no_more_of_what_they_changed_before(engine: Engine) -> None:
    subscribe(engine, ADA, hour=8)
    set_hour(engine, ADA, 9)
    with transaction(engine) as session:
        change(session, session.get_one(Subscriber, 1), {"state": "unsubscribed"}, at(2, 7))
    assert wake(engine, Mailbox(), at(2, 8)) == 0
    with reading(engine) as session:
        notice = session.get_one(Notice, 1)
    assert (notice.state, notice.reason) == ("skipped", "unsubscribed")


def test_a_second_chance_is_due_at_once_and_backs_off_from_the_beginning(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    wake(engine, Mailbox(refuse={ADA: DeliveryUncertain("the answer was lost")}), at(2, 8))
    with transaction(engine) as session:
        retry(session, [session.get_one(Delivery, 1)], at(2, 8, 1))
    wake(engine, Mailbox(refuse={ADA: DeliveryFailed(450, "4.2.1 busy")}), at(2, 8, 1))
    with reading(engine) as session:
        again = session.get_one(Delivery, 1).next_try_at
    assert again
    assert at(2, 8, 6) <= again <= at(2, 8, 7)


@pytest.mark.parametrize(("hour", "sent"), [(6, 1), (8, 0)])
def test_a_notice_outlives_a_server_that_is_away_for_five_days(engine: Engine, hour: int, sent: int) -> None:
    """What it tells of stays true, where a digest grows old."""
    subscribe(engine, ADA, hour=8)
    set_hour(engine, ADA, 9)  # at 7
    wake(engine, Mailbox(refuse={"*": ServerUnusable("away")}), at(2, 8))
    assert wake(engine, Mailbox(), at(7, hour)) == sent


def test_waking_for_notices_plans_and_sends_no_digest(engine: Engine) -> None:
    gather_daily(engine, 1, 1)
    subscribe(engine, ADA, hour=8)
    mailbox = Mailbox()
    assert (wake_for_notices(engine, mailbox, at(2, 8)), mailbox.mails) == (0, [])
    assert wake(engine, mailbox, at(2, 8)) == 1
