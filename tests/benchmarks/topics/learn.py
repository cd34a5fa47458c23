"""Learn the shipped expansions, priors and calibrations: `python -m tests.benchmarks.topics.learn`. Takes a minute.

The filters judge the unlabelled corpus, and a linear model over BM25F's words learns these verdicts. One calibration for all
topics puts the filters and that model together, and a second model, held back hard, learns from the labels what these two get
wrong. With --folds it tells F1 on days that took no part in the calibration and the second model. Days that are set aside take
part in nothing (labelled.py drops them). Writes service/shipped/learned.json and background.json, and prints the calibrations.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import minimize

from service.catalogue import parse_catalogue
from service.frequencies import Background
from service.match.expansion import expansion_scores, expansions_of, made_expansion, roots, saturated
from service.match.phrases import found_rules
from service.match.score import phrasebook, rule_evidence
from service.match.text import text_of
from service.models import ParsedPaper, Topic
from service.words import written_words
from tests.benchmarks.topics.labelled import corpus, our_labels, targets, tuning_papers
from tests.benchmarks.topics.measure import micro_f1

SHIPPED = Path(__file__).parents[3] / "service" / "shipped"
DISTILLED_L2 = 0.5
LABELLED_L2 = 15.0
MOST_WORDS = 800  # a topic
THIN = 20  # phrases of a filter as an admin writes it; the calibration of written topics is fitted on filters cut to that

Matrix = NDArray[np.float64]


def evidence(papers: list[ParsedPaper], topics: list[Topic]) -> Matrix:
    """(papers, topics, 4), the last one negative: it speaks against."""
    book = phrasebook(topics)
    found = rule_evidence(found_rules([text_of(p) for p in papers], book.rules), book.rules, (len(papers), len(topics)))
    found[3] *= -1
    return np.moveaxis(found, 0, -1)


def calibrated(inputs: Matrix, wanted: Matrix) -> Matrix:
    """Logistic regression, one for all topics: coefficients, none negative, and the intercept at the end."""
    known = ~np.isnan(wanted)
    rows, truth = inputs[known], wanted[known]

    def loss(weights: Matrix) -> tuple[float, Matrix]:
        told = odds(rows, weights)
        error = 1 / (1 + np.exp(-told)) - truth
        value = (np.logaddexp(0, told) - truth * told).sum() + 0.5 * (weights[:-1] ** 2).sum()
        return float(value), np.append(error @ rows + weights[:-1], error.sum())

    width = rows.shape[1]
    bounds = [(0, None)] * width + [(None, None)]
    return np.asarray(minimize(loss, np.zeros(width + 1), jac=True, method="L-BFGS-B", bounds=bounds).x)


def odds(inputs: Matrix, weights: Matrix) -> Matrix:
    return np.asarray(inputs @ weights[:-1] + weights[-1])


def chances(inputs: Matrix, weights: Matrix) -> Matrix:
    return np.asarray(1 / (1 + np.exp(-odds(inputs, weights))))


def learned_words(words: sparse.csr_matrix, wanted: Matrix, told: Matrix, l2: float) -> Matrix:
    """(words + 1, topics): logistic regressions on top of log-odds already `told`; targets may be soft, and nan counts not.

    The intercepts stand in the last row.
    """
    width, topics = words.shape[1], wanted.shape[1]
    turned = words.T.tocsr()
    known, truth = ~np.isnan(wanted), np.nan_to_num(wanted)

    def loss(flat: Matrix) -> tuple[float, Matrix]:
        weights = flat.reshape(width + 1, topics)
        sums = told + applied(words, weights)
        error = known * (1 / (1 + np.exp(-sums)) - truth)
        value = (known * (np.logaddexp(0, sums) - truth * sums)).sum() + 0.5 * l2 * (weights[:-1] ** 2).sum()
        return float(value), np.vstack([turned @ error + l2 * weights[:-1], error.sum(0)]).ravel()

    start = np.zeros((width + 1) * topics)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 60}).x
    return np.asarray(found).reshape(width + 1, topics)


def pruned(weights: Matrix, spread: Matrix) -> Matrix:
    """The words that weigh most over the corpus, for each topic."""
    kept = np.zeros_like(weights)
    kept[-1] = weights[-1]
    for topic in range(weights.shape[1]):
        top = np.argsort(-np.abs(weights[:-1, topic]) * spread)[:MOST_WORDS]
        kept[top, topic] = weights[top, topic]
    return kept


def main() -> None:
    topics = parse_catalogue((SHIPPED / "catalogue.toml").read_text("utf-8"))
    slugs = [topic.slug for topic in topics]
    read = corpus()
    labelled = tuning_papers() + our_labels(read)
    own = {one.id for one in labelled}
    unlabelled = [paper for identity, paper in read.items() if identity not in own]
    papers = [one.paper for one in labelled]
    wanted, days = targets(labelled, slugs), np.array([one.day for one in labelled])
    print(f"{len(papers)} labelled papers, {len(unlabelled)} unlabelled")

    background = counted(unlabelled + papers)
    (SHIPPED / "background.json").write_text(json.dumps({"papers": background.paper_count, "roots": background.counts}))
    names = surface_names(unlabelled + papers, background)
    index = {root: number for number, root in enumerate(sorted(names))}
    scale = np.array([background.inverse_frequency(root) for root in sorted(names)])
    words, own_words = (matrix(some, index, scale) for some in (unlabelled, papers))
    spread = np.asarray(np.sqrt(words.multiply(words).mean(0))).ravel()
    rules, own_rules = evidence(unlabelled, topics), evidence(papers, topics)

    verdicts = chances(rules, calibrated(own_rules, wanted))
    distilled = learned_words(words, verdicts, np.zeros_like(verdicts), DISTILLED_L2)
    inputs = np.concatenate([own_rules, applied(own_words, distilled)[..., None]], -1)

    def learned(seen: NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
        """The calibration, and word weights on top of it."""
        weights = calibrated(inputs[seen], wanted[seen])
        return weights, learned_words(own_words[seen], wanted[seen], odds(inputs[seen], weights), LABELLED_L2)

    if "--folds" in sys.argv:
        unseen = np.zeros_like(wanted)
        for day in np.unique(days):
            weights, added = learned(days != day)
            unseen[days == day] = odds(inputs[days == day], weights) + applied(own_words[days == day], added)
        say_f1(wanted, 1 / (1 + np.exp(-unseen)), days)
    weights, added = learned(np.ones(len(papers), bool))
    say_calibration("learned", np.append(weights[:-2], [1.0, weights[-1]]))
    ship(pruned(weights[-2] * distilled + added, spread), slugs, sorted(names), names, scale)

    thin = [topic.model_copy(update={"any_phrases": topic.any_phrases[:THIN]}) for topic in topics]
    for topic in thin:
        topic.expansion = made_expansion(topic, [], [], background)
    written = np.concatenate([evidence(papers, thin), score_of_expansions(papers, thin)[..., None]], -1)
    say_calibration("written", calibrated(written, wanted))
    say_f1(wanted, chances(written, calibrated(written, wanted)), days)


def applied(words: sparse.csr_matrix, weights: Matrix) -> Matrix:
    return np.asarray(words @ weights[:-1] + weights[-1])


def say_calibration(name: str, weights: Matrix) -> None:
    print(f"{name}: base {weights[-1]:.3f}, levels {weights[:3].round(3)}, against {weights[3]:.3f}, expansion {weights[4]:.3f}")


def say_f1(wanted: Matrix, chance: Matrix, days: NDArray[np.str_]) -> None:
    ours = np.array([day.startswith("ours") for day in days])
    for bar in (0.3, 0.35, 0.4, 0.45):
        given, own = (micro_f1(wanted[rows], chance[rows] >= bar) for rows in (~ours, ours))
        print(f"  bar {bar}: F1 {given:.3f}, on the papers that we labelled {own:.3f}")


def counted(papers: list[ParsedPaper]) -> Background:
    counts = Counter(root for paper in papers for root in saturated(text_of(paper)))
    return Background(len(papers), {root: count for root, count in sorted(counts.items()) if count >= 5})


def surface_names(papers: list[ParsedPaper], background: Background) -> dict[str, str]:
    """Each root that is neither rare nor everywhere, by the word that it is most often written as."""
    written = Counter(word for paper in papers for word in written_words(f"{paper.title} {paper.abstract}"))
    names: dict[str, str] = {}
    for word, _ in written.most_common():
        found = roots(word)
        is_word = len(found) == 1 and len(found[0]) > 1 and not found[0].isdigit()
        if is_word and 6 <= background.counts.get(found[0], 0) <= 0.3 * background.paper_count:
            names.setdefault(found[0], word)
    return names


def matrix(papers: list[ParsedPaper], index: dict[str, int], scale: Matrix) -> sparse.csr_matrix:
    rows, columns, values = [], [], []
    for row, paper in enumerate(papers):
        for root, share in saturated(text_of(paper)).items():
            if root in index:
                rows.append(row)
                columns.append(index[root])
                values.append(share * scale[index[root]])
    return sparse.csr_matrix((values, (rows, columns)), shape=(len(papers), len(index)))


def score_of_expansions(papers: list[ParsedPaper], topics: list[Topic]) -> Matrix:
    return expansion_scores([text_of(paper) for paper in papers], expansions_of(topics), len(topics))


def ship(weights: Matrix, slugs: list[str], order: list[str], names: dict[str, str], scale: Matrix) -> None:
    """Weights times inverse document frequency, so that a score needs no frequencies."""
    learned = {}
    for topic, slug in enumerate(slugs):
        added = {names[root]: round(float(weights[n, topic] * scale[n]), 3) for n, root in enumerate(order) if weights[n, topic]}
        ordered = dict(sorted(added.items(), key=lambda item: -item[1]))
        learned[slug] = {"prior": round(float(weights[-1, topic]), 3), "expansion": ordered}
    (SHIPPED / "learned.json").write_text(json.dumps(learned, ensure_ascii=False, indent=0) + "\n")


if __name__ == "__main__":
    main()
