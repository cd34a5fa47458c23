"""Group commit for the lanes of one thread. Touches whatever the feed records in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from service.delivery.feed import Feed, Turn

_PATIENCE = 0.0005  # seconds: a fortieth of a round trip of 20 ms; turns that come within a commit share the next one anyway


class Commits:
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
