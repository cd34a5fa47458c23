"""Octets out and in over one socket, plain or under TLS, and how many are not out yet. Touches the network.

The socket is ours, and not a transport of the event loop: when a connection breaks, the ledger must know whether a content's
end had gone out, and a transport may tell that only of all that was written.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from typing import TypeVar

# Octets: the longest record of TLS (RFC 8446, 5.1). One that is not wholly out can't be read by the server. As no more are read
# at once, nothing is left in OpenSSL, where the event loop would not see it.
_RECORD = 1 << 14
_Octets = TypeVar("_Octets")
_NOT_NOW = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class Wire:
    """`received` is called with what comes, in pieces of any length, and with b"" when the server has closed."""

    def __init__(self, connected: socket.socket, received: Callable[[bytes], None]) -> None:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else 40 ms a mail for a delayed acknowledgement
        self.failure: Exception | None = None
        self._socket, self._received = connected, received
        self._unsent = memoryview(b"")
        self._most_at_once: int | None = None  # octets; None: all
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._loop.add_reader(connected.fileno(), self._read)

    @property
    def unsent_count(self) -> int:
        """Octets that have certainly not reached the server."""
        return len(self._unsent)

    def write(self, *pieces: bytes) -> None:
        """Send as much as goes at once, and the rest as room comes; at most 1,024 pieces (IOV_MAX). After a failure none goes."""
        # mostly all of it goes at once, and then no piece has been copied
        count = 0 if self.failure or self._unsent or self._most_at_once else self._sent(self._socket.sendmsg, pieces)
        if count < sum(map(len, pieces)):
            self._unsent = memoryview(b"".join((self._unsent, *pieces)))[count:]
            if self.failure is None and not self._send():
                self._loop.add_writer(self._socket.fileno(), self._send_rest)

    async def until(self, is_done: Callable[[], bool], timeout: float) -> None:
        """Raises what broke the connection, or TimeoutError; seconds."""
        if is_done():
            return
        timer = self._loop.call_later(timeout, self._expire, is_done, timeout)
        try:
            while not is_done():
                if self.failure is not None:
                    raise self.failure
                self._waiter = self._loop.create_future()
                await self._waiter
        finally:
            timer.cancel()

    async def start_tls(self, context: ssl.SSLContext, host: str, timeout: float) -> None:
        """Raises OSError."""
        self._loop.remove_reader(self._socket.fileno())
        secure = context.wrap_socket(self._socket, server_hostname=host, do_handshake_on_connect=False)
        self._socket, self._most_at_once = secure, _RECORD
        async with asyncio.timeout(timeout):
            await self._shake_hands(secure)
        self._loop.add_reader(secure.fileno(), self._read)

    def fail(self, error: Exception) -> None:
        """The first failure counts."""
        self.failure = self.failure or error
        self._wake()
        if (number := self._socket.fileno()) >= 0:
            self._loop.remove_reader(number)
            self._loop.remove_writer(number)
            self._socket.close()

    def _read(self) -> None:
        try:
            octets = self._socket.recv(_RECORD)
        except _NOT_NOW:
            return
        except OSError as error:
            self.fail(error)
            return
        self._received(octets)
        self._wake()

    def _send(self) -> bool:
        """Answers whether there is no more to send."""
        while self._unsent and (count := self._sent(self._socket.send, self._unsent[: self._most_at_once])):
            self._unsent = self._unsent[count:]
        return not self._unsent or self.failure is not None

    def _sent(self, send: Callable[[_Octets], int], octets: _Octets) -> int:
        """How many went out: none where there is no room, or the connection broke."""
        try:
            return send(octets)
        except _NOT_NOW:
            return 0
        except OSError as error:
            self._read()  # it may have said why before it closed
            self.fail(error)
            return 0

    def _send_rest(self) -> None:
        if self._send() and self.failure is None:
            self._loop.remove_writer(self._socket.fileno())
        self._wake()

    async def _shake_hands(self, secure: ssl.SSLSocket) -> None:
        while True:
            try:
                return secure.do_handshake()
            except ssl.SSLWantReadError:
                await self._ready(self._loop.add_reader, self._loop.remove_reader)
            except ssl.SSLWantWriteError:
                await self._ready(self._loop.add_writer, self._loop.remove_writer)

    async def _ready(self, add: Callable[..., object], remove: Callable[[int], object]) -> None:
        number, self._waiter = self._socket.fileno(), self._loop.create_future()
        add(number, self._wake)
        try:
            await self._waiter
        finally:
            remove(number)
        if self.failure is not None:
            raise self.failure

    def _expire(self, is_done: Callable[[], bool], timeout: float) -> None:
        """A commit, or whoever stopped the process, may have kept us from reading for longer than the time-out: what has come by
        then counts.
        """
        self._read()
        if not is_done():
            self.fail(TimeoutError(f"no answer within {timeout:g} seconds"))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
