"""Normalise text so that phrases meet it: case, hyphens, plurals. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:[.'’+#][^\W_]+)*[+#]*")

# Endings that look like a plural and are none.
_NOT_PLURAL = ("ss", "us", "is", "ics", "ous")


@lru_cache(maxsize=100_000)
def stem(word: str) -> str:
    """Fold case and a plural ending: "Agents" and "agent" are one, "bias" and "analysis" stay."""
    word = word.casefold()
    if len(word) < 4 or not word.endswith("s") or word.endswith(_NOT_PLURAL):
        return word
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1]


def folded(title: str) -> str:
    """What two writings of one title share: letters and digits, without case."""
    return "".join(filter(str.isalnum, title.casefold()))


def tokens(text: str) -> tuple[str, ...]:
    """Stemmed words; a hyphen or slash parts words as a blank does."""
    return tuple(stem(word) for word in _WORD.findall(text))


def runs(words: tuple[str, ...], longest: int) -> Iterator[tuple[str, ...]]:
    """Every run of 1 to `longest` neighbouring words."""
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield words[start:end]
