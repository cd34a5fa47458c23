"""Train service/shipped/picker.json again from SciTLDR's train part, and print its scores by five-fold cross-validation.

    .venv/bin/python -m tests.benchmarks.train_picker          # cross-validate, then train on all and write the weights
    .venv/bin/python -m tests.benchmarks.train_picker --dry    # cross-validate only

Needs the extra `benchmarks` (pip install -e .[benchmarks]). Nothing here reads SciTLDR's dev part.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from itertools import compress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rouge_score.rouge_scorer import RougeScorer
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression

import service
from service.summarize.abstracts import Abstract, read_abstract, rouge_words
from service.summarize.features import (
    FEATURES,
    WORD_FEATURES,
    expected_f1,
    sentence_features,
    text_features,
    word_features,
)
from service.summarize.picker import faults_of
from service.summarize.sentences import split_sentences
from service.summarize.trim import variants
from tests.benchmarks.abstracts import corpus, say, scitldr
from tests.benchmarks.machine import machine

FILE = Path(service.__file__).parent / "shipped" / "picker.json"
FOLDS = 5
RAREST = 8  # papers that must hold a word before it gets a weight of its own
TREES = {
    "max_iter": 150,
    "learning_rate": 0.05,
    "max_leaf_nodes": 12,
    "min_samples_leaf": 100,
    "max_features": 0.5,
    "early_stopping": False,
}
BAGS = 4  # sets of trees, whose mean counts; each learns from another share of the papers
SHARE = 1.0


class Example(NamedTuple):
    abstract: Abstract
    words: dict[str, tuple[float, ...]]
    kept: frozenset[str]  # the words of the person's summary
    texts: list[tuple[int, str]]
    faults: np.ndarray
    scores: np.ndarray  # each text's ROUGE-1


class KeepingModel(NamedTuple):
    bias: float
    feature_weights: np.ndarray
    word_weights: dict[str, float]

    def keeping(self, example: Example) -> dict[str, float]:
        values = {
            word: self.bias + self.word_weights.get(word, 0.0) + float(self.feature_weights @ np.array(numbers))
            for word, numbers in example.words.items()
        }
        return {word: 1 / (1 + math.exp(-value)) for word, value in values.items()}


def main() -> None:
    papers = scitldr("train")
    seen_in, count = document_frequencies(papers)
    rouge = RougeScorer(["rouge1"], use_stemmer=False)
    examples = [example(paper, seen_in, count, rouge) for paper in papers]
    folds = np.random.RandomState(0).randint(0, FOLDS, len(examples))
    keeping = out_of_fold_keeping(examples, folds)
    numbers = [features(one, kept) for one, kept in zip(examples, keeping, strict=True)]
    say(machine())
    report(examples, folds, numbers)
    if "--dry" not in sys.argv:
        write(fit_keeping(examples), fit_trees(examples, numbers), seen_in, count)
        say(f"{FILE.name}: {FILE.stat().st_size:,} bytes")


def document_frequencies(papers: list[dict[str, Any]]) -> tuple[Counter[str], int]:
    abstracts = [paper["abstract"] for paper in papers + corpus()]
    return Counter(word for abstract in abstracts for word in set(rouge_words(abstract))), len(abstracts)


def example(paper: dict[str, Any], seen_in: Counter[str], count: int, rouge: RougeScorer) -> Example:
    sentences = split_sentences(paper["abstract"])
    abstract = read_abstract(paper["title"], sentences, lambda word: math.log((count + 1) / (seen_in[word] + 1)))
    texts = [(n, text) for n, sentence in enumerate(sentences) for text in variants(sentence.text)]
    target = paper["targets"][0]
    scores = [rouge.score(target, text)["rouge1"].fmeasure for _, text in texts]
    found = np.array([len(faults_of(text, n, abstract)) for n, text in texts])
    return Example(abstract, word_features(abstract), frozenset(rouge_words(target)), texts, found, np.array(scores))


def fit_keeping(examples: list[Example]) -> KeepingModel:
    """Logistic regression over the word's features and, for words of some papers, the word itself."""
    seen = Counter(word for one in examples for word in one.words)
    known = {word: place for place, word in enumerate(sorted(word for word, times in seen.items() if times >= RAREST))}
    rows = [(word, numbers, word in one.kept) for one in examples for word, numbers in one.words.items()]
    dense = np.array([numbers for _, numbers, _ in rows])
    mean, deviation = dense.mean(0), dense.std(0) + 1e-9
    places = [(row, known[word]) for row, (word, _, _) in enumerate(rows) if word in known]
    lexical = sparse.csr_matrix((np.ones(len(places)), tuple(zip(*places, strict=True))), shape=(len(rows), len(known)))
    inputs = sparse.hstack([sparse.csr_matrix((dense - mean) / deviation), lexical]).tocsr()
    model = LogisticRegression(C=0.05, max_iter=300).fit(inputs, [kept for _, _, kept in rows])
    weights = model.coef_[0][: len(mean)] / deviation
    bias = float(model.intercept_[0] - weights @ mean)
    return KeepingModel(bias, weights, dict(zip(known, map(float, model.coef_[0][len(mean) :]), strict=True)))


def out_of_fold_keeping(examples: list[Example], folds: np.ndarray) -> list[dict[str, float]]:
    """Each paper's by a model that did not see it, as the trees must learn from guesses such as they will get."""
    models = [fit_keeping([one for one, fold in zip(examples, folds, strict=True) if fold != left]) for left in range(FOLDS)]
    return [models[fold].keeping(one) for one, fold in zip(examples, folds, strict=True)]


def features(one: Example, keeping: dict[str, float]) -> np.ndarray:
    best = max((expected_f1(text, keeping) for _, text in one.texts), default=0.0)
    of_sentence = sentence_features(one.abstract)
    rows = [of_sentence[n] + text_features(text, n, one.abstract, keeping, best) for n, text in one.texts]
    return np.array(rows).reshape(len(rows), len(FEATURES))


def fit_trees(examples: list[Example], numbers: list[np.ndarray]) -> list[HistGradientBoostingRegressor]:
    """They learn what sets a text apart within its abstract: its ROUGE-1 less the mean of the abstract's texts."""
    full = [(one.scores - one.scores.mean(), found) for one, found in zip(examples, numbers, strict=True) if len(one.scores)]
    shares = [np.random.RandomState(bag).rand(len(full)) < SHARE for bag in range(BAGS)]
    return [fit_bag(list(compress(full, share)), bag) for bag, share in enumerate(shares)]


def fit_bag(full: list[tuple[np.ndarray, np.ndarray]], bag: int) -> HistGradientBoostingRegressor:
    weights = np.concatenate([np.full(len(scores), len(scores) ** -0.5) for scores, _ in full])
    inputs, aims = np.vstack([found for _, found in full]), np.concatenate([scores for scores, _ in full])
    return HistGradientBoostingRegressor(**TREES, random_state=bag).fit(inputs, aims, sample_weight=weights)


def guesses(bags: list[HistGradientBoostingRegressor], numbers: np.ndarray) -> np.ndarray:
    return np.mean([bag.predict(numbers) for bag in bags], axis=0)


def report(examples: list[Example], folds: np.ndarray, numbers: list[np.ndarray]) -> None:
    picked, unguarded, best, sound = [], [], [], []
    for left in range(FOLDS):
        inside = [n for n in range(len(examples)) if folds[n] != left]
        trees = fit_trees([examples[n] for n in inside], [numbers[n] for n in inside])
        for n in (n for n in range(len(examples)) if folds[n] == left and len(examples[n].scores)):
            scores, guess, wrong = examples[n].scores, guesses(trees, numbers[n]), examples[n].faults
            picked.append(scores[np.argmax(guess - 10 * wrong)])
            unguarded.append(scores[np.argmax(guess)])
            best.append(scores.max())
            sound.append(scores[np.argmin(wrong)] if wrong.min() else scores[wrong == 0].max())
    say(f"SciTLDR train, {len(examples)} papers with one summary each, ROUGE-1 by {FOLDS}-fold cross-validation")
    for name, values in [
        ("picked", picked),
        ("picked, faults allowed", unguarded),
        ("best text", best),
        ("best without faults", sound),
    ]:
        say(f"  {name:24} {100 * sum(values) / len(examples):.2f}")


def write(words: KeepingModel, bags: list[HistGradientBoostingRegressor], seen_in: Counter[str], count: int) -> None:
    stored = {
        "about": "Written by tests/benchmarks/train_picker.py; read by service/summarize/picker.py.",
        "bias": round(words.bias, 4),
        "feature_weights": {
            name: round(float(weight), 4) for name, weight in zip(WORD_FEATURES, words.feature_weights, strict=True)
        },
        "features": FEATURES,
        "papers": count,
        "papers_with": {word: times for word, times in sorted(seen_in.items()) if times >= 3},
        "word_weights": {word: round(weight, 3) for word, weight in words.word_weights.items() if abs(weight) >= 0.01},
        "trees": [tree(predictors[0].nodes) for bag in bags for predictors in bag._predictors],
    }
    lines = [f"{json.dumps(name)}: {_laid_out(value)}" for name, value in stored.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", "utf-8")


def tree(nodes: Any, place: int = 0) -> Any:
    """As [feature, threshold, at or below, above], or a leaf's value."""
    node = nodes[place]
    if node["is_leaf"]:
        return round(float(node["value"]) / BAGS, 6)
    threshold = float(f"{node['num_threshold']:.6g}")
    return [int(node["feature_idx"]), threshold, tree(nodes, node["left"]), tree(nodes, node["right"])]


def _laid_out(value: Any) -> str:
    """A tree a line, words in lines of readable length."""
    if isinstance(value, list):
        return "[\n" + ",\n".join(json.dumps(item, separators=(",", ":")) for item in value) + "\n]"
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}:{json.dumps(item)}" for name, item in value.items()]
        return "{\n" + ",\n".join(",".join(items[start : start + 8]) for start in range(0, len(items), 8)) + "\n}"
    return json.dumps(value)


if __name__ == "__main__":
    main()
