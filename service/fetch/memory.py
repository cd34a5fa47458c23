"""What is remembered from one fetcher to the next, and how it introduces itself and paces itself. Touches nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from service.models import Validator

PRODUCT = "Paperround"  # the name that robots.txt may address
INTERVAL = 3.0  # seconds between requests to a host: the source's strictest published limit is 100 pages in 300 s


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from one fetcher to the next, and shared by those of several processes; without a database, nothing.

    A turn is the instant from which on a host may be asked again, in seconds since 1970.
    """

    recall: Callable[[str], tuple[Validator, bytes] | None] = lambda _address: None  # by address, with the answer that it is of
    keep: Callable[[Validator], None] = lambda _validator: None
    spend: Callable[[], None] = lambda: None  # one request of the day's budget; raises FetchFailed when it is spent
    turn_at: Callable[[str], float] = lambda _host: 0.0
    put_turn: Callable[[str, float], None] = lambda _host, _at: None
    alone: Callable[[], AbstractContextManager[object]] = nullcontext  # while it is held, no other process asks the source


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
