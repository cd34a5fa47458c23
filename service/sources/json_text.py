"""Turn JSON text into values, or refuse it in words. Pure."""

from __future__ import annotations

import json
from typing import Any

from service.errors import PageChanged

# `[[],[],` unpacks to thirty times its length. Lists of papers have one bracket or brace in 350 characters, and one quotation
# mark or comma in 15; what has far more for its length, and is not small, is no such list.
_MOST_PARTS = 100_000


def load(text: str, what: str) -> Any:
    """Any JSON value. Raises PageChanged, naming `what` was read."""
    nested, flat = sum(map(text.count, "[{")), sum(map(text.count, '",'))
    if nested > _MOST_PARTS // 2 + len(text) // 50 or flat > _MOST_PARTS + len(text) // 5:
        raise PageChanged(f"{what} is unlike any list of papers: it has too many parts for its length")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PageChanged(f"{what} is not JSON: {error}") from error
