"""Settings in words: what is mailed, when, how long, in the words of the mail's foot. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from service.models import Topic
from service.render.words import schedule_in_words, topics_in_words

LANGUAGE_NAMES = {"en": "English", "de": "Deutsch"}


def settings_in_words(settings: Mapping[str, Any], topics: Mapping[str, Topic]) -> dict[str, str]:
    """Every setting that a mail's link may change, by what it is called; one that `settings` lacks is left out."""
    schedule = schedule_in_words(settings["cadence"], settings["hour"], settings["zone"])
    told = {"Topics": topics_in_words(settings["topics"], topics), "Mail": schedule}
    return told | {title: words(settings[name]) for name, (title, words) in _WORDS.items() if name in settings}


def length_in_words(length: str) -> str:
    """`6 minutes of reading`, `8 papers`."""
    unit, _, number = length.partition(":")
    return f"{number} {'minutes of reading' if unit == 'minutes' else 'papers'}"


def score_in_words(score: float) -> str:
    return f"{score:.2f} or more" if score else "what its topic asks for"


def _names(names: list[str]) -> str:
    return "; ".join(names) or "none"


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


_WORDS: dict[str, tuple[str, Callable[[Any], str]]] = {
    "length": ("Length", length_in_words),
    "minimum_score": ("A paper's score", score_in_words),
    "followed": ("Authors and organisations you follow", _names),
    "muted": ("Muted phrases", _names),
    "language": ("Language", LANGUAGE_NAMES.__getitem__),
    "with_abstract": ("The abstract beside the summary", _yes_or_no),
    "with_outside": ("A paper outside your topics", _yes_or_no),
    "with_note": ("A short mail when nothing passes", _yes_or_no),
}
