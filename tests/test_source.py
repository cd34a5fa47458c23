"""Weeks of the source over a real HTTP server: what it does wrong is named, and every paper is stored once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import select

from service.connections import fetch_memory
from service.errors import DeliveryFailed, FetchFailed
from service.fetch import INTERVAL
from service.fetch.fetcher import Fetcher
from service.models import Doubt, Page, Paper
from service.pipeline.doubts import doubt_of_day, mail_alarms, tell_alarms
from service.pipeline.gather import GatherReport, days_to_backfill, gather_days, gather_latest, gather_papers
from service.store.alarms import alarms, put_alarms
from service.store.database import reading, transaction
from service.store.pages import add_page
from tests.builders import SENDER, Mailbox, page, record
from tests.source_server import (
    Records,
    Source,
    changed,
    half_a_body,
    instead,
    once,
    playing,
    stalling,
    status,
    weekdays,
)

MONDAY = date(2026, 9, 28)
FRIDAY = MONDAY - timedelta(days=3)


def papers_of(day: date, count: int) -> Records:
    return [
        record(f"{day:%y%m}.{day.day:02d}{number:03d}", f"Paper {number} of {day}", submittedOnDailyAt=f"{day}T00:00:00Z")
        for number in range(1, count + 1)
    ]


@pytest.fixture
def source() -> Iterator[Source]:
    with playing(Source()) as source:
        yield source


def at(day: date, hour: int = 6) -> datetime:
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def fetch_latest(engine: Engine, source: Source, now: datetime, timeout: float = 20) -> GatherReport:
    source.today = now.date()
    with Fetcher(
        "Paperround/test", interval=0, timeout=timeout, sleep=lambda _: None, memory=fetch_memory(engine, 10_000)
    ) as fetcher:
        return gather_latest(engine, source.address, fetcher.fetch, now=now)


def fetch_days(engine: Engine, source: Source, days: list[date], now: datetime) -> GatherReport:
    with Fetcher("Paperround/test", interval=0, timeout=20, sleep=lambda _: None) as fetcher:
        return gather_days(engine, source.address, days, fetcher.fetch, clock=lambda: now)


def stored(engine: Engine) -> dict[str, date]:
    with reading(engine) as session:
        return {paper.id: paper.featured_on for paper in session.exec(select(Paper))}


def said(report: GatherReport) -> str:
    return "\n".join(line for page in report.pages for line in [page.error or "", *page.warnings] if line)


@pytest.mark.slow
def test_a_week_of_faults_ends_with_all_papers_stored_once_and_each_fault_named(engine: Engine, source: Source) -> None:
    days = weekdays(MONDAY, 8)
    source.lists = {day: papers_of(day, 12 + day.day % 7) for day in (FRIDAY, *days)}
    faults = [
        ("no requests left", {"/papers": once(status(429, RateLimit='"pages";r=0;t=3'))}, ""),
        ("an error", {"/papers": status(500)}, "/papers can't be read: it answered 500"),
        ("half a body", {"/papers": half_a_body}, "/papers can't be read: peer closed connection"),
        ("a stall", {"/papers": stalling}, "/papers can't be read: timed out"),
        ("another layout", {"/papers": changed((b'data-target="DailyPapers"', b'data-target="Feed"'))}, "no payload element; "),
        ("the API away", {"/api": status(503)}, "the API can't be read, its page is: "),
        ("a layout nobody knows", {"/papers": changed((b"DailyPapers", b"Feed"), (b"<h3", b"<h4"))}, "no page of papers"),
        ("yesterday's list", {"/papers": instead(lambda: source.page(days[5]))}, f"the newest list is of {days[5]}"),
    ]
    for day, (name, broken, words) in zip(days, faults, strict=True):
        source.faults = dict(broken)
        report = fetch_latest(engine, source, at(day, 12), timeout=1 if name == "a stall" else 20)
        assert words in said(report), name
        assert report.has_failed == ("/papers can't be read" in words or "nobody knows" in name), name
        assert words == "" or any(page.is_suspect or page.error for page in report.pages), name
    source.faults = {}
    report = fetch_latest(engine, source, at(days[-1] + timedelta(days=1)))
    assert not report.has_failed
    expected = {told["paper"]["id"]: day for day in source.lists for told in source.lists[day]}
    assert stored(engine) == expected
    assert fetch_latest(engine, source, at(days[-1] + timedelta(days=1), 7)).pages[0].known_count
    assert stored(engine) == expected


def test_a_page_that_did_not_change_is_not_sent_again_and_its_papers_are_seen_again(engine: Engine, source: Source) -> None:
    source.lists = {MONDAY: papers_of(MONDAY, 12)}
    fetch_latest(engine, source, at(MONDAY))
    report = fetch_latest(engine, source, at(MONDAY, 7))
    assert [number for path, number in zip(source.asked, source.statuses, strict=True) if path == "/papers"] == [200, 304]
    assert [(page.known_count, page.new_count) for page in report.pages] == [(12, 0), (12, 0)]
    with reading(engine) as session:
        assert {paper.seen_at for paper in session.exec(select(Paper))} == {at(MONDAY, 7)}


def test_a_redirect_to_another_day_is_named_and_that_day_believed(engine: Engine, source: Source) -> None:
    source.lists = {MONDAY: papers_of(MONDAY, 12)}
    source.today = MONDAY
    source.faults = {"/api": status(404)}
    tuesday = MONDAY + timedelta(days=1)
    report = fetch_days(engine, source, [tuesday], at(tuesday))
    assert said(report) == f"asked for {tuesday}, the source shows {MONDAY}: that day is believed"
    assert set(stored(engine).values()) == {MONDAY}
    with reading(engine) as session:
        assert days_to_backfill(session, tuesday, tuesday) == [tuesday]


def test_a_list_of_the_wrong_day_is_named_and_the_right_one_is_read_later(engine: Engine, source: Source) -> None:
    tuesday, wednesday = weekdays(MONDAY, 3)[1:]
    source.lists = {day: papers_of(day, 12) for day in (MONDAY, tuesday, wednesday)}
    fetch_latest(engine, source, at(tuesday, 23))
    source.faults = {f"/api/daily_papers?date={tuesday}": instead(lambda: source.api(MONDAY))}
    report = fetch_latest(engine, source, at(wednesday))
    assert f"asked for {tuesday}, the source shows {MONDAY}" in said(report)
    with reading(engine) as session:
        assert doubt_of_day(session, tuesday) is not None
    source.faults = {}
    source.lists[tuesday] += papers_of(tuesday, 14)[12:]  # late arrivals
    fetch_latest(engine, source, at(wednesday, 12))
    assert sum(day == tuesday for day in stored(engine).values()) == 14
    with reading(engine) as session:
        assert doubt_of_day(session, tuesday) is None


def test_an_empty_list_is_suspect_on_a_weekday_and_normal_on_a_weekend(engine: Engine, source: Source) -> None:
    source.lists = {MONDAY: papers_of(MONDAY, 3)}
    report = fetch_days(engine, source, [MONDAY - timedelta(days=2), FRIDAY], at(MONDAY))
    weekend, friday = report.pages
    assert (weekend.warnings, friday.warnings) == ([], ["the page holds no papers"])
    assert not report.has_failed


@pytest.mark.parametrize(("cap", "count"), [(100, 57), (100, 100), (100, 130), (50, 57), (50, 100), (50, 149)])
def test_a_list_is_read_to_its_end_however_the_api_cuts_it(sqlite: Engine, source: Source, cap: int, count: int) -> None:
    source.lists, source.cap = {MONDAY: papers_of(MONDAY, count)}, cap
    report = fetch_days(sqlite, source, [MONDAY], at(MONDAY + timedelta(days=1)))
    assert len(stored(sqlite)) == count
    assert said(report) == ""
    with reading(sqlite) as session:
        assert days_to_backfill(session, MONDAY, MONDAY) == []


@pytest.mark.slow
def test_long_lists_are_part_of_what_is_usual_and_their_doubts_are_not_lost(sqlite: Engine, source: Source) -> None:
    days = weekdays(date(2026, 9, 1), 12)
    source.lists = {day: papers_of(day, 60) for day in days}
    source.today = days[-1]
    assert said(fetch_days(sqlite, source, days, at(MONDAY))) == ""
    short = days[-1] + timedelta(days=1)
    source.lists |= {short: papers_of(short, 20)}
    source.today = short
    assert said(fetch_days(sqlite, source, [short], at(MONDAY))).endswith("where there usually are between 60 and 60")
    first_part = f"/api/daily_papers?date={days[-1]}&limit=100&p=0"
    source.faults = {first_part: changed((b'"summary"', b'"outline"'))}
    fetch_days(sqlite, source, days[-1:], at(MONDAY))
    with reading(sqlite) as session:
        assert doubt_of_day(session, days[-1]) == "0 of 60 papers have abstract; usually 100% do"


def test_a_list_that_breaks_off_between_two_parts_is_read_again(sqlite: Engine, source: Source) -> None:
    source.lists = {MONDAY: papers_of(MONDAY, 130)}
    source.faults = {f"/api/daily_papers?date={MONDAY}&limit=100&p=1": status(500), "/papers/date": status(500)}
    report = fetch_days(sqlite, source, [MONDAY], at(MONDAY + timedelta(days=1)))
    assert report.has_failed
    with reading(sqlite) as session:
        assert days_to_backfill(session, MONDAY, MONDAY) == [MONDAY]
    source.faults = {}
    fetch_days(sqlite, source, [MONDAY], at(MONDAY + timedelta(days=1)))
    assert len(stored(sqlite)) == 130


def test_a_source_that_answers_with_the_same_parts_for_ever_is_asked_until_nothing_new_comes(sqlite: Engine) -> None:
    parts = [json.dumps([one, *[{"paper": {}}] * 49]).encode() for one in papers_of(MONDAY, 2)]
    asked: list[str] = []

    def fetch(address: str) -> bytes:
        asked.append(address)
        return parts[len(asked) % 2]

    report = gather_days(sqlite, "https://source.example/papers", [MONDAY], fetch, clock=lambda: at(MONDAY))
    assert [address.rpartition("&p=")[2] for address in asked] == ["0", "1", "2"]
    assert [page.address for page in report.pages] == asked
    assert not report.has_failed  # as some papers could be stored


@pytest.mark.slow
def test_a_backfill_of_120_days_stays_in_the_published_limits_and_goes_on_where_it_was(sqlite: Engine, source: Source) -> None:
    days = weekdays(date(2026, 6, 1), 86)  # 120 days
    source.lists = {day: papers_of(day, 8 + 5 * (day.day % 11)) for day in days}
    source.today = MONDAY
    assert (days[-1] - days[0]).days + 1 == 120
    stopped_at = 40

    def stop(done: int, total: int) -> None:
        assert total == len(days)
        if done == stopped_at:
            raise KeyboardInterrupt

    pauses: list[float] = []
    with Fetcher("Paperround/test", sleep=pauses.append) as fetcher:
        with pytest.raises(KeyboardInterrupt):
            gather_days(sqlite, source.address, days, fetcher.fetch, clock=lambda: at(MONDAY), progress=stop)
        with reading(sqlite) as session:
            left = days_to_backfill(session, days[0], days[-1])
        assert left == days[stopped_at:]
        report = gather_days(sqlite, source.address, left, fetcher.fetch, clock=lambda: at(MONDAY))
    assert len(stored(sqlite)) == sum(map(len, source.lists.values()))
    assert not report.has_failed
    assert {path.partition("?")[0] for path in source.asked} == {"/robots.txt", "/api/daily_papers"}
    assert len(source.asked) <= 1 + 2 * len(days)
    # 3 seconds from one request to the next are at most 100 in 300 s; the strictest published limit is that, the API's is 500
    assert INTERVAL * 100 >= 300
    assert len(pauses) > 0.9 * len(source.asked)  # but for those that a slow machine made wait long enough itself
    assert all(0 < pause <= INTERVAL for pause in pauses)


def test_a_backfill_leaves_a_source_alone_that_does_not_answer(sqlite: Engine, source: Source) -> None:
    source.faults = {"/": status(500)}
    report = fetch_days(sqlite, source, weekdays(MONDAY, 10), at(MONDAY))
    assert len(report.pages) == 3


def test_robots_txt_that_forbids_the_api_leaves_the_pages(sqlite: Engine, source: Source) -> None:
    source.lists, source.today = {MONDAY: papers_of(MONDAY, 12)}, MONDAY
    source.robots = "User-agent: *\nDisallow: /api/\n"
    report = fetch_days(sqlite, source, [MONDAY], at(MONDAY))
    assert len(stored(sqlite)) == 12
    assert "the robots.txt of 127.0.0.1 asks not to" in said(report)


# ---- alarms


def test_a_cause_is_told_once_until_it_is_gone_and_comes_back(engine: Engine, source: Source) -> None:
    source.lists = {day: papers_of(day, 12) for day in (FRIDAY, MONDAY)}
    told: list[tuple[str, str]] = []
    broken = {"/papers": changed((b'data-target="DailyPapers"', b'data-target="Feed"'))}
    for hour, faults in enumerate(({}, broken, broken, {"/papers": status(500)}, broken, {}, broken)):
        source.faults = dict(faults)
        source.lists[MONDAY][0]["paper"]["upvotes"] += 1  # the page is another, so it is sent again
        fetch_latest(engine, source, at(MONDAY, 6 + hour))
        tell_alarms(engine, lambda subject, text: told.append((subject, text)), at(MONDAY, 6 + hour))
        with reading(engine) as session:
            words = [alarm.words for alarm in alarms(session)]
        assert words == (["no payload element; 12 cards read instead"] if hour in (1, 2, 3, 4, 6) else [])
    assert len(told) == 2
    assert "- no payload element; 12 cards read instead (fetch 4, since 2026-09-28 07:00 UTC)" in told[0][1]


def test_a_list_that_stays_empty_is_told_once_however_often_it_is_read(engine: Engine, source: Source) -> None:
    tuesday, wednesday = weekdays(MONDAY, 3)[1:]
    source.lists = {FRIDAY: papers_of(FRIDAY, 12), MONDAY: papers_of(MONDAY, 12), wednesday: papers_of(wednesday, 12)}
    told: list[str] = []
    for hours in range(0, 60, 3):
        now = at(MONDAY) + timedelta(hours=24 + hours)
        fetch_latest(engine, source, now)
        tell_alarms(engine, lambda _, text: told.append(text), now)
    assert f"/api/daily_papers?date={tuesday}&limit=100&p=0" in source.asked
    assert len([text for text in told if "the page holds no papers" in text]) == 1
    with reading(engine) as session:
        assert [alarm.words for alarm in alarms(session)] == ["the page holds no papers"]


def test_a_mail_that_could_not_be_sent_is_sent_by_the_next_run(sqlite: Engine, source: Source) -> None:
    source.lists = {FRIDAY: papers_of(FRIDAY, 12), MONDAY: []}
    fetch_latest(sqlite, source, at(MONDAY))

    def fail(_subject: str, _text: str) -> None:
        raise FetchFailed("no mail server")

    with pytest.raises(FetchFailed):
        tell_alarms(sqlite, fail, at(MONDAY))
    told: list[str] = []
    assert tell_alarms(sqlite, lambda _, text: told.append(text), at(MONDAY)) == 2  # the page, and the API
    assert told[0].count("the page holds no papers") == 1
    assert tell_alarms(sqlite, lambda _, text: told.append(text), at(MONDAY)) == 0


def test_the_administrator_is_mailed_once_a_cause_and_again_where_the_mail_was_not_taken(engine: Engine, source: Source) -> None:
    source.lists = {FRIDAY: papers_of(FRIDAY, 12), MONDAY: []}
    fetch_latest(engine, source, at(MONDAY))
    mailbox = Mailbox(refuse={"*": DeliveryFailed(451, "later")})
    with pytest.raises(DeliveryFailed):
        mail_alarms(engine, mailbox, SENDER, "admin@example.org", at(MONDAY))
    mailbox.refuse.clear()
    assert mail_alarms(engine, mailbox, SENDER, "admin@example.org", at(MONDAY)) == 2  # the page, and the API
    assert mail_alarms(engine, mailbox, SENDER, "admin@example.org", at(MONDAY)) == 0
    ((to, mail),) = mailbox.mails
    assert (to, mail["Subject"]) == ("admin@example.org", "Paperround: the source is in doubt")
    assert "the page holds no papers" in mail.get_body(("plain",)).get_content()


def test_a_list_in_doubt_is_read_again_until_a_sound_one_comes(engine: Engine, source: Source) -> None:
    source.lists = {FRIDAY: [], MONDAY: papers_of(MONDAY, 12)}
    fetch_latest(engine, source, at(MONDAY))
    with reading(engine) as session:
        assert days_to_backfill(session, FRIDAY, FRIDAY) == [FRIDAY]
    source.lists[FRIDAY] = papers_of(FRIDAY, 12)
    fetch_latest(engine, source, at(MONDAY) + timedelta(hours=7))
    with reading(engine) as session:
        assert days_to_backfill(session, FRIDAY, FRIDAY) == []


def test_a_page_and_an_api_that_show_different_lists_are_told(sqlite: Engine) -> None:
    lists = papers_of(MONDAY, 24)

    def fetch(address: str) -> bytes:
        return json.dumps(lists[12:]).encode() if "/api/" in address else page(lists[:12], on=MONDAY)

    report = gather_latest(sqlite, "https://source.example/papers", fetch, now=at(MONDAY))
    assert report.pages[1].warnings == ["the page shows 12 papers, the API 12; 24 are not on both"]


def test_an_api_that_is_away_is_told_until_it_answers_and_puts_no_day_in_doubt_whose_page_was_read(sqlite: Engine) -> None:
    def fetch(address: str) -> bytes:
        day = FRIDAY if str(FRIDAY) in address else MONDAY
        if "/api/" not in address:
            return page(papers_of(day, 12), on=day)
        if is_away:
            raise FetchFailed("it answered 503", status=503)
        return json.dumps(papers_of(day, 12)).encode()

    for hour, is_away in ((6, True), (12, False)):
        report = gather_latest(sqlite, "https://source.example/papers", fetch, now=at(MONDAY, hour))
        words = ["the API can't be read, its page is: it answered 503"] if is_away else []
        assert report.pages[1].warnings == words
        with reading(sqlite) as session:
            assert sorted({alarm.words for alarm in alarms(session)}) == words
            assert doubt_of_day(session, MONDAY) is None


@pytest.mark.parametrize("today", [MONDAY - timedelta(days=3), MONDAY - timedelta(days=1)])
def test_new_papers_of_a_newest_list_that_tells_no_day_are_the_last_weekdays(sqlite: Engine, today: date) -> None:
    lists = papers_of(FRIDAY, 12)
    for one in lists:
        del one["paper"]["submittedOnDailyAt"]

    def fetch(address: str) -> bytes:
        if address.endswith("/papers"):
            return page(lists, on=None)
        raise FetchFailed("not there", status=404)

    report = gather_latest(sqlite, "https://source.example/papers", fetch, now=at(today))
    assert report.pages[0].warnings == [f"the page does not say which day it shows: new papers are taken for {FRIDAY}'s"]
    assert set(stored(sqlite).values()) == {FRIDAY}


def test_an_answer_that_nobody_can_read_puts_the_day_in_doubt(engine: Engine) -> None:
    gather_papers(engine, ["page"], lambda _: b"<html>Are you a robot?</html>", now=at(MONDAY), asked_on=FRIDAY)
    with reading(engine) as session:
        assert doubt_of_day(session, FRIDAY)
        assert doubt_of_day(session, MONDAY) is None
        assert alarms(session) == []  # who named the page is told on the spot


def test_a_list_stays_in_doubt_however_long_the_source_is_away_since(engine: Engine) -> None:
    gather_papers(engine, ["api"], lambda _: b"[]", now=at(MONDAY, 0), asked_on=FRIDAY)
    with transaction(engine) as session:
        for hour in range(1, 25):
            now = at(MONDAY, 0) + timedelta(hours=hour)
            add_page(session, Page(address="api", fetched_at=now, asked_on=FRIDAY, error="away"))
    with reading(engine) as session:
        assert doubt_of_day(session, FRIDAY) == "the page holds no papers"


def test_one_record_without_its_day_does_not_hide_a_wrong_day(engine: Engine) -> None:
    wrong = papers_of(FRIDAY, 12)
    del wrong[0]["paper"]["submittedOnDailyAt"]
    gather_papers(engine, ["api"], lambda _: json.dumps(wrong).encode(), now=at(MONDAY) + timedelta(days=1), asked_on=MONDAY)
    with reading(engine) as session:
        assert f"asked for {MONDAY}, the source shows {FRIDAY}" in (doubt_of_day(session, MONDAY) or "")
        assert days_to_backfill(session, MONDAY, MONDAY) == [MONDAY]


def test_a_cause_that_lasts_for_weeks_is_told_once_whatever_fails_meanwhile(engine: Engine) -> None:
    told: list[str] = []
    doubt = Doubt("payload", "no payload element")
    with transaction(engine) as session:
        page = add_page(session, Page(address="x", fetched_at=at(MONDAY)))
    for number in range(20):
        now = at(MONDAY) + timedelta(days=number)
        with transaction(engine) as session:
            put_alarms(session, {} if number % 5 == 3 else {"newest list": [(page.id or 0, doubt)]}, now)
        tell_alarms(engine, lambda _, text: told.append(text), now)
    assert len(told) == 1


def test_what_one_old_list_lacks_is_told_once_while_later_lists_are_sound(engine: Engine) -> None:
    told: list[str] = []
    doubt = Doubt("field abstract", "0 of 12 papers have abstract; usually 100% do")
    with transaction(engine) as session:
        number = add_page(session, Page(address="x", fetched_at=at(MONDAY))).id or 0
    for hour in range(60):
        now = at(MONDAY) + timedelta(hours=hour)
        kinds = {"newest list": [], f"list of {FRIDAY}": [(number, doubt)]} if hour % 6 == 0 else {"newest list": []}
        with transaction(engine) as session:
            put_alarms(session, kinds, now)
        tell_alarms(engine, lambda _, text: told.append(text), now)
    assert len(told) == 1


def test_what_all_lists_lack_is_one_cause_on_however_many_days(engine: Engine) -> None:
    told: list[str] = []
    with transaction(engine) as session:
        number = add_page(session, Page(address="x", fetched_at=at(MONDAY))).id or 0
    for day in weekdays(MONDAY, 5):
        with transaction(engine) as session:
            lost = (number, Doubt("field abstract", f"0 of {day.day} papers have abstract; usually 100% do"))
            put_alarms(session, {f"list of {day}": [lost]}, at(day))
        tell_alarms(engine, lambda _, text: told.append(text), at(day))
    assert len(told) == 1


def test_a_source_that_is_down_is_left_alone_after_three_failures_on_the_oldest_days_of_the_last_thirty(sqlite: Engine) -> None:
    gather_papers(sqlite, ["page"], lambda _: b"[]", now=at(MONDAY) - timedelta(days=60))
    asked: list[str] = []

    def fails(address: str) -> bytes:
        asked.append(address)
        raise FetchFailed("away")

    gather_latest(sqlite, "https://source.example/papers", fails, now=at(MONDAY))
    days = ("2026-08-31", "2026-09-01", "2026-09-02")  # the first ones that are no weekend's
    assert [address for address in asked[1:] if "/date/" in address] == [f"https://source.example/papers/date/{d}" for d in days]
    assert len(asked) == 1 + 2 * len(days)  # the newest list, and each day by the API and by its page


def test_a_source_that_fails_now_and_then_is_read_to_the_end(sqlite: Engine) -> None:
    days = weekdays(MONDAY, 6)

    def fails_twice_of_three(address: str) -> bytes:
        if str(days[2]) in address or str(days[5]) in address:
            return json.dumps(papers_of(MONDAY, 1)).encode()
        raise FetchFailed("away")

    told: list[tuple[int, int]] = []
    report = gather_days(
        sqlite,
        "https://source.example/papers",
        days,
        fails_twice_of_three,
        clock=lambda: at(days[-1]),
        progress=lambda *counts: told.append(counts),
    )
    assert [page.error for page in report.pages] == ["away", "away", None, "away", "away", None]
    assert told == [(number, 6) for number in range(6)]


def test_a_source_that_refuses_is_told_and_one_that_is_down_is_not(engine: Engine, source: Source) -> None:
    """A block lasts until somebody looks; an outage ends by itself."""
    told: list[str] = []
    source.lists = {FRIDAY: papers_of(FRIDAY, 12), MONDAY: papers_of(MONDAY, 12)}
    for hour, fault, is_told in ((0, status(503), False), (1, status(403), True), (2, status(403), False), (3, None, False)):
        source.faults = {"/papers": fault, "/api": fault} if fault else {}
        report = fetch_latest(engine, source, at(MONDAY, 6 + hour))
        assert report.has_failed is (fault is not None)
        assert bool(tell_alarms(engine, lambda _, text: told.append(text), at(MONDAY, 6 + hour))) is is_told
    assert "can't be read: it answered 403" in told[0]


def test_a_robots_txt_that_forbids_the_source_is_told(engine: Engine, source: Source) -> None:
    source.robots = "User-agent: *\nDisallow: /\n"
    report = fetch_latest(engine, source, at(MONDAY))
    assert "asks not to" in said(report)
    with reading(engine) as session:
        assert "refused" in {alarm.kind_of_doubt for alarm in alarms(session)}


def test_a_day_that_was_asked_for_and_is_not_there_alarms_nobody(engine: Engine, source: Source) -> None:
    source.faults = {"/papers/date": status(404), "/api": status(404)}
    assert fetch_days(engine, source, [FRIDAY], at(MONDAY)).has_failed
    with reading(engine) as session:
        assert alarms(session) == []
