"""Acronyms that a text defines itself: "masked autoencoder (MAE)". Pure.

Schwartz, Hearst: A simple algorithm for identifying abbreviation definitions in biomedical text, PSB 2003; only for what
stands in parentheses behind its long form, and has two capitals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_IN_PARENTHESES = re.compile(r"\(([A-Za-z0-9][A-Za-z0-9-]{1,9})\)")
_MOST_DEFINED = 10  # in a text


def defined_acronyms(text: str) -> Iterator[tuple[str, str]]:
    """Acronyms with their long forms as they are written, each acronym once."""
    seen: set[str] = set()
    for found in _IN_PARENTHESES.finditer(text):
        short = found[1].removesuffix("s")
        if short in seen or sum(letter.isupper() for letter in short) < 2:
            continue
        words = text[max(0, found.start() - 200) : found.start()].split()[-min(len(short) + 5, 2 * len(short)) :]
        if (long := _long_form(short, " ".join(words))) and len(seen) < _MOST_DEFINED:
            seen.add(short)
            yield short, long


def _long_form(short: str, words: str) -> str | None:
    """The shortest end of `words` that holds the acronym's letters in order, its first one at the start of a word."""
    letters = [letter for letter in short.lower() if letter.isalnum()]
    lowered = words.lower()
    at = len(lowered)
    for number, letter in reversed(list(enumerate(letters))):
        at = lowered.rfind(letter, 0, at)
        while number == 0 and at > 0 and lowered[at - 1].isalnum():
            at = lowered.rfind(letter, 0, at)
        if at < 0:
            return None
    long = words[words.rfind(" ", 0, at) + 1 :]
    has_words = len(long.replace("-", " ").split()) > 1 and not set(long) & set("()")
    return long if has_words and len(long) > len(short) else None
