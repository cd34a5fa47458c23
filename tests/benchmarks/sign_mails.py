"""Mails signed by RSA-2048, the whole path: ours, and the usual way; one process and two.

Ours is a waking of `serve`: plan, compose, join, sign, send, record each acceptance durably on SQLite. The usual way plans the
same digests, and for every mail takes an ORM, jinja2, premailer, EmailMessage, dkimpy and smtplib with TCP_NODELAY. Both send
into the cheap sink.
"""

from __future__ import annotations

import os
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import dkim
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlmodel import Session, select

from service.cadence import last_complete_day
from service.cli.logs import tell_nothing
from service.delivery.dkim import SigningKey, sign
from service.delivery.feed import Feed, Parcel, Turn
from service.delivery.message import Message
from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import Server
from service.models import Delivery, DeliveryState, Issue, Subscriber, new_key
from service.pipeline.crew import Crew
from service.pipeline.deliver import Run, send_all
from service.pipeline.digests import Planner
from service.pipeline.make import mail_maker
from service.settings import Settings
from service.store.database import open_database, reading
from service.store.ledger import Ref, due_mails
from tests.benchmarks import wave
from tests.benchmarks.machine import cpu_milliseconds, machine
from tests.benchmarks.make_mails import inlined_by, with_premailer
from tests.benchmarks.send_mails import CONNECTIONS, FROM, Sink, measure, own
from tests.builders import SENDER, Mailbox

PRIVATE = generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
KEY = SigningKey("example.org", "s1", PRIVATE)
USUAL_MAILS = 60
REPEATS = 3


class Watch:
    """CPU seconds by stage."""

    def __init__(self) -> None:
        self.taken = Counter[str]()

    def timed(self, stage: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def run(*arguments: Any, **named: Any) -> Any:
            begun = time.process_time()
            try:
                return work(*arguments, **named)
            finally:
                self.taken[stage] += time.process_time() - begun

        return run


class WatchedFeed:
    def __init__(self, feed: Feed, watch: Watch) -> None:
        self.take: Callable[[], Parcel | None] = watch.timed("take", feed.take)
        self.turn: Callable[[Sequence[Turn]], list[bool]] = watch.timed("record", feed.turn)
        self.is_stopping = feed.is_stopping


class Watched:
    def __init__(self, transport: PipelinedTransport, watch: Watch) -> None:
        self._transport, self._watch = transport, watch
        self.send = transport.send

    def carry(self, feed: Feed) -> None:
        self._transport.carry(WatchedFeed(feed, self._watch))


def now() -> datetime:
    return datetime.now(UTC)


def signed(message: Message) -> Message:
    return sign(message, [KEY], int(time.time()))


@contextmanager
def due(count: int) -> Iterator[Engine]:
    """A database with people whose digest is due, made by another process, whose memory doesn't count."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/paperround.db"
        subprocess.run([sys.executable, "-m", "tests.benchmarks.wave", str(count), url], check=True)
        engine = open_database(url)
        yield engine
        engine.dispose()


class Closed(Mailbox):
    """Takes nothing, so that a waking plans and no more."""

    def carry(self, feed: Feed) -> None:
        pass


def planned(engine: Engine) -> list[Ref]:
    wave.send(engine, Closed())
    with reading(engine) as session:
        return due_mails(session, now())


def ours(engine: Engine, sink: Sink, watch: Watch) -> None:
    mails: list[Ref] = watch.timed("plan", planned)(engine)
    transport = PipelinedTransport(
        Server("127.0.0.1", sink.port, "off"),
        mail_from=FROM,
        connections=CONNECTIONS,
        sign=watch.timed("sign", signed),
    )
    make = watch.timed("compose", watch.timed("make ready", mail_maker)(engine, SENDER))
    assert send_all(engine, Watched(transport, watch), mails, make, Run(now)) == len(mails)


def usual(engine: Engine, sink: Sink, count: int) -> None:
    make, on = inlined_by(with_premailer), last_complete_day(now())
    smtp = smtplib.SMTP("127.0.0.1", sink.port)
    assert smtp.sock is not None
    smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with Session(engine) as session:
        people = session.exec(select(Subscriber)).all()
        issue = Issue(started_by="serve", planned_at=now(), candidate_count=count)
        session.add(issue)
        session.commit()
        for digest, _ in Planner(on).digests(session, people):
            person, ids = digest.subscriber, [pick.paper.id for pick in digest.picks]
            row = Delivery(issue_id=issue.id, subscriber_id=person.id, digest_on=on, since_on=on, planned_at=now(), paper_ids=ids)
            row.key, row.state = new_key(), DeliveryState.SENDING
            session.add(row)
            session.commit()
            message = make(digest)
            signature = dkim.sign(message, b"s1", b"example.org", PEM, canonicalize=(b"relaxed", b"simple"))
            smtp.sendmail(FROM, [person.email], signature + message)
            row.state = DeliveryState.ACCEPTED
            session.add(row)
            session.commit()
    smtp.quit()


def whole(count: int) -> None:
    print(f"the whole path, signed, {CONNECTIONS} connections, into the cheap sink")
    watch = Watch()
    with own("sink") as sink:
        for side in (lambda engine: usual(engine, sink, 1), lambda engine: ours(engine, sink, Watch())):
            with due(1) as engine:  # templates are read once a process, on both sides
                side(engine)
        with due(USUAL_MAILS) as engine:
            _, naive = measure("the usual way", USUAL_MAILS, sink, lambda: usual(engine, sink, USUAL_MAILS))
        with due(count) as engine:
            _, each = measure("ours", count, sink, lambda: ours(engine, sink, watch))
    print(f"  CPU a mail, the usual way / ours: {naive / each:.0f} (the bar: 60)")
    stages = {name: taken / count * 1e6 for name, taken in watch.taken.items()}
    stages["claim"] = stages.pop("take") - stages["compose"]
    stages["send"] = each - sum(stages.values())
    print("  of ours: " + ", ".join(f"{name} {taken:.0f} µs" for name, taken in stages.items()))
    floor = bare()
    print(f"  compose and sign / bare: {(stages['compose'] + stages['sign']) / floor:.2f}")


def bare() -> float:
    """Microseconds."""
    body = os.urandom(82_000)
    rsa = cpu_milliseconds(lambda: [PRIVATE.sign(b"x" * 500, PKCS1v15(), SHA256()) for _ in range(50)]) * 20
    hashed = cpu_milliseconds(lambda: [sha256(body).digest() for _ in range(50)]) * 20
    print(f"  a bare RSA-2048 signature {rsa:.0f} µs, SHA-256 of 82 KB {hashed:.0f} µs")
    return rsa + hashed


class Pace:
    """Mails a second from the first mails to the last, so that the start of a process doesn't count."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []

    def progress(self, done: int, _total: int) -> None:
        if done and (not self.seen or self.seen[-1][1] != done):
            self.seen.append((time.perf_counter(), done))

    @property
    def rate(self) -> float:
        (first, few), (last, many) = self.seen[0], self.seen[-1]
        return (many - few) / (last - first)


def rate_of(processes: int, sink: Sink, count: int, key: Path) -> float:
    """Of a crew, and of what `send-now` does without one."""
    pace = Pace()
    with due(count) as engine:
        settings = Settings(
            database_url=str(engine.url),
            smtp_url=SecretStr(f"smtp://127.0.0.1:{sink.port}?tls=off"),
            mail_from=FROM,
            dkim_keys=f"s1={key}",
            processes=processes,
        )
        mails, crew = planned(engine), Crew(settings, SENDER, tell_nothing, fewest=1)
        measure(
            f"{processes} process(es), with its start",
            count,
            sink,
            lambda: crew.send_all(mails, Run(now, progress=pace.progress)),
        )
    return pace.rate


def side_by_side(count: int) -> None:
    print(f"signed, processes side by side, {count} mails each time, into the cheap sink")
    rates: dict[int, list[float]] = {1: [], 2: []}
    with own("sink") as sink, tempfile.TemporaryDirectory() as folder:
        key = Path(folder, "dkim.pem")
        key.write_bytes(PEM)
        for _ in range(REPEATS):
            for processes, found in rates.items():
                found.append(rate_of(processes, sink, count, key))
    one, two = (statistics.median(found) for found in rates.values())
    print(f"  once started: one {one:.0f} mails/s, two {two:.0f} mails/s, {two / one:.2f} times (the bar: 1.6)")


def main(count: int = 10_000) -> None:
    print(machine(), f"load {os.getloadavg()[0]:.1f}")
    whole(count)
    side_by_side(count)


if __name__ == "__main__":
    tell_nothing()
    main(*map(int, sys.argv[1:]))
