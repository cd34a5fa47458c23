"""The real process, against a source and a mail server on loopback."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from pytest_httpserver import HTTPServer
from sqlmodel import select
from werkzeug import Request, Response

from service.cadence import last_complete_day
from service.models import Delivery, Subscriber
from service.store.database import open_database, reading, transaction
from tests.builders import free_port, page, record
from tests.cli.conftest import Paperround

Process = subprocess.Popen[str]
Serve = Callable[[], Process]

get, post = partial(httpx.get, timeout=60), partial(httpx.post, timeout=60)


@dataclass
class PostOffice:
    """A mail server that notes what it accepts, and keeps the sender waiting over one mail when it is told to."""

    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    hold_number: int | None = None
    is_holding: bool = False
    closes_after: int | None = None  # so many mails, and takes no more

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.closes_after is not None and len(self.mails) >= self.closes_after:
            return "421 4.3.2 closing"
        envelope.mail_from = address
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        while len(self.mails) + 1 == self.hold_number:
            self.is_holding = True
            await asyncio.sleep(0.02)
        mail = message_from_bytes(envelope.content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append((envelope.rcpt_tos[0], mail))
        return "250 2.0.0 queued"

    def release(self) -> None:
        self.hold_number = None


@pytest.fixture
def post_office(monkeypatch: pytest.MonkeyPatch) -> Iterator[PostOffice]:
    office, port = PostOffice(), free_port()
    controller = Controller(office, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    monkeypatch.setenv("PAPERROUND_SMTP_URL", f"smtp://127.0.0.1:{port}")
    monkeypatch.setenv("PAPERROUND_CONNECTIONS", "1")  # it counts the mails
    yield office
    office.release()
    controller.stop()


@pytest.fixture
def address(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the web door is, for the process and for the links in its mails."""
    public = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("PAPERROUND_PUBLIC_URL", public)
    monkeypatch.setenv("PAPERROUND_SECRET_KEY", "a key of thirty-two characters..")
    monkeypatch.setenv("PAPERROUND_MAIL_FROM", "Paperround <digest@example.org>")
    return public


@pytest.fixture
def serve(
    within_a_day: None, folder: Path, address: str, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """Starts `paperround serve` in the folder and waits until it is ready, or has ended."""
    day = last_complete_day(datetime.now(UTC))
    told = page([record("2610.00001", "LLM Agents", submittedOnDailyAt=f"{day}T00:00:00Z")], on=day)
    for place in ("/papers", f"/papers/date/{day}"):
        httpserver.expect_request(place).respond_with_data(told)
    monkeypatch.setenv("PAPERROUND_SOURCE_URL", httpserver.url_for("/papers"))
    running: list[Process] = []

    def start() -> Process:
        command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--json"]
        with (folder / f"{len(running)}.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--port", address.rpartition(":")[2]], text=True, stdout=subprocess.PIPE, stderr=log
            )
        running.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def eventually(question: Callable[[], Any]) -> Any:
    """The first answer that is true, within four minutes: the sender wakes each minute."""
    end = time.monotonic() + 240
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(0.1)
    pytest.fail("it did not happen in time")


def make_due(folder: Path) -> None:
    """Everybody's next digest, and every mail that waits for its next try."""
    engine = open_database(f"sqlite:///{folder / 'paperround.db'}")
    with transaction(engine) as session:
        for person in session.exec(select(Subscriber)):
            person.next_digest_at = datetime.now(UTC) - timedelta(minutes=1)
        for delivery in session.exec(select(Delivery)):
            delivery.next_try_at = None
    engine.dispose()


def delivery_states(folder: Path) -> Counter[str]:
    engine = open_database(f"sqlite:///{folder / 'paperround.db'}")
    with reading(engine) as session:
        states = Counter(session.exec(select(Delivery.state)))
    engine.dispose()
    return states


def links_in(mail: EmailMessage, address: str) -> list[str]:
    part = mail.get_body(("html",))
    assert part is not None
    return re.findall(rf'href="({re.escape(address)}[^"]+)"', part.get_content())


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_over_a_stop_within_a_send_and_a_kill_between_two_everybody_gets_one_mail(
    paperround: Paperround, folder: Path, serve: Serve, post_office: PostOffice, address: str
) -> None:
    readers = [f"reader{number}@example.org" for number in range(8)]
    for reader in readers:
        paperround("subscribers", "add", reader, "--topics", "agents")
    make_due(folder)

    post_office.hold_number, post_office.closes_after = 4, 6
    process = serve()
    eventually(lambda: post_office.is_holding)
    process.send_signal(signal.SIGTERM)
    time.sleep(1)
    assert process.poll() is None  # it ends after the mail that is being handed over
    post_office.release()
    assert process.wait(120) == 0
    assert (len(post_office.mails), delivery_states(folder)) == (4, {"accepted": 4, "planned": 4})

    process = serve()
    eventually(lambda: delivery_states(folder)["deferred"])  # between two sends, with one mail tried and one not
    process.kill()
    process.wait()
    assert delivery_states(folder) == {"accepted": 6, "deferred": 1, "planned": 1}
    post_office.closes_after = None
    make_due(folder)

    process = serve()
    eventually(lambda: delivery_states(folder)["accepted"] == 8)
    assert Counter(to for to, _ in post_office.mails) == Counter(readers)
    assert {get(link).status_code for _, mail in post_office.mails for link in links_in(mail, address)} == {200}
    gone, mail = post_office.mails[0]
    one_click = mail["List-Unsubscribe"].strip("<>")
    assert post(one_click, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    changed, mail = post_office.mails[1]
    (settings,) = {link.partition("#")[0] for link in links_in(mail, address) if "/settings/" in link}
    chosen = {"topics": ["agents", "code"], "cadence": "daily", "hour": "8", "zone": "UTC"}
    assert post(settings, data=chosen).status_code == 200
    eventually(lambda: len(post_office.mails) == 9)
    assert (post_office.mails[8][0], post_office.mails[8][1]["Subject"]) == (changed, "Your digest was changed")

    process.send_signal(signal.SIGTERM)
    process.wait()
    paperround("subscribers", "add", "late@example.org", "--topics", "agents")
    make_due(folder)
    serve()
    eventually(lambda: len(post_office.mails) == 10)
    time.sleep(65)
    assert Counter(to for to, _ in post_office.mails) == Counter([*readers, changed, "late@example.org"])
    assert paperround("subscribers", "show", gone, "--json").json["state"] == "unsubscribed"
    for log in folder.glob("*.log"):
        lines = [json.loads(line) for line in log.read_text("utf-8").splitlines() if not line.startswith("warning: ")]
        assert {"event", "level", "timestamp"} <= set.intersection(*(set(line) for line in lines))
        assert "example.org" not in repr(lines)
        assert "Traceback" not in repr(lines)


@pytest.mark.slow
def test_killed_within_a_send_it_goes_on_at_its_next_start_and_knows_which_mail_is_in_doubt(
    paperround: Paperround, folder: Path, serve: Serve, post_office: PostOffice
) -> None:
    readers = [f"reader{number}@example.org" for number in range(4)]
    for reader in readers:
        paperround("subscribers", "add", reader, "--topics", "agents")
    make_due(folder)
    post_office.hold_number = 2
    process = serve()
    eventually(lambda: post_office.is_holding)
    process.kill()
    process.wait()
    assert delivery_states(folder) == {"accepted": 1, "sending": 1, "planned": 2}
    post_office.release()
    serve()
    eventually(lambda: delivery_states(folder)["accepted"] == 4)  # a lease would have lasted for longer
    rows = paperround("deliveries", "list", "--json").json
    doubts = {row["email"]: row["uncertain_count"] for row in rows}
    got = Counter(to for to, _ in post_office.mails)
    assert sum(doubts.values()) == 1
    assert all(1 <= got[reader] <= 1 + doubts[reader] for reader in readers)


@pytest.mark.slow
def test_it_is_ready_soon_allows_no_second_one_and_ends_in_order(paperround: Paperround, serve: Serve, address: str) -> None:
    process = serve()
    assert get(f"{address}/health").status_code == 200
    assert get(f"{address}/").status_code == 404
    host, _, port = address.removeprefix("http://").partition(":")
    second = paperround("serve", "--port", port)
    assert (second.status, second.out) == (1, "")
    assert "another `serve` runs on this database: stop that one first" in second.err
    with socket.create_connection((host, int(port))) as visitor:
        visitor.sendall(b"POST /settings/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(120) == 0  # nobody keeps it running by a request that never ends


def test_a_port_that_is_taken_is_told_before_anything_begins(paperround: Paperround, address: str) -> None:
    host, _, port = address.removeprefix("http://").partition(":")
    with socket.create_server((host, int(port))):
        ran = paperround("serve", "--port", port)
    assert (ran.status, ran.out) == (2, "")
    told = f"error: {host}:{port} can't be listened on: Address already in use: say others with --host and --port\n"
    assert ran.err.endswith(told)


def test_an_address_that_is_empty_is_not_taken_for_all_of_the_machine(paperround: Paperround) -> None:
    """As where a script's variable is not set."""
    ran = paperround("serve", "--host", "", "--port", str(free_port()))
    assert (ran.status, ran.out) == (2, "")
    assert "error: no address is named, which would mean all of this machine" in ran.err


@pytest.mark.parametrize("host", ["ü..a", os.fsdecode(b"caf\xe9")], ids=ascii)
def test_an_address_that_no_host_can_have_is_wrong_use(paperround: Paperround, host: str) -> None:
    ran = paperround("serve", "--host", host, "--port", str(free_port()))
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.endswith(" can't be listened on: encoding of hostname failed: say others with --host and --port\n")


def test_a_signing_key_that_can_not_be_read_is_told_before_anything_begins(
    paperround: Paperround, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_SMTP_URL", "smtp://127.0.0.1")
    monkeypatch.setenv("PAPERROUND_DKIM_KEYS", "s1=nowhere.pem")
    ran = paperround("serve", "--port", address.rpartition(":")[2])
    assert (ran.status, ran.out) == (2, "")
    assert "PAPERROUND_DKIM_KEYS: nowhere.pem can't be read" in ran.err


def test_told_to_stop_within_its_first_fetch_it_asks_and_plans_nothing_any_more(
    paperround: Paperround,
    folder: Path,
    serve: Serve,
    post_office: PostOffice,
    httpserver: HTTPServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PAPERROUND_REQUEST_INTERVAL", "10")  # the wait in which it is told
    paperround("subscribers", "add", "ada@example.org", "--topics", "agents")
    make_due(folder)
    paperround("subscribers", "add", "ben@example.org", "--topics", "agents", "--confirm")
    is_asked, may_answer = threading.Event(), threading.Event()

    def answer(_request: Request) -> Response:
        is_asked.set()
        may_answer.wait(120)
        return Response(status=404)

    httpserver.clear()
    httpserver.expect_request(re.compile(".*")).respond_with_handler(answer)
    process = serve()
    assert is_asked.wait(120)
    eventually(lambda: [to for to, _ in post_office.mails] == ["ben@example.org"])  # a notice waits for no fetch
    process.send_signal(signal.SIGTERM)
    time.sleep(1)
    may_answer.set()
    assert process.wait(120) == 0
    assert delivery_states(folder) == {}
    assert len(httpserver.log) == 1
    assert "waking stopped" in (folder / "0.log").read_text("utf-8")
