"""The pipelining client: the protocol's odd cases, and what goes out when."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from service.delivery.dkim import SigningKey, sign
from service.delivery.feed import Parcel, Result, Turn
from service.delivery.message import ReadyMessage
from service.delivery.pipelined import PipelinedTransport
from service.delivery.pipelined.commands import content, envelope, extensions_of, password_steps
from service.delivery.pipelined.dialling import Dialler
from service.delivery.pipelined.replies import Nonsense, Reply, ReplyParser
from service.delivery.server import Server, parse_smtp_url
from service.errors import DeliveryFailed, ServerUnusable, StoreFailed
from service.limits import Limits, grant
from service.subscribers import domain_of
from tests.builders import free_port
from tests.delivery.scripted import UP_TO_DATA, scripted
from tests.mail_server import DROP, STALL, MailServer, Moment, Odd, running
from tests.programs import wait_for

# ---- replies

line_text = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=30)
replies = st.builds(Reply, st.integers(200, 599), st.lists(line_text, min_size=1, max_size=5).map(tuple))


def written(reply: Reply, line_break: bytes) -> bytes:
    lines = [f"{reply.code}{' ' if n == len(reply.lines) else '-'}{line}" for n, line in enumerate(reply.lines, 1)]
    return b"".join(line.encode() + line_break for line in lines)


@given(st.lists(replies, max_size=5), st.sampled_from([b"\r\n", b"\n"]), st.data())
def test_replies_are_the_same_however_they_are_cut_on_the_way(said: list[Reply], line_break: bytes, data: st.DataObject) -> None:
    octets = b"".join(written(reply, line_break) for reply in said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(octets)), max_size=10)))
    parser = ReplyParser()
    pieces = [octets[a:b] for a, b in zip([0, *cuts], [*cuts, len(octets)], strict=True)]
    assert [reply for piece in pieces for reply in parser.feed(piece)] == said
    assert not parser.is_within


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n",
        b"25\r\n",
        b"250_what\r\n",
        b"650 too high\r\n",
        b"250-one\r\n550 two\r\n",
        b"250-again\r\n" * 200,
        b"250 " + b"x" * 5000,
        b"x" * 5000,
    ],
)
def test_what_is_no_reply_is_not_believed_and_not_kept_for_ever(octets: bytes) -> None:
    with pytest.raises(Nonsense):
        list(ReplyParser().feed(octets))


def test_what_was_said_before_nonsense_counts() -> None:
    said: list[Reply] = []
    with pytest.raises(Nonsense):
        said.extend(ReplyParser().feed(b"250 2.0.0 queued\r\nrubbish\r\n"))
    assert said == [Reply(250, ("2.0.0 queued",))]


def test_a_reply_without_text_and_one_with_control_characters_are_read() -> None:
    assert list(ReplyParser().feed(b"250\r\n250-\r\n250 \xff\x1b[2J\r\n")) == [Reply(250, ("",)), Reply(250, ("", "\ufffd [2J"))]


# ---- commands

OFFERS_ALL = {"SIZE": "100", "8BITMIME": "", "SMTPUTF8": ""}


@given(st.lists(st.sampled_from([b"a", b".", b"\r", b"\n", b"\r\n", b"\r\n.\r\n"]), max_size=20).map(b"".join))
def test_content_has_no_bare_line_break_and_ends_where_the_mail_ends(message: bytes) -> None:
    out = b"".join(content(message))
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", out)
    lines = out.removesuffix(b"\r\n").split(b"\r\n")
    assert [number for number, line in enumerate(lines, 1) if line == b"."] == [len(lines)]
    received = b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-1])
    wanted = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    assert received == (wanted if wanted.endswith(b"\r\n") else wanted + b"\r\n")


def test_content_that_was_made_ready_goes_out_as_it_is_and_stays_so_when_it_is_signed() -> None:
    key = SigningKey("example.org", "s1", Ed25519PrivateKey.generate())
    ready = ReadyMessage(b"From: a@example.org\r\n\r\n", [b"x\r\n", b"y\r\n"])
    assert content(ready) == (b"From: a@example.org\r\n\r\n", b"x\r\n", b"y\r\n", b".\r\n")
    signed = sign(ready, [key], 0)
    assert b"".join(content(signed)).endswith(b"\r\n" + bytes(ready) + b".\r\n")
    assert isinstance(signed, ReadyMessage)
    assert bytes(signed) == sign(bytes(ready), [key], 0)


def test_an_envelope_tells_what_the_mail_needs_and_nothing_that_the_server_does_not_know() -> None:
    ascii_mail = b"Subject: x\r\n\r\nbody\r\n"
    assert envelope("a@b.example", "c@d.example", ascii_mail, {}) == [
        b"MAIL FROM:<a@b.example>\r\n",
        b"RCPT TO:<c@d.example>\r\n",
        b"DATA\r\n",
    ]
    eight_bit, all_of_it = ascii_mail + "é\r\n".encode(), "Subject: é\r\n\r\né\r\n".encode()
    assert (
        envelope("a@b.example", "c@d.example", eight_bit, OFFERS_ALL)[0] == b"MAIL FROM:<a@b.example> SIZE=24 BODY=8BITMIME\r\n"
    )
    assert envelope("a@b.example", "c@d.example", all_of_it, OFFERS_ALL)[0].endswith(b" BODY=8BITMIME SMTPUTF8\r\n")
    ready = ReadyMessage("Subject: é\r\n\r\n".encode(), [b"x\r\n", b"y\r\n"])
    assert envelope("a@b.example", "c@d.example", ready, OFFERS_ALL) == envelope(
        "a@b.example", "c@d.example", bytes(ready), OFFERS_ALL
    )
    assert envelope("a@b.example", "é@d.example", ascii_mail, OFFERS_ALL)[1] == "RCPT TO:<é@d.example>\r\n".encode()


@pytest.mark.parametrize(
    ("to", "message", "extensions", "code"),
    [
        ("c@d.example", b"x" * 101, {"SIZE": "100"}, "552 5.3.4"),
        ("c@d.example", b"\xff", {}, "554 5.6.3"),
        ("é@d.example", b"x", {"8BITMIME": ""}, "554 5.6.7"),
        ("c@d.example> NOTIFY=x", b"x", {}, "553 5.1.3"),
        ("c@d.example\r\nDATA", b"x", {}, "553 5.1.3"),
    ],
)
def test_a_mail_that_the_server_cannot_take_is_refused_for_good_before_it_goes_out(
    to: str, message: bytes, extensions: dict[str, str], code: str
) -> None:
    with pytest.raises(DeliveryFailed, match=re.escape(code)) as failure:
        envelope("a@b.example", to, message, extensions)
    assert failure.value.permanent


def test_extensions_are_read_in_either_case_and_the_old_form_of_auth_too() -> None:
    offered = extensions_of(Reply(250, ("mail.example.org", "pipelining", "SIZE 100", "AUTH=PLAIN LOGIN")))
    assert offered == {"PIPELINING": "", "SIZE": "100", "AUTH": "PLAIN LOGIN"}


def test_passwords_go_by_plain_where_it_is_known_else_by_login() -> None:
    assert password_steps("LOGIN PLAIN", "me", "pw") == [b"AUTH PLAIN AG1lAHB3\r\n"]
    assert password_steps("CRAM-MD5 LOGIN", "me", "pw") == [b"AUTH LOGIN\r\n", b"bWU=\r\n", b"cHc=\r\n"]
    assert password_steps("GSSAPI", "me", "pw") == []


# ---- whole runs


class Mails:
    """A feed that keeps what it is told; `on_turn` sees each group before it counts as durable."""

    def __init__(self, parcels: Sequence[Parcel], on_turn: Callable[[Sequence[Turn]], None] = lambda turns: None) -> None:
        self._parcels = deque(parcels)
        self.on_turn = on_turn
        self.forbidden: set[str] = set()
        self.results: dict[str, Result] = {}
        self.groups: list[int] = []
        self.stops = False

    def take(self, avoid: Collection[str] = (), /) -> Parcel | None:
        wanted = next((parcel for parcel in self._parcels if domain_of(parcel.to) not in avoid), None)
        if wanted is None or self.stops:
            return None
        self._parcels.remove(wanted)
        return wanted

    def turn(self, turns: Sequence[Turn]) -> list[bool]:
        self.on_turn(turns)
        self.groups.append(len(turns))
        for turn in turns:
            if turn.last:
                assert turn.last[0].key not in self.results
                self.results[turn.last[0].key] = turn.last[1]
        return [turn.starting is not None and turn.starting.key not in self.forbidden for turn in turns]

    def is_stopping(self) -> bool:
        return self.stops


def mail(number: int, size: int = 0) -> Parcel:
    body = b".dots\r\n" + b"x" * size
    message = b"Message-ID: <m%d@example.org>\r\n\r\n%s\r\n" % (number, body)
    return Parcel(f"m{number}", f"reader{number}@example.org", message)


def carry(port: int, mails: Mails, connections: int = 1, **options: Any) -> Mails:
    server = Server("127.0.0.1", port, "off")
    PipelinedTransport(server, mail_from="digest@example.org", connections=connections, timeout=60.0, **options).carry(mails)
    return mails


def server(behaviour: Callable[[Moment], str | Odd | None] = lambda moment: None) -> MailServer:
    return MailServer(behaviour, offers_pipelining=True)


@pytest.mark.parametrize("offers_pipelining", [True, False])
@pytest.mark.parametrize("size", [0, 500_000])
def test_every_mail_arrives_once_and_byte_for_byte(offers_pipelining: bool, size: int) -> None:
    parcels = [mail(number, size) for number in range(40)]
    with running(MailServer(offers_pipelining=offers_pipelining)) as sink:
        mails = carry(sink.port, Mails(parcels), connections=4)
    assert set(mails.results.values()) == {"250 2.0.0 queued"}
    received = {to: message.replace(b"\r\n..", b"\r\n.") for to, message in sink.accepted}
    assert received == {parcel.to: parcel.message for parcel in parcels}
    assert len(sink.accepted) == 40
    assert sink.connections == 4


def test_no_byte_of_a_content_goes_out_before_its_start_and_the_last_outcome_are_durable() -> None:
    with running(server()) as sink:

        def check(turns: Sequence[Turn]) -> None:
            time.sleep(0.01)  # whatever is out arrives by now
            accepted = sink.keys
            for turn in turns:
                assert turn.starting is None or turn.starting.key not in accepted
                assert turn.last is None or turn.last[0].key in accepted

        mails = carry(sink.port, Mails([mail(number) for number in range(20)], check), connections=3)
    assert len(mails.results) == 20
    assert max(mails.groups) > 1  # connections share commits


@pytest.mark.slow
def test_a_connection_whose_server_takes_its_time_holds_the_others_up_for_a_moment_only() -> None:
    stall = lambda moment: Odd(stalls=True) if moment.stage == "DOT" and moment.to == "reader0@example.org" else None  # noqa: E731
    with running(server(stall)) as sink:
        mails = carry(sink.port, Mails([mail(number) for number in range(30)]), connections=2, end_timeout=3.0)
    assert list(mails.results)[-2] == "m0"  # behind it comes only what waited on the same connection
    assert list(mails.results.values()).count("250 2.0.0 queued") == 29


def test_the_next_envelope_goes_out_with_the_content_so_that_a_mail_costs_one_round_trip() -> None:
    """The server answers nothing before it has seen the next mail's DATA, which a client that waits never sends."""
    listener = socket.create_server(("127.0.0.1", 0))
    seen: list[bytes] = []

    def converse() -> None:
        with listener, listener.accept()[0] as peer, peer.makefile("rb") as lines:
            peer.sendall(b"220 hi\r\n")
            lines.readline()
            peer.sendall(b"250-hi\r\n250 PIPELINING\r\n")
            seen.append(b"".join(lines.readline() for _ in range(3)))
            peer.sendall(b"250 a\r\n250 b\r\n354 c\r\n")
            for answers in (b"250 kept\r\n250 a\r\n250 b\r\n354 c\r\n", b"250 kept\r\n"):
                while (line := lines.readline()) != b".\r\n":
                    assert line
                if b"354" in answers:
                    seen.append(b"".join(lines.readline() for _ in range(3)))
                peer.sendall(answers)
            lines.readline()

    thread = threading.Thread(target=converse, daemon=True)
    thread.start()
    mails = carry(listener.getsockname()[1], Mails([mail(1), mail(2)]))
    thread.join(5)
    assert mails.results == {"m1": "250 kept", "m2": "250 kept"}
    assert [b"DATA" in group and b"reader" in group for group in seen] == [True, True]


@pytest.mark.parametrize("stage", ["RCPT", "DATA", "DOT"])
def test_a_refused_mail_in_a_group_neither_stops_the_others_nor_sends_its_content(stage: str) -> None:
    refuse = lambda moment: "550 5.1.1 no" if moment.stage == stage and moment.to == "reader2@example.org" else None  # noqa: E731
    with running(server(refuse)) as sink:
        mails = carry(sink.port, Mails([mail(number) for number in range(1, 6)]))
    assert str(mails.results.pop("m2")) == "550 5.1.1 no"
    assert set(mails.results.values()) == {"250 2.0.0 queued"}
    assert sorted(sink.recipients) == [f"reader{number}@example.org" for number in (1, 3, 4, 5)]
    assert sink.connections == 1


def test_a_mail_too_large_for_the_server_is_refused_in_its_own_turn_and_not_the_one_before_it() -> None:
    """Its envelope would have gone out behind that one's content."""
    with running(server()) as sink:
        mails = carry(sink.port, Mails([mail(1), mail(2, 10_000_000), mail(3)]))
    assert str(mails.results.pop("m2")).startswith("552 5.3.4 ")
    assert mails.results == {"m1": "250 2.0.0 queued", "m3": "250 2.0.0 queued"}
    assert sorted(sink.keys) == ["m1", "m3"]
    assert sink.connections == 1


def test_a_server_that_wants_the_content_although_it_refused_the_recipient_gets_a_lone_dot() -> None:
    """RFC 2920, 3.1. After the dot the conversation goes on, so a mail's content must not take the dot's place."""
    group = ["250 sender", "550 no such user", "354 go on", "554 no valid recipients", "250 reset"]
    script = ["220 hello", "250-hello\r\n250 PIPELINING", *group, "250 sender", "250 recipient", "354 go on", "250 queued"]
    mails = carry(scripted([*script, "221 bye"]), Mails([mail(1), mail(2)]))
    assert str(mails.results["m1"]) == "550 no such user"
    assert mails.results["m2"] == "250 queued"


def test_a_mail_that_the_ledger_takes_back_never_goes_out_though_its_envelope_did() -> None:
    mails = Mails([mail(number) for number in range(5)])
    mails.forbidden = {"m0", "m2"}
    with running(server()) as sink:
        carry(sink.port, mails)
    assert sorted(mails.results) == ["m1", "m3", "m4"]
    assert sorted(sink.keys) == ["m1", "m3", "m4"]


def test_where_the_outcome_cannot_be_recorded_nothing_more_goes_out() -> None:
    def fail(turns: Sequence[Turn]) -> None:
        if any(turn.last for turn in turns):
            raise StoreFailed("the disk is full")

    with running(server()) as sink, pytest.raises(StoreFailed, match="the disk is full"):
        carry(sink.port, Mails([mail(number) for number in range(20)], fail), connections=2)
    assert len(sink.accepted) <= 2


def test_no_more_connections_are_opened_than_there_are_mails() -> None:
    with running(server()) as sink:
        carry(sink.port, Mails([mail(1)]), connections=8)
        assert sink.connections == 1
        carry(sink.port, Mails([]), connections=8)
    assert sink.connections == 1


def test_replies_that_come_byte_by_byte_are_waited_for() -> None:
    whole = [
        "220-hello\r\n220 there",
        "250-hello\r\n250-SIZE\r\n250 PIPELINING",
        "250 a",
        "250 b",
        "354 c",
        "250 kept",
        "221 bye",
    ]
    mails = carry(scripted(whole, pause=0.001), Mails([mail(1)]))
    assert mails.results == {"m1": "250 kept"}


def test_a_server_that_knows_no_ehlo_is_greeted_the_old_way() -> None:
    port = scripted(["220 hello", "502 what", "250 hello", *UP_TO_DATA[2:], "250 queued", "221 bye"])
    assert carry(port, Mails([mail(1)])).results == {"m1": "250 queued"}


@pytest.mark.parametrize(
    "injected", [b"250-hello\r\n250 AUTH PLAIN\r\n", b"250-hello\r\n", b"250-hel"], ids=["all", "lines", "half"]
)
def test_what_is_slipped_in_before_tls_is_not_believed_be_it_half_a_reply(injected: bytes) -> None:
    """CVE-2011-0411. The beginning of a reply would be read as one with what the server says under TLS."""
    slip_in = lambda moment: Odd(b"220 go on\r\n" + injected, stalls=True) if moment.stage == "STARTTLS" else None  # noqa: E731
    with running(MailServer(slip_in, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))) as sink:
        url = parse_smtp_url(f"smtp://127.0.0.1:{sink.port}")
        with pytest.raises(ServerUnusable, match="before TLS began"):
            PipelinedTransport(url, mail_from="digest@example.org").send(b"x", to="ada@example.org")


def test_what_was_offered_before_tls_counts_no_more_under_it() -> None:
    """RFC 3207, 4.2. Whoever can write into the plain part could have every mail refused for good."""
    greetings = iter(["250-hello\r\n250-SIZE 1\r\n250 STARTTLS", "502 what"])
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    greet = lambda moment: next(greetings) if moment.stage == "EHLO" else None  # noqa: E731
    with running(MailServer(greet, tls=context)) as sink:
        url = parse_smtp_url(f"smtp://127.0.0.1:{sink.port}")
        PipelinedTransport(url, mail_from="digest@example.org").send(b"Subject: x\r\n\r\n", to="ada@example.org")
    assert len(sink.accepted) == 1


class TwoAddresses(asyncio.SelectorEventLoop):
    """Every host has two, and nobody listens at the first."""

    async def getaddrinfo(self, _host: object, port: Any, **options: Any) -> Any:  # type: ignore[override]
        first = await super().getaddrinfo("127.0.0.1", free_port(), **options)
        return first + await super().getaddrinfo("127.0.0.1", port, **options)


def test_a_host_whose_first_address_refuses_is_reached_at_the_next() -> None:
    with running(server()) as sink, asyncio.Runner(loop_factory=TwoAddresses) as runner:

        async def dial() -> None:
            host, context = Server("mail.example.org", sink.port, "off"), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            (await Dialler(host, "digest@example.org", "[127.0.0.1]", 60.0, 60.0, context).dial()).abort()

        runner.run(dial())
        assert sink.connections == 1


def test_a_password_that_the_server_has_no_way_to_take_is_told() -> None:
    port = scripted(["220 hello", "250-hello\r\n250 AUTH GSSAPI"])
    transport = PipelinedTransport(Server("127.0.0.1", port, "off", "me", "secret"), mail_from="digest@example.org")
    with pytest.raises(ServerUnusable, match="neither AUTH PLAIN nor AUTH LOGIN") as failure:
        transport.send(b"x", to="ada@example.org")
    assert failure.value.permanent


@pytest.mark.parametrize("refused", range(3), ids=["mechanism", "user", "password"])
def test_a_login_that_is_refused_at_any_step_is_over(refused: int) -> None:
    """What comes next would be told to a server that did not ask for it."""
    steps = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 welcome"]
    steps[refused] = "535 5.7.8 no"
    port = scripted(["220 hello", "250-hello\r\n250 AUTH LOGIN", *steps, *UP_TO_DATA[2:], "250 queued", "221 bye"])
    transport = PipelinedTransport(Server("127.0.0.1", port, "off", "me", "secret"), mail_from="digest@example.org")
    with pytest.raises(ServerUnusable, match=r"535 5\.7\.8 no"):
        transport.send(b"x", to="ada@example.org")


@pytest.mark.parametrize(
    ("replies", "is_for_good"),
    [
        (["554 5.7.1 your address is listed"], True),
        (["421 4.3.2 come back later"], False),
        (["220 hello", "250-hello\r\n250 AUTH PLAIN", "454 4.7.0 too many logins"], False),
        (["220 hello", "250-hello\r\n250 AUTH PLAIN", "235 welcome", "553 5.7.1 not a sender of yours"], True),
        (["220 hello", "250-hello\r\n250 AUTH PLAIN", "235 welcome", "451 4.3.0 not now"], False),
    ],
)
def test_what_a_server_refuses_all_our_mail_with_tells_whether_a_wait_helps(replies: list[str], is_for_good: bool) -> None:
    port = scripted(replies)
    transport = PipelinedTransport(Server("127.0.0.1", port, "off", "me", "secret"), mail_from="digest@example.org")
    with pytest.raises(ServerUnusable) as failure:
        transport.send(b"x", to="ada@example.org")
    assert failure.value.permanent == is_for_good


def test_told_to_stop_a_run_gives_up_on_a_silent_server_when_its_time_is_over() -> None:
    mails = Mails([mail(number) for number in range(5)])

    def stall(moment: Moment) -> Odd | None:
        mails.stops = moment.stage == "RCPT"
        return Odd(stalls=True) if mails.stops else None

    begun = time.monotonic()
    with running(server(stall)) as sink:
        carry(sink.port, mails, drain=timedelta(seconds=0.2))
    assert time.monotonic() - begun < 30
    assert [type(result) for result in mails.results.values()] == [DeliveryFailed]


@pytest.mark.parametrize("stage", ["CONNECT", "EHLO"])
def test_told_to_stop_a_run_waits_no_longer_for_a_server_that_does_not_greet(stage: str) -> None:
    mails = Mails([mail(0)])

    def stall(moment: Moment) -> Odd | None:
        mails.stops = moment.stage == stage
        return STALL if mails.stops else None

    begun = time.monotonic()
    with running(server(stall)) as sink:
        carry(sink.port, mails, drain=timedelta(seconds=0.1))
    assert time.monotonic() - begun < 30
    assert "told to stop" in str(mails.results["m0"])


def test_told_to_stop_a_run_opens_no_connection_any_more_when_its_time_is_over() -> None:
    mails = Mails([mail(0), mail(1)])

    def stall(moment: Moment) -> Odd | None:
        mails.stops = moment.stage == "MAIL" and moment.mails == 1
        return STALL if mails.stops else None

    with running(MailServer(stall)) as sink:
        carry(sink.port, mails, drain=timedelta(seconds=0.1))
    assert "told to stop" in str(mails.results["m1"])
    assert sink.connections == 1


def test_where_one_connections_work_fails_the_others_record_the_mails_in_their_hands() -> None:
    asked: list[int] = []

    def allow(domains: Sequence[str], most: int) -> tuple[list[bool], float]:
        asked.append(most)
        if len(asked) == 6:
            raise StoreFailed("the database is locked")
        return [place == 0 for place in range(len(domains))], 0.01

    class Slow(MailServer):
        async def _end(self, writer: asyncio.StreamWriter, moment: Moment, message: bytes) -> bool:
            await asyncio.sleep(0.2)
            return await super()._end(writer, moment, message)

    mails = Mails([mail(number) for number in range(20)])
    with running(Slow(offers_pipelining=True)) as sink:
        with pytest.raises(StoreFailed):
            carry(sink.port, mails, connections=8, allow=allow)
        assert set(sink.keys) == {key for key, result in mails.results.items() if isinstance(result, str)}
    assert sink.keys


def test_a_mail_that_is_started_goes_out_though_the_next_one_can_not_be_claimed() -> None:
    class Locked(Mails):
        def take(self, avoid: Collection[str] = (), /) -> Parcel | None:
            if len(self._parcels) < 2:
                raise StoreFailed("the database is locked")
            return super().take(avoid)

    mails = Locked([mail(1), mail(2)])
    with running(server()) as sink:
        with pytest.raises(StoreFailed):
            carry(sink.port, mails)
        assert sorted(sink.keys) == ["m1"]
    assert mails.results == {"m1": "250 2.0.0 queued"}


def test_a_host_whose_name_can_not_be_one_is_told() -> None:
    mails = Mails([mail(0)])
    PipelinedTransport(Server("mail..example.org", 25, "off"), mail_from="d@e.example").carry(mails)
    assert isinstance(mails.results["m0"], ServerUnusable)


def test_told_to_stop_a_run_says_nothing_more_where_an_envelope_is_out_already() -> None:
    """The server would take a QUIT for that mail's content."""
    listener, mails, content_of_second = socket.create_server(("127.0.0.1", 0)), Mails([mail(1), mail(2)]), list[bytes]()

    def converse() -> None:
        with listener, listener.accept()[0] as peer, peer.makefile("rb") as lines:
            peer.sendall(b"220 hi\r\n")
            lines.readline()
            peer.sendall(b"250-hi\r\n250 PIPELINING\r\n")
            for answers in (b"250 a\r\n250 b\r\n354 c\r\n", b"250 kept\r\n250 a\r\n250 b\r\n354 c\r\n"):
                while (line := lines.readline()) != b"DATA\r\n":
                    assert line
                mails.stops = b"kept" in answers
                peer.sendall(answers)
            content_of_second.append(lines.read())

    thread = threading.Thread(target=converse, daemon=True)
    thread.start()
    carry(listener.getsockname()[1], mails)
    thread.join(5)
    assert mails.results == {"m1": "250 kept"}
    assert content_of_second == [b""]


def test_three_broken_connections_in_a_row_end_the_run() -> None:
    breaking = [f"reader{number}@example.org" for number in (1, 2, 4, 5, 6)]
    drop = lambda moment: DROP if moment.stage == "RCPT" and moment.to in breaking else None  # noqa: E731
    with running(server(drop)) as sink:
        mails = carry(sink.port, Mails([mail(number) for number in range(1, 10)]))
    assert list(mails.results) == ["m1", "m2", "m3", "m4", "m5", "m6"]
    assert sorted(sink.keys) == ["m3"]


def test_what_a_connection_that_ends_has_not_sent_goes_out_on_another() -> None:
    refuse = lambda moment: "421 4.3.2 one is enough" if (moment.stage, moment.connection) == ("CONNECT", 2) else None  # noqa: E731
    with running(server(refuse)) as sink:
        mails = carry(sink.port, Mails([mail(number) for number in range(40)]), connections=2)
    assert Counter(map(type, mails.results.values())) == {str: 39, ServerUnusable: 1}


@pytest.mark.slow
def test_a_server_that_reads_no_more_of_a_content_is_left_when_its_time_is_over_and_nothing_is_in_doubt() -> None:
    stall = lambda moment: {"EHLO": "250 here", "DATA": Odd(b"354 go on\r\n", stalls=True)}.get(moment.stage)  # noqa: E731
    with running(server(stall)) as sink:
        transport = PipelinedTransport(Server("127.0.0.1", sink.port, "off"), mail_from="digest@example.org", timeout=2.0)
        with pytest.raises(DeliveryFailed, match=r"before the whole mail was out: no answer within 2 seconds"):
            transport.send(b"x" * 30_000_000, to="ada@example.org")


HAND_OVER = """
import sys
from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import Server
transport = PipelinedTransport(Server("127.0.0.1", int(sys.argv[1]), "off"), mail_from="digest@example.org", end_timeout=3.0)
print(transport.send(b"x", to="ada@example.org"))
"""


@pytest.mark.slow
def test_an_answer_that_came_while_the_process_was_stopped_counts() -> None:
    """By Ctrl-Z, or with its container, for longer than it would have waited."""

    class Stopping(MailServer):
        async def _end(self, writer: asyncio.StreamWriter, moment: Moment, message: bytes) -> bool:
            await asyncio.sleep(0.1)  # ours waits for the answer by now
            client.send_signal(signal.SIGSTOP)
            asyncio.get_running_loop().call_later(4, client.send_signal, signal.SIGCONT)
            await asyncio.sleep(0.5)
            return await super()._end(writer, moment, message)

    with (
        running(Stopping()) as sink,
        subprocess.Popen([sys.executable, "-c", HAND_OVER, str(sink.port)], stdout=subprocess.PIPE, text=True) as client,
    ):
        assert client.communicate()[0] == "250 2.0.0 queued\n"


@pytest.mark.parametrize(
    ("says", "size"),
    [
        ([b"354 go on\r\nrubbish\r\n"], 0),
        ([b"354 go on\r\n250 queued\r\nrubbish\r\n"], 0),
        ([b"354 go on\r\n", b"rubbish\r\n"], 30_000_000),
    ],
)
def test_nonsense_before_a_whole_content_is_out_leaves_nothing_in_doubt_and_holds_no_other_mail_up(
    says: Sequence[bytes], size: int
) -> None:
    """Right behind the 354, or while the content goes out to a server that reads no more."""

    class Babbling(MailServer):
        async def _answer(self, writer: asyncio.StreamWriter, answer: str | Odd) -> bool:
            if self.connections > 1 or answer != "354 go on":
                return await super()._answer(writer, answer)
            for octets in says:
                writer.write(octets)
                await asyncio.sleep(0.2)
            return await super()._answer(writer, STALL)

    with running(Babbling(lambda moment: "250 here" if moment.stage == "EHLO" else None)) as sink:
        mails = carry(sink.port, Mails([mail(1, size), mail(2)]))
    assert "rubbish" in str(mails.results["m1"])
    assert {key: type(result) for key, result in mails.results.items()} == {"m1": DeliveryFailed, "m2": str}
    assert sorted(sink.keys) == ["m2"]


def test_mails_are_signed_on_their_way_where_a_key_is_set() -> None:
    with running(server()) as sink:
        carry(sink.port, Mails([mail(1), mail(2)]), sign=lambda message: b"DKIM-Signature: x\r\n" + message)
    assert [message[:19] for _, message in sink.accepted] == [b"DKIM-Signature: x\r\n"] * 2


@pytest.mark.slow
def test_limits_hold_on_the_wire_and_a_mail_to_a_slow_domain_is_overtaken() -> None:
    limits, turns, arrivals = Limits(in_all=40.0, per_domain=10.0), dict[str, float](), list[tuple[float, str]]()

    def note(moment: Moment) -> None:
        if moment.stage == "DOT":
            arrivals.append((time.monotonic(), moment.to.partition("@")[2]))

    def allow(domains: Sequence[str], most: int) -> tuple[list[bool], float]:
        return grant(limits, domains, most, turns, time.monotonic())

    parcels = [Parcel(f"m{n}", f"r{n}@{'slow' if n < 20 else f'fast{n}'}.example", b"x") for n in range(60)]
    with running(server(note)) as sink:
        begun = time.monotonic()
        mails = carry(sink.port, Mails(parcels), connections=4, allow=allow)
    assert set(mails.results.values()) == {"250 2.0.0 queued"}
    assert len(mails.results) == 60
    assert arrivals[-1][0] - begun < 20  # two, where the machine is not busy
    assert any(domain != "slow.example" for _, domain in arrivals[:20])
    for domain, rate in (("slow.example", 10.0), (None, 40.0)):
        times = [at for at, to in arrivals if domain in (None, to)]
        assert len(times) / (times[-1] - begun + 0.3) <= rate * 1.05


def test_a_turn_is_taken_when_the_mail_can_go_however_late_the_server_greets() -> None:
    greeted, granted = list[float](), list[float]()

    class Late(MailServer):
        async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, moment: Moment) -> None:
            await asyncio.sleep(0.3)
            greeted.append(time.monotonic())
            await super()._talk(reader, writer, moment)

    def allow(domains: Sequence[str], most: int) -> tuple[list[bool], float]:
        granted.append(time.monotonic())
        return [place == 0 for place in range(len(domains))], 0.01

    with running(Late(offers_pipelining=True)) as sink:
        mails = carry(sink.port, Mails([mail(number) for number in range(4)]), connections=8, allow=allow)
    assert set(mails.results.values()) == {"250 2.0.0 queued"}
    assert min(granted) > min(greeted)
    assert len(greeted) <= 4


def test_however_many_mails_wait_for_their_domains_turn_those_behind_them_go_out() -> None:
    limits, turns, fast = Limits(per_domain=1.0), dict[str, float](), list[str]()
    domains = [*["one.example"] * 150, *["two.example"] * 150, *[f"fast{number}.example" for number in range(20)]]
    mails = Mails([Parcel(f"m{number}", f"r{number}@{domain}", b"x") for number, domain in enumerate(domains)])

    def note(moment: Moment) -> None:
        if moment.stage == "DOT" and "@fast" in moment.to:
            fast.append(moment.to)
            mails.stops = len(fast) == 20

    def allow(domains: Sequence[str], most: int) -> tuple[list[bool], float]:
        return grant(limits, domains, most, turns, time.monotonic())

    with running(server(note)) as sink:
        carry(sink.port, mails, connections=4, allow=allow)
    assert len(fast) == 20
    assert len(mails.results) < 120


# ---- Postfix's own sink


@contextmanager
def smtp_sink(*options: str) -> Iterator[int]:
    program = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin")
    if program is None:
        pytest.skip("smtp-sink (Debian's postfix) is not at hand")
    port = free_port()
    sink = subprocess.Popen([program, "-c", "-u", "nobody", *options, f"127.0.0.1:{port}", "100"], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield port
    finally:
        sink.terminate()
        sink.wait()


@pytest.mark.parametrize("options", [(), ("-p",), ("-e",), ("-r", "RCPT"), ("-f", "DATA"), ("-q", "MAIL")], ids=str)
def test_postfix_smtp_sink_takes_and_refuses_every_mail_as_told(options: tuple[str, ...]) -> None:
    with smtp_sink(*options) as port:
        mails = carry(port, Mails([mail(number) for number in range(30)]), connections=3)
    if options in [(), ("-p",), ("-e",)]:
        assert len(mails.results) == 30
        assert {str(result)[:3] for result in mails.results.values()} == {"250"}
    elif options == ("-q", "MAIL"):
        assert {type(result) for result in mails.results.values()} == {ServerUnusable}
        assert len(mails.results) == 3  # one a connection
    else:
        assert len(mails.results) == 30
        assert {str(result)[0] for result in mails.results.values()} == {"4" if "-r" in options else "5"}
