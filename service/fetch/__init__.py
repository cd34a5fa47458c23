"""Fetch pages over HTTP, politely. Touches the network.

The fetcher itself is in its module, which only what fetches imports: with httpx it takes 7 MB.
"""

from __future__ import annotations

from service.fetch.answers import LARGEST_ANSWER
from service.fetch.memory import INTERVAL, PRODUCT, Memory, digest
from service.fetch.waits import seconds_to_wait

__all__ = ["INTERVAL", "LARGEST_ANSWER", "PRODUCT", "Memory", "digest", "seconds_to_wait"]
