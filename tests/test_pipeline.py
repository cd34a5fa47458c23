"""Whole days edge to edge: pages in, mails out, over a real database; time is passed in."""

from __future__ import annotations

import gzip
import json
import re
import threading
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine, event
from sqlmodel import col, select

from service.errors import DeliveryFailed, DeliveryUncertain, FetchFailed, ServerUnusable, WrongUse
from service.language_model import LanguageModel
from service.models import Delivery, DeliveryState, Page, Paper, Subscriber
from service.pipeline.digests import Planner
from service.pipeline.gather import gather_latest, gather_papers
from service.pipeline.retry import retry
from service.pipeline.send import SendReport, chosen_people, dry_run, send_now
from service.store.database import reading, transaction
from service.store.deliveries import deliveries_where
from service.store.ledger import LEASE, Claimed, Ref, Settled, claim_mails
from service.store.papers import papers_featured
from service.store.subscribers import add_subscriber
from service.store.turns import settle_mails, start_mails
from service.subscribers import SubscriberSettings
from tests.builders import DAY, NOW, SENDER, Mailbox, page, record

SOURCE = "https://source.example/papers"
API = "https://source.example/api/daily_papers?date=2026-10-{:02d}&limit=100&p=0"
ADA, BEN = "ada@example.org", "ben@example.org"


def api(day: int) -> str:
    return API.format(day)


def gather(engine: Engine, *records: Any, on: date = DAY, now: datetime = NOW, model: LanguageModel | None = None) -> None:
    for one in records:
        one["paper"]["submittedOnDailyAt"] = f"{on}T00:00:00Z"
    report = gather_papers(engine, [SOURCE], lambda _: page(list(records), on=on), now=now, model=model)
    assert not report.has_failed


def subscribe(engine: Engine, *emails: str, topics: tuple[str, ...] = ("agents",), **settings: Any) -> None:
    with transaction(engine) as session:
        for email in emails:
            add_subscriber(session, SubscriberSettings(email, topics, **settings), NOW)


def send(engine: Engine, mailbox: Any, on: date = DAY, now: datetime = NOW, emails: tuple[str, ...] = ()) -> SendReport:
    people = chosen_people(engine, emails, ())
    report = send_now(engine, mailbox, SENDER, people, on=on, clock=lambda: now, stale_after=timedelta(hours=24))
    assert sum(report.counts.values()) == len(report.outcomes)
    return report


def states(report: SendReport) -> dict[str, str]:
    return {outcome.email: outcome.state for outcome in report.outcomes}


def claim_and_start(engine: Engine, now: datetime = NOW, worker: str = "of another machine") -> Claimed:
    """As a worker does that is killed then."""
    with transaction(engine) as session:
        (claimed,) = claim_mails(session, [Ref(Delivery, 1, "example.org")], worker, now)
        assert start_mails(session.connection(), [claimed], now) == [True]
    return claimed


def deliveries(engine: Engine) -> list[Delivery]:
    with reading(engine) as session:
        return [session.get_one(Delivery, number) for number in range(1, 50) if session.get(Delivery, number)]


def pages(engine: Engine) -> list[Page]:
    """Newest first."""
    with reading(engine) as session:
        return list(session.exec(select(Page).order_by(col(Page.id).desc())))


# ---- gathering


def test_a_page_is_stored_and_summarised_once(engine: Engine) -> None:
    for _ in range(2):
        gather(engine, record())
    with reading(engine) as session:
        paper = session.get_one(Paper, "2610.00001")
        assert (paper.tldr, paper.written_by) == ("A planner for LLM agents that is 3 times faster.", "authors")
        assert "agents" in paper.tags
        assert [(p.new_count, p.known_count) for p in pages(engine)] == [(0, 1), (1, 0)]


def test_one_bad_page_does_not_stop_the_rest(engine: Engine) -> None:
    def fetch(address: str) -> bytes:
        if address == "gone":
            raise FetchFailed("gone can't be read: it answered 500", status=500)
        return b"<html>changed</html>" if address == "changed" else page([record()])

    report = gather_papers(engine, ["gone", "changed", "good"], fetch, now=NOW)
    assert [row.error for row in report.pages] == [
        "gone can't be read: it answered 500",
        "changed: this is no page of papers that we know: no payload element, and no cards of papers",
        None,
    ]
    assert report.has_failed
    assert report.pages[2].new_count == 1


def test_a_paper_without_id_or_day_is_rejected_with_the_reason(engine: Engine) -> None:
    text = b"new\nSubscribe\nA Planner\nWe propose a planner.\n"
    (row,) = gather_papers(engine, ["text"], lambda _: text, now=NOW).pages
    assert row.rejected == ["'A Planner': the page gives no arXiv id, and no stored paper has this title"]
    gather(engine, record("2610.00002"))
    old = [record(), record("2610.00002")]
    for one in old:
        del one["paper"]["submittedOnDailyAt"]
    undated = json.dumps(old).encode()
    (row,) = gather_papers(engine, ["api"], lambda _: undated, now=NOW).pages
    assert (len(row.rejected), "name it with --on" in row.rejected[0]) == (1, True)
    assert (row.new_count, row.known_count) == (0, 1)  # the one that is stored needs no day
    assert gather_papers(engine, ["api"], lambda _: undated, now=NOW, asked_on=DAY).pages[0].new_count == 1


def test_the_day_that_the_page_shows_is_believed(engine: Engine) -> None:
    shown = page([record()])
    (row,) = gather_papers(engine, [SOURCE], lambda _: shown, now=NOW, asked_on=date(2026, 10, 2)).pages
    assert (row.shown_on, row.warnings) == (DAY, ["asked for 2026-10-02, the source shows 2026-10-01: that day is believed"])
    with reading(engine) as session:
        assert session.get_one(Paper, "2610.00001").featured_on == DAY


def test_today_and_the_last_whole_list_are_read(engine: Engine) -> None:
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return page([record()], on=DAY if "2026-10-01" in address else NOW.date())

    gather_latest(engine, SOURCE, fetch, now=NOW)
    assert asked == [SOURCE, api(2), api(1)]


def test_the_newest_list_is_read_once_in_a_run_though_it_is_the_last_whole_one(sqlite: Engine) -> None:
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return page([record()], on=NOW.date())

    gather_latest(sqlite, SOURCE, fetch, now=NOW + timedelta(days=1))  # a Saturday
    assert asked == [SOURCE, api(2)]


def test_days_missed_while_the_source_was_away_are_read_when_it_is_back(engine: Engine) -> None:
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        if now.day in (5, 6, 7):
            raise FetchFailed("away")
        named = re.search(r"\d{4}-\d\d-\d\d", address)
        day = date.fromisoformat(named[0]) if named else now.date()
        return page([record(f"2610.{day.day:05d}", submittedOnDailyAt=f"{day}T00:00:00Z")], on=day)

    for day in (2, 5, 6, 7, 8):
        now = datetime(2026, 10, day, 6, tzinfo=UTC)
        asked.clear()
        gather_latest(engine, SOURCE, fetch, now=now)
    assert asked == [SOURCE, *map(api, (8, 2, 5, 6, 7))]
    with reading(engine) as session:
        assert {paper.featured_on.day for paper in papers_featured(session, date(2026, 10, 1), date(2026, 10, 8))} == {
            1,
            2,
            5,
            6,
            7,
            8,
        }
    asked.clear()
    gather_latest(engine, SOURCE, fetch, now=now + timedelta(hours=1))
    assert asked == [SOURCE, api(8)]


def test_a_whole_list_is_read_again_each_six_hours_until_it_is_four_days_old_and_one_in_doubt_for_longer(sqlite: Engine) -> None:
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        if address == api(5):
            return b"[]"
        named = re.search(r"\d{4}-\d\d-\d\d", address)
        day = date.fromisoformat(named[0]) if named else now.date()
        return page([record(f"2610.{day.day:05d}", submittedOnDailyAt=f"{day}T00:00:00Z")], on=day)

    read: dict[tuple[int, int], list[str]] = {}
    for day, hour in ((2, 6), (6, 6), (6, 11), (6, 12), (9, 6), (12, 6)):
        now = datetime(2026, 10, day, hour, tzinfo=UTC)
        asked.clear()
        gather_latest(sqlite, SOURCE, fetch, now=now)
        read[day, hour] = asked[2:]  # after the newest list, by its page and by the API
    assert read == {
        (2, 6): [api(1)],
        (6, 6): [*map(api, (2, 5))],
        (6, 11): [],
        (6, 12): [*map(api, (2, 5))],
        (9, 6): [*map(api, (5, 6, 7, 8))],
        (12, 6): [*map(api, (5, 8, 9))],
    }


def test_two_fetches_at_once_store_each_paper_once(engine: Engine) -> None:
    failures: list[Exception] = []

    def fetch_it() -> None:
        try:
            gather(engine, *(record(f"2610.{number:05d}") for number in range(1, 30)))
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=fetch_it) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(found.new_count for found in pages(engine)) == [0, 0, 29]


def test_a_source_without_that_days_page_is_no_failure(engine: Engine) -> None:
    def fetch(address: str) -> bytes:
        if "date" in address:
            raise FetchFailed("not there", status=404)
        return page([record()], on=NOW.date())

    report = gather_latest(engine, SOURCE, fetch, now=NOW)
    assert not report.has_failed
    assert report.pages[1].warnings == ["the source has no page for 2026-10-01"]


# ---- sending


def test_each_person_gets_their_own_papers_once(engine: Engine) -> None:
    subscribe(engine, ADA)
    subscribe(engine, BEN, topics=("code",))
    gather(engine, record("2610.00001", "LLM Agents"), record("2610.00002", "Program repair", summary="We repair source code."))
    mailbox = Mailbox()
    report = send(engine, mailbox)
    assert states(report) == {ADA: "accepted", BEN: "accepted"}
    assert (mailbox.paper_ids(ADA), mailbox.paper_ids(BEN)) == ([["2610.00001"]], [["2610.00002"]])
    again = send(engine, mailbox)
    assert states(again) == {ADA: "skipped", BEN: "skipped"}
    assert {outcome.reason for outcome in again.outcomes} == {"the digest of 2026-10-01 is accepted already"}
    assert (report.issue_id, again.issue_id) == (1, None)
    assert len(mailbox.mails) == 2


def test_a_dry_run_tells_the_same_and_stores_nothing(engine: Engine) -> None:
    subscribe(engine, ADA)
    subscribe(engine, BEN, topics=("robotics",))
    gather(engine, record())
    planned = dry_run(engine, chosen_people(engine, (), ()), DAY, NOW)
    assert states(planned) == {ADA: "planned", BEN: "skipped"}
    assert deliveries(engine) == []
    sent = send(engine, Mailbox())
    assert [(o.email, o.paper_ids, o.subject) for o in planned.outcomes] == [
        (o.email, o.paper_ids, o.subject) for o in sent.outcomes
    ]


def test_a_late_paper_joins_the_next_digest(engine: Engine) -> None:
    subscribe(engine, ADA)
    mailbox = Mailbox()
    gather(engine, record("2610.00001"))
    send(engine, mailbox)
    gather(engine, record("2610.00002"))
    send(engine, mailbox, on=DAY + timedelta(days=1), now=NOW + timedelta(days=1))
    assert mailbox.paper_ids(ADA) == [["2610.00001"], ["2610.00002"]]


def test_a_first_digest_does_not_reach_back_further_than_its_window(engine: Engine) -> None:
    subscribe(engine, ADA)
    subscribe(engine, BEN, cadence="weekly:mon")
    for days_ago in (0, 1, 2, 6, 7):
        gather(engine, record(f"2610.0000{days_ago}"), on=DAY - timedelta(days=days_ago))
    mailbox = Mailbox()
    send(engine, mailbox)
    assert {tuple(sorted(ids)) for ids in mailbox.paper_ids(ADA)} == {("2610.00000", "2610.00001")}
    assert {tuple(sorted(ids)) for ids in mailbox.paper_ids(BEN)} == {("2610.00000", "2610.00001", "2610.00002", "2610.00006")}


def test_a_silent_day_keeps_its_reason_and_can_still_be_filled(engine: Engine) -> None:
    subscribe(engine, ADA)
    mailbox = Mailbox()
    (silent,) = send(engine, mailbox).outcomes
    assert (silent.state, silent.reason) == ("skipped", "no new papers from 2026-09-30 to 2026-10-01")
    assert [row.reason for row in deliveries(engine)] == [silent.reason]
    gather(engine, record())
    assert states(send(engine, mailbox)) == {ADA: "accepted"}
    assert len(deliveries(engine)) == 1


def test_a_dead_server_loses_nothing_and_the_next_run_carries_on(engine: Engine) -> None:
    subscribe(engine, ADA, BEN)
    gather(engine, record())
    dead = Mailbox(refuse={"*": ServerUnusable("the mail server localhost:25 can't be used: refused")})
    report = send(engine, dead)
    assert states(report) == {ADA: "deferred", BEN: "planned"}
    assert report.outcomes[0].reason == "the mail server localhost:25 can't be used: refused"
    assert len(report.unfinished) == 2
    mailbox = Mailbox()
    assert states(send(engine, mailbox, now=NOW + timedelta(minutes=1))) == {ADA: "accepted", BEN: "accepted"}
    assert sorted(to for to, _ in mailbox.mails) == [ADA, BEN]


def test_one_refused_mail_does_not_stop_the_rest(engine: Engine) -> None:
    subscribe(engine, ADA, BEN, "chi@example.org")
    gather(engine, record())
    mailbox = Mailbox(refuse={ADA: DeliveryFailed(550, "5.1.1 no such user"), BEN: DeliveryFailed(452, "4.2.2 full")})
    assert states(send(engine, mailbox)) == {ADA: "rejected", BEN: "deferred", "chi@example.org": "accepted"}
    (again,) = [outcome for outcome in send(engine, Mailbox()).outcomes if outcome.email == ADA]
    assert again.reason == "suppressed: hard bounce: 550 5.1.1 no such user"


def test_a_mail_that_cannot_be_made_does_not_stop_the_rest(engine: Engine) -> None:
    subscribe(engine, ADA, BEN)
    gather(engine, record())
    mailbox = Mailbox(refuse={ADA: KeyError("odd")})
    report = send(engine, mailbox)
    assert states(report) == {ADA: "deferred", BEN: "accepted"}
    assert report.outcomes[0].reason == "the mail could not be made: KeyError('odd')"


def test_a_rejected_digest_frees_its_papers_for_the_next_day(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())
    send(engine, Mailbox(refuse={ADA: DeliveryFailed(554, "not today")}))
    mailbox = Mailbox()
    send(engine, mailbox, on=DAY + timedelta(days=1), now=NOW + timedelta(days=1))
    assert mailbox.paper_ids(ADA) == [["2610.00001"]]


def test_a_retried_digest_leaves_out_what_came_with_another_one_and_is_skipped_where_nothing_is_left(engine: Engine) -> None:
    subscribe(engine, ADA, BEN)
    gather(engine, record("2610.00001"))
    send(engine, Mailbox(refuse={"*": DeliveryFailed(554, "5.7.1 not today")}))
    gather(engine, record("2610.00002"), on=DAY + timedelta(days=1))
    next_day = NOW + timedelta(days=1)
    send(engine, Mailbox(), on=DAY + timedelta(days=1), now=next_day, emails=(ADA,))
    with transaction(engine) as session:
        rejected = [row for row, _ in deliveries_where(session, states=["rejected"])]
        assert retry(session, rejected, next_day) == {"planned": 1, "skipped": 1}
    mailbox = Mailbox()
    send(engine, mailbox, now=next_day)
    assert (mailbox.paper_ids(ADA), mailbox.paper_ids(BEN)) == ([], [["2610.00001"]])


def test_a_day_that_a_retry_left_empty_may_be_filled_later_and_tells_no_more_of_the_refusal(sqlite: Engine) -> None:
    subscribe(sqlite, ADA, BEN)
    gather(sqlite, record("2610.00001"))
    send(sqlite, Mailbox(refuse={BEN: DeliveryFailed(554, "5.7.1 not today")}))
    next_day = NOW + timedelta(days=1)
    send(sqlite, Mailbox(), on=DAY + timedelta(days=1), now=next_day)
    with transaction(sqlite) as session:
        rejected = [row for row, _ in deliveries_where(session, states=["rejected"])]
        assert retry(session, rejected, next_day) == {"planned": 0, "skipped": 1}
    gather(sqlite, record("2610.00002"), now=next_day)
    away = Mailbox(refuse={"*": ServerUnusable("away")})
    assert states(send(sqlite, away, now=next_day))[BEN] == "deferred"
    assert [(row.attempts, row.smtp_reply) for row in deliveries(sqlite) if row.state == "deferred"] == [(1, None)]


def test_a_lost_answer_is_unknown_and_sent_again_under_the_same_name(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())

    class LosesTheAnswer(Mailbox):
        def send(self, message: bytes, *, to: str) -> str:
            super().send(message, to=to)
            raise DeliveryUncertain("the answer to the whole mail was lost")

    first, second = LosesTheAnswer(), Mailbox()
    assert states(send(engine, first)) == {ADA: "unknown"}
    assert states(send(engine, second)) == {ADA: "accepted"}
    assert first.mails[0][1]["Message-ID"] == second.mails[0][1]["Message-ID"]


def test_a_mail_given_up_as_stale_frees_its_papers(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())
    send(engine, Mailbox(refuse={ADA: DeliveryFailed(451, "later")}))
    mailbox = Mailbox()
    next_day = send(engine, mailbox, on=DAY + timedelta(days=1), now=NOW + timedelta(days=1))
    told = [(outcome.on, outcome.state, outcome.reason) for outcome in next_day.outcomes]
    assert told == [(DAY, "expired", "451 later; given up after 24 hours"), (DAY + timedelta(days=1), "accepted", None)]
    assert mailbox.paper_ids(ADA) == [["2610.00001"]]


def test_a_lost_answer_never_expires_so_its_papers_stay_held(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())
    send(engine, Mailbox(refuse={ADA: DeliveryUncertain("the answer to the whole mail was lost")}))
    mailbox = Mailbox()
    later = send(engine, mailbox, on=DAY + timedelta(days=5), now=NOW + timedelta(days=5))
    assert [(outcome.on, outcome.state) for outcome in later.outcomes] == [
        (DAY, "accepted"),
        (DAY + timedelta(days=5), "skipped"),
    ]
    assert mailbox.paper_ids(ADA) == [["2610.00001"]]


def test_a_lost_answer_never_expires_where_it_is_to_be_tried_again_by_hand(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())
    send(engine, Mailbox(refuse={ADA: DeliveryUncertain("the answer to the whole mail was lost")}))
    with transaction(engine) as session:
        assert retry(session, [session.get_one(Delivery, 1)], NOW)["planned"] == 1
    later = send(engine, Mailbox(), on=DAY + timedelta(days=5), now=NOW + timedelta(days=5))
    assert [outcome.state for outcome in later.outcomes] == ["accepted", "skipped"]


@pytest.mark.parametrize(("state", "is_held"), [
    ("planned", True), ("sending", True), ("accepted", True), ("deferred", True),
    ("unknown", True), ("rejected", False), ("expired", False), ("skipped", False),
])  # fmt: skip
def test_a_delivery_holds_its_papers_by_its_state(sqlite: Engine, state: str, is_held: bool) -> None:
    subscribe(sqlite, ADA)
    gather(sqlite, record())
    send(sqlite, Mailbox())
    with transaction(sqlite) as session:
        session.get_one(Delivery, 1).state = state
    with reading(sqlite) as session:
        people = [session.get_one(Subscriber, 1)]
        ((digest, _),) = Planner(DAY + timedelta(days=1)).digests(session, people)
    assert bool(digest.picks) is not is_held


def test_an_earlier_day_asked_for_later_goes_by_what_came_before_it(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record("2610.00001"), on=DAY - timedelta(days=8))
    gather(engine, record("2610.00002"), on=DAY)
    mailbox = Mailbox()
    send(engine, mailbox, on=DAY)
    send(engine, mailbox, on=DAY - timedelta(days=8))
    assert mailbox.paper_ids(ADA) == [["2610.00002"], ["2610.00001"]]


def test_one_person_whose_mail_breaks_the_connection_holds_nobody_up(engine: Engine) -> None:
    subscribe(engine, ADA, BEN)
    gather(engine, record())
    mailbox = Mailbox(refuse={ADA: DeliveryFailed(421, "closing")})
    assert states(send(engine, mailbox)) == {ADA: "deferred", BEN: "accepted"}


def test_three_broken_connections_in_a_row_end_the_run_and_the_least_tried_go_first_in_the_next(engine: Engine) -> None:
    emails = [f"{name}@example.org" for name in "abcde"]
    subscribe(engine, *emails)
    gather(engine, record())
    broken = send(engine, Mailbox(refuse={"*": DeliveryFailed(None, "broke off")}))
    assert list(states(broken).values()) == ["deferred"] * 3 + ["planned"] * 2
    mailbox = Mailbox()
    send(engine, mailbox)
    assert [to[0] for to, _ in mailbox.mails] == ["d", "e", "a", "b", "c"]


@pytest.mark.slow  # waits out a busy database
def test_a_database_that_fails_after_the_hand_over_is_asked_again(sqlite: Engine) -> None:
    subscribe(sqlite, ADA)
    gather(sqlite, record())
    path = sqlite.url.database
    other = create_engine(f"sqlite:///{path}")

    class LocksTheDatabase(Mailbox):
        def send(self, message: bytes, *, to: str) -> str:
            blocker = other.raw_connection()
            blocker.cursor().execute("BEGIN IMMEDIATE")
            threading.Timer(12, blocker.close).start()
            return super().send(message, to=to)

    mailbox = LocksTheDatabase()
    assert states(send(sqlite, mailbox)) == {ADA: "accepted"}
    other.dispose()


def test_an_outcome_that_comes_after_the_lease_changes_nothing(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())
    send(engine, Mailbox(refuse={ADA: DeliveryFailed(451, "later")}))
    claimed = claim_and_start(engine, NOW + timedelta(minutes=10))
    later = NOW + timedelta(minutes=10) + LEASE
    assert states(send(engine, Mailbox(), now=later)) == {ADA: "accepted"}
    with transaction(engine) as session:
        assert not settle_mails(session.connection(), [(claimed, Settled(DeliveryState.DEFERRED))], later)
    assert deliveries(engine)[0].state == "accepted"


def test_a_wave_reads_its_papers_once_however_many_mails_hold_them(engine: Engine) -> None:
    gather(engine, *(record(f"2610.0000{number}") for number in range(1, 4)))

    def readings(emails: list[str]) -> int:
        subscribe(engine, *emails)
        asked: list[str] = []
        note = lambda _connection, _cursor, statement, *_: asked.append(statement)  # noqa: E731
        event.listen(engine, "before_cursor_execute", note)
        assert states(send(engine, Mailbox(), emails=tuple(emails))) == dict.fromkeys(emails, "accepted")
        event.remove(engine, "before_cursor_execute", note)
        return sum("FROM paper" in statement for statement in asked)

    few = readings([f"one{number}@example.org" for number in range(2)])
    assert few
    assert readings([f"two{number}@example.org" for number in range(20)]) == few


def test_two_senders_at_once_send_each_mail_once(engine: Engine) -> None:
    subscribe(engine, *(f"reader{number}@example.org" for number in range(30)))
    gather(engine, record())
    mailbox = Mailbox()
    threads = [threading.Thread(target=send, args=(engine, mailbox)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(to for to, _ in mailbox.mails) == sorted(f"reader{number}@example.org" for number in range(30))


def test_a_dry_run_names_what_is_still_open(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())
    send(engine, Mailbox(refuse={ADA: DeliveryFailed(451, "later")}))
    (outcome,) = dry_run(engine, chosen_people(engine, (), ()), DAY, NOW).outcomes
    assert (outcome.state, outcome.reason) == ("planned", "still deferred from before")


def test_a_mail_left_behind_on_another_machine_becomes_unknown_when_its_lease_ends(engine: Engine) -> None:
    subscribe(engine, ADA)
    gather(engine, record())
    send(engine, Mailbox(refuse={ADA: DeliveryFailed(451, "later")}))
    later = NOW + timedelta(minutes=10)
    claim_and_start(engine, later)
    mailbox = Mailbox()
    assert states(send(engine, mailbox, now=later)) == {ADA: "skipped"}
    assert mailbox.mails == []
    assert states(send(engine, mailbox, now=later + LEASE)) == {ADA: "accepted"}
    (row,) = deliveries(engine)
    assert (row.attempts, row.uncertain_count) == (3, 1)


def test_who_unsubscribed_after_planning_gets_nothing(engine: Engine) -> None:
    subscribe(engine, ADA, BEN)
    gather(engine, record())

    class UnsubscribesBen(Mailbox):
        def send(self, message: bytes, *, to: str) -> str:
            with transaction(engine) as session:
                session.get_one(Subscriber, 2).state = "unsubscribed"
            return super().send(message, to=to)

    report = send(engine, UnsubscribesBen())
    assert [(o.email, o.state, o.reason) for o in report.outcomes] == [(ADA, "accepted", None), (BEN, "skipped", "unsubscribed")]


def test_an_open_mail_of_who_unsubscribed_is_settled(engine: Engine) -> None:
    subscribe(engine, ADA, BEN)
    gather(engine, record())
    send(engine, Mailbox(refuse={"*": ServerUnusable("refused")}))
    with transaction(engine) as session:
        session.get_one(Subscriber, 1).state = "unsubscribed"
    mailbox = Mailbox()
    send(engine, mailbox)
    assert [to for to, _ in mailbox.mails] == [BEN]
    assert [(row.state, row.reason) for row in deliveries(engine)] == [("skipped", "unsubscribed"), ("accepted", None)]


def test_an_unknown_address_is_refused_before_anything_is_planned(engine: Engine) -> None:
    with pytest.raises(WrongUse, match=r"eve@example.org: no such subscriber"):
        chosen_people(engine, ["eve@example.org"], ())


# ---- real days


def corpus_days(real: Path) -> dict[date, bytes]:
    """The API's answer of each day, from records observed on that day."""
    items: dict[str, list[Any]] = defaultdict(list)
    with gzip.open(real / "corpus" / "api_daily_2026-01-01_2026-03-31.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            observed = json.loads(line)
            items[observed["feed_date"]].append(observed["item"])
    return {date.fromisoformat(day): json.dumps(found).encode() for day, found in items.items()}


READERS: dict[str, dict[str, Any]] = {
    "agents@example.org": {"topics": ("agents", "code"), "zone": "Europe/Berlin"},
    "vision@example.org": {"topics": ("vision", "generation", "multimodal"), "zone": "Asia/Tokyo", "cadence": "weekdays"},
    "weekly@example.org": {"topics": ("safety",), "cadence": "weekly:mon"},
    "rare@example.org": {"topics": ("structured-data",), "zone": "America/New_York"},
    "all@example.org": {"topics": ("reasoning-rl", "efficiency", "benchmarks-data", "robotics", "science-health")},
}


@pytest.mark.slow
def test_thirty_real_days_give_each_person_one_digest_a_day_and_no_paper_twice(engine: Engine, real: Path) -> None:
    days = corpus_days(real)
    for email, settings in READERS.items():
        subscribe(engine, email, **settings)
    mailbox = Mailbox()
    fetch: Callable[[str], bytes] = lambda address: days.get(date.fromisoformat(address), b"[]")  # noqa: E731
    listed = 0
    first, last = date(2026, 1, 5), date(2026, 2, 3)
    for day in (first + timedelta(days=number) for number in range(30)):
        morning = datetime.combine(day + timedelta(days=1), datetime.min.time(), UTC) + timedelta(hours=7)
        (row,) = gather_papers(engine, [f"{day}"], fetch, now=morning, asked_on=day).pages
        assert (row.error, row.rejected) == (None, [])
        listed += row.new_count
        before = len(mailbox.mails)
        report = send(engine, mailbox, on=day, now=morning)
        assert {outcome.email for outcome in report.outcomes} == set(READERS)
        assert {outcome.state for outcome in report.outcomes} <= {DeliveryState.ACCEPTED, DeliveryState.SKIPPED}
        assert all(outcome.reason for outcome in report.outcomes if outcome.state == DeliveryState.SKIPPED)
        sent = [to for to, _ in mailbox.mails[before:]]
        assert len(sent) == len(set(sent)) == report.counts[DeliveryState.ACCEPTED]
        if day not in days:
            assert sent == []
        assert send(engine, mailbox, on=day, now=morning).counts[DeliveryState.ACCEPTED] == 0
    assert listed == len(
        {item["paper"]["id"] for day, answer in days.items() if first <= day <= last for item in json.loads(answer)}
    )
    for email in READERS:
        ids = [paper_id for mail in mailbox.paper_ids(email) for paper_id in mail]
        assert len(ids) == len(set(ids))
    assert len(mailbox.paper_ids("all@example.org")) == sum(first <= day <= last for day in days)
    assert all(found.error is None for found in pages(engine))
