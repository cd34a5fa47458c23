"""One connection to an SMTP server: bytes out, replies in. Touches the network.

Where the server offers PIPELINING, an envelope's three commands go out together, right behind the content of the mail before
(RFC 2920). Every reply is read and checked in its order, and where a recipient was refused and DATA was not, a lone dot ends
the transaction: no content goes out to nobody.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import cast

from service.delivery.lanes import Parcel
from service.delivery.pipelined.commands import Extensions, content, envelope
from service.delivery.pipelined.replies import Nonsense, Reply, ReplyParser
from service.errors import DeliveryFailed, DeliveryUncertain

_QUIT_TIMEOUT = 5.0  # seconds; every mail is settled by then


class Unwilling(Exception):
    """The server takes no mail at all on this connection: it is closed, or refuses the sender."""


class Connection(asyncio.Protocol):
    """Made by `dial`. At most one mail's content, one envelope and one reply's bytes are kept."""

    def __init__(self, mail_from: str, timeout: float, end_timeout: float) -> None:
        self.extensions: Extensions = {}
        self._mail_from, self._timeout, self._end_timeout = mail_from, timeout, end_timeout
        self._transport: asyncio.Transport | None = None
        self._parser = ReplyParser()
        self._replies = deque[Reply]()
        self._failure: Exception | None = None
        self._is_out = True  # the content's end
        self._waiter: asyncio.Future[None] | None = None
        self._begun: Parcel | None = None  # whose envelope is out
        self._unsent: list[bytes] = []  # the rest of that envelope, where it goes out step by step

    # ---- what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            self._replies.extend(self._parser.feed(data))
        except Nonsense as error:
            self._fail(error)
        self._wake()

    def pause_writing(self) -> None:
        self._is_out = False

    def resume_writing(self) -> None:
        self._is_out = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        broke_off = "within a reply" if self._parser.is_within else "the connection"
        self._fail(exc or ConnectionResetError(f"it closed {broke_off}"))

    # ---- one mail

    @property
    def has_begun(self) -> Parcel | None:
        return self._begun

    @property
    def is_lost(self) -> bool:
        return self._failure is not None

    def begin(self, parcel: Parcel) -> None:
        """Send the mail's envelope, or its first command where the server takes them one by one. Raises DeliveryFailed."""
        self.write(self._envelope(parcel))

    def _envelope(self, parcel: Parcel) -> bytes:
        commands = envelope(self._mail_from, parcel.to, parcel.message, self.extensions)
        count = len(commands) if "PIPELINING" in self.extensions else 1
        self._begun, self._unsent = parcel, commands[count:]
        return b"".join(commands[:count])

    async def agree(self) -> None:
        """Read what the server says to the envelope. Returns where it wants the content.

        Raises Unwilling where it takes no mail at all, and DeliveryFailed where it refuses this one.
        """
        await self._expect_sender()
        try:
            refusal = await self._refusal()
        except (OSError, Nonsense) as error:
            raise DeliveryFailed(None, f"the mail server broke off: {said(error)}") from error
        self._begun = None
        if refusal is not None:
            if refusal.code != 421:
                await self._reset()
            raise DeliveryFailed(refusal.code, refusal.text)

    async def hand_over(self, message: bytes, following: Parcel | None) -> str:
        """Send the content, and the envelope of the mail that follows; answers the reply to the content.

        Raises DeliveryFailed where the mail is refused or the connection broke before its end was out, and
        DeliveryUncertain where it broke after (RFC 1047).
        """
        self._write_in_one(content(message), self._ahead(following))
        try:
            if not self._is_out:
                await self._wait(lambda: self._is_out, self._timeout)
        except OSError as error:
            if self._replies:  # it said why before it closed
                return self._end(self._replies.popleft())
            raise DeliveryFailed(None, f"the connection broke before the whole mail was out: {said(error)}") from error
        try:
            reply = await self.reply(self._end_timeout)
        except (OSError, Nonsense) as error:
            raise DeliveryUncertain(f"the answer to the whole mail was lost: {said(error)}") from error
        return self._end(reply)

    def _ahead(self, parcel: Parcel | None) -> bytes:
        """The envelope that goes behind a content. One that this server can't take is told when it is that mail's turn."""
        if parcel is None or "PIPELINING" not in self.extensions:
            return b""
        try:
            return self._envelope(parcel)
        except DeliveryFailed:
            return b""

    def _write_in_one(self, whole: bytes, ahead: bytes) -> None:
        """In two writes the server would answer in two, and the second answer wait 40 ms for our acknowledgement of the first.

        The event loop tells us when no more is left to send than what is ahead: then the content's end is out. On a plain
        connection asyncio's tells it to the octet; uvloop's only once what is ahead is out as well, and if the connection
        broke between the two, a mail that may have arrived would count as not handed over. Under TLS it may be told early,
        which makes the mail a doubt.
        """
        assert self._transport is not None
        if self._failure is None:
            self._transport.set_write_buffer_limits(high=len(ahead) + 1, low=len(ahead))
            self._transport.write(whole + ahead)

    def _end(self, reply: Reply) -> str:
        if reply.code == 250:
            return str(reply)
        if reply.code < 400:
            raise DeliveryUncertain(f"the answer to the whole mail makes no sense: {reply.code}")
        raise DeliveryFailed(reply.code, reply.text)

    async def _expect_sender(self) -> None:
        """A refused sender concerns every mail, so it is no failure of this one; 552 is about this mail's size."""
        try:
            reply = await self.reply(self._timeout)
        except (OSError, Nonsense) as error:
            raise Unwilling(said(error)) from error
        if reply.code == 250 or reply.code == 552:
            self._replies.appendleft(reply)
        else:
            raise Unwilling(str(reply))

    async def _refusal(self) -> Reply | None:
        """The first reply that is not the one wanted; the others are read all the same, for the next mail's are behind them."""
        refusal: Reply | None = None
        for wanted in ((250,), (250, 251), (354,)):
            reply = await self.reply(self._timeout)
            if reply.code not in wanted and refusal is None:
                refusal = _sensible(reply)
            if reply.code == 421 or (refusal is not None and self._unsent):
                return refusal
            if self._unsent:
                self.write(self._unsent.pop(0))
        if refusal is not None and reply.code == 354:
            await self.command(b".\r\n")  # RFC 2920, 3.1
        return refusal

    async def _reset(self) -> None:
        try:
            await self.command(b"RSET\r\n")
        except (OSError, Nonsense) as error:
            self._fail(error)

    # ---- lines

    def write(self, octets: bytes) -> None:
        assert self._transport is not None
        if self._failure is None:
            self._transport.write(octets)

    async def command(self, line: bytes) -> Reply:
        """Raises OSError, Nonsense."""
        self.write(line)
        return await self.reply(self._timeout)

    async def reply(self, timeout: float) -> Reply:
        """The next one. Raises OSError where the connection broke or nothing came in time, and Nonsense."""
        if not self._replies:
            await self._wait(lambda: bool(self._replies), timeout)
        return self._replies.popleft()

    async def _wait(self, is_done: Callable[[], bool], timeout: float) -> None:
        loop = asyncio.get_running_loop()
        timer = loop.call_later(timeout, self._expire, is_done, timeout)
        try:
            while not is_done():
                if self._failure is not None:
                    raise self._failure
                self._waiter = loop.create_future()
                await self._waiter
        finally:
            timer.cancel()

    def _expire(self, is_done: Callable[[], bool], timeout: float) -> None:
        """A commit may have kept the loop from reading for longer than the time-out: what has come by then counts."""
        if not is_done():
            self._fail(TimeoutError(f"no answer within {timeout:g} seconds"))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _fail(self, error: Exception) -> None:
        self._failure = self._failure or error
        self._wake()
        self.abort()

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """What was slipped in behind the last plain reply must not pass for said under TLS (CVE-2011-0411). Raises OSError."""
        if self._replies or self._parser.is_within:
            raise ConnectionAbortedError("it said more than it was asked before TLS began")
        assert self._transport is not None
        loop = asyncio.get_running_loop()
        transport = await loop.start_tls(
            self._transport, self, context, server_hostname=host, ssl_handshake_timeout=self._timeout
        )
        if transport is None:
            raise ConnectionResetError("it closed the connection as TLS began")
        self.connection_made(transport)

    # ---- the end

    def abort(self) -> None:
        """Break off: whatever waits for the server fails at once."""
        if self._transport is not None:
            self._transport.abort()

    async def quit(self) -> None:
        self._timeout = _QUIT_TIMEOUT
        with suppress(OSError, Nonsense):  # it is over either way, and every outcome is recorded
            await self.command(b"QUIT\r\n")
        self.abort()


def _sensible(reply: Reply) -> Reply:
    if reply.code < 400:
        raise Nonsense(f"its answer makes no sense: {reply}")
    return reply


def said(error: Exception) -> str:
    """On one line. Of a refused connection asyncio tells the address, not that it was refused."""
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return " ".join(str(error).split()) or type(error).__name__
