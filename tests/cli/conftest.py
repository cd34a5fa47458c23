"""The command as a person runs it, in a folder of its own with nothing set but what the test sets."""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from pytest_httpserver import HTTPServer

from service.cli import run
from tests.builders import page, record


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Paperround = Callable[..., Ran]
Beginning = Callable[[Callable[[], None]], None]


@pytest.fixture
def new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where Paperround never ran."""
    for name in [name for name in os.environ if name.startswith(("PAPERROUND_", "OPENAI_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PAPERROUND_REQUEST_INTERVAL", "0")  # servers on loopback need no rest
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def within_a_day() -> None:
    """For what goes by the machine's clock: where the day (in UTC) ends within five minutes, the test is of the next one."""
    now = datetime.now(UTC)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    if midnight - now < timedelta(minutes=5):
        time.sleep((midnight - now).total_seconds())


@pytest.fixture
def folder(new_folder: Path, migrated_file: Path) -> Path:
    """With a database in which nothing is but the topics."""
    shutil.copy(migrated_file, new_folder / "paperround.db")
    return new_folder


@pytest.fixture
def httpserver(httpserver: HTTPServer) -> HTTPServer:
    """One that has no robots.txt, as most have not."""
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    return httpserver


@pytest.fixture
def logging_of_its_own() -> Iterator[None]:
    """A command says once a process what is logged; the next test's is as before."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


@pytest.fixture
def paperround(logging_of_its_own: None, folder: Path, capsys: pytest.CaptureFixture[str]) -> Paperround:
    def call(*arguments: str | Path) -> Ran:
        status = run([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Ran(status, out, err)

    return call


@pytest.fixture
def beginning(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Beginning:
    """Brings the folder to where some commands lead that many tests begin with: run by the first, copied for the others."""

    def begin(commands: Callable[[], None]) -> None:
        kept = tmp_path_factory.getbasetemp() / f"{commands.__module__}.{commands.__qualname__}"
        if kept.exists():
            shutil.copytree(kept, folder, dirs_exist_ok=True)
        else:
            commands()
            shutil.copytree(folder, kept)

    return begin


@pytest.fixture
def page_file(folder: Path) -> Path:
    """A saved page of 1 October 2026 with three papers."""
    records = [
        record("2610.00001", "LLM Agents"),
        record("2610.00002", "Program repair", summary="We repair source code. Our tool calls an LLM agent."),
        record("2610.00003", "Soup", summary="We propose a soup."),
    ]
    path = folder / "page.html"
    path.write_bytes(page(records))
    return path
