"""One connection's mails, one after another. Touches the network.

Start a mail in the ledger, send its content with the next one's envelope behind it, read the answer, settle the mail and start
the next in one commit.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

from service.delivery.feed import MOST_BREAKS, Parcel, Result, Turn, is_break
from service.delivery.pace import Pace
from service.delivery.pipelined.commits import Commits
from service.delivery.pipelined.connection import Connection, Unwilling
from service.delivery.pipelined.dialling import Dialler
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable, StoreFailed


class Lane:
    """One connection's mails, one after another."""

    def __init__(self, dialler: Dialler, commits: Commits, pace: Pace) -> None:
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
            following, last = self._following(), None
            if may_go:
                last = parcel, await self._result(parcel, following)
                breaks = breaks + 1 if is_break(last[1]) else 0
            else:
                self._take_back(parcel)
            if self._pace.is_stopping() or breaks == MOST_BREAKS or (last and isinstance(last[1], ServerUnusable)):
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

    def _following(self) -> Parcel | None:
        """A failure is met again once the mail that was started for this turn is out and settled."""
        with suppress(StoreFailed):
            return self._pace.take()
        return None

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
            if is_break(error) or isinstance(error, ServerUnusable):
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
            raise self._dialler.unusable(error.why) from error

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
