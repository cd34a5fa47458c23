"""How much alike papers are: TF-IDF over their words, and the topics that they fit. Pure.

A paper is two unit vectors: one of its words (a word of the title counts three times, a keyword twice; how rare words are is
shipped, so that what else came does not change how much two papers are alike), one of its topics' scores. Likeness is the
weighted mean of the two cosines.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from service.compose.wording import Vector, unit, wording
from service.models import Match, Paper

SAME_FROM = 0.2  # the cosine of the words from which two papers are much the same
TOPICS_SHARE = 0.5  # of the topics' cosine in the likeness
WORDS_SHARE = 1 - TOPICS_SHARE
_MOST_SHARED = 3  # terms told of two papers

Row = Mapping[str, float]  # by paper id


class Likeness:
    def __init__(self, papers: Iterable[Paper], marked: Iterable[Paper], matches: Mapping[str, Sequence[Match]]) -> None:
        """Of `marked` papers, a row each, to `papers`."""
        self._matches = matches
        self._words = {paper.id: wording(paper).vector for paper in papers}
        self._marked = {paper.id: wording(paper).vector for paper in marked}
        self.same: dict[str, set[str]] = defaultdict(set)  # the papers that are much the same as others, with those
        self._by_word = self._indexed()
        self._shared: dict[tuple[str, str], tuple[tuple[str, float], ...]] = {}

    @cached_property
    def of_marked(self) -> Mapping[str, Row]:
        """Each marked paper's likeness to all papers, 0 to 1."""
        by_topic = Index()
        for key in self._words:
            by_topic.add(key, self._topics(key))
        rows = {key: dict.fromkeys(self._words, 0.0) for key in self._marked}
        for key, row in rows.items():
            self._by_word.add_cosines(self._marked[key], WORDS_SHARE, row)
            by_topic.add_cosines(self._topics(key), TOPICS_SHARE, row)
        return rows

    def _indexed(self) -> Index:
        """By words; each paper is compared with those before it, so that each two are once."""
        index = Index()
        for key, words in self._words.items():
            row: dict[str, float] = defaultdict(float)
            index.add_cosines(words, 1.0, row)
            for other, cosine in row.items():
                if cosine >= SAME_FROM:
                    self.same[key].add(other)
                    self.same[other].add(key)
            index.add(key, words)
        return index

    def shared(self, marked_id: str, paper_id: str) -> tuple[tuple[str, float], ...]:
        """The terms that make a marked paper and another alike, each with its part of the likeness, the largest first."""
        if (marked_id, paper_id) not in self._shared:
            one, other = self._marked[marked_id], self._words[paper_id]
            parts = sorted([(-WORDS_SHARE * one[term] * other[term], term) for term in one.keys() & other.keys()])
            self._shared[marked_id, paper_id] = tuple([(term, -part) for part, term in parts[:_MOST_SHARED]])
        return self._shared[marked_id, paper_id]

    def _topics(self, paper_id: str) -> Vector:
        return unit({match.slug: match.score for match in self._matches.get(paper_id, ())})


class Index:
    """Papers' unit vectors by their terms, so that a cosine touches only those that share a term."""

    def __init__(self) -> None:
        self._postings: dict[str, list[tuple[str, float]]] = defaultdict(list)

    def add(self, paper_id: str, vector: Vector) -> None:
        for term, weight in vector.items():
            self._postings[term].append((paper_id, weight))

    def add_cosines(self, vector: Vector, share: float, row: dict[str, float]) -> None:
        """To each paper's number in `row` its cosine with one more unit vector, times `share`."""
        for term, weight in vector.items():
            part = share * weight
            for key, other in self._postings.get(term, ()):
                row[key] += part * other
