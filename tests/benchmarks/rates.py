"""Limits on mails a second, as the mail server sees them: two processes, each with 8 connections, share both limits.

Bars: in any 10 seconds never more than 10 N + 1, in all or to each recipient domain, and at least 0.95 N a second while mails
wait. The first mail of a run may come late: the two processes start side by side.
"""

from __future__ import annotations

import os
import tempfile
import time
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime
from multiprocessing import get_context

from pydantic import SecretStr
from sqlalchemy import update
from sqlmodel import col

from service import connections
from service.cli.logs import tell_nothing
from service.models import Subscriber
from service.pipeline.deliver import send_all
from service.settings import Settings
from service.store.database import open_database, reading, transaction
from service.store.ledger import due_mails
from tests.benchmarks.machine import machine
from tests.builders import SENDER
from tests.kills import plan, tiny_mail
from tests.mail_server import MailServer, Moment, running

RATE, SECONDS, WINDOW = 50.0, 40, 10.0
DOMAINS = ("one.example", "other.example")


def send(url: str, port: int, limit: str) -> None:
    tell_nothing()
    settings = Settings(database_url=url, smtp_url=SecretStr(f"smtp://127.0.0.1:{port}?tls=off"), **{limit: RATE})  # type: ignore[arg-type]
    with connections.database(url) as engine, connections.transport(settings, engine, SENDER) as transport:
        with reading(engine) as session:
            mails = due_mails(session, datetime.now(UTC))
        send_all(engine, transport, mails, tiny_mail, lambda: datetime.now(UTC))


def most_in_a_window(times: Sequence[float]) -> int:
    return max(bisect_right(times, begin + WINDOW) - index for index, begin in enumerate(times))


def measured(limit: str, count: int) -> list[tuple[float, str]]:
    """When each mail's content had come, by the server's clock, and its domain."""
    seen: list[tuple[float, str]] = []

    def watch(moment: Moment) -> None:
        if moment.stage == "DOT":
            seen.append((time.monotonic(), moment.to.partition("@")[2]))

    spawn = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, running(MailServer(watch, offers_pipelining=True)) as server:
        url = f"sqlite:///{folder}/paperround.db"
        engine = open_database(url)
        plan(engine, count)
        with transaction(engine) as session:
            for rest, domain in enumerate(DOMAINS):
                theirs = col(Subscriber.id) % 2 == rest
                session.execute(update(Subscriber).where(theirs).values(email=col(Subscriber.key) + f"@{domain}"))
        engine.dispose()
        senders = [spawn.Process(target=send, args=(url, server.port, limit)) for _ in range(2)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert len(seen) == count, len(seen)
    return seen


def told(name: str, times: Sequence[float]) -> None:
    most, rate = most_in_a_window(times), (len(times) - 1) / (times[-1] - times[0])
    held = "held" if most <= RATE * WINDOW + 1 and rate >= 0.95 * RATE else "NOT HELD"
    print(f"  {name:16} {rate:6.2f} a second; at most {most} in 10 s: {held}", flush=True)


def main() -> None:
    print(machine(), f"load {os.getloadavg()[0]:.1f}")
    print(f"N = {RATE:.0f} a second, in all")
    told("all", [at for at, _ in measured("rate", int(RATE * SECONDS))])
    print(f"N = {RATE:.0f} a second, to each domain")
    seen = measured("domain_rate", int(RATE * SECONDS) * len(DOMAINS))
    for domain in DOMAINS:
        told(domain, [at for at, to in seen if to == domain])


if __name__ == "__main__":
    main()
