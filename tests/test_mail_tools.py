"""What other people's tools say of the golden mails. Each test runs where its tool is installed; `.ci/run` installs them all."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest

from tests.builders import free_port
from tests.golden.cases import NAMES, ORDINARY, golden
from tests.programs import own, running, service_folder
from tests.screenshots import SCHEMES, TOOLS, browse

pytestmark = pytest.mark.slow
needs_node = pytest.mark.skipif(
    not (TOOLS / "node_modules").is_dir() or shutil.which("node") is None, reason="needs Node 20 and `npm ci` in tests/tools"
)

# What some client among Gmail, Outlook and Apple Mail does not know, and what its readers get instead.
REVIEWED = {
    "<body> element": "the table within has the same background",
    "<style> element": "every rule but those for narrow and dark screens is inlined",
    "@media": "the mail is one fluid column without it, and light",
    "display:none": "the preheader shows as a first small line",
    "overflow": "mso-hide hides the preheader in Outlook, display:none elsewhere",
    "Local anchors": "the jump list still tells what is in the mail, in its order",
    "aria-label attribute": "the text beside it says the same",
    "role attribute": "tables are read out as tables, in the right order",
    "transform": "a mistake of the tool's: it is text-transform, and without it headings are in small letters",
    "word-break": "a long address, in a paper's text or under a notice's button, widens the mail",
}


@pytest.fixture(scope="module")
def judged() -> dict[str, Any]:
    mails = {name: golden(name) for name in NAMES}
    jobs = [{"html": mail.email.html, "message": base64.b64encode(mail.message).decode()} for mail in mails.values()]
    ran = subprocess.run(["node", TOOLS / "judge.mjs"], input=json.dumps(jobs), capture_output=True, text=True, check=True)
    return dict(zip(mails, json.loads(ran.stdout), strict=True))


@needs_node
def test_html_validate_finds_no_fault(judged: dict[str, Any]) -> None:
    assert {name: answer["faults"] for name, answer in judged.items() if answer["faults"]} == {}


@needs_node
def test_what_a_client_does_not_know_has_a_reviewed_fallback(judged: dict[str, Any]) -> None:
    found = {one.rpartition(" in ")[0] for answer in judged.values() for one in answer["unsupported"]}
    assert found == REVIEWED.keys()


@needs_node
@pytest.mark.parametrize("name", NAMES)
def test_two_parsers_read_the_same_mail(name: str, judged: dict[str, Any]) -> None:
    mail, theirs = golden(name), judged[name]["parsed"]
    ours = message_from_bytes(mail.message, policy=default)
    assert isinstance(ours, EmailMessage)
    html, text = ours.get_body(("html",)), ours.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert lines(html.get_content()) == lines(theirs["html"]) == lines(mail.email.html)
    assert lines(text.get_content()) == lines(theirs["text"]) == lines(mail.email.text)
    assert ours["Subject"] == theirs["subject"] == mail.email.subject
    for header in ("message-id", "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id", "auto-submitted"):
        assert ours[header] == theirs["headers"].get(header), header


@needs_node
@pytest.mark.skipif(shutil.which("chromium") is None, reason="needs Chromium")
def test_axe_finds_nothing_and_nothing_sticks_out_light_or_dark_wide_or_narrow() -> None:
    views = [(name, width, scheme) for name in NAMES for width in (320, 1280) for scheme in SCHEMES]
    jobs = [{"html": golden(name).email.html, "width": width, "scheme": scheme} for name, width, scheme in views]
    for view, found in zip(views, browse(jobs), strict=True):
        assert found["violations"] == [], view
        assert found["sideways"] <= 0, view
        assert all(address.startswith("https://cdn-thumbnails.huggingface.co/") for address in found["requests"]), view


@pytest.mark.skipif(shutil.which("spamassassin") is None, reason="needs SpamAssassin")
@pytest.mark.parametrize("name", ORDINARY)
def test_spamassassin_gives_at_most_one_point(name: str) -> None:
    ran = subprocess.run(
        ["spamassassin", "--local", "--test-mode"], input=golden(name, now()).message, capture_output=True, check=True
    )
    status = message_from_bytes(ran.stdout, policy=default)["X-Spam-Status"]
    assert float(status.partition("score=")[2].split()[0]) <= 1.0, status


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """rspamd with its own rules, and no network: answers where to ask."""
    if shutil.which("rspamd") is None or not Path("/etc/rspamd").is_dir():
        pytest.skip("needs rspamd")
    with service_folder() as folder:
        port = rspamd_settings(folder)
        places = [f"--var={name}={folder / place}" for name, place in RSPAMD_PLACES.items()]
        user = ["-u", "_rspamd", "-g", "_rspamd"] if os.getuid() == 0 else []
        command = ["rspamd", "--no-fork", *user, "-c", str(folder / "etc/rspamd.conf"), *places]
        with running(command, port):
            yield f"127.0.0.1:{port}"


RSPAMD_PLACES = {"CONFDIR": "etc", "LOCAL_CONFDIR": "etc", "DBDIR": "db", "RUNDIR": "run"}
RSPAMD_NETWORK = ("rbl", "asn", "fuzzy_check", "greylist", "dmarc", "spf", "dkim", "arc", "mx_check", "surbl", "bimi")


def test_rspamd_gives_at_most_one_point(rspamd: str) -> None:
    for name in ORDINARY:
        command = ["rspamc", "-h", rspamd, "-i", "127.0.0.1", "--json", "symbols"]
        ran = subprocess.run(command, input=golden(name, now()).message, capture_output=True, check=True)
        told = json.loads(ran.stdout[ran.stdout.index(b"{") :])
        assert told["score"] <= 1.0, (name, {key: symbol["score"] for key, symbol in told["symbols"].items() if symbol["score"]})


def now() -> datetime:
    """Filters give points for an old Date."""
    return datetime.now(UTC).replace(microsecond=0)


def lines(text: str) -> list[str]:
    return text.rstrip().splitlines()


def rspamd_settings(folder: Path) -> int:
    """A copy of the package's settings with all that asks the network switched off; answers the port."""
    shutil.copytree("/etc/rspamd", folder / "etc")
    local = folder / "etc" / "local.d"
    local.mkdir(exist_ok=True)
    port = free_port()
    (local / "worker-controller.inc").write_text(f'bind_socket = "127.0.0.1:{port}"; count = 1;')
    (local / "worker-normal.inc").write_text(f'bind_socket = "127.0.0.1:{free_port()}"; count = 1;')
    (local / "worker-proxy.inc").write_text("enabled = false;")
    (local / "options.inc").write_text('dns { nameserver = ["127.0.0.1:9"]; timeout = 0.05s; retransmits = 1; }')
    (local / "logging.inc").write_text(f'type = "file"; filename = "{folder / "log"}";')
    for module in RSPAMD_NETWORK:
        (local / f"{module}.conf").write_text("enabled = false;")
    for place in ("db", "run"):
        (folder / place).mkdir()
    own(folder, "_rspamd")
    return port
