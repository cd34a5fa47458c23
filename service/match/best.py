"""Scores of papers x topics -> each subscriber's best papers, for any number of subscribers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

_PORTION = 4_096  # subscribers worked on at once, so that memory doesn't grow with their number
_STEPS = 1 << 30  # that a score from 0 to 1 is told apart by

Indexes = NDArray[np.int64]


def best_papers(scores: NDArray[np.float64], choices: Indexes, count: int = 10) -> Iterator[Indexes]:
    """The best papers of some thousand subscribers at a time: (subscribers, count), best first, -1 where there are no more.

    `scores` is (papers, topics), 0 where a paper is below the topic's bar; `choices` is (subscribers, topics of each), by index,
    -1 for none. A paper counts once, with its best topic; of equal ones the earlier comes first.
    """
    leaders = _leaders(scores, count)
    for start in range(0, len(choices), _PORTION):
        yield _merged(leaders[choices[start : start + _PORTION]], scores.shape[0], count)


def _leaders(scores: NDArray[np.float64], count: int) -> Indexes:
    """(topics + 1, count): each topic's best, the score and the paper packed into one number; the last row is nobody's."""
    papers, topics = scores.shape
    packed = np.round(scores.T * _STEPS).astype(np.int64) * papers + np.arange(papers)[::-1]
    packed[scores.T <= 0] = -1
    rows = np.full((topics + 1, count), -1, np.int64)
    best = np.sort(packed, axis=1)[:, ::-1][:, :count]
    rows[:topics, : best.shape[1]] = best
    return rows


def _merged(found: Indexes, papers: int, count: int) -> Indexes:
    """Whatever is among a person's best is among its topic's best; a paper of two topics keeps its better place."""
    flat = np.sort(found.reshape(len(found), -1), axis=1)[:, ::-1]
    places = np.where(flat < 0, -1, papers - 1 - flat % max(1, papers))
    order = np.argsort(places, axis=1, kind="stable")
    ordered = np.take_along_axis(places, order, axis=1)
    is_repeated = np.zeros_like(flat, dtype=bool)
    np.put_along_axis(is_repeated, order[:, 1:], ordered[:, 1:] == ordered[:, :-1], axis=1)
    shown = np.where(is_repeated, -1, places)
    last = np.argsort(shown < 0, axis=1, kind="stable")[:, :count]
    return np.take_along_axis(shown, last, axis=1)
