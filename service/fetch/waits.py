"""How long a server asks to be left alone. Touches nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_LONGEST = 86_400.0  # seconds; one mistaken header must not keep us from a server for years


def seconds_to_wait(status: int, headers: Mapping[str, str], now: float) -> float:
    """How long the server asks to leave it alone, a day at the most, 0 where it does not. `now` is in seconds since 1970.

    `RateLimit: "api";r=0;t=55` (draft-ietf-httpapi-ratelimit-headers): no request is left, 55 seconds to the next window. It
    goes before Retry-After, which the source sends without meaning it.
    """
    return min(_asked(status, headers, now), _LONGEST)


def _asked(status: int, headers: Mapping[str, str], now: float) -> float:
    limits = re.findall(r"\br=(\d{1,9})\b[^,]*?\bt=(\d{1,9})\b", headers.get("RateLimit", ""))
    if waits := [float(left) for requests, left in limits if status == 429 or int(requests) == 0]:
        return max(waits)
    return _retry_after(headers.get("Retry-After", ""), now) if status in (429, 503) else 0.0


def _retry_after(told: str, now: float) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if told.isdecimal():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - now)
    except (ValueError, OverflowError):
        return 0.0
