"""How much alike papers are: TF-IDF over the words that matching looks at, and the topics that they fit. Pure.

A paper is two unit vectors: one of its words (stemmed as matching stems them, single and in pairs; a word of the title
counts three times, a keyword twice), one of its topics' scores. Likeness is the weighted mean of the two cosines. The rows
of the matrix that are asked for are worked out by an inverted index and kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from math import log, sqrt

from service.models import Match, Paper
from service.words import tokens

TOPICS_SHARE = 0.5  # of the topics' cosine in the likeness
_MOST_TERMS = 80  # of a paper's vector: the rest weighs next to nothing
_FIELD_COUNTS = {"title": 3, "keywords": 2, "abstract": 1}

Vector = dict[str, float]


class Likeness:
    def __init__(self, papers: Iterable[Paper], others: Iterable[Paper], matches: Mapping[str, Sequence[Match]]) -> None:
        """Rows hold `papers`; `others` can be asked for as well."""
        own = {paper.id: paper for paper in papers}
        counts = {paper.id: _term_counts(paper) for paper in (own | {paper.id: paper for paper in others}).values()}
        frequencies = Counter(term for terms in counts.values() for term in terms)
        self.words = {key: _unit(_weighted(terms, frequencies, len(counts))) for key, terms in counts.items()}
        self.topics = {key: _unit({match.slug: match.score for match in matches.get(key, ())}) for key in counts}
        self._by_word = _postings(self.words, own)
        self._by_topic = _postings(self.topics, own)
        self._rows: dict[str, Vector] = {}

    def to_all(self, paper_id: str) -> Vector:
        """Its likeness to each paper, 0 to 1, by id; those that share nothing are left out."""
        if paper_id not in self._rows:
            row = _dots(self.words[paper_id], self._by_word, 1 - TOPICS_SHARE)
            for other, part in _dots(self.topics[paper_id], self._by_topic, TOPICS_SHARE).items():
                row[other] = row.get(other, 0.0) + part
            self._rows[paper_id] = row
        return self._rows[paper_id]

    def by_words(self, paper_id: str) -> Vector:
        """The cosine of its words alone with each paper's."""
        return _dots(self.words[paper_id], self._by_word, 1.0)

    def shared(self, one: str, other: str) -> list[tuple[str, float]]:
        """The terms that make two papers alike, each with its part of the likeness, the largest first."""
        parts = _products(self.words[one], self.words[other], 1 - TOPICS_SHARE)
        return sorted(parts, key=lambda part: (-part[1], part[0]))


def _term_counts(paper: Paper) -> Counter[str]:
    counts: Counter[str] = Counter()
    fields = {"title": [paper.title], "keywords": paper.source_keywords or (), "abstract": [paper.abstract or ""]}
    for field, texts in fields.items():
        for text in texts:
            words = [word for word in tokens(text) if len(word) > 2 or not word.isalpha()]
            pairs = (f"{first} {second}" for first, second in pairwise(words))
            for term in (*words, *pairs):
                counts[term] += _FIELD_COUNTS[field]
    return counts


def _weighted(counts: Counter[str], frequencies: Counter[str], paper_count: int) -> Vector:
    """The heaviest terms by TF-IDF; a term of this paper alone is like nothing, and one that half have says nothing."""
    weights = {
        term: (1 + log(count)) * log(1 + paper_count / frequency)
        for term, count in counts.items()
        if (frequency := frequencies[term]) > 1 and 2 * frequency <= paper_count + 2
    }
    heaviest = sorted(weights, key=lambda term: (-weights[term], term))[:_MOST_TERMS]
    return {term: weights[term] for term in heaviest}


def _unit(vector: Vector) -> Vector:
    length = sqrt(sum(weight * weight for weight in vector.values()))
    return {term: weight / length for term, weight in vector.items()} if length else {}


def _postings(vectors: Mapping[str, Vector], papers: Iterable[str]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for paper_id in papers:
        for term, weight in vectors[paper_id].items():
            found[term].append((paper_id, weight))
    return found


def _dots(vector: Vector, postings: Mapping[str, list[tuple[str, float]]], share: float) -> Vector:
    row: Vector = {}
    for term, weight in vector.items():
        for other, other_weight in postings.get(term, ()):
            row[other] = row.get(other, 0.0) + share * weight * other_weight
    return row


def _products(one: Vector, other: Vector, share: float) -> list[tuple[str, float]]:
    return [(term, share * one[term] * other[term]) for term in one.keys() & other.keys()]
