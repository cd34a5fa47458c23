"""Hand mails over on several connections side by side. Touches the network, through the connections it is given.

The feed says which mail comes next, and its `turn` is durable when it returns: a connection's last mail is settled and its
next one is started in one commit, and only then does the next one's content go out. Turns that wait at the same time share
a commit. Another engine needs nothing but the feed: it may take parcels early, which writes nothing, so that an envelope
travels with the content before it, and give its turns in as large groups as it likes.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from service.delivery.message import Message
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable

Result = str | Exception  # the server's reply to an accepted mail, or what the mail met

_MOST_BREAKS = 3  # connections lost in a row, then a lane leaves the server alone


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed mail, made and ready to go."""

    key: str
    to: str
    message: Message = field(repr=False)


@dataclass(frozen=True, slots=True)
class Turn:
    """Between two mails of one connection: what became of the last, and which one shall go out next."""

    last: tuple[Parcel, Result] | None
    starting: Parcel | None


class Feed(Protocol):
    """The mails of one run. Several threads may call it at once."""

    def take(self, avoid: Collection[str] = (), /) -> Parcel | None:
        """The next parcel to another domain than these, which nobody else takes; None: there is none, or the run shall stop."""

    def turn(self, turns: Sequence[Turn]) -> list[bool]:
        """Record all of them in one commit, durable on return; answers for each whether its next parcel may go out.

        A parcel that one of them starts is settled by a later call. Raises StoreFailed where they could not be recorded: then
        nothing may go out.
        """

    def is_stopping(self) -> bool:
        """Whether the run shall stop after the mails that are being handed over."""


class Connection(Protocol):
    def send(self, message: bytes, *, to: str) -> str:
        """Hand one mail over; answers the reply. Raises DeliveryFailed, DeliveryUncertain, ServerUnusable."""

    def abort(self) -> None:
        """Break off, from another thread: whatever waits for the server fails at once."""


def carry_one_by_one(feed: Feed, send: Callable[..., str]) -> None:
    """Over one connection, in the calling thread."""
    _run_lane(feed.take, lambda turn: feed.turn([turn])[0], send)


def carry_side_by_side(feed: Feed, connections: Sequence[Connection], drain: timedelta) -> None:
    """A thread a connection. Told to stop, they have the time `drain` for the mails that they are handing over.

    Raises what a lane met, once all of them have ended.
    """
    group, failures = _Group(feed), deque[BaseException]()

    def run(connection: Connection) -> None:
        try:
            _run_lane(feed.take, group.turn, connection.send)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(connection,), daemon=True) for connection in connections]
    for thread in threads:
        thread.start()
    _await(threads, feed, connections, drain)
    if failures:
        raise failures[0]


def _await(threads: Sequence[threading.Thread], feed: Feed, connections: Sequence[Connection], drain: timedelta) -> None:
    end: float | None = None
    for thread in threads:
        while thread.is_alive():
            thread.join(0.05)
            if end is None and feed.is_stopping():
                end = time.monotonic() + drain.total_seconds()
            if end is not None and time.monotonic() >= end:
                for connection in connections:
                    connection.abort()


def _run_lane(take: Callable[[], Parcel | None], turn: Callable[[Turn], bool], send: Callable[..., str]) -> None:
    last: tuple[Parcel, Result] | None = None
    breaks = 0
    while breaks < _MOST_BREAKS and (parcel := take()):
        may_go, last = turn(Turn(last, parcel)), None
        if not may_go:
            continue
        last = parcel, _result(send, parcel)
        if isinstance(last[1], ServerUnusable):
            break
        breaks = breaks + 1 if _is_break(last[1]) else 0
    if last:
        turn(Turn(last, None))


def _result(send: Callable[..., str], parcel: Parcel) -> Result:
    try:
        return send(bytes(parcel.message), to=parcel.to)
    except Exception as error:  # what is wrong with one mail must not stop the rest
        return error


def _is_break(result: Result) -> bool:
    return isinstance(result, DeliveryUncertain) or (isinstance(result, DeliveryFailed) and result.broke_off)


class _Group:
    """Group commit: whoever gets the lock first records the turns of all who wait."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._lock = threading.Lock()
        self._waiting = deque[_Ticket]()

    def turn(self, turn: Turn) -> bool:
        ticket = _Ticket(turn)
        self._waiting.append(ticket)
        with self._lock:
            if ticket.answer is None:
                self._record()
        if isinstance(ticket.answer, Exception):
            raise ticket.answer
        return bool(ticket.answer)

    def _record(self) -> None:
        tickets = [self._waiting.popleft() for _ in range(len(self._waiting))]
        answers: Sequence[bool | Exception]
        try:
            answers = self._feed.turn([ticket.turn for ticket in tickets])
        except Exception as error:
            answers = [error] * len(tickets)
        for ticket, answer in zip(tickets, answers, strict=True):
            ticket.answer = answer


@dataclass(slots=True)
class _Ticket:
    turn: Turn
    answer: bool | Exception | None = None
