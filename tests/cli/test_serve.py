"""The real process, against a source and a mail server on loopback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pytest_httpserver import HTTPServer
from sqlmodel import select

from service.cadence import last_complete_day
from service.models import Subscriber
from service.store.database import open_database, transaction
from tests.builders import free_port, page, record
from tests.cli.conftest import Paperround

Serve = Callable[[], tuple[subprocess.Popen[str], str]]


@pytest.fixture
def serve(folder: Path, httpserver: HTTPServer) -> Iterator[Serve]:
    """Starts `paperround serve` in the folder and waits until it is ready."""
    day = last_complete_day(datetime.now(UTC))
    told = record("2610.00001", "LLM Agents", submittedOnDailyAt=f"{day}T00:00:00Z")
    httpserver.expect_request("/papers").respond_with_data(page([told], on=day))
    httpserver.expect_request("/papers/date/" + f"{day}").respond_with_data(page([told], on=day))
    running: list[subprocess.Popen[str]] = []
    environment = {**os.environ, "PAPERROUND_SOURCE_URL": httpserver.url_for("/papers")}

    def start() -> tuple[subprocess.Popen[str], str]:
        port = free_port()
        command = [sys.executable, "-c", "from service.cli import main; main()", "serve", "--port", str(port), "--json"]
        with (folder / f"{port}.log").open("w") as log:
            process = subprocess.Popen(command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=log)
        running.append(process)
        assert process.stdout is not None
        ready = process.stdout.readline()
        return process, f"http://127.0.0.1:{json.loads(ready)['port']}" if ready else ""

    yield start
    for process in running:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def eventually(question: Callable[[], Any]) -> Any:
    """The first answer that is true, within 90 seconds: the sender wakes each minute."""
    end = time.monotonic() + 90
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(0.2)
    pytest.fail("it did not happen in time")


def make_due(folder: Path) -> None:
    engine = open_database(f"sqlite:///{folder / 'paperround.db'}")
    with transaction(engine) as session:
        for person in session.exec(select(Subscriber)):
            person.next_digest_at = datetime.now(UTC) - timedelta(minutes=1)
    engine.dispose()


@pytest.mark.slow
@pytest.mark.timeout(300)  # two wakings, a minute apart each
def test_it_fetches_and_sends_by_itself_once_and_ends_in_order(paperround: Paperround, folder: Path, serve: Serve) -> None:
    paperround("subscribers", "add", "ada@example.org", "--topics", "agents")
    make_due(folder)
    process, address = serve()
    (mail,) = eventually(lambda: list((folder / "outbox").glob("*.eml")))
    assert "ada@example.org" in mail.read_text("utf-8")
    assert httpx.get(f"{address}/health").json()["database"] == "ok"
    second, ready = serve()
    assert (ready, second.wait(20)) == ("", 1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    make_due(folder)
    again, _ = serve()
    time.sleep(65)
    again.kill()
    again.wait()
    assert len(list((folder / "outbox").glob("*.eml"))) == 1
    logs = "".join(path.read_text("utf-8") for path in folder.glob("*.log"))
    assert "another `serve` runs on this database: stop that one first" in logs
    assert "ada@example.org" not in logs
    assert "Traceback" not in logs


def test_it_is_ready_soon_and_ends_in_order(folder: Path, serve: Serve) -> None:
    process, address = serve()
    assert httpx.get(f"{address}/health").status_code == 200
    assert httpx.get(f"{address}/").status_code == 404
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
