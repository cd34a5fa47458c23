"""Mails as fast as the limits let them go. Touches the clock, and whatever keeps the limits through `Allow`."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence

from service.delivery.feed import Feed, Parcel
from service.subscribers import domain_of

# For recipient domains in their order, and how many mails could go: which may, and in how many seconds to ask again.
Allow = Callable[[Sequence[str], int], tuple[list[bool], float]]

# Mails that may wait, made, for their turn, while others overtake them: those of the domains with the most mail.
_MOST_OF_A_DOMAIN, _MOST_WAITING = 8, 64


class Pace:
    """The feed's mails, each when its turn has come. `ahead`: how many to have ready where there are no limits."""

    def __init__(self, feed: Feed, allow: Allow | None, ahead: int) -> None:
        self._feed, self._allow, self._ahead = feed, allow, ahead
        self._ready = deque[Parcel]()
        self._may_be_short = asyncio.Event()  # of ready mails
        self._makes_ahead = False
        self._waiting: list[Parcel] = []
        self._coming_count = 0  # connections that ask, or will once they are open
        self._asking_count = 0  # connections that could send now
        self._has_stopped = False
        self._one_at_a_time = asyncio.Lock()

    def take(self) -> Parcel | None:
        """The next mail, if it may go at once."""
        if self._ready and not self.is_stopping():
            self._may_be_short.set()
            return self._ready.popleft()
        return None if self._allow or self._has_stopped else self._feed.take()

    @property
    def is_making(self) -> bool:
        """Whether a mail is made ahead as soon as nothing has come from the server."""
        return self._makes_ahead and len(self._ready) < self._ahead

    async def make_ahead(self) -> None:
        """Have mails ready, so that no connection waits for one to be made. They are made while the connections wait, one at
        a time: what has come from the server meanwhile goes before the next. What this raises, the next `take` meets too.
        """
        self._makes_ahead = self._allow is None
        try:
            while self._makes_ahead and (parcel := self._feed.take()):
                self._ready.append(parcel)
                await asyncio.sleep(0)
                while not self.is_making:
                    self._may_be_short.clear()
                    await self._may_be_short.wait()
        finally:
            self._makes_ahead = False

    def put_back(self, parcel: Parcel) -> None:
        """Taken and not sent: whoever asks next gets it."""
        self._ready.append(parcel)

    def stop(self) -> None:
        """No more mails, as if the run were told to stop."""
        self._has_stopped = True

    def is_stopping(self) -> bool:
        return self._has_stopped or self._feed.is_stopping()

    async def next(self, connect: Callable[[], Awaitable[None]]) -> Parcel | None:
        """The next mail, as soon as it may go; None where there is none left, or the run shall stop.

        A mail that may go now goes now: with limits, whoever asks for one is connected first, if there may be one for it.
        """
        if self._allow is None:
            return self.take()
        self._coming_count += 1
        try:
            if not self._is_another_wanted():
                return None
            await connect()
            return await self._turn(self._allow)
        finally:
            self._coming_count -= 1

    def _is_another_wanted(self) -> bool:
        """Whether there may be a mail for each connection that has come for one. Behind a full domain there may be more."""
        counts = self._fill()
        is_one_full = max(counts.values(), default=0) >= _MOST_OF_A_DOMAIN
        return is_one_full or len(self._ready) + counts.total() >= min(self._coming_count, _MOST_WAITING)

    async def _turn(self, allow: Allow) -> Parcel | None:
        self._asking_count += 1
        try:
            async with self._one_at_a_time:
                return await self._allowed(allow)
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
        """Move what may go now from the waiting to the ready; answers in how many seconds to ask again.

        The turns within the limit of all go first to the domains with the most mail: theirs come seldom, and would be lost.
        """
        counts = self._fill()
        if not self._waiting:
            return 0.0
        self._waiting.sort(key=lambda parcel: -counts[domain_of(parcel.to)])
        may_go, wait = allow([domain_of(parcel.to) for parcel in self._waiting], self._asking_count)
        self._ready += [parcel for parcel, may in zip(self._waiting, may_go, strict=True) if may]
        self._waiting = [parcel for parcel, may in zip(self._waiting, may_go, strict=True) if not may]
        return wait

    def _fill(self) -> Counter[str]:
        """Answers how many wait for each domain."""
        counts = Counter(domain_of(parcel.to) for parcel in self._waiting)
        full = {domain for domain, count in counts.items() if count >= _MOST_OF_A_DOMAIN}
        while len(self._waiting) < _MOST_WAITING and (parcel := self._feed.take(full)):
            self._waiting.append(parcel)
            counts[domain := domain_of(parcel.to)] += 1
            if counts[domain] == _MOST_OF_A_DOMAIN:
                full.add(domain)
        return counts
