"""A month of `serve`, with the clock passed in: what each of 1,000 people gets, against a model of what their settings say."""

from __future__ import annotations

import random
import re
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from sqlalchemy import Engine, delete
from sqlmodel import col, select
from structlog.testing import capture_logs

from service.delivery.feed import Feed, carry_one_by_one
from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import Server
from service.models import WEEKDAYS, Delivery, Issue, Subscriber, Topic
from service.pipeline.due import send_due_mails
from service.pipeline.gather import gather_papers
from service.pipeline.subscriptions import pause
from service.store.database import reading, transaction
from service.store.subscribers import add_subscriber
from service.subscribers import SubscriberSettings
from tests.builders import SENDER, page, record
from tests.mail_server import DROP, MailServer, Moment, Odd, running

FIRST, LAST = date(2026, 10, 1), date(2026, 11, 5)
STEP = timedelta(minutes=15)
# Sydney goes forward on 4 October, Berlin back on 25 October, New York back on 1 November.
ZONES = [
    "Europe/Berlin", "America/New_York", "Australia/Sydney", "UTC", "Asia/Kathmandu", "America/St_Johns", "Pacific/Chatham",
    "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata", "Asia/Tokyo", "Asia/Shanghai", "Europe/London",
    "Europe/Lisbon", "Europe/Athens", "Europe/Moscow", "Africa/Cairo", "Africa/Lagos", "Africa/Nairobi", "Africa/Casablanca",
    "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix", "America/Anchorage", "Pacific/Honolulu",
    "America/Sao_Paulo", "America/Santiago", "America/Havana", "America/Caracas", "America/Asuncion", "Asia/Tehran",
    "Asia/Dubai", "Asia/Jerusalem", "Asia/Kabul", "Asia/Yangon", "Australia/Adelaide", "Australia/Lord_Howe",
    "Pacific/Auckland", "Australia/Eucla",
]  # fmt: skip
CADENCES = ("daily", "weekdays", *(f"weekly:{day}" for day in WEEKDAYS))
TITLES = {"agents": "LLM Agents", "code": "Program synthesis and program repair"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}+00:00")


SERVICE_OUTAGES = [(at("10-08T03:00"), at("10-08T21:00")), (at("10-24T20:00"), at("10-26T10:00"))]
SOURCE_OUTAGE = (at("10-13T10:00"), at("10-15T09:00"))


def is_within(moment: datetime, span: tuple[datetime, datetime]) -> bool:
    return span[0] <= moment < span[1]


@dataclass
class Reader:
    """What the settings of one person say, worked out day by day without the code under test."""

    email: str
    topics: tuple[str, ...]
    zone: str
    hour: int
    cadence: str
    pause: tuple[datetime, date] | None  # when they set it, and the local day on which it ends
    got: dict[date, list[str]] = field(default_factory=dict)  # by D
    silent: set[date] = field(default_factory=set)  # D's with nothing for them
    mails: list[tuple[datetime, list[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """The local days that lie ahead, each with the instant of its hour."""
        days = [FIRST + timedelta(days=number) for number in range(-1, 40)]
        hours = [(datetime.combine(day, time(self.hour), ZoneInfo(self.zone)).astimezone(UTC), day) for day in days]
        self.ahead = deque(slot for slot in hours if slot[0] > at("09-30T23:58"))

    def is_due(self, moment: datetime) -> bool:
        """A local day of theirs had its hour since the last waking."""
        passed = []
        while self.ahead and self.ahead[0][0] <= moment:
            passed.append(self.ahead.popleft()[1])
        return any(self.wants(day, moment) for day in passed)

    def wants(self, day: date, moment: datetime) -> bool:
        if self.pause and moment >= self.pause[0] and day < self.pause[1]:
            return False
        if self.cadence.startswith("weekly"):
            return self.cadence.endswith(f"{day:%a}".lower())
        return self.cadence == "daily" or day.isoweekday() <= 5

    def wake(self, moment: datetime, stored: dict[str, tuple[date, str]]) -> None:
        on = moment.date() - timedelta(days=1)
        if not self.is_due(moment) or on in self.got:
            return
        since = on - timedelta(days=6 if self.cadence.startswith("weekly") else 1)
        if before := self.silent - {on}:
            since = min(since, max(before) + timedelta(days=1))
        if self.got:
            since = max(max(self.got) - timedelta(days=7), on - timedelta(days=30))
        has = {paper for papers in self.got.values() for paper in papers}
        fits = [paper for paper, (day, topic) in stored.items() if topic in self.topics and since <= day <= on]
        new = [paper for paper in fits if paper not in has]
        if new:
            self.got[on] = sorted(new)
            self.mails.append((moment, sorted(new)))
        else:
            self.silent.add(on)


def readers() -> Iterator[Reader]:
    for number in range(1000):
        round_, place = divmod(number, len(ZONES))
        starts = at("10-05T12:07") + timedelta(days=number % 17)
        yield Reader(
            email=f"reader{number}@example.org",
            topics=(("agents",), ("code",), ("agents", "code"))[number % 3],
            zone=ZONES[place],
            hour=(round_ + place * 3) % 24,
            cadence=CADENCES[round_ % (9 if place % 2 else 2)],
            pause=(starts, starts.date() + timedelta(days=2 + number % 11)) if number % 10 == 3 else None,
        )


def papers_of(day: date) -> dict[str, tuple[date, str]]:
    """Two on agents and one on code each weekday; the last one comes late."""
    if day.isoweekday() > 5:
        return {}
    topics = ("agents", "code", "agents")
    return {f"{day:%y%m}.{day.day:02d}{number:03d}": (day, topic) for number, topic in enumerate(topics)}


class Post:
    """A mail server that notes who got which papers, and when."""

    def __init__(self) -> None:
        self.now = at("10-01T00:00")
        self.mails: dict[str, list[tuple[datetime, list[str]]]] = defaultdict(list)

    def carry(self, feed: Feed) -> None:
        carry_one_by_one(feed, self.send)

    def send(self, message: bytes, *, to: str) -> str:
        linked = re.findall(rb"https://huggingface.co/papers/([\d.]+)", message.replace(b"=\r\n", b""))
        self.mails[to].append((self.now, sorted({paper.decode() for paper in linked})))
        return "250 kept"


def moments() -> Iterator[datetime]:
    moment = datetime.combine(FIRST, time(), UTC)
    while moment.date() <= LAST:
        yield moment
        moment += STEP


def list_grown_by(moment: datetime) -> dict[str, tuple[date, str]]:
    """Two of a day's papers stand on its list at noon; all of them after it has ended."""
    today, yesterday = papers_of(moment.date()), papers_of(moment.date() - timedelta(days=1))
    if moment.hour == 12:
        return dict(list(today.items())[:2])
    return yesterday if moment.hour == 1 else {}


def gather(engine: Engine, papers: dict[str, tuple[date, str]], now: datetime) -> None:
    for day in {day for day, _ in papers.values()}:
        told = [
            record(paper, TITLES[topic], submittedOnDailyAt=f"{day}T00:00:00Z", summary="It is new.")
            for paper, (on, topic) in papers.items()
            if on == day
        ]
        gather_papers(engine, ["page"], partial(_page_of, told, day), now=now)


def _page_of(told: list[Any], day: date, _address: str) -> bytes:
    return page(told, on=day)


def set_up(engine: Engine, people: list[Reader]) -> None:
    """With the topics that they choose alone: a wave reads and weighs all there are, and the month has 2,000 waves."""
    with transaction(engine) as session:
        session.execute(delete(Topic).where(col(Topic.slug).not_in(TITLES)))
        for person in people:
            settings = SubscriberSettings(
                *(person.email, person.topics, person.zone, person.hour, person.cadence),
                length="minutes:30",  # room for a line each: the model tells which papers, not how many are only counted
            )
            add_subscriber(session, settings, at("09-30T00:00"))


def set_pause(engine: Engine, person: Reader, now: datetime) -> None:
    assert person.pause is not None
    with transaction(engine) as session:
        row = session.exec(select(Subscriber).where(col(Subscriber.email) == person.email)).one()
        pause(session, row, person.pause[1], now)


def live_through(engine: Engine, people: list[Reader], post: Post | BadPost) -> list[dict[str, Any]]:
    """Wake every quarter of an hour from the first day to the last; answers what was said about digests not planned."""
    structlog.reset_defaults()  # a test before may have silenced it
    set_up(engine, people)
    stored: dict[str, tuple[date, str]] = {}
    listed: dict[str, tuple[date, str]] = {}
    pauses = deque(sorted(((*person.pause, person) for person in people if person.pause), key=lambda pause: pause[0]))
    logs: list[dict[str, Any]] = []
    for moment in moments():
        listed |= list_grown_by(moment)
        if any(is_within(moment, outage) for outage in SERVICE_OUTAGES):
            continue
        new = {paper: told for paper, told in listed.items() if paper not in stored}
        if new and not is_within(moment, SOURCE_OUTAGE):
            gather(engine, new, moment)
            stored |= new
        while pauses and pauses[0][0] <= moment:
            set_pause(engine, pauses.popleft()[2], moment)
        post.now = moment
        with capture_logs() as told:
            send_due_mails(
                engine, lambda: nullcontext(post), SENDER, clock=lambda now=moment: now, stale_after=timedelta(hours=24)
            )
        logs += [entry for entry in told if entry["event"] == "digest not planned"]
        for person in people:
            person.wake(moment, stored)
    return logs


@pytest.mark.slow
@pytest.mark.timeout(5000)
def test_in_a_month_everybody_gets_what_their_settings_say_once(engine: Engine) -> None:
    people, post = list(readers()), Post()
    logs = live_through(engine, people, post)
    assert {person.email: person.mails for person in people} == {person.email: post.mails[person.email] for person in people}
    assert_once_a_local_day(people, post)
    assert_silence_has_its_reason(engine, people, logs)


class BadPost:
    """A real server that puts mails off, closes, drops connections before and after the final dot, and is away each noon."""

    def __init__(self, server: MailServer) -> None:
        self.server, self.now = server, at("10-01T00:00")
        self.chance = random.Random(9)
        server.behaviour = self.behave

    def behave(self, moment: Moment) -> str | Odd | None:
        if moment.stage == "CONNECT" and self.now.hour == 12:
            return "421 4.3.2 away"
        faults: dict[str, list[str | Odd]] = {
            "MAIL": ["421 4.7.0 enough"],
            "RCPT": ["450 4.7.1 greylisted, try again in 300 seconds", "452 4.3.1 no room", DROP],
            "DATA": [DROP, "451 4.3.0 error"],
            "DOT": [DROP, Odd(keeps=True), Odd(b"250", keeps=True), "451 4.3.0 error"],
        }
        is_struck = moment.stage in faults and self.chance.random() < 0.08
        return self.chance.choice(faults[moment.stage]) if is_struck else None

    def carry(self, feed: Feed) -> None:
        server = Server("127.0.0.1", self.server.port, "off")
        transport = PipelinedTransport(server, mail_from="digest@example.org", connections=2)
        transport.carry(feed)
        transport.close()

    def send(self, message: bytes, *, to: str) -> str:
        raise AssertionError


@pytest.mark.slow
@pytest.mark.timeout(2500)
def test_the_same_month_with_a_server_that_misbehaves_brings_everybody_the_same(sqlite: Engine) -> None:
    people = list(readers())[::40]
    with running(MailServer(offers_pipelining=True)) as server:
        live_through(sqlite, people, BadPost(server))
    with reading(sqlite) as session:
        rows = session.exec(select(Subscriber, Delivery).join(Delivery)).all()
        issues = session.exec(select(Issue)).all()
    assert {row.state for _, row in rows} == {"accepted", "skipped"}
    assert sum(issue.candidate_count for issue in issues) == len(rows)
    got: dict[str, dict[date, list[str]]] = defaultdict(dict)
    for person, row in rows:
        if row.state == "accepted":
            got[person.email][row.digest_on] = sorted(row.paper_ids)
            assert 1 <= server.keys[row.key] <= 1 + row.uncertain_count
    assert {person.email: person.got for person in people if person.got} == got
    assert sum(row.uncertain_count for _, row in rows) > 5
    assert sum(row.attempts > 1 for _, row in rows) > 20


def assert_once_a_local_day(people: list[Reader], post: Post) -> None:
    assert sum(map(len, post.mails.values())) > 10_000
    for person in people:
        days = [moment.astimezone(ZoneInfo(person.zone)).date() for moment, _ in post.mails[person.email]]
        twice = {day for day in days if days.count(day) > 1}  # a missed day's digest can come on the morning of the next one
        assert twice <= {end.astimezone(ZoneInfo(person.zone)).date() for _, end in SERVICE_OUTAGES}
        papers = [paper for _, papers in post.mails[person.email] for paper in papers]
        assert len(set(papers)) == len(papers)


def assert_silence_has_its_reason(engine: Engine, people: list[Reader], logs: list[dict[str, object]]) -> None:
    """10:00 in Sydney on 3 and on 4 October lie on one day in UTC."""
    with reading(engine) as session:
        rows = session.exec(select(Subscriber)).all()
        skipped = session.exec(select(Delivery).where(col(Delivery.state) == "skipped")).all()
    twice = {row.id for row in rows if (row.zone, row.hour, row.cadence) == ("Australia/Sydney", 10, "daily")}
    told = {entry["subscriber"] for entry in logs if entry["reason"] == "the digest of 2026-10-02 is accepted already"}
    assert twice
    assert twice <= told
    assert skipped
    assert all(row.reason for row in skipped)
