"""Fetch pages over HTTP, politely. Touches the network."""

from __future__ import annotations

from service.fetch.answers import LARGEST_ANSWER
from service.fetch.fetcher import INTERVAL, PRODUCT, Fetcher, Memory, Validators, digest
from service.fetch.waits import seconds_to_wait

__all__ = ["INTERVAL", "LARGEST_ANSWER", "PRODUCT", "Fetcher", "Memory", "Validators", "digest", "seconds_to_wait"]
