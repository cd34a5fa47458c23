"""Connections that break within a mail, at each octet that matters: what the ledger says of the mail then."""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import pytest
import trustme
import uvloop

from service.delivery.feed import Parcel, Result
from service.delivery.message import ReadyMessage
from service.delivery.pipelined.connection import Connection
from service.delivery.pipelined.wire import Wire
from service.errors import DeliveryFailed, DeliveryUncertain
from service.models import Delivery, DeliveryState
from service.pipeline.outcomes import outcome

MESSAGE = ReadyMessage(b"Message-ID: <m1@example.org>\r\n\r\n", [b"a line of some length\r\n"] * 50)
END = len(MESSAGE) + len(b".\r\n")
NEXT = Parcel("m2", "reader2@example.org", b"Message-ID: <m2@example.org>\r\n\r\nx\r\n")
ENVELOPE = b"MAIL FROM:<digest@example.org>\r\nRCPT TO:<reader2@example.org>\r\nDATA\r\n"


class Narrow(socket.socket):
    """Takes so many octets and then no more, as one does whose peer reads no further."""

    room = 0

    def sendmsg(self, pieces: Iterable[bytes]) -> int:  # type: ignore[override]
        return self.send(b"".join(pieces))

    def send(self, octets: bytes, flags: int = 0) -> int:  # type: ignore[override]
        if not self.room:
            raise BlockingIOError
        taken = super().send(octets[: self.room], flags)
        self.room -= taken
        return taken


def pair(kind: type[socket.socket] = socket.socket) -> tuple[socket.socket, socket.socket]:
    """Ours, which never blocks, and the server's."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        near = kind(socket.AF_INET, socket.SOCK_STREAM)
        near.connect(listener.getsockname())
        near.setblocking(False)
        return near, listener.accept()[0]


def break_off(peer: socket.socket) -> None:
    """By a reset, as a machine does that has crashed and come back."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def handed_over(connected: socket.socket) -> Result:
    async def hand_over() -> Result:
        connection = Connection(connected, "digest@example.org", 60.0, 60.0)
        connection.extensions = {"PIPELINING": ""}
        try:
            return await connection.hand_over(MESSAGE, NEXT)
        except (DeliveryFailed, DeliveryUncertain) as error:
            return error
        finally:
            connection.abort()

    return uvloop.run(hand_over())


def read_exactly(peer: socket.socket, count: int, then: Callable[[socket.socket], None]) -> tuple[threading.Thread, list[bytes]]:
    seen: list[bytes] = []

    def read() -> None:
        seen.append(peer.recv(count, socket.MSG_WAITALL))
        then(peer)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    return thread, seen


@pytest.mark.parametrize(
    ("out", "state"),
    [
        (0, DeliveryState.DEFERRED),
        (END - 1, DeliveryState.DEFERRED),  # all but the last octet of the content's end
        (END, DeliveryState.UNKNOWN),  # exactly the content
        (END + 1, DeliveryState.UNKNOWN),  # and the M of the MAIL behind it
        (END + len(ENVELOPE) - 1, DeliveryState.UNKNOWN),
        (END + len(ENVELOPE), DeliveryState.UNKNOWN),
    ],
)
def test_a_mail_is_in_doubt_from_the_octet_on_that_ends_its_content_whatever_of_the_next_envelope_is_out(
    out: int, state: DeliveryState
) -> None:
    """What is in doubt is noted as that; what is not goes out again as if it had never gone."""
    near, peer = pair(Narrow)
    near.room = out  # type: ignore[attr-defined]
    thread, seen = read_exactly(peer, out, break_off)
    result = handed_over(near)
    thread.join(60)
    assert seen == [(bytes(MESSAGE) + b".\r\n" + ENVELOPE)[:out]]
    settled = outcome(result, Delivery(digest_on=datetime.now(UTC).date()), datetime.now(UTC))
    assert settled.state == state
    assert settled.is_uncertain == (state == DeliveryState.UNKNOWN)
    assert settled.next_try_at is not None


def test_what_a_server_said_before_it_broke_off_within_a_content_counts() -> None:
    near, peer = pair(Narrow)
    near.room = END - 1  # type: ignore[attr-defined]

    def refuse(peer: socket.socket) -> None:
        peer.sendall(b"552 5.3.4 too big\r\n")
        peer.close()

    thread, _ = read_exactly(peer, END - 1, refuse)
    result = handed_over(near)
    thread.join(60)
    assert str(result) == "552 5.3.4 too big"


def test_under_tls_too_nothing_is_told_to_be_out_that_is_not_and_all_of_it_arrives() -> None:
    """The peer reads no octet before ours can send no more, and then everything."""
    authority, context = trustme.CA(), ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    ours = ssl.create_default_context()
    authority.configure_trust(ours)
    near, peer = pair()
    octets, seen, go_on = bytes(range(256)) * 40_000, bytearray(), threading.Event()

    def read() -> None:
        with context.wrap_socket(peer, server_side=True) as secure:
            go_on.wait(60)
            while len(seen) < len(octets):
                seen.extend(secure.recv(1 << 14))

    async def write() -> int:
        wire = Wire(near, lambda _: None)
        await wire.start_tls(ours, "localhost", 60.0)
        wire.write(octets)
        await asyncio.sleep(0.05)
        left = wire.unsent_count
        go_on.set()
        await wire.until(lambda: wire.unsent_count == 0, 60.0)
        wire.fail(ConnectionAbortedError())
        return left

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    left = uvloop.run(write())
    thread.join(60)
    assert 0 < left < len(octets)
    assert left % (1 << 14) == len(octets) % (1 << 14)  # whole records are out
    assert seen == octets
