"""A paper's words: as text for phrases to be found in, as a vector for likeness. Pure.

A window of papers overlaps the next, so what was read of a paper is kept for the next pool.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from math import log, sqrt
from typing import NamedTuple

from service.frequencies import shipped_background
from service.models import Paper
from service.words import terms, tokens

_LEAST_WEIGHT = 0.08  # of a term in a paper's vector: lighter ones make next to no cosine
_SHORTEST_WORD = 3

Vector = dict[str, float]


class Wording(NamedTuple):
    text: str  # each place's words between blanks
    vector: Vector  # TF-IDF of unit length, without the lightest terms


def wording(paper: Paper) -> Wording:
    return _wording(paper.title, paper.abstract or "", tuple(paper.source_keywords or ()))


@lru_cache(maxsize=1_000)
def _wording(title: str, abstract: str, keywords: tuple[str, ...]) -> Wording:
    places = [tokens(title), tokens(abstract), *map(tokens, keywords)]
    return Wording("|".join(map(written, places)), _weighted(places))


def written(words: Sequence[str]) -> str:
    """With a blank around each, so that whole words are found in it."""
    return f" {' '.join(words)} "


class _Rarities(dict[str, float]):
    """Inverse document frequencies, each worked out once."""

    def __missing__(self, word: str) -> float:
        background = shipped_background()
        self[word] = max(background.inverse_frequency(term.lower()) for term in terms(word))
        return self[word]


_RARITY = _Rarities()


def _weighted(places: Sequence[tuple[str, ...]]) -> Vector:
    counts = Counter(_repeated(*places))
    weights = {word: (1 + log(count)) * _RARITY[word] for word, count in counts.items() if len(word) >= _SHORTEST_WORD}
    return {word: weight for word, weight in unit(weights).items() if weight >= _LEAST_WEIGHT}


def _repeated(title: tuple[str, ...], abstract: tuple[str, ...], *keywords: tuple[str, ...]) -> Iterator[str]:
    """A word of the title counts three times, a keyword twice."""
    yield from abstract
    yield from title * 3
    for keyword in keywords:
        yield from keyword * 2


def unit(vector: Vector) -> Vector:
    length = sqrt(sum([weight * weight for weight in vector.values()]))
    return {term: weight / length for term, weight in vector.items()} if length else {}
