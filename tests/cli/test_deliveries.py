from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Paperround
from tests.cli.test_sending import set_up
from tests.mail_server import MailServer, running

ADA, BEN = "ada@example.org", "ben@example.org"
ON = ("--on", "2026-10-01")


@pytest.fixture
def server(paperround: Paperround, page_file: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MailServer]:
    paperround("fetch", "--from", page_file)
    for email in (ADA, BEN):
        paperround("subscribers", "add", email, "--topics", "agents")
    with running(MailServer()) as server:
        set_up(monkeypatch, f"smtp://127.0.0.1:{server.port}")
        yield server


def refuse_ada(reply: str):
    return lambda moment: reply if moment.stage == "RCPT" and moment.to == ADA else None


def test_deliveries_are_found_by_state_reply_and_issue(paperround: Paperround, server: MailServer) -> None:
    server.behaviour = refuse_ada("550 5.7.1 blocked")
    assert paperround("send-now", *ON, "--yes").status == 1
    for chosen in (("--state", "rejected", "expired"), ("--reply", "BLOCKED"), ("--issue", "1", "--state", "rejected")):
        (found,) = paperround("deliveries", "list", *chosen, "--json").json
        told = ("email", "state", "bounce", "smtp_reply", "enhanced_code", "attempts", "issue")
        assert [found[name] for name in told] == [ADA, "rejected", "policy", "550 5.7.1 blocked", "5.7.1", 1, 1]
    assert paperround("deliveries", "list", "--issue", "1").out.endswith(
        "Issue 1 is complete: 2 candidates = 1 accepted + 1 rejected\n"
    )
    refused = paperround("deliveries", "list", "--state", "lost")
    assert (refused.status, refused.err.partition(": the states are")[0]) == (2, "error: there is no state lost")
    assert paperround("deliveries", "list", "--issue", "7").err == "error: there is no issue 7\n"


def test_an_issue_says_who_it_lacks(paperround: Paperround, server: MailServer) -> None:
    server.behaviour = refuse_ada("450 4.2.1 busy")
    paperround("send-now", *ON, "--yes")
    told = paperround("status").out
    assert "Issue 1 is incomplete: 2 candidates = 1 accepted + 1 deferred\nNot finished: ada@example.org\n" in told


def test_a_rejected_delivery_is_retried_once_asked_for(paperround: Paperround, server: MailServer) -> None:
    server.behaviour = refuse_ada("554 5.7.1 blocked")
    paperround("send-now", *ON, "--yes")
    server.behaviour = lambda _: None
    assert paperround("deliveries", "retry").status == 2
    assert paperround("deliveries", "retry", "--state", "accepted").status == 2
    assert paperround("deliveries", "retry", "--reply", "5.7.1", "--json").json == {"planned": 1, "skipped": 0}
    assert paperround("send-now", *ON, "--yes").status == 0
    assert server.recipients == {ADA: 1, BEN: 1}


def test_a_hard_bounce_is_suppressed_until_the_suppression_is_removed(paperround: Paperround, server: MailServer) -> None:
    server.behaviour = refuse_ada("550 5.1.1 no such user")
    paperround("send-now", *ON, "--yes")
    server.behaviour = lambda _: None
    (row,) = paperround("suppressions", "list", "--json").json
    assert (row["email"], row["reason"]) == (ADA, "hard bounce: 550 5.1.1 no such user")
    dry = paperround("send-now", "--dry-run", "--to", ADA, "--json").json
    assert dry["outcomes"][0]["reason"] == "suppressed: hard bounce: 550 5.1.1 no such user"
    paperround("deliveries", "retry", "--state", "rejected")
    paperround("suppressions", "remove", ADA)
    assert paperround("send-now", *ON, "--yes").status == 0
    assert server.recipients == {ADA: 1, BEN: 1}


def test_a_suppression_takes_effect_for_mail_that_is_planned(paperround: Paperround, server: MailServer) -> None:
    server.behaviour = lambda moment: "421 4.3.2 busy" if moment.stage == "CONNECT" else None
    paperround("send-now", *ON, "--yes")
    server.behaviour = lambda _: None
    assert paperround("suppressions", "add", ADA, "--reason", "asked by telephone").status == 0
    paperround("send-now", *ON, "--yes")
    assert server.recipients == {BEN: 1}


def test_suppressions_go_out_and_in_as_csv(paperround: Paperround, folder: Path) -> None:
    assert paperround("suppressions", "list").out == "No address is suppressed.\n"
    paperround("suppressions", "add", "gone@example.org", "--reason", "=HYPERLINK(1)")
    again = paperround("suppressions", "add", "gone@example.org", "--reason", "once more")
    assert again.out == "gone@example.org was suppressed before.\n"
    paperround("suppressions", "export", "list.csv")
    text = (folder / "list.csv").read_text()
    assert "gone@example.org" not in text
    assert "'=HYPERLINK(1)" in text
    (folder / "more.csv").write_text(text + "new@example.org,,told us,\n")
    assert paperround("suppressions", "import", "more.csv", "--json").json == {"added": 1, "unchanged": 1}
    paperround("suppressions", "remove", "gone@example.org")
    paperround("suppressions", "import", "list.csv")
    reasons = [row["reason"] for row in paperround("suppressions", "list", "--json").json]
    assert reasons == ["=HYPERLINK(1)", "told us"]  # the newest first
    (folder / "open.csv").write_text('email\nben@example.org\n"ada@example.org\neve@example.org\n')
    unclosed = paperround("suppressions", "import", "open.csv")
    assert (unclosed.status, unclosed.err) == (2, "error: line 3: not CSV: unexpected end of data\n")
    (folder / "bad.csv").write_text("email\nno address\n")
    bad = paperround("suppressions", "import", "bad.csv")
    assert (bad.status, bad.err.startswith("error: line 2: 'no address' is not an e-mail address")) == (2, True)
    (folder / "list.csv").write_text("")
    assert paperround("suppressions", "import", "list.csv").err == "error: line 1: there is no column email or address_hash\n"
    (folder / "bad.csv").write_text('"email\nchi@example.org\n')
    unclosed = paperround("suppressions", "import", "bad.csv")
    assert (unclosed.status, unclosed.err.endswith(": unexpected end of data\n")) == (2, True)
    (folder / "bad.csv").write_text("email,reason\nchi@example.org,told\0us\n")
    assert paperround("suppressions", "import", "bad.csv").err == "error: bad.csv is not text: it holds a NUL\n"
    assert paperround("suppressions", "remove", "eve@example.org").status == 1


def test_of_a_large_import_only_the_new_suppressions_count(paperround: Paperround, folder: Path) -> None:
    for number in (0, 2499):
        paperround("suppressions", "add", f"p{number}@example.org", "--reason", "asked by phone")
    (folder / "list.csv").write_text("\n".join(["email", *(f"p{number}@example.org" for number in range(2500))]))
    assert paperround("suppressions", "import", "list.csv", "--json").json == {"added": 2498, "unchanged": 2}
    reasons = [row["reason"] for row in paperround("suppressions", "list", "--json").json]
    assert (len(reasons), reasons.count("asked by phone")) == (2500, 2)


def test_a_suppressed_address_is_taken_in_only_when_one_insists(paperround: Paperround, server: MailServer) -> None:
    paperround("suppressions", "add", "chi@example.org")
    refused = paperround("subscribers", "add", "chi@example.org", "--topics", "agents")
    assert (refused.status, "suppressed" in refused.err) == (1, True)
    assert paperround("subscribers", "add", "chi@example.org", "--topics", "agents", "--resubscribe").status == 0
    assert paperround("suppressions", "list").out == "No address is suppressed.\n"
