"""Both clients against real SMTP servers on loopback: aiosmtpd, and a scripted one for what no sound server says."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import parse_smtp_url
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable, WrongUse
from tests.builders import free_port
from tests.delivery.scripted import UP_TO_DATA, scripted
from tests.plain_transport import PlainTransport

MESSAGE = b"Subject: x\r\n\r\n.leading dot\r\n..two\r\nend.\r\n"


class Inbox:
    """Keeps what it accepts; `replies` maps a recipient to another answer than 250."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.replies: dict[str, str] = {}
        self.used_tls: list[bool] = []

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if address in self.replies:
            return self.replies[address]
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.used_tls.append(server.transport.get_extra_info("ssl_object") is not None)
        self.mails.append((str(envelope.mail_from), envelope.rcpt_tos, envelope.content))
        return "250 2.0.0 queued as 1"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


Serve = Callable[..., int]


@pytest.fixture
def serve(inbox: Inbox) -> Iterator[Serve]:
    """Starts a server on a free port with the options given."""
    running: list[Controller] = []

    def start(**options: Any) -> int:
        port = free_port()
        controller = Controller(inbox, hostname="127.0.0.1", port=port, ready_timeout=60, **options)
        controller.start()
        running.append(controller)
        return port

    yield start
    for controller in running:
        controller.stop(no_assert=True)


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A server certificate for localhost that this process trusts."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


Client = type[PlainTransport] | type[PipelinedTransport]
CLIENT: list[Client] = []  # the one under test


@pytest.fixture(autouse=True, params=[PlainTransport, PipelinedTransport])
def client(request: pytest.FixtureRequest) -> None:
    CLIENT[:] = [request.param]


def door(url: str, **options: Any) -> PlainTransport | PipelinedTransport:
    return CLIENT[0](parse_smtp_url(url), mail_from="digest@example.org", **options)


def send(url: str, to: str = "ada@example.org") -> str:
    with closing(door(url)) as opened:
        return opened.send(MESSAGE, to=to)


def test_a_mail_arrives_byte_for_byte(serve: Serve, inbox: Inbox) -> None:
    assert send(f"smtp://127.0.0.1:{serve()}") == "250 2.0.0 queued as 1"
    assert inbox.mails == [("digest@example.org", ["ada@example.org"], MESSAGE)]


def test_several_mails_take_one_connection_and_a_refused_one_does_not_end_it(serve: Serve, inbox: Inbox) -> None:
    inbox.replies = {"gone@example.org": "550 5.1.1 no such mailbox", "full@example.org": "452 4.2.2 mailbox full"}
    opened = door(f"smtp://127.0.0.1:{serve()}")
    opened.send(MESSAGE, to="ada@example.org")
    with pytest.raises(DeliveryFailed, match=r"550 5\.1\.1 no such mailbox") as gone:
        opened.send(MESSAGE, to="gone@example.org")
    with pytest.raises(DeliveryFailed, match=r"452 4\.2\.2") as full:
        opened.send(MESSAGE, to="full@example.org")
    opened.send(MESSAGE, to="ben@example.org")
    opened.close()
    assert (gone.value.permanent, full.value.permanent) == (True, False)
    assert [to for _, to, _ in inbox.mails] == [["ada@example.org"], ["ben@example.org"]]


def test_a_dead_server_is_told_in_one_line() -> None:
    with pytest.raises(ServerUnusable, match=r"the mail server 127\.0\.0\.1:9 can't be used: .*refused"):
        send("smtp://127.0.0.1:9")


def test_tls_from_the_start_checks_the_certificate(serve: Serve, inbox: Inbox, certificate: ssl.SSLContext) -> None:
    port = serve(ssl_context=certificate, server_hostname="localhost")
    send(f"smtps://localhost:{port}")
    assert inbox.used_tls == [True]
    with pytest.raises(ServerUnusable, match="certificate"):
        send(f"smtps://127.0.0.1:{port}")


def test_starttls_is_used_where_it_is_offered(serve: Serve, inbox: Inbox, certificate: ssl.SSLContext) -> None:
    port = serve(tls_context=certificate)
    send(f"smtp://localhost:{port}")
    send(f"smtp://localhost:{port}?tls=off")
    assert inbox.used_tls == [True, False]


def test_a_password_goes_out_over_tls_only(serve: Serve, inbox: Inbox, certificate: ssl.SSLContext) -> None:
    seen: list[Any] = []

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
        seen.append(login)
        return AuthResult(success=login.password == b"p@ss/word", handled=False)

    plain = serve(authenticator=check, auth_require_tls=False)
    with pytest.raises(ServerUnusable, match="offers no STARTTLS"):
        send(f"smtp://me:p%40ss%2Fword@localhost:{plain}")
    assert (seen, inbox.mails) == ([], [])
    tls = serve(authenticator=check, tls_context=certificate, auth_exclude_mechanism=["LOGIN"])
    send(f"smtp://me:p%40ss%2Fword@localhost:{tls}")
    assert len(inbox.mails) == 1
    with pytest.raises(ServerUnusable, match="535") as refused:
        send(f"smtp://me:hunter2@localhost:{tls}")
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "port", "tls"),
    [
        ("smtps://u:p@mail.example.org", 465, "from the start"),
        ("smtp://mail.example.org", 587, "required"),
        ("smtp://mail.example.org:25?tls=off", 25, "off"),
        ("smtp://localhost:1025", 1025, "if offered"),
        ("smtp://u:p@localhost:1025", 1025, "required"),
    ],
)
def test_a_url_says_how_tls_is_used(url: str, port: int, tls: str) -> None:
    server = parse_smtp_url(url)
    assert (server.port, server.tls) == (port, tls)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://mail.example.org",
        "smtp://",
        "smtp://h:abc",
        "smtp://h/path",
        "smtp://h?tls=on",
        "smtps://h?tls=off",
        "smtps://u:12#w@h:465",
        "smtp://u:hünter2@h",
        "smtp://u:hunter2@h?tls=off",
    ],
)
def test_a_url_that_cannot_be_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(WrongUse) as refused:
        parse_smtp_url(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("password", ["hunter/2", "hunter?2", "hunter#2", "hunter[2"])
def test_a_password_that_must_be_escaped_is_told_how(password: str) -> None:
    with pytest.raises(WrongUse, match="%2F %3F %23 %40 %3A %25") as refused:
        parse_smtp_url(f"smtp://me:{password}@mail.example.org:587")
    assert "hunter" not in str(refused.value)


def test_an_answer_lost_after_the_final_dot_is_uncertain() -> None:
    with pytest.raises(DeliveryUncertain, match="the answer to the whole mail was lost"):
        send(f"smtp://127.0.0.1:{scripted([*UP_TO_DATA, None])}")


def test_no_answer_after_the_final_dot_in_time_is_uncertain() -> None:
    with (
        closing(door(f"smtp://127.0.0.1:{scripted(UP_TO_DATA)}", end_timeout=0.2)) as opened,
        pytest.raises(DeliveryUncertain, match=r"timed out|no answer within"),
    ):
        opened.send(MESSAGE, to="ada@example.org")


def test_an_answer_that_makes_no_sense_after_the_final_dot_is_uncertain() -> None:
    with pytest.raises(DeliveryUncertain, match="makes no sense: 354"):
        send(f"smtp://127.0.0.1:{scripted([*UP_TO_DATA, '354 go on'])}")


def test_a_connection_lost_before_the_content_leaves_nothing_uncertain() -> None:
    with pytest.raises(DeliveryFailed, match="broke off"):
        send(f"smtp://127.0.0.1:{scripted(['220 hello', '250 hello', '250 sender', None])}")


def test_421_over_one_mail_defers_it_and_the_next_goes_out_on_a_new_connection() -> None:
    whole = [*UP_TO_DATA, "250 queued", "221 bye"]
    port = scripted(["220 hello", "250 hello", "250 sender", "421 closing down"], whole)
    with closing(door(f"smtp://127.0.0.1:{port}")) as opened:
        with pytest.raises(DeliveryFailed, match="421 closing down") as failure:
            opened.send(MESSAGE, to="ada@example.org")
        assert (failure.value.broke_off, failure.value.permanent) == (True, False)
        assert opened.send(MESSAGE, to="ben@example.org") == "250 queued"


def test_a_mail_too_large_for_the_server_is_refused_for_good() -> None:
    with pytest.raises(DeliveryFailed, match="552 too large") as failure:
        send(f"smtp://127.0.0.1:{scripted(['220 hello', '250 hello', '552 too large', '250 reset', '221 bye'])}")
    assert failure.value.permanent


def test_a_reply_with_control_characters_is_one_clean_line() -> None:
    said = "550 no\x00 such\x1b[31m user"
    with pytest.raises(DeliveryFailed) as failure:
        send(f"smtp://127.0.0.1:{scripted(['220 hello', '250 hello', '250 sender', said, '250 reset', '221 bye'])}")
    assert str(failure.value) == "550 no such [31m user"


def test_a_refused_sender_is_no_fault_of_the_recipient() -> None:
    with pytest.raises(ServerUnusable, match="550 who are you"):
        send(f"smtp://127.0.0.1:{scripted(['220 hello', '250 hello', '550 who are you'])}")


def test_a_connection_closed_between_two_mails_is_opened_again() -> None:
    whole = [*UP_TO_DATA, "250 queued"]
    with closing(door(f"smtp://127.0.0.1:{scripted([*whole, None], [*whole, '221 bye'])}")) as opened:
        assert opened.send(MESSAGE, to="ada@example.org") == "250 queued"
        assert opened.send(MESSAGE, to="ben@example.org") == "250 queued"
