"""Picks cut to the length that a person chose: full cards in sections, then lines, the rest counted. Pure.

A card takes 40 seconds to read and a line 8. There are 5 to 10 cards, about four fifths of the time, and more where all that
passed then still fits; never more than passed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache

from service.models import SECONDS_A_CARD, SECONDS_A_LINE, Pick, Section, Topic

LEAST_CARDS, MOST_CARDS, MOST_LINES = 5, 10, 40
_CARDS_SHARE = 0.8  # of the reading time


@cache
def room(length: str, count: int) -> tuple[int, int]:
    """How many cards and lines there is room for, where so many papers want in."""
    unit, _, number = length.partition(":")
    if unit == "papers":
        cards = _within(int(number))
        return cards, int(number) - cards
    seconds = int(number) * 60
    if_all_fit = (seconds - count * SECONDS_A_LINE) // (SECONDS_A_CARD - SECONDS_A_LINE)
    cards = max(_within(round(seconds * _CARDS_SHARE / SECONDS_A_CARD)), min(if_all_fit, MOST_CARDS))
    return cards, max(0, min((seconds - cards * SECONDS_A_CARD) // SECONDS_A_LINE, MOST_LINES))


def _within(cards: int) -> int:
    return max(LEAST_CARDS, min(cards, MOST_CARDS))


def sections(topics: Mapping[str, Topic], cards: Iterable[tuple[str | None, Pick]]) -> tuple[Section, ...]:
    """Each under its home (see `home`), the strongest's first; who have none stand together."""
    grouped: dict[str | None, list[Pick]] = {}
    for home, pick in cards:
        if home in grouped:
            grouped[home].append(pick)
        else:
            grouped[home] = [pick]
    return tuple([Section(topics[home] if home else None, tuple(picks)) for home, picks in grouped.items()])
