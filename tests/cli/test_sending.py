from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message

from service.cli.output import now, say_json
from service.cli.why import why_json
from tests.builders import free_port
from tests.cli.conftest import Beginning, Paperround
from tests.golden.cases import DIGESTS
from tests.mail_server import STALL, MailServer, Moment, running

ADA, BEN = "ada@example.org", "ben@example.org"
ON = ("--on", "2026-10-01")


class Kept(Message):
    def __init__(self) -> None:
        super().__init__()
        self.subjects: dict[str, str] = {}

    def handle_message(self, message) -> None:
        self.subjects[message["X-RcptTo"]] = str(make_header(decode_header(message["Subject"])))


@pytest.fixture
def mail_server() -> Iterator[tuple[Kept, str]]:
    kept = Kept()
    port = free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port, ready_timeout=60)
    controller.start()
    yield kept, f"smtp://127.0.0.1:{port}"
    controller.stop(no_assert=True)


@pytest.fixture(autouse=True)
def ready(beginning: Beginning, paperround: Paperround, page_file: Path) -> None:
    def make_ready() -> None:
        assert paperround("fetch", "--from", page_file).status == 0
        assert paperround("subscribers", "add", ADA, "--topics", "agents").status == 0
        assert paperround("subscribers", "add", BEN, "--topics", "robotics,vision").status == 0

    beginning(make_ready)


def set_up(monkeypatch: pytest.MonkeyPatch, smtp_url: str) -> None:
    monkeypatch.setenv("PAPERROUND_SMTP_URL", smtp_url)
    monkeypatch.setenv("PAPERROUND_PUBLIC_URL", "https://papers.example.org")
    monkeypatch.setenv("PAPERROUND_SECRET_KEY", "a key of thirty-two characters..")
    monkeypatch.setenv("PAPERROUND_MAIL_FROM", "Paperround <digest@example.org>")


def test_mails_go_to_the_outbox_once_and_the_counts_balance(paperround: Paperround, folder: Path) -> None:
    ran = paperround("send-now", *ON, "--yes", "--json")
    assert ran.status == 0
    report = ran.json
    assert (report["candidates"], report["accepted"], report["skipped"]) == (2, 1, 1)
    ada, ben = report["outcomes"]
    assert (ada["email"], ada["state"], ada["paper_ids"], ada["subject"]) == (
        ADA,
        "accepted",
        ["2610.00001"],
        "1 paper: Agents & tool use · LLM Agents",
    )
    assert (ben["state"], ben["reason"]) == ("skipped", "3 new papers looked at, none above your bar, no near misses")
    (eml,) = (folder / "outbox").glob("*.eml")
    mail = message_from_bytes(eml.read_bytes(), policy=default)
    assert (mail["To"], mail["Subject"]) == (ADA, ada["subject"])
    again = paperround("send-now", *ON, "--yes", "--json").json
    assert (again["candidates"], again["skipped"]) == (2, 2)
    assert len(list((folder / "outbox").glob("*.eml"))) == 1


def test_a_real_send_reaches_the_server(paperround: Paperround, mail_server, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, url = mail_server
    set_up(monkeypatch, url)
    ran = paperround("send-now", *ON, "--yes")
    assert ran.status == 0
    assert "2 candidates = 1 accepted + 1 skipped" in ran.out
    assert kept.subjects == {ADA: "1 paper: Agents & tool use · LLM Agents"}


def test_a_real_send_asks_first(paperround: Paperround, mail_server, monkeypatch: pytest.MonkeyPatch) -> None:
    kept, url = mail_server
    set_up(monkeypatch, url)
    ran = paperround("send-now", *ON)
    assert (ran.status, ran.err) == (2, "error: this sends real mail: say --yes, or look first with --dry-run\n")
    assert kept.subjects == {}


def test_a_real_send_names_a_missing_setting(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_SMTP_URL", "smtp://127.0.0.1:9")
    ran = paperround("send-now", "--yes")
    assert ran.status == 2
    assert "a real send needs PAPERROUND_PUBLIC_URL, PAPERROUND_SECRET_KEY, PAPERROUND_MAIL_FROM: set them" in ran.err


def test_a_dead_server_is_told_and_the_next_run_carries_on(
    paperround: Paperround, mail_server, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_up(monkeypatch, "smtp://127.0.0.1:9")
    dead = paperround("send-now", *ON, "--yes")
    assert dead.status == 1
    assert "deferred" in dead.out
    assert dead.err.startswith("error: 1 mail not sent; the first: the mail server 127.0.0.1:9 can't be used: ")
    assert "1 mail not taken yet" in paperround("status").out
    kept, url = mail_server
    set_up(monkeypatch, url)
    assert paperround("send-now", *ON, "--yes").status == 0
    assert list(kept.subjects) == [ADA]
    assert paperround("status").status == 0


def test_what_is_refused_for_good_is_not_said_to_go_out_later(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    paperround("subscribers", "add", "cy@example.org", "--topics", "agents")
    refusals = {ADA: "550 5.1.1 no such user", "cy@example.org": "452 4.2.2 mailbox full"}
    with running(MailServer(lambda moment: refusals.get(moment.to) if moment.stage == "RCPT" else None)) as server:
        set_up(monkeypatch, f"smtp://127.0.0.1:{server.port}")
        ran = paperround("send-now", *ON, "--yes")
        assert ran.err.startswith("error: 2 mails not sent; the first: 550 5.1.1 no such user")
        assert ran.err.endswith("; the next run carries on with 1 of them\n")


def test_a_database_that_cannot_be_written_stops_before_anything_is_sent(
    paperround: Paperround, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", f"sqlite:///file:{folder / 'paperround.db'}?mode=ro&uri=true")
    for arguments in (["send-now", *ON, "--yes"], ["fetch", "--from", "page.html"], ["subscribers", "remove", ADA]):
        ran = paperround(*arguments)
        assert ran.status == 1
        assert ran.err.startswith("error: the database ")
        assert "readonly" in ran.err
        assert ran.err.count("\n") == 1
    assert not (folder / "outbox").exists()
    assert paperround("status").status == 0
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert paperround("send-now", *ON, "--yes", "--json").json["accepted"] == 1


def test_a_dry_run_shows_and_stores_nothing(paperround: Paperround, folder: Path) -> None:
    report = paperround("send-now", *ON, "--dry-run", "--json").json
    assert (report["issue"], report["planned"], report["skipped"]) == (None, 1, 1)
    assert not (folder / "outbox").exists()
    assert paperround("send-now", *ON, "--json").json["accepted"] == 1


def test_why_goes_by_the_topics_chosen_then(paperround: Paperround) -> None:
    paperround("send-now", *ON)
    paperround("subscribers", "set", ADA, "--topics", "robotics")
    assert '"LLM agent" in the title (+' in paperround("why", ADA, *ON).out


def test_an_unforeseen_fault_is_one_line_too(paperround: Paperround, folder: Path) -> None:
    ran = paperround("preview", "--to", "a/../b@example.org", *ON)
    assert ran.status == 2
    early = paperround("preview", "--to", ADA, "--on", "0001-01-10")
    assert (early.status, early.err) == (2, "error: '0001-01-10' is no day of this source: write one as in 2026-11-20\n")


def test_ctrl_c_ends_after_the_mail_in_hand_and_the_next_call_carries_on(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers = {f"reader{number}@example.org" for number in range(5)}
    for reader in readers:
        paperround("subscribers", "add", reader, "--topics", "agents")
    monkeypatch.setenv("PAPERROUND_CONNECTIONS", "1")

    def interrupt(moment: Moment) -> None:
        if moment.stage == "DOT" and len(server.accepted) == 2:
            os.kill(os.getpid(), signal.SIGINT)
            while signal.getsignal(signal.SIGINT) != signal.SIG_DFL:  # it is heard
                time.sleep(0.01)

    with running(MailServer(interrupt)) as server:
        set_up(monkeypatch, f"smtp://127.0.0.1:{server.port}")
        stopped = paperround("send-now", *ON, "--yes")
        assert stopped.status == 1
        assert stopped.err == (
            "stopping after the mails that are being handed over\n"
            "error: 3 mails not sent; the first: not tried yet; the next run carries on\n"
        )
        assert "7 candidates = 3 planned + 3 accepted + 1 skipped" in stopped.out
        assert paperround("send-now", *ON, "--yes").status == 0
    assert server.recipients == Counter([ADA, *readers])


def test_of_many_people_the_first_subjects_and_why_others_are_skipped_are_told(paperround: Paperround, folder: Path) -> None:
    lines = [f"reader{number:02d}@example.org,{'agents' if number % 2 else 'robotics'}" for number in range(40)]
    (folder / "people.csv").write_text("\n".join(["email,topics", *lines]))
    paperround("subscribers", "import", "people.csv")
    told = paperround("send-now", *ON, "--dry-run").out
    assert told.count("LLM Agents") == 10
    assert "21 skipped: 3 new papers looked at, none above your bar, no near misses" in told
    assert told.endswith("42 candidates = 21 planned + 21 skipped\n")
    paperround("send-now", *ON, "--yes")
    reason = "3 new papers looked at, none above your bar, no near misses"
    assert f"  21 people got no mail: {reason}\n" in paperround("status").out
    assert paperround("status", "--json").json["silent"] == {reason: 21}


def test_only_those_named_get_mail(paperround: Paperround) -> None:
    paperround("subscribers", "add", "chi@example.org", "--topics", "agents,code")
    by_topic = paperround("send-now", *ON, "--topic", "code", "vision", "--dry-run", "--json").json
    assert [outcome["email"] for outcome in by_topic["outcomes"]] == [BEN, "chi@example.org"]
    named = paperround("send-now", *ON, "--to", ADA, "chi@example.org", "--json").json
    assert [outcome["email"] for outcome in named["outcomes"]] == [ADA, "chi@example.org"]
    unknown = paperround("send-now", *ON, "--to", "eve@example.org")
    assert (unknown.status, unknown.err) == (2, "error: eve@example.org: no such subscriber\n")


def test_nobody_to_send_to_is_no_failure(paperround: Paperround) -> None:
    ran = paperround("send-now", "--topic", "multilingual")
    assert ran.status == 0
    assert ran.out.startswith("Nobody to send to")


def test_preview_writes_what_a_person_would_get_and_got(paperround: Paperround, folder: Path) -> None:
    before = paperround("preview", "--to", ADA, *ON, "--out", "look", "--json").json
    assert [Path(path).name for path in before["files"]] == ["2026-10-01_ada@example.org.html", "2026-10-01_ada@example.org.txt"]
    html = (folder / "look" / "2026-10-01_ada@example.org.html").read_text("utf-8")
    assert "https://huggingface.co/papers/2610.00001" in html
    assert paperround("send-now", *ON, "--json").json["accepted"] == 1
    after = paperround("preview", "--to", ADA, *ON, "--out", "look", "--json").json
    assert after == before


def test_preview_writes_two_files_and_so_none_to_stdout(paperround: Paperround, folder: Path) -> None:
    ran = paperround("preview", "--to", ADA, *ON, "--out", "-")
    assert (ran.status, ran.err) == (2, "error: several files are written, none to stdout: name a folder\n")
    assert not (folder / "-").exists()


def test_preview_for_topics_needs_no_subscriber(paperround: Paperround) -> None:
    ran = paperround("preview", "--topics", "code,agents", *ON)
    assert ran.status == 0
    assert ran.out.startswith("2 papers: ")
    silent = paperround("preview", "--topics", "robotics", *ON)
    assert silent.out == "No mail for 2026-10-01: 3 new papers looked at, none above your bar, no near misses.\n"
    assert paperround("preview").status == 2


def test_why_tells_the_reason_for_mail_and_for_silence(paperround: Paperround) -> None:
    paperround("send-now", *ON)
    ada = paperround("why", ADA, *ON)
    assert ada.out.startswith("ada@example.org, 2026-10-01: accepted\n")
    assert '"LLM agent" in the title (+' in ada.out
    for line in ada.out.splitlines():
        told = re.findall(r'("[^"]+" in the \w+) \([+-][\d.]+(, \w+)?\)', line)
        assert len(told) == len(set(told)), line
    assert ", expansion)" in ada.out
    ben = paperround("why", BEN, *ON, "--json").json
    assert (ben["state"], ben["looked_at"], ben["papers"]) == ("skipped", 3, [])
    assert ben["reason"] == "3 new papers looked at, none above your bar, no near misses"
    later = paperround("why", ADA, "--on", "2026-10-05").out
    assert later.startswith("ada@example.org, 2026-10-05: not sent (no new papers from 2026-10-02 to 2026-10-05)\n")


@pytest.mark.parametrize("name", DIGESTS)
def test_why_tells_every_kind_of_digest_as_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    digest = DIGESTS[name]()
    say_json(why_json(digest, "accepted", None))
    told = json.loads(capsys.readouterr().out)
    assert [paper["id"] for paper in told["papers"]] == [pick.paper.id for pick in digest.picks]
    looks = [paper["second_look"]["upvotes_then"] for paper in told["papers"] if paper["second_look"]]
    assert looks == [pick.second_look.upvotes_then for pick in digest.picks if pick.second_look]


def test_why_tells_first_that_a_person_gets_no_mail_at_all(paperround: Paperround) -> None:
    until = f"{now().date() + timedelta(days=30)}"
    paperround("subscribers", "set", ADA, "--paused-until", until)
    assert paperround("why", ADA, *ON).out.startswith(f"{ADA}, 2026-10-01: not sent (paused until {until})\n")
    paperround("suppressions", "add", BEN)
    assert paperround("why", BEN, *ON, "--json").json["reason"].startswith("suppressed: ")


def test_a_day_that_has_not_come_is_refused(paperround: Paperround) -> None:
    for command in ("send-now", "fetch"):
        ran = paperround(command, "--on", "2100-01-04")
        assert (ran.status, ran.err) == (2, "error: 2100-01-04 has not come yet\n")
    assert paperround("deliveries", "list", "--json").json == []


def test_why_tells_how_many_papers_are_of_days_before_those_that_the_digest_is_about(paperround: Paperround) -> None:
    paperround("subscribers", "set", BEN, "--topics", "code")
    paperround("send-now", "--to", BEN, *ON)
    paperround("subscribers", "set", BEN, "--topics", "agents,code")
    told = paperround("why", BEN, "--on", "2026-10-02").out
    assert " from 2026-10-02 to 2026-10-02, 1 passed, 1 of them from earlier days.\n" in told


def test_why_tells_each_place_and_what_is_left_out(paperround: Paperround) -> None:
    paperround("subscribers", "set", BEN, "--topics", "agents,code", "--muted", "program repair")
    told = paperround("why", BEN, *ON)
    assert "Looked at 3 new papers from 2026-09-30 to 2026-10-01, 1 passed." in told.out
    found = paperround("why", BEN, *ON, "--json").json
    (paper,), (out,) = found["papers"], found["left_out"]
    parts = paper["standing"]
    assert parts["strength"] == sum(parts[name] for name in ("relevance", "followed", "liking", "momentum", "nearness"))
    assert parts["relevance"] == paper["matches"][0]["score"]
    assert 0 < parts["momentum"] < 0.15
    told_parts = f"relevance {parts['relevance']:.2f}, momentum {parts['momentum']:+.2f}"
    assert f"strength {parts['strength']:.2f} = {told_parts}" in told.out
    assert paper["entry"] == "topic"
    assert (out["id"], out["cause"], out["detail"]) == ("2610.00002", "muted phrase", "program repair")
    (near,) = paperround("why", ADA, *ON, "--json").json["near_misses"]
    (agents,) = near["matches"]
    told = paperround("why", ADA, *ON)
    assert f"below the topic's bar: {agents['score']:.2f} of 0.35" in told.out
    assert f"agents {agents['score']:.2f}, below the bar: " in told.out


@pytest.mark.slow
def test_status_does_not_take_a_killed_sender_for_one_that_sends(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    with running(MailServer(behaviour=lambda moment: STALL if moment.stage == "RCPT" else None)) as server:
        set_up(monkeypatch, f"smtp://127.0.0.1:{server.port}")
        monkeypatch.setenv("PAPERROUND_CONNECTIONS", "1")
        paperround("subscribers", "set", BEN, "--topics", "agents")
        command = [sys.executable, "-c", "from service.cli import main; main()", "send-now", *ON, "--yes"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as sender:
            while not server.tries and sender.poll() is None:
                time.sleep(0.1)
            assert "Mails are being sent." in paperround("status").out
            sender.kill()
        told = paperround("status").out
    assert "Mails are being sent." not in told
    assert "1 mail planned and not sent: `serve` sends it" in told


def test_status_tells_what_was_fetched_and_sent(paperround: Paperround) -> None:
    paperround("send-now", *ON)
    ran = paperround("status")
    assert ran.status == 0
    assert "page.html: 3 papers of Thursday 1 October 2026" in ran.out
    assert "Issue 1 is complete: 2 candidates = 1 accepted + 1 skipped" in ran.out
    assert ran.out.endswith("Nothing needs you.\n")
    assert paperround("status", "--json").json["needs_a_person"] == []
