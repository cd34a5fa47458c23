"""Mails as fast as the limits let them go. Touches the clock, and whatever keeps the limits through `Allow`."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from service.delivery.lanes import Feed, Parcel

# For recipient domains in their order, and how many mails could go: which may, and in how many seconds to ask again.
Allow = Callable[[Sequence[str], int], tuple[list[bool], float]]

_MOST_WAITING = 50  # mails that may wait, made, for their domain's turn, while others overtake them


class Pace:
    """The feed's mails, each when its turn has come."""

    def __init__(self, feed: Feed, allow: Allow | None) -> None:
        self._feed, self._allow = feed, allow
        self._ready = deque[Parcel]()
        self._waiting: list[Parcel] = []
        self._asking_count = 0  # connections that could send now
        self._one_at_a_time = asyncio.Lock()

    def take(self) -> Parcel | None:
        """The next mail, if it may go at once."""
        if self._ready and not self.is_stopping():
            return self._ready.popleft()
        return None if self._allow else self._feed.take()

    def put_back(self, parcel: Parcel) -> None:
        """Taken and not sent: whoever asks next gets it."""
        self._ready.append(parcel)

    def is_stopping(self) -> bool:
        return self._feed.is_stopping()

    async def next(self) -> Parcel | None:
        """The next mail, as soon as it may go; None where there is none left, or the run shall stop."""
        if self._allow is None:
            return self.take()
        self._asking_count += 1
        try:
            async with self._one_at_a_time:
                return await self._allowed(self._allow)
        finally:
            self._asking_count -= 1

    async def _allowed(self, allow: Allow) -> Parcel | None:
        while not self._ready and not self.is_stopping():
            wait = self._ask(allow)
            if not self._ready and not self._waiting:
                return None
            if not self._ready:
                await asyncio.sleep(wait)
        return self.take()

    def _ask(self, allow: Allow) -> float:
        """Move what may go now from the waiting to the ready; answers in how many seconds to ask again."""
        while len(self._waiting) < _MOST_WAITING and (parcel := self._feed.take()):
            self._waiting.append(parcel)
        if not self._waiting:
            return 0.0
        may_go, wait = allow([parcel.to.rpartition("@")[2].lower() for parcel in self._waiting], self._asking_count)
        self._ready += [parcel for parcel, may in zip(self._waiting, may_go, strict=True) if may]
        self._waiting = [parcel for parcel, may in zip(self._waiting, may_go, strict=True) if not may]
        return wait
