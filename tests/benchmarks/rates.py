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
from service.pipeline.deliver import Run, send_all
from service.settings import Settings
from service.store.database import open_database, reading, transaction
from service.store.ledger import due_mails
from tests.benchmarks.machine import machine
from tests.builders import SENDER
from tests.kills import plan, tiny_mail
from tests.mail_server import MailServer, Moment, running

RATE, SLOW_RATE, SECONDS, WINDOW = 50.0, 20.0, 40, 10.0
DOMAINS = ("one.example", "other.example")


def send(url: str, port: int, limits: dict[str, float]) -> None:
    tell_nothing()
    settings = Settings(database_url=url, smtp_url=SecretStr(f"smtp://127.0.0.1:{port}?tls=off"), **limits)  # type: ignore[arg-type]
    with connections.database(url) as engine, connections.transport(settings, engine, SENDER) as transport:
        with reading(engine) as session:
            mails = due_mails(session, datetime.now(UTC))
        send_all(engine, transport, mails, tiny_mail, Run(lambda: datetime.now(UTC)))


def most_in_a_window(times: Sequence[float]) -> int:
    return max(bisect_right(times, begin + WINDOW) - index for index, begin in enumerate(times))


def measured(limits: dict[str, float], domains: Sequence[str]) -> list[tuple[float, str]]:
    """When the content of each mail to these domains had come, by the server's clock, and its domain."""
    seen: list[tuple[float, str]] = []

    def watch(moment: Moment) -> None:
        if moment.stage == "DOT":
            seen.append((time.monotonic(), moment.to.partition("@")[2]))

    spawn = get_context("spawn")
    with tempfile.TemporaryDirectory() as folder, running(MailServer(watch, offers_pipelining=True)) as server:
        url = f"sqlite:///{folder}/paperround.db"
        engine = open_database(url)
        plan(engine, len(domains))
        with transaction(engine) as session:
            for number, domain in enumerate(domains, 1):
                session.execute(update(Subscriber).where(col(Subscriber.id) == number).values(email=f"reader{number}@{domain}"))
        engine.dispose()
        senders = [spawn.Process(target=send, args=(url, server.port, limits)) for _ in range(2)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
    assert len(seen) == len(domains), len(seen)
    return seen


def told(name: str, times: Sequence[float], limit: float = RATE) -> None:
    most, rate = most_in_a_window(times), (len(times) - 1) / (times[-1] - times[0])
    held = "held" if most <= limit * WINDOW + 1 and rate >= 0.95 * limit else "NOT HELD"
    print(f"  {name:16} {rate:6.2f} a second; at most {most} in 10 s: {held}", flush=True)


def main() -> None:
    print(machine(), f"load {os.getloadavg()[0]:.1f}")
    count = int(RATE * SECONDS)
    print(f"N = {RATE:.0f} a second, in all")
    told("all", [at for at, _ in measured({"rate": RATE}, DOMAINS * (count // 2))])
    print(f"N = {RATE:.0f} a second, to each domain")
    seen = measured({"domain_rate": RATE}, DOMAINS * count)
    for domain in DOMAINS:
        told(domain, [at for at, to in seen if to == domain])
    print(f"N = {RATE:.0f} a second in all, {SLOW_RATE:.0f} to each domain; most mails go to one, and stand before the others")
    slow, others = [DOMAINS[0]] * count, [f"other{number}.example" for number in range(count // 2)]
    seen = measured({"rate": RATE, "domain_rate": SLOW_RATE}, [*slow, *others])
    told(DOMAINS[0], [at for at, to in seen if to == DOMAINS[0]], SLOW_RATE)
    last = max(at for at, to in seen if to != DOMAINS[0])
    told("all, meanwhile", [at for at, _ in seen if at <= last])


if __name__ == "__main__":
    main()
