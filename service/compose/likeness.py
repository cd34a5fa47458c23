"""How much alike papers are: TF-IDF over their words, and the topics that they fit. Pure.

A paper is two unit vectors: one of its words (a word of the title counts three times, a keyword twice; how rare words are is
shipped, so that what else came does not change how much two papers are alike), one of its topics' scores. Likeness is the
weighted mean of the two cosines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import log, sqrt

import numpy as np
from numpy.typing import NDArray

from service.frequencies import shipped_background
from service.models import Match, Paper
from service.words import terms, tokens

TOPICS_SHARE = 0.5  # of the topics' cosine in the likeness
_LEAST_WEIGHT = 0.08  # of a term in a paper's vector: lighter ones make next to no cosine
_MOST_SHARED = 3  # terms told of two papers
_SHORTEST_WORD = 3

Vector = dict[str, float]
Row = NDArray[np.float64]
Words = Sequence[tuple[str, ...]]


class Likeness:
    def __init__(self, words: Mapping[str, Words], marked: Mapping[str, Paper], matches: Mapping[str, Sequence[Match]]) -> None:
        """Rows have a column for each paper whose `words` are given; the rows of `marked` ones can be asked for as well."""
        self.columns = {key: column for column, key in enumerate(words)}
        self._matches = matches
        self._marked = marked
        self._words = {key: _weighted(found) for key, found in words.items()}
        self._by_word = Vectors(self._words.values())
        self._by_topic = Vectors(map(self._topics, words))
        self._rows: dict[str, Row] = {}
        self._shared: dict[tuple[str, str], tuple[tuple[str, float], ...]] = {}

    def to_all(self, paper_id: str) -> Row:
        """Its likeness to each paper, 0 to 1."""
        if paper_id not in self._rows:
            by_topic = self._by_topic.cosines(self._topics(paper_id))
            self._rows[paper_id] = (1 - TOPICS_SHARE) * self.by_words(paper_id) + TOPICS_SHARE * by_topic
        return self._rows[paper_id]

    def by_words(self, paper_id: str) -> Row:
        """The cosine of its words alone with each paper's."""
        return self._by_word.cosines(self._words_of(paper_id))

    def shared(self, one: str, other: str) -> tuple[tuple[str, float], ...]:
        """The terms that make two papers alike, each with its part of the likeness, the largest first."""
        if (one, other) not in self._shared:
            first, second = self._words_of(one), self._words_of(other)
            parts = {term: (1 - TOPICS_SHARE) * first[term] * second[term] for term in first.keys() & second.keys()}
            self._shared[one, other] = tuple(sorted(parts.items(), key=_largest_first)[:_MOST_SHARED])
        return self._shared[one, other]

    def _words_of(self, paper_id: str) -> Vector:
        if paper_id not in self._words:
            self._words[paper_id] = _weighted(words_of(self._marked[paper_id]))
        return self._words[paper_id]

    def _topics(self, paper_id: str) -> Vector:
        return _unit({match.slug: match.score for match in self._matches.get(paper_id, ())})


class Vectors:
    """Unit vectors as a sparse matrix."""

    def __init__(self, vectors: Iterable[Vector]) -> None:
        rows = list(vectors)
        self._terms = {term: number for number, term in enumerate(sorted({term for row in rows for term in row}))}
        self._count = len(rows)
        self._row = np.repeat(np.arange(len(rows)), np.array([len(row) for row in rows], np.int64))
        self._term = np.array([self._terms[term] for row in rows for term in row], np.int64)
        self._weight = np.array([weight for row in rows for weight in row.values()], np.float64)

    def cosines(self, vector: Vector) -> Row:
        """Of one more unit vector with each."""
        dense = np.zeros(len(self._terms))
        for term in vector.keys() & self._terms.keys():
            dense[self._terms[term]] = vector[term]
        return np.bincount(self._row, self._weight * dense[self._term], self._count).astype(np.float64)


def _largest_first(weighed: tuple[str, float]) -> tuple[float, str]:
    return -weighed[1], weighed[0]


def words_of(paper: Paper) -> Words:
    """Title, abstract, then each keyword."""
    return [tokens(paper.title), tokens(paper.abstract or ""), *map(tokens, paper.source_keywords or ())]


class _Rarities(dict[str, float]):
    """Inverse document frequencies, each worked out once."""

    def __missing__(self, word: str) -> float:
        background = shipped_background()
        self[word] = max(background.inverse_frequency(term.lower()) for term in terms(word))
        return self[word]


_RARITY = _Rarities()


def _weighted(words: Words) -> Vector:
    """TF-IDF of unit length, without the lightest terms."""
    title, abstract, *keywords = words
    counts = Counter(abstract)
    counts.update(title * 3)
    for keyword in keywords:
        counts.update(keyword * 2)
    weights = {word: (1 + log(count)) * _RARITY[word] for word, count in counts.items() if len(word) >= _SHORTEST_WORD}
    return {word: weight for word, weight in _unit(weights).items() if weight >= _LEAST_WEIGHT}


def _unit(vector: Vector) -> Vector:
    length = sqrt(sum(weight * weight for weight in vector.values()))
    return {term: weight / length for term, weight in vector.items()} if length else {}
