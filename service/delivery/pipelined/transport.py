"""Hand mails over on several connections at once, in one thread. Touches the network.

For each connection: start a mail in the ledger, send its content with the next one's envelope behind it, read the answer,
settle the mail and start the next in one commit. While connections wait, mails are made ahead; turns that come meanwhile, or
within a moment, share a commit.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import deque
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import timedelta

import uvloop

from service.delivery.lanes import Feed, Parcel, Result, Turn
from service.delivery.message import Message
from service.delivery.pace import Allow, Pace
from service.delivery.pipelined.connection import Connection, Unwilling
from service.delivery.pipelined.dialling import Dialler
from service.delivery.server import Server
from service.delivery.smtp import END_TIMEOUT, STEP_TIMEOUT
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable

_MOST_BREAKS = 3  # connections lost in a row, then a lane leaves the server alone
_STOP_CHECK = 0.05  # seconds
_PATIENCE = 0.002  # seconds: a commit takes as long on many disks


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
        timeout: float = STEP_TIMEOUT,
        end_timeout: float = END_TIMEOUT,
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
        commits = _Commits(feed, lambda: pace.is_making)
        lanes = [_Lane(self._dialler, commits, pace) for _ in range(self.connections)]
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

    async def _guard(self, feed: Feed, lanes: Sequence[_Lane]) -> None:
        """Told to stop, the lanes have a set time for the mails that they are handing over."""
        while not feed.is_stopping():
            await asyncio.sleep(_STOP_CHECK)
        await asyncio.sleep(self.drain.total_seconds())
        for lane in lanes:
            lane.abort()


class _Lane:
    """One connection's mails, one after another."""

    def __init__(self, dialler: Dialler, commits: _Commits, pace: Pace) -> None:
        self._dialler, self._commits, self._pace = dialler, commits, pace
        self._connection: Connection | None = None
        self._dialling: asyncio.Task[Connection] | None = None
        self._is_aborted = False

    async def run(self) -> None:
        last: tuple[Parcel, Result] | None = None
        parcel = await self._pace.next(self._connect)
        breaks = 0
        while parcel is not None:
            may_go = await self._commits.turn(Turn(last, parcel))
            following, last = self._pace.take(), None
            if may_go:
                last = parcel, await self._result(parcel, following)
                breaks = breaks + 1 if _is_break(last[1]) else 0
            else:
                self._take_back(parcel)
            if self._pace.is_stopping() or breaks == _MOST_BREAKS or (last and isinstance(last[1], ServerUnusable)):
                self._put_back(following)
                break
            if following is None:
                await self._settle(last)
                following, last = await self._pace.next(self._connect), None
            parcel = following
        await self._settle(last)
        if self._connection is not None:
            await self._connection.quit()

    def abort(self) -> None:
        """Break off: what waits for the server fails at once, and nothing is opened again."""
        self._is_aborted = True
        if self._dialling is not None:
            self._dialling.cancel()
        if self._connection is not None:
            self._connection.abort()

    async def _connect(self) -> None:
        """Where there is no connection. A failure is met again, and told, by the mail that needs one."""
        if self._connection is None or self._connection.is_lost:
            with suppress(ServerUnusable):
                await self._dial()

    async def _settle(self, last: tuple[Parcel, Result] | None) -> None:
        if last is not None:
            await self._commits.turn(Turn(last, None))

    async def _result(self, parcel: Parcel, following: Parcel | None) -> Result:
        try:
            connection = await self._agreed(parcel)
            return await connection.hand_over(parcel.message, following)
        except (DeliveryFailed, DeliveryUncertain, ServerUnusable) as error:
            if _is_break(error) or isinstance(error, ServerUnusable):
                self._drop()
            return error

    async def _agreed(self, parcel: Parcel) -> Connection:
        """A connection that waits for the mail's content. A server may close a used one at any time: that gets a second try."""
        if self._connection is not None and not self._connection.is_lost:
            try:
                return await self._agree(self._connection, parcel)
            except Unwilling:
                self._drop()
        try:
            return await self._agree(await self._dial(), parcel)
        except Unwilling as error:
            raise self._dialler.unusable(str(error)) from error

    async def _agree(self, connection: Connection, parcel: Parcel) -> Connection:
        if connection.has_begun is not parcel:
            connection.begin(parcel)
        await connection.agree()
        return connection

    async def _dial(self) -> Connection:
        if self._is_aborted:
            raise self._dialler.unusable("told to stop")
        self._dialling = asyncio.create_task(self._dialler.dial())
        try:
            self._connection = await self._dialling
        except asyncio.CancelledError:
            if self._is_aborted:
                raise self._dialler.unusable("told to stop") from None
            raise
        if self._is_aborted:  # just as it was open
            self._connection.abort()
        return self._connection

    def _put_back(self, following: Parcel | None) -> None:
        """Another lane's, or the next run's."""
        if following is not None:
            self._take_back(following)
            self._pace.put_back(following)

    def _take_back(self, parcel: Parcel) -> None:
        """Its envelope may be out already; only the end of the connection takes it back without content."""
        if self._connection is not None and self._connection.has_begun is parcel:
            self._drop()

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.abort()
            self._connection = None


class _Commits:
    """Group commit: turns wait while there are mails to make, and a moment for as many others as still have mails out.

    Not for all: the server shall have something to do meanwhile.
    """

    def __init__(self, feed: Feed, is_making: Callable[[], bool]) -> None:
        self._feed, self._is_making = feed, is_making
        self._loop = asyncio.get_running_loop()
        self._waiting: list[tuple[Turn, asyncio.Future[bool]]] = []
        self._out_count = 0  # mails that were started and have no result yet
        self._next: asyncio.Handle | None = None

    async def turn(self, turn: Turn) -> bool:
        """Durable on return; answers whether the turn's next mail may go out. Raises StoreFailed."""
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._waiting.append((turn, answer))
        self._out_count -= turn.last is not None
        if len(self._waiting) >= self._out_count:
            self._record_after(0)
        elif len(self._waiting) == 1:
            self._record_after(_PATIENCE)
        return await answer

    def _record_after(self, seconds: float) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = self._loop.call_later(seconds, self._record_in_time)

    def _record_in_time(self) -> None:
        if self._is_making():
            self._record_after(0)  # one mail later
        else:
            self._record()

    def _record(self) -> None:
        waiting, self._waiting = self._waiting, []
        try:
            answers = self._feed.turn([turn for turn, _ in waiting])
        except Exception as error:  # nothing may go out; each lane raises it
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for (turn, future), answer in zip(waiting, answers, strict=True):
            self._out_count += answer and turn.starting is not None
            if not future.done():
                future.set_result(answer)


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


def _is_break(result: Result) -> bool:
    return isinstance(result, DeliveryUncertain) or (isinstance(result, DeliveryFailed) and result.broke_off)


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
