"""Matches to one person's digest: chosen, ordered, explained. Pure.

`pool` holds what all digests of a day share, `passing` tells what is in and what is out, `strength` orders it, `taste` is
what a person's marks say, `arrange` cuts it to the length they want, `slots` adds what is labelled, `again` shows an
earlier digest as it was.
"""

from __future__ import annotations

from service.compose.again import Archive, kept_ids
from service.compose.digest import compose_digest
from service.compose.pool import Pool

__all__ = ["Archive", "Pool", "compose_digest", "kept_ids"]
