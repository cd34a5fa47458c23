"""Hand mails over on several connections at once, in one thread. Touches the network.

While the lanes' connections wait, mails are made ahead; turns that come meanwhile, or within a moment, share a commit.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Collection, Sequence
from datetime import timedelta

import uvloop

from service.delivery.feed import Feed, Parcel, Result, Turn
from service.delivery.message import Message
from service.delivery.pace import Allow, Pace
from service.delivery.pipelined.commits import Commits
from service.delivery.pipelined.dialling import Dialler
from service.delivery.pipelined.lane import Lane
from service.delivery.server import Server
from service.errors import ServerUnusable

_STEP_TIMEOUT = 60.0  # seconds for each command
_END_TIMEOUT = 600.0  # seconds for the answer to the final dot (RFC 5321, 4.5.3.2.6)
_STOP_CHECK = 0.05  # seconds


class PipelinedTransport:
    """Several connections to one server, opened as mails come."""

    def __init__(
        self,
        server: Server,
        *,
        mail_from: str,
        connections: int = 1,
        drain: timedelta = timedelta(seconds=30),
        allow: Allow | None = None,
        sign: Callable[[Message], Message] | None = None,
        timeout: float = _STEP_TIMEOUT,
        end_timeout: float = _END_TIMEOUT,
    ) -> None:
        self.connections = connections
        self.drain = drain
        self.allow = allow
        self.sign = sign
        self._dialler = Dialler(server, mail_from, _own_name(), timeout, end_timeout, _context(server))

    def carry(self, feed: Feed) -> None:
        """Hand over what the feed gives until it gives no more, or the server takes none. Raises what the feed raised."""
        uvloop.run(self._carry(_Signed(feed, self.sign) if self.sign else feed))

    def send(self, message: bytes, *, to: str) -> str:
        """One mail; answers the reply. Raises DeliveryFailed, DeliveryUncertain, ServerUnusable."""
        feed = _OneMail(Parcel("", to, message))
        self.carry(feed)
        if isinstance(feed.result, Exception):
            raise feed.result
        return feed.result

    def close(self) -> None:
        """Nothing is kept open between two runs."""

    async def _carry(self, feed: Feed) -> None:
        pace = Pace(feed, self.allow, self.connections)
        commits = Commits(feed, lambda: pace.is_making)
        lanes = [Lane(self._dialler, commits, pace) for _ in range(self.connections)]
        tasks = [asyncio.create_task(lane.run()) for lane in lanes]
        aside = [asyncio.create_task(work) for work in (pace.make_ahead(), self._guard(feed, lanes))]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            pace.stop()  # where a lane has failed, the others settle the mails in their hands
            await asyncio.wait(tasks)
            await asyncio.gather(*tasks)
        finally:
            for task in (*aside, *tasks):
                task.cancel()
            await asyncio.gather(*aside, *tasks, return_exceptions=True)
            for lane in lanes:
                lane.abort()

    async def _guard(self, feed: Feed, lanes: Sequence[Lane]) -> None:
        """Told to stop, the lanes have a set time for the mails that they are handing over."""
        while not feed.is_stopping():
            await asyncio.sleep(_STOP_CHECK)
        await asyncio.sleep(self.drain.total_seconds())
        for lane in lanes:
            lane.abort()


class _Signed:
    """A feed whose mails are signed as they are taken."""

    def __init__(self, feed: Feed, sign: Callable[[Message], Message]) -> None:
        self._take, self._sign = feed.take, sign
        self.turn, self.is_stopping = feed.turn, feed.is_stopping

    def take(self, avoid: Collection[str] = (), /) -> Parcel | None:
        parcel = self._take(avoid)
        return parcel and Parcel(parcel.key, parcel.to, self._sign(parcel.message))


class _OneMail:
    """The feed of a mail that no table knows."""

    def __init__(self, parcel: Parcel) -> None:
        self.result: Result = ServerUnusable("told to stop")
        self._parcels = deque([parcel])

    def take(self, _avoid: Collection[str] = (), /) -> Parcel | None:
        return self._parcels.popleft() if self._parcels else None

    def turn(self, turns: Sequence[Turn]) -> list[bool]:
        for turn in turns:
            if turn.last:
                self.result = turn.last[1]
        return [True] * len(turns)

    def is_stopping(self) -> bool:
        return False


def _own_name() -> str:
    """A whole name, else an address literal (RFC 5321, 4.1.4)."""
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


def _context(server: Server) -> ssl.SSLContext:
    if server.is_encrypted:
        return ssl.create_default_context()  # reads all authorities' certificates, which takes as long as hundreds of mails
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if server.tls == "if offered":  # on loopback nobody listens in, and certificates are seldom signed
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
