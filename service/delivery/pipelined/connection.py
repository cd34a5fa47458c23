"""One connection to an SMTP server: commands and contents out, replies in. Touches the network.

Where the server offers PIPELINING, an envelope's three commands go out together, right behind the content of the mail before
(RFC 2920). Every reply is read and checked in its order, and where a recipient was refused and DATA was not, a lone dot ends
the transaction: no content goes out to nobody.
"""

from __future__ import annotations

import socket
import ssl
from collections import deque
from contextlib import suppress

from service.delivery.feed import Parcel
from service.delivery.message import Message
from service.delivery.pipelined.commands import Extensions, content, envelope
from service.delivery.pipelined.replies import Nonsense, Reply, ReplyParser
from service.delivery.pipelined.wire import Wire
from service.delivery.server import said
from service.errors import DeliveryFailed, DeliveryUncertain

_QUIT_TIMEOUT = 5.0  # seconds; every mail is settled by then


class Unwilling(Exception):
    """The server takes no mail at all on this connection: it is closed, or refuses the sender."""

    def __init__(self, why: str | Reply) -> None:
        super().__init__(str(why))
        self.why = why


class Connection:
    """Made by `dial`. At most one mail's content, one envelope and one reply's bytes are kept."""

    def __init__(self, connected: socket.socket, mail_from: str, timeout: float, end_timeout: float) -> None:
        self.extensions: Extensions = {}
        self._mail_from, self._timeout, self._end_timeout = mail_from, timeout, end_timeout
        self._wire = Wire(connected, self._received)
        self._parser = ReplyParser()
        self._replies = deque[Reply]()
        self._begun: Parcel | None = None  # whose envelope is out
        self._unsent: list[bytes] = []  # the rest of that envelope, where it goes out step by step

    def _received(self, octets: bytes) -> None:
        if not octets:
            broke_off = "within a reply" if self._parser.is_within else "the connection"
            self._wire.fail(ConnectionResetError(f"it closed {broke_off}"))
            return
        try:
            self._replies.extend(self._parser.feed(octets))
        except Nonsense as error:
            self._wire.fail(error)

    # ---- one mail

    @property
    def has_begun(self) -> Parcel | None:
        return self._begun

    @property
    def is_lost(self) -> bool:
        return self._wire.failure is not None

    def begin(self, parcel: Parcel) -> None:
        """Send the mail's envelope, or its first command where the server takes them one by one. Raises DeliveryFailed."""
        self._wire.write(self._envelope(parcel))

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

    async def hand_over(self, message: Message, following: Parcel | None) -> str:
        """Send the content, and the envelope of the mail that follows; answers the reply to the content.

        Raises DeliveryFailed where the mail is refused or the connection broke before its end was out, and
        DeliveryUncertain where it broke after (RFC 1047).
        """
        ahead = self._ahead(following)
        # in one write, for the server would answer two in two, the second after 40 ms for our acknowledgement of the first
        self._wire.write(*content(message), ahead)
        try:
            await self._wire.until(lambda: self._wire.unsent_count <= len(ahead), self._timeout)
        except (OSError, Nonsense) as error:
            if self._replies and (reply := self._replies.popleft()).code >= 400:  # it said why before it closed
                raise DeliveryFailed(reply.code, reply.text) from error
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
            raise Unwilling(reply)

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
                self._wire.write(self._unsent.pop(0))
        if refusal is not None and reply.code == 354:
            await self.command(b".\r\n")  # RFC 2920, 3.1
        return refusal

    async def _reset(self) -> None:
        try:
            await self.command(b"RSET\r\n")
        except (OSError, Nonsense) as error:
            self._wire.fail(error)

    # ---- lines

    async def command(self, line: bytes) -> Reply:
        """Raises OSError, Nonsense."""
        self._wire.write(line)
        return await self.reply(self._timeout)

    async def reply(self, timeout: float) -> Reply:
        """The next one. Raises OSError where the connection broke or nothing came in time, and Nonsense."""
        if not self._replies:
            await self._wire.until(lambda: bool(self._replies), timeout)
        return self._replies.popleft()

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """What was slipped in behind the last plain reply must not pass for said under TLS (CVE-2011-0411). Raises OSError."""
        if self._replies or self._parser.is_within:
            raise ConnectionAbortedError("it said more than it was asked before TLS began")
        await self._wire.start_tls(context, host, self._timeout)

    # ---- the end

    def abort(self) -> None:
        """Break off: whatever waits for the server fails at once."""
        self._wire.fail(ConnectionAbortedError("broken off"))

    async def quit(self) -> None:
        self._timeout = _QUIT_TIMEOUT
        with suppress(OSError, Nonsense):  # it is over either way, and every outcome is recorded
            await self.command(b"QUIT\r\n")
        self.abort()


def _sensible(reply: Reply) -> Reply:
    if reply.code < 400:
        raise Nonsense(f"its answer makes no sense: {reply}")
    return reply
