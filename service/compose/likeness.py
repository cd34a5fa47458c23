"""How much alike papers are: TF-IDF over the words that matching looks at, and the topics that they fit. Pure.

A paper is two unit vectors: one of its words (stemmed as matching stems them; a word of the title counts three times, a keyword
twice), one of its topics' scores. Likeness is the weighted mean of the two cosines. The rows of the matrix that are asked for
are worked out by an inverted index and kept.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from math import log, sqrt

from service.models import Match, Paper
from service.words import tokens

TOPICS_SHARE = 0.5  # of the topics' cosine in the likeness
_MOST_TERMS = 40  # of a paper's vector: the rest weighs next to nothing
_SHORTEST_WORD = 3

Vector = dict[str, float]
Words = Sequence[tuple[str, ...]]


class Likeness:
    def __init__(self, words: Mapping[str, Words], marked: Mapping[str, Paper], matches: Mapping[str, Sequence[Match]]) -> None:
        """Rows hold the papers whose `words` are given; the likeness of `marked` ones to them can be asked for as well."""
        self._matches = matches
        places = {key: words_of(paper) for key, paper in marked.items()} | dict(words)
        counts = {key: _term_counts(found) for key, found in places.items()}
        self._paper_count = len(counts)
        self._frequencies = Counter(term for terms in counts.values() for term in terms)
        self._words = {key: self._weighted(terms) for key, terms in counts.items()}
        self._by_word = _postings({key: self._words[key] for key in words})
        self._by_topic = _postings({key: self._topics(key) for key in words})
        self._rows: dict[str, Vector] = {}

    def to_all(self, paper_id: str) -> Vector:
        """Its likeness to each paper, 0 to 1, by id; those that share nothing are left out."""
        if paper_id not in self._rows:
            row = _dots(self._words[paper_id], self._by_word, 1 - TOPICS_SHARE)
            for other, part in _dots(self._topics(paper_id), self._by_topic, TOPICS_SHARE).items():
                row[other] = row.get(other, 0.0) + part
            self._rows[paper_id] = row
        return self._rows[paper_id]

    def by_words(self, paper_id: str) -> Vector:
        """The cosine of its words alone with each paper's."""
        return _dots(self._words[paper_id], self._by_word, 1.0)

    def shared(self, one: str, other: str) -> list[tuple[str, float]]:
        """The terms that make two papers alike, each with its part of the likeness, the largest first."""
        first, second = self._words[one], self._words[other]
        parts = [(term, (1 - TOPICS_SHARE) * first[term] * second[term]) for term in first.keys() & second.keys()]
        return sorted(parts, key=lambda part: (-part[1], part[0]))

    def _topics(self, paper_id: str) -> Vector:
        return _unit({match.slug: match.score for match in self._matches.get(paper_id, ())})

    def _weighted(self, counts: Mapping[str, int]) -> Vector:
        """The heaviest terms by TF-IDF, of those that other papers hold too; the rest only lengthens the vector."""
        most = self._paper_count + 1
        weights = {term: (1 + log(count)) * log(most / (self._frequencies[term] + 0.5)) for term, count in counts.items()}
        length = sqrt(sum(weight * weight for weight in weights.values()))
        shared = [(term, weight / length) for term, weight in weights.items() if self._frequencies[term] > 1]
        return dict(sorted(shared, key=lambda weighed: (-weighed[1], weighed[0]))[:_MOST_TERMS])


def words_of(paper: Paper) -> Words:
    """Title, abstract, then each keyword."""
    return [tokens(paper.title), tokens(paper.abstract or ""), *map(tokens, paper.source_keywords or ())]


def _term_counts(words: Words) -> dict[str, int]:
    title, abstract, *keywords = words
    counts = Counter(abstract)
    counts.update(title * 3)
    counts.update([word for keyword in keywords for word in keyword * 2])
    return {word: count for word, count in counts.items() if len(word) >= _SHORTEST_WORD}


def _unit(vector: Vector) -> Vector:
    length = sqrt(sum(weight * weight for weight in vector.values()))
    return {term: weight / length for term, weight in vector.items()} if length else {}


def _postings(vectors: Mapping[str, Vector]) -> dict[str, list[tuple[str, float]]]:
    found: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for paper_id, vector in vectors.items():
        for term, weight in vector.items():
            found[term].append((paper_id, weight))
    return found


def _dots(vector: Vector, postings: Mapping[str, list[tuple[str, float]]], share: float) -> Vector:
    row: Vector = {}
    for term, weight in vector.items():
        for other, other_weight in postings.get(term, ()):
            row[other] = row.get(other, 0.0) + share * weight * other_weight
    return row
