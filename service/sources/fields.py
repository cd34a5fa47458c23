"""Turn single raw values of a page into clean ones, or None. Pure."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

# What hides, reorders or can't be stored: control characters that are no white space, surrogates; zero-width, bidirectional
# and interlinear controls, tags (Unicode 23.2, 23.8, 23.9), byte order mark. Within "" so that words stay whole.
_DROPPED = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff"
    "\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)
# arXiv ids since April 2007, whatever link, version or tail stands around them (https://info.arxiv.org/help/arxiv_identifier.html).
_ARXIV_ID = re.compile(r"(?<![\d.])(\d{4}\.\d{4,5})(?:v\d+)?(?![\d])", re.ASCII)


def clean_text(value: Any) -> str | None:
    """Fold white space and drop control and invisible characters; keep the rest, LaTeX included."""
    if not isinstance(value, str):
        return None
    return " ".join(_DROPPED.sub("", value).split()) or None


def paper_id(value: Any) -> str | None:
    """The arXiv id without version, from an id or a link."""
    found = _ARXIV_ID.search(value) if isinstance(value, str) else None
    return found.group(1) if found else None


def count(value: Any) -> int | None:
    """A whole number from 0 that any database can hold."""
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 2**31 else None


def url(value: Any) -> str | None:
    """The link as the source writes it. Whether a mail may hold it is decided where it is shown."""
    text = clean_text(value)
    return None if text is None or " " in text else text


def day(value: Any) -> date | None:
    """The UTC day of an ISO 8601 time or date."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment.astimezone(UTC) if moment.tzinfo else moment).date()
    except (ValueError, OverflowError):
        return None


def mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
