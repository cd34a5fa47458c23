"""What a person's marks say of a paper: Rocchio's feedback over the likeness of papers. Pure.

Rocchio moves what is looked for towards the mean of the wanted and away from the mean of the unwanted (Manning, Raghavan and
Schütze, Introduction to Information Retrieval, 9.1.1). Written out, a paper's lift is its mean likeness to the wanted papers
less its weighted mean likeness to the unwanted: each marked paper's part can be told.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.compose.likeness import Likeness
from service.models import Liking, Mark, MarkKind

MOST_LIFT = 2.0
SCALE = 4.0  # so that three marks outweigh how well a paper fits its topic; see tests/benchmarks/rank_by_marks.py
UNWANTED_WEIGHT = 0.5
_LEAST_LIFT = 0.02  # less is not worth telling
_MOST_LIKE = 3


class Taste:
    """A person's marks, ready to be asked about papers. What is saved counts as wanted, unless it is unwanted as well."""

    def __init__(self, marks: Sequence[Mark], likeness: Likeness) -> None:
        unwanted = {mark.paper_id for mark in marks if mark.kind == MarkKind.LESS}
        wanted = {mark.paper_id for mark in marks} - unwanted
        weights = {key: SCALE / len(wanted) for key in sorted(wanted)}
        weights |= {key: -SCALE * UNWANTED_WEIGHT / len(unwanted) for key in sorted(unwanted)}
        self._likeness = likeness
        self._keys = list(weights)
        rows = likeness.of_marked[[likeness.rows[key] for key in weights]]
        self._parts = rows * np.array([*weights.values()])[:, np.newaxis]  # of the papers' lifts, by marked paper
        lifts = self._parts.sum(axis=0)
        self._lifts: list[float] = np.where(np.abs(lifts) < _LEAST_LIFT, 0.0, lifts).clip(-MOST_LIFT, MOST_LIFT).tolist()

    def lift(self, paper_id: str) -> float:
        """-2 to 2, by which the paper's strength changes."""
        return self._lifts[self._likeness.columns[paper_id]]

    def liking(self, paper_id: str, lift: float) -> Liking:
        """The lift with the marked papers that make most of it, and the words shared with the first of those."""
        column: list[float] = self._parts[:, self._likeness.columns[paper_id]].tolist()
        parts = sorted(zip(column, self._keys, strict=True), reverse=lift > 0)
        most = parts[0][0]
        like = tuple([key for part, key in parts[:_MOST_LIKE] if part / most >= 0.5])
        return Liking(lift, like, self._likeness.shared(like[0], paper_id))
