"""BM25F over the words that a topic's expansion adds to its phrases, and where those words come from. Pure.

BM25F sums a word's frequencies over weighted fields before it saturates them (Robertson, Zaragoza, Taylor: Simple BM25
extension to multiple weighted fields, CIKM 2004). The inverse document frequency stands in the expansion's weights, so that a
stored expansion gives the same score whatever papers came since.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.frequencies import Background, shipped_background
from service.match.text import Text, text_of
from service.models import Paper, ParsedPaper, Topic
from service.words import terms, written_words

_BOOSTS = {"title": 3.0, "contribution": 1.5, "abstract": 1.0, "keywords": 1.0}
_K1 = 1.2  # how fast repetitions stop to count
_B = 0.4  # how much a long paper's words count less
_USUAL_LENGTH = 250.0  # boosted words of a usual paper
MOST_WORDS = 40  # that an expansion made here adds
_EXAMPLE_SHARE = 0.6  # of the weight, where there are examples; the rest is the description's


class Added(NamedTuple):
    """One word of a topic's expansion."""

    word: str
    root: str
    weight: float


@dataclass(frozen=True, slots=True)
class Expansions:
    """The topics' added words, and an inverted index of them: word -> topics and weights."""

    added: tuple[tuple[Added, ...], ...]  # by topic
    words: dict[str, int]
    first: NDArray[np.int64]  # word -> where its entries start; one longer than the words
    topic: NDArray[np.int64]
    weight: NDArray[np.float64]


def expansions_of(topics: Sequence[Topic]) -> Expansions:
    added = tuple(map(_added, topics))
    entries = [(one.root, number, one.weight) for number, words in enumerate(added) for one in words]
    words = {root: number for number, root in enumerate(sorted({root for root, _, _ in entries}))}
    entries.sort(key=lambda entry: words[entry[0]])
    return Expansions(
        added=added,
        words=words,
        first=np.searchsorted([words[root] for root, _, _ in entries], np.arange(len(words) + 1)),
        topic=np.array([topic for _, topic, _ in entries], np.int64),
        weight=np.array([weight for _, _, weight in entries], np.float64),
    )


def _added(topic: Topic) -> tuple[Added, ...]:
    struck = set(topic.struck_words)
    return tuple(
        Added(word, root, weight) for word, weight in topic.expansion.items() if word not in struck for root in roots(word)[:1]
    )


def expansion_scores(texts: Sequence[Text], expansions: Expansions, topic_count: int) -> NDArray[np.float64]:
    """(papers, topics): the sum of the added words' weights, each by how much of it the paper holds."""
    papers: list[int] = []
    words: list[int] = []
    shares: list[float] = []
    for number, text in enumerate(texts):
        for root, share in saturated(text).items():
            word = expansions.words.get(root)
            if word is not None:
                papers.append(number)
                words.append(word)
                shares.append(share)
    index = np.array(words, np.int64)
    counts = expansions.first[index + 1] - expansions.first[index]
    steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    entries = np.repeat(expansions.first[index], counts) + steps
    cells = np.repeat(np.array(papers, np.int64), counts) * topic_count + expansions.topic[entries]
    values = np.repeat(np.array(shares, np.float64), counts) * expansions.weight[entries]
    return np.bincount(cells, values, len(texts) * topic_count).astype(np.float64).reshape(len(texts), topic_count)


@lru_cache(maxsize=4_000)
def saturated(text: Text) -> Mapping[str, float]:
    """How much of each word a paper holds, from 0 to 1."""
    counts: dict[str, float] = {}
    for place, boost in _BOOSTS.items():
        for row in getattr(text, place):
            for term in row:
                root = term.lower()
                counts[root] = counts.get(root, 0.0) + boost
    limit = _K1 * (1 - _B + _B * sum(counts.values()) / _USUAL_LENGTH)
    return {root: count / (limit + count) for root, count in counts.items()}


@lru_cache(maxsize=100_000)
def roots(word: str) -> tuple[str, ...]:
    return tuple(term.lower() for term in terms(word))


def background_with(papers: Iterable[Paper | ParsedPaper]) -> Background:
    """The shipped frequencies and those of the stored history, as one."""
    shipped = shipped_background()
    counts = Counter(shipped.counts)
    number = shipped.paper_count
    for paper in papers:
        counts.update(saturated(text_of(paper)).keys())
        number += 1
    return Background(number, counts)


def made_expansion(
    topic: Topic,
    relevant: Collection[Paper | ParsedPaper],
    irrelevant: Collection[Paper | ParsedPaper],
    background: Background,
) -> dict[str, float]:
    """Words for a topic from its description and its example papers, strongest first, as RM3 and Rocchio weigh them.

    A word's share of the description and its mean share of the relevant papers, less that of the irrelevant ones, times its
    inverse document frequency (Lavrenko, Croft: Relevance-based language models, SIGIR 2001). The weights' sum is 10.
    """
    description = Text((terms(f"{topic.name}. {topic.description}"),), (), (), (), (), ())
    own = saturated(description)
    share = _EXAMPLE_SHARE if relevant else 0.0
    weights = {root: (1 - share) * value for root, value in own.items()}
    for papers, sign in ((relevant, share), (irrelevant, -share)):
        for paper in papers:
            for root, value in saturated(text_of(paper)).items():
                weights[root] = weights.get(root, 0.0) + sign * value / len(papers)
    names = _names([f"{topic.name} {topic.description}", *(f"{p.title} {p.abstract or ''}" for p in relevant)])
    struck = {root for word in topic.struck_words for root in roots(word)}
    usual = 0.1 * background.paper_count
    weighed = {
        names[root]: value * background.inverse_frequency(root)
        for root, value in weights.items()
        if value > 0 and root in names and root not in struck and len(root) > 2 and background.counts.get(root, 0) < usual
    }
    chosen = sorted(weighed.items(), key=lambda item: (-item[1], item[0]))[:MOST_WORDS]
    total = sum(value for _, value in chosen)
    return {word: round(10 * value / total, 3) for word, value in chosen}


def _names(texts: Iterable[str]) -> dict[str, str]:
    """Each root by the word that it is most often written as."""
    written = Counter(word for text in texts for word in written_words(text))
    names: dict[str, str] = {}
    for word, _ in sorted(written.items(), key=lambda item: (-item[1], item[0])):
        if len(found := roots(word)) == 1:
            names.setdefault(found[0], word)
    return names
