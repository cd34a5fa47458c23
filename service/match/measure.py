"""How well matches agree with labels: precision, recall, F1 with confidence intervals, precision of the first places. Pure.

Intervals are percentile bootstraps over papers (Efron, Tibshirani 1993, chapter 13), always with the same resamples.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.match.score import Phrasebook, score_papers
from service.models import Paper, ParsedPaper

RESAMPLES = 1_000
FEWEST_POSITIVES = 5  # of a topic, to count in macro-F1
FIRST_PLACES = 5

Truth = NDArray[np.float64]  # (papers, topics): 1 yes, 0 no, nan where readers disagreed
_Counts = NDArray[np.float64]  # (papers, topics, 3): hits, wrong ones, missed ones


@dataclass(frozen=True, slots=True)
class Label:
    """What readers say of one paper. A slug in neither set is a no."""

    id: str
    day: str
    paper: Paper | ParsedPaper
    yes: frozenset[str]
    maybe: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rate:
    """A share, and where it lies with a chance of 95 %."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class TopicFigures:
    slug: str
    positives: int
    found: int  # papers above the threshold, but for those on which readers disagree
    precision: Rate
    recall: Rate
    f1: Rate


@dataclass(frozen=True, slots=True)
class Figures:
    paper_count: int
    topics: tuple[TopicFigures, ...]
    micro: TopicFigures
    macro_f1: Rate
    macro_topics: tuple[str, ...]
    first_places: float | None  # the share of yes among the first five of each day and topic
    first_places_count: int


def measure(labels: Sequence[Label], book: Phrasebook, *, all_labels: Sequence[Label]) -> Figures:
    """Figures over `labels`; macro-F1 is over topics with 5 or more positives among `all_labels` and one among `labels`."""
    slugs = [topic.slug for topic in book.topics]
    scores = score_papers([label.paper for label in labels], book).scores
    truth = truth_of(labels, slugs)
    said = scores >= np.array([topic.threshold for topic in book.topics])
    counts = np.stack([(truth == 1) & said, (truth == 0) & said, (truth == 1) & ~said], -1).astype(float)
    common = (truth_of(all_labels, slugs) == 1).sum(0) >= FEWEST_POSITIVES
    macro = np.flatnonzero(common & ((truth == 1).sum(0) > 0))
    resampled = np.array([counts[rows].sum(0) for rows in _resamples(len(labels))]).reshape(-1, *counts.shape[1:])
    places = list(_first_places(labels, truth, scores, said))
    return Figures(
        paper_count=len(labels),
        topics=tuple(_figures(slug, counts[:, n].sum(0), resampled[:, n]) for n, slug in enumerate(slugs)),
        micro=_figures("all", counts.sum((0, 1)), resampled.sum(1)),
        macro_f1=_macro(counts, resampled, macro),
        macro_topics=tuple(slugs[n] for n in macro),
        first_places=sum(places) / len(places) if places else None,
        first_places_count=len(places),
    )


def truth_of(labels: Iterable[Label], slugs: Sequence[str]) -> Truth:
    rows = [[1.0 if slug in label.yes else np.nan if slug in label.maybe else 0.0 for slug in slugs] for label in labels]
    return np.array(rows).reshape(-1, len(slugs))


def _resamples(count: int) -> Iterator[NDArray[np.int64]]:
    chance = np.random.default_rng(0)
    return (chance.integers(0, count, count) for _ in range(RESAMPLES if count else 0))


def _figures(slug: str, counts: _Counts, resampled: _Counts) -> TopicFigures:
    precision, recall, f1 = (_rate(_shares(counts)[n], _shares(resampled)[n]) for n in range(3))
    return TopicFigures(slug, int(counts[0] + counts[2]), int(counts[0] + counts[1]), precision, recall, f1)


def _shares(counts: _Counts) -> tuple[_Counts, _Counts, _Counts]:
    """Precision, recall and F1; 0 where there is nothing to divide by."""
    hit, wrong, missed = counts[..., 0], counts[..., 1], counts[..., 2]
    divided = [(hit, hit + wrong), (hit, hit + missed), (2 * hit, 2 * hit + wrong + missed)]
    precision, recall, f1 = (np.divide(a, b, out=np.zeros_like(a), where=b > 0) for a, b in divided)
    return precision, recall, f1


def _macro(counts: _Counts, resampled: _Counts, topics: NDArray[np.int64]) -> Rate:
    if not len(topics):
        return Rate(0.0, 0.0, 0.0)
    return _rate(_shares(counts.sum(0))[2][topics].mean(), _shares(resampled)[2][:, topics].mean(1))


def _rate(value: float | _Counts, resampled: _Counts) -> Rate:
    low, high = np.percentile(resampled, (2.5, 97.5)) if len(resampled) else (0.0, 0.0)
    return Rate(round(float(value), 4), round(float(low), 4), round(float(high), 4))


def _first_places(labels: Sequence[Label], truth: Truth, scores: Truth, said: NDArray[np.bool_]) -> Iterator[bool]:
    """Whether each paper shown in the first places of a day's topic is a yes; where readers disagreed it is left out."""
    days = np.array([label.day for label in labels])
    for day in sorted(set(days.tolist())):
        rows = np.flatnonzero(days == day).tolist()
        for topic in range(truth.shape[1]):
            order = sorted(rows, key=lambda row: (-scores[row, topic], labels[row].id))
            shown = [row for row in order if said[row, topic]][:FIRST_PLACES]
            yield from (bool(truth[row, topic]) for row in shown if not np.isnan(truth[row, topic]))
