from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service.match.best import best_papers


def slowly(scores: np.ndarray, topics: list[int], count: int) -> list[int]:
    best = {}
    for paper, row in enumerate(scores):
        score = max((row[topic] for topic in topics if topic >= 0), default=0)
        if score > 0:
            best[paper] = score
    return sorted(best, key=lambda paper: (-best[paper], paper))[:count]


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12), st.integers(1, 6), st.integers(1, 5))
def test_everybody_gets_their_best_papers_each_once_and_ties_by_place(seed: int, papers: int, topics: int, count: int) -> None:
    chance = np.random.default_rng(seed)
    scores = chance.integers(0, 4, (papers, topics)) / 4  # many ties, many zeros
    choices = chance.integers(-1, topics, (7, 3))
    found = np.concatenate(list(best_papers(scores, choices, count)))
    assert [[n for n in row if n >= 0] for row in found.tolist()] == [slowly(scores, row, count) for row in choices.tolist()]


def test_people_beyond_a_portion_get_theirs_too() -> None:
    scores = np.eye(3)
    choices = np.arange(10_000)[:, None] % 3
    found = np.concatenate(list(best_papers(scores, choices)))
    assert (found[:, 0] == choices[:, 0]).all()
    assert (found[:, 1:] == -1).all()
