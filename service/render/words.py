"""How mails and pages say things: days, counts, authors, rhythms, links. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date

from service.models import Match, Paper, Support, Topic

SOURCE = "https://huggingface.co/papers"


def paper_link(paper: Paper) -> str:
    return f"{SOURCE}/{paper.id}"


def shortened(text: str, longest: int) -> str:
    """Cut at a word where it can be."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 2]
    return (cut[: cut.rfind(" ")] if " " in cut[longest // 2 :] else cut) + " …"


def authors_line(paper: Paper) -> str:
    """`A. Okafor, L. Brandt, M. Sato and 6 more`."""
    names = [shortened(name, 60) for name in (paper.authors or [])[:3]]
    rest = (paper.author_count or 0) - len(names)
    if not names:
        return f"{rest} authors" if rest > 0 else ""
    return ", ".join(names) + (f" and {rest} more" if rest > 0 else "")


def why_parts(matches: Sequence[Match]) -> list[tuple[str, str]]:
    """The phrases that brought a paper in, each with the field it stands in; at most four. Added words only where none is."""
    found = [reason for match in matches if match.is_above for reason in reversed(match.reasons) if reason.weight > 0]
    seen = {reason.phrase.casefold(): reason for reason in sorted(found, key=lambda reason: reason.weight)}
    phrases = [reason for reason in seen.values() if reason.support is not Support.EXPANSION]
    reasons = sorted(phrases or seen.values(), key=lambda reason: (-reason.weight, reason.phrase))
    return [(reason.phrase, reason.field) for reason in reasons[:4]]


def cadence_in_words(cadence: str) -> str:
    """`daily`, `on weekdays`, `weekly on Friday`."""
    rhythm, _, day = cadence.partition(":")
    return {"daily": "daily", "weekdays": "on weekdays", "weekly": f"weekly on {_DAYS.get(day, day)}"}[rhythm]


def schedule_in_words(cadence: str, hour: int, zone: str) -> str:
    """`daily at 08:00, Berlin time`."""
    return f"{cadence_in_words(cadence)} at {hour_in_words(hour, zone)}"


def hour_in_words(hour: int, zone: str) -> str:
    """`08:00, Berlin time`."""
    place = "UTC" if zone == "UTC" else zone.rpartition("/")[2].replace("_", " ") + " time"
    return f"{hour:02d}:00, {place}"


def topics_in_words(slugs: Sequence[str], topics: Mapping[str, Topic]) -> str:
    """`Agents & tool use; Retrieval, RAG & recommendation`, in the catalogue's order; one that is gone by its slug."""
    names = [topic.name for slug, topic in topics.items() if slug in slugs]
    names += [slug for slug in slugs if slug not in topics]
    return "; ".join(names) or "no topics"


def masked(email: str) -> str:
    """Enough for its owner to know it, where a forwarded mail may lead others: `a•••@example.org`."""
    name, _, host = email.partition("@")
    return f"{name[:1]}•••@{host}"


_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def count_in_words(count: int, noun: str) -> str:
    """`seven papers`; figures from 13 on."""
    number = _SMALL_NUMBERS[count] if count < len(_SMALL_NUMBERS) else str(count)
    return f"{number} {noun}{'' if count == 1 else 's'}"


def day_in_words(day: date) -> str:
    """`Friday 2 October 2026`."""
    return f"{day:%A} {day.day} {day:%B %Y}"


def short_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}".replace(" ", "\u00a0")


def web_link(url: str | None) -> str | None:
    """A link that a mail may carry, or None: pages can say `javascript:` as well."""
    return url if url and len(url) < 500 and re.match(r"https?://[^\s\"'<>\\]+$", url) else None
