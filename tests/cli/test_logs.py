from __future__ import annotations

import json
import logging
from collections.abc import Callable
from contextlib import redirect_stderr
from io import FileIO, TextIOWrapper

import pytest
import structlog
from sqlalchemy import Engine

from service.cli.logs import tell_everything
from service.errors import FetchFailed
from service.fetch.fetcher import Fetcher
from service.links import mail_links
from tests.builders import DAY, SENDER
from tests.kills import plan, send_what_is_due
from tests.mail_server import MailServer, running


@pytest.fixture
def said(logging_of_its_own: None, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What stands on stderr."""
    tell_everything()
    return lambda: capsys.readouterr().err


def test_a_line_is_json_with_a_fixed_sentence_and_fields(said: Callable[[], str]) -> None:
    structlog.get_logger("x").info("mail settled", state="accepted", papers=3)
    line = json.loads(said())
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "mail settled", "level": "info", "state": "accepted", "papers": 3}


def test_another_try_is_not_logged_for_what_comes_of_them_all_is(said: Callable[[], str]) -> None:
    with Fetcher("Paperround/test", attempts=2, interval=0) as fetcher, pytest.raises(FetchFailed):
        fetcher.fetch("http://127.0.0.1:9/papers")
    assert said() == ""


def test_a_log_on_a_full_disk_stops_no_mail(sqlite: Engine, said: Callable[[], str]) -> None:
    plan(sqlite, 20)
    disk = FileIO("/dev/full", "w")
    with running(MailServer()) as server, TextIOWrapper(disk, write_through=True) as full, redirect_stderr(full):
        send_what_is_due(str(sqlite.url), server.port, connections=4)
    assert len(server.accepted) == 20
    assert said() == ""


def test_addresses_and_tokens_are_struck_out_of_all_that_is_said(said: Callable[[], str]) -> None:
    link = mail_links(SENDER, "k" * 32, DAY).settings.replace("k" * 32, "0123456789abcdef" * 2)
    try:
        raise ValueError("550 <ada@example.org> no such user")
    except ValueError:
        structlog.get_logger("x").exception(f"failed at {link}", reason="550 <ada@example.org>: away")
    logging.getLogger("another.library").error("sent to %s", "ben@example.org")
    told = said()
    assert told.count("\n") == 2
    assert "example.org>" not in told
    assert "@" not in told
    assert link.rpartition("/")[2] not in told
    assert "no such user" in told
