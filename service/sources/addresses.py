"""Where the source keeps its lists. Pure.

`source` is the address of the newest list, as in https://huggingface.co/papers; the JSON API lies beside it.
"""

from __future__ import annotations

from datetime import date

# The API answers with 50 records unless asked for more, and with 100 at most; it may hold to 50 nevertheless.
FULL_ANSWER = 50
_LIMIT = 100


def day_page(source: str, day: date) -> str:
    return f"{source}/date/{day}"


def day_list(source: str, day: date, part: int) -> str | None:
    """The API's list of that day, its parts counted from 0; None for a source that is laid out otherwise."""
    place = source.removesuffix("/papers")
    return None if place == source else f"{place}/api/daily_papers?date={day}&limit={_LIMIT}&p={part}"
