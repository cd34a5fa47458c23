"""Senders that are killed at random moments, and what must hold of the ledger then.

Run as a module it is a nursery: it forks a sender for each line on its stdin, so that one costs no start of Python. With a
count and a database it plans so many mails there.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import gettempdir
from typing import Any

import stamina
from sqlalchemy import Engine, event, func, insert
from sqlmodel import col, select

from service.cli.logs import tell_nothing
from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import Server
from service.errors import StoreFailed
from service.models import Delivery, DeliveryState, Issue, Subscriber, new_key
from service.pipeline.deliver import Run, send_all
from service.pipeline.reconcile import reconcile
from service.store.database import open_database, reading, transaction
from service.store.ledger import Claimed, due_mails
from tests.mail_server import MailServer, running

MAILS = 2000
_USUAL_LIFE = 0.05  # seconds, on average


def plan(engine: Engine, count: int = MAILS) -> None:
    """One issue of so many tiny mails."""
    now = datetime.now(UTC)
    day = (now - timedelta(days=1)).date()
    numbers = range(1, count + 1)
    person = Subscriber(email="", added_at=now).model_dump()
    mail = Delivery(issue_id=1, subscriber_id=0, digest_on=day, since_on=day, planned_at=now).model_dump()
    people = [person | {"id": n, "key": new_key(), "email": f"reader{n}@example.org"} for n in numbers]
    mails = [mail | {"id": n, "key": new_key(), "subscriber_id": n} for n in numbers]
    with transaction(engine) as session:
        session.add(Issue(id=1, started_by="serve", planned_at=now, candidate_count=count))
        session.flush()
        session.execute(insert(Subscriber), people)
        session.execute(insert(Delivery), mails)


def tiny_mail(claimed: Claimed, _now: datetime) -> tuple[str, bytes]:
    return "x", f"Message-ID: <{claimed.mail.key}@example.org>\r\nSubject: x\r\n\r\nx\r\n".encode()


def send_what_is_due(url: str, port: int, connections: int, most_pages: int | None = None) -> None:
    """What a waking does, of mails that were planned before. With `most_pages` the database is full soon."""
    engine = open_database(url)
    if most_pages:
        event.listen(engine, "connect", lambda raw, _record: raw.execute(f"PRAGMA max_page_count={most_pages}"))
        engine.dispose()
        stamina.set_testing(True, attempts=3)  # more room won't come
    workers = Path(gettempdir(), f"paperround-{port}.workers")  # of this issue alone: another test's would see to its dead
    reconcile(engine, datetime.now(UTC), stale_after=timedelta(days=1), workers=workers)
    with reading(engine) as session:
        mails = due_mails(session, datetime.now(UTC))
    transport = PipelinedTransport(Server("127.0.0.1", port, "off"), mail_from="digest@example.org", connections=connections)
    send_all(engine, transport, mails, tiny_mail, Run(lambda: datetime.now(UTC), workers=workers))
    transport.close()


@contextmanager
def nursery() -> Iterator[Callable[..., Child]]:
    process = subprocess.Popen([sys.executable, "-m", "tests.kills"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    assert process.stdout

    def start(**arguments: Any) -> Child:
        process.stdin.write(json.dumps(arguments) + "\n")
        process.stdin.flush()
        return Child(int(process.stdout.readline()), process.stdout.readline)

    try:
        yield start
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


@dataclass
class Child:
    pid: int
    _ended: Callable[[], str]

    def kill(self) -> int:
        """Answers the exit status: 0 where it had done its work before, 1 where its database had failed."""
        with suppress(ProcessLookupError):  # it was faster
            os.kill(self.pid, signal.SIGKILL)
        return self.wait()

    def wait(self) -> int:
        """The exit status, negative for a signal."""
        return int(self._ended())


def tend() -> None:
    tell_nothing()
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            os._exit(_run(json.loads(line)))
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _run(arguments: dict[str, Any]) -> int:
    try:
        send_what_is_due(**arguments)
    except StoreFailed:
        return 1
    except Exception as error:
        print(repr(error), file=sys.stderr)
        return 2
    return 0


@dataclass
class Tally:
    """Over any number of issues, each sent to its end."""

    connections: int  # of one sender
    senders: int = 1  # at a time
    kills: int = 0
    failures: int = 0  # senders that ended because the database failed
    mails: int = 0
    lost: int = 0
    duplicates: int = 0
    unknown_to_the_ledger: int = 0
    too_many_in_doubt: int = 0  # kills after which more mails were `sending` than there were connections

    def note_doubts(self, engine: Engine) -> None:
        with reading(engine) as session:
            doubt = session.exec(select(func.count()).where(col(Delivery.state) == DeliveryState.SENDING)).one()
        self.too_many_in_doubt += doubt > self.connections * self.senders

    def note_end(self, engine: Engine, server: MailServer) -> None:
        """Everything was sent; `server` was there for this issue alone."""
        keys = server.keys
        with reading(engine) as session:
            rows = session.exec(select(Delivery)).all()
            issue = session.get_one(Issue, 1)
        assert issue.candidate_count == len(rows) == sum(row.state == DeliveryState.ACCEPTED for row in rows)
        self.mails += len(rows)
        self.lost += sum(not keys[row.key] for row in rows)
        self.duplicates += sum(keys.values()) - len(keys)
        self.unknown_to_the_ledger += sum(max(keys[row.key] - 1 - row.uncertain_count, 0) for row in rows)

    @property
    def ends(self) -> int:
        return self.kills + self.failures

    @property
    def holds(self) -> bool:
        is_known = not (self.lost or self.unknown_to_the_ledger or self.too_many_in_doubt)
        return is_known and self.duplicates <= self.ends * self.connections


def kill_anywhere(
    databases: Iterator[str],
    kills: int,
    start: Callable[..., Sequence[Child]],
    tally: Tally,
    finish: Callable[..., Sequence[Child]] | None = None,
) -> Tally:
    """Send issue after issue, each on a database of its own, with so many kills at random moments in all.

    A sender that ends because its database fails counts beside them. `finish` starts those that send the rest.
    """
    while tally.ends < kills:
        url = next(databases)
        engine = open_database(url)
        with running(MailServer(offers_pipelining=True)) as server:
            while tally.ends < kills and _is_left(engine):
                before = len(server.accepted)
                children = start(url=url, port=server.port, connections=tally.connections)
                _wait_a_random_time(lambda before=before, server=server: len(server.accepted) > before)
                for child in children:
                    status = child.kill()
                    tally.kills += status == -signal.SIGKILL
                    tally.failures += status == 1
                tally.note_doubts(engine)
            while _is_left(engine):
                for child in (finish or start)(url=url, port=server.port, connections=tally.connections):
                    child.wait()
            tally.note_end(engine, server)
        engine.dispose()
    return tally


def _wait_a_random_time(has_begun: Callable[[], bool]) -> None:
    """Mostly until some time after the first mail has gone out; else from the start, so that claims are met as well."""
    if random.random() < 0.8:
        end = time.monotonic() + 2
        while not has_begun() and time.monotonic() < end:
            time.sleep(0.001)
    time.sleep(random.expovariate(1 / _USUAL_LIFE))


def _is_left(engine: Engine) -> bool:
    with reading(engine) as session:
        return session.exec(select(Delivery.id).where(col(Delivery.state) != DeliveryState.ACCEPTED).limit(1)).first() is not None


if __name__ == "__main__":
    if sys.argv[1:]:
        plan(open_database(sys.argv[2]), int(sys.argv[1]))
    else:
        tend()
