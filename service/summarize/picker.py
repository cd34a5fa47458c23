"""Choose what to say: learned weights over the words of an abstract and the ways of saying its sentences. Pure.

Two steps. A logistic regression gives each word the probability that a person's summary holds it; boosted regression trees
then guess each text's ROUGE-1 from that, the sentence's place and cues, and the title. The weights are
`shipped/picker.json`, made by `tests/benchmarks/train_picker.py`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from operator import mul
from typing import Any, NamedTuple

from service.summarize.abstracts import Abstract, read_abstract, rouge_words
from service.summarize.faults import faults
from service.summarize.features import (
    expected_f1,
    sentence_features,
    text_features,
    word_features,
)
from service.summarize.sentences import Sentence
from service.summarize.trim import variants

Tree = Any  # a leaf's value, or [feature, threshold, the tree at or below it, the tree above]


class Candidate(NamedTuple):
    text: str
    number: int  # of its sentence
    faults: tuple[str, ...]
    score: float  # its guessed ROUGE-1, as a difference to the abstract's mean


@dataclass(frozen=True, slots=True)
class Picker:
    papers: int  # whose abstracts were counted
    papers_with: Mapping[str, int]  # in how many of them a word stands
    bias: float
    feature_weights: tuple[float, ...]  # in the order of WORD_FEATURES
    word_weights: Mapping[str, float]
    trees: Sequence[Tree]  # over FEATURES

    def rarity(self, word: str) -> float:
        """Inverse document frequency."""
        return math.log((self.papers + 1) / (self.papers_with.get(word, 0) + 1))

    def read(self, title: str, sentences: Sequence[Sentence]) -> Abstract:
        return read_abstract(title, sentences, self.rarity)

    def keeping(self, abstract: Abstract) -> dict[str, float]:
        """For each word of the abstract the probability that a person's summary holds it."""
        return {
            word: _logistic(self.bias + self.word_weights.get(word, 0.0) + _dot(self.feature_weights, numbers))
            for word, numbers in word_features(abstract).items()
        }

    def candidates(self, abstract: Abstract, keeping: Mapping[str, float]) -> list[Candidate]:
        """Every way of saying a sentence of the abstract that doesn't just repeat the title, with its score."""
        texts = [(n, text) for n, sentence in enumerate(abstract.sentences) for text in variants(sentence.text)]
        texts = [(n, text) for n, text in texts if not abstract.title.issuperset(rouge_words(text))]
        best = max((expected_f1(text, keeping) for _, text in texts), default=0.0)
        of_sentence = sentence_features(abstract)
        return [
            Candidate(
                text,
                n,
                faults_of(text, n, abstract),
                self.score(of_sentence[n] + text_features(text, n, abstract, keeping, best)),
            )
            for n, text in texts
        ]

    def score(self, numbers: Sequence[float]) -> float:
        return sum((_leaf(tree, numbers) for tree in self.trees), 0.0)


def faults_of(text: str, number: int, abstract: Abstract) -> tuple[str, ...]:
    """Those of the text, and whether its sentence stands ahead of the first in which the authors speak."""
    is_ahead = number < abstract.opening and not abstract.is_named(number)
    return (*faults(text), "ahead of what is new") if is_ahead else faults(text)


def best(candidates: Sequence[Candidate]) -> Candidate | None:
    """The one with the fewest faults, and of those the one with the highest score."""
    return max(candidates, key=lambda candidate: (-len(candidate.faults), candidate.score), default=None)


@cache
def shipped_picker() -> Picker:
    stored = json.loads(resources.files("service.shipped").joinpath("picker.json").read_text("utf-8"))
    return Picker(
        stored["papers"],
        stored["papers_with"],
        stored["bias"],
        tuple(stored["feature_weights"].values()),
        stored["word_weights"],
        stored["trees"],
    )


def _leaf(tree: Tree, numbers: Sequence[float]) -> float:
    while isinstance(tree, list):
        tree = tree[2] if numbers[tree[0]] <= tree[1] else tree[3]
    return float(tree)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return float(sum(map(mul, left, right)))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-max(-50.0, min(50.0, value))))
