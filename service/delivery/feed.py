"""What a transport carries: the feed, which says which mail comes next. Touches nothing but what it is given.

The feed's `turn` is durable when it returns: a connection's last mail is settled and its next one is started in one commit,
and only then does the next one's content go out. An engine needs nothing else: it may take parcels early, which writes
nothing, so that an envelope travels with the content before it, and give its turns in as large groups as it likes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from service.delivery.message import Message
from service.errors import DeliveryFailed, DeliveryUncertain, ServerUnusable

Result = str | Exception  # the server's reply to an accepted mail, or what the mail met

MOST_BREAKS = 3  # connections lost in a row, then a lane leaves the server alone


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


def carry_one_by_one(feed: Feed, send: Callable[..., str]) -> None:
    """Over one connection, in the calling thread. `send` answers the reply, or raises what the mail met."""
    last: tuple[Parcel, Result] | None = None
    breaks = 0
    while breaks < MOST_BREAKS and (parcel := feed.take()):
        (may_go,), last = feed.turn([Turn(last, parcel)]), None
        if not may_go:
            continue
        last = parcel, _result(send, parcel)
        if isinstance(last[1], ServerUnusable):
            break
        breaks = breaks + 1 if is_break(last[1]) else 0
    if last:
        feed.turn([Turn(last, None)])


def _result(send: Callable[..., str], parcel: Parcel) -> Result:
    try:
        return send(bytes(parcel.message), to=parcel.to)
    except Exception as error:  # what is wrong with one mail must not stop the rest
        return error


def is_break(result: Result) -> bool:
    """Whether the connection was lost over this mail."""
    return isinstance(result, DeliveryUncertain) or (isinstance(result, DeliveryFailed) and result.broke_off)
