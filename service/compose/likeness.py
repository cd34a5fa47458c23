"""How much alike papers are: TF-IDF over their words, and the topics that they fit. Pure.

A paper is two unit vectors: one of its words (a word of the title counts three times, a keyword twice; how rare words are is
shipped, so that what else came does not change how much two papers are alike), one of its topics' scores. Likeness is the
weighted mean of the two cosines.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from service.compose.wording import Vector, unit, wording
from service.models import Match, Paper

TOPICS_SHARE = 0.5  # of the topics' cosine in the likeness
_MOST_SHARED = 3  # terms told of two papers

Row = NDArray[np.float64]


class Likeness:
    def __init__(self, papers: Iterable[Paper], marked: Iterable[Paper], matches: Mapping[str, Sequence[Match]]) -> None:
        """Of `marked` papers, a row each, to `papers`, a column each."""
        self._matches = matches
        self._words = {paper.id: wording(paper).vector for paper in papers}
        self.columns = {key: column for column, key in enumerate(self._words)}
        self._marked = {paper.id: wording(paper).vector for paper in marked}
        self._by_word = Vectors(self._words.values())
        self._shared: dict[tuple[str, str], tuple[tuple[str, float], ...]] = {}

    @cached_property
    def of_marked(self) -> Mapping[str, list[float]]:
        """The rows, 0 to 1: as lists, of which single numbers are read faster than of arrays."""
        by_topic = Vectors(map(self._topics, self._words))
        by_word = self._by_word
        return {
            key: ((1 - TOPICS_SHARE) * by_word.cosines(words) + TOPICS_SHARE * by_topic.cosines(self._topics(key))).tolist()
            for key, words in self._marked.items()
        }

    def by_words(self, paper_id: str) -> Row:
        """The cosine of the words alone of one of the papers with each of them."""
        return self._by_word.cosines(self._words[paper_id])

    def shared(self, marked_id: str, paper_id: str) -> tuple[tuple[str, float], ...]:
        """The terms that make a marked paper and another alike, each with its part of the likeness, the largest first."""
        if (marked_id, paper_id) not in self._shared:
            one, other = self._marked[marked_id], self._words[paper_id]
            parts = sorted([((TOPICS_SHARE - 1) * one[term] * other[term], term) for term in one.keys() & other.keys()])
            self._shared[marked_id, paper_id] = tuple([(term, -part) for part, term in parts[:_MOST_SHARED]])
        return self._shared[marked_id, paper_id]

    def _topics(self, paper_id: str) -> Vector:
        return unit({match.slug: match.score for match in self._matches.get(paper_id, ())})


class Vectors:
    """Unit vectors as a sparse matrix."""

    def __init__(self, vectors: Iterable[Vector]) -> None:
        rows = list(vectors)
        self._terms = {term: number for number, term in enumerate(sorted(set().union(*rows)))}
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
