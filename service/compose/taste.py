"""What a person's marks say of a paper: Rocchio's feedback over the likeness of papers. Pure.

Rocchio moves what is looked for towards the mean of the wanted and away from the mean of the unwanted (Manning, Raghavan and
Schütze, Introduction to Information Retrieval, 9.1.1). Written out, a paper's lift is its mean likeness to the wanted papers
less its weighted mean likeness to the unwanted: each marked paper's part can be told.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import copysign

from service.compose.candidates import Candidate
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
        said = [(mark.paper_id, mark.kind) for mark in marks]
        unwanted = {key for key, kind in said if kind == MarkKind.LESS}
        wanted = {key for key, _ in said} - unwanted
        weights = {key: SCALE / len(wanted) for key in sorted(wanted)}
        weights |= {key: -SCALE * UNWANTED_WEIGHT / len(unwanted) for key in sorted(unwanted)}
        self._likeness = likeness
        self._rows = [(weight, likeness.of_marked[key], key) for key, weight in weights.items()]

    def lift(self, paper_id: str) -> float:
        """-2 to 2, by which the paper's strength changes."""
        total = 0.0
        for weight, row, _ in self._rows:
            total += weight * row[paper_id]
        if -_LEAST_LIFT < total < _LEAST_LIFT:
            return 0.0
        return total if -MOST_LIFT < total < MOST_LIFT else copysign(MOST_LIFT, total)

    def explain(self, cards: Iterable[Candidate]) -> None:
        """Tell in their picks, which are this person's own, what the lifts come from."""
        for card in cards:
            if lift := card.pick.standing.liking:
                card.pick.liking = self.liking(card.pick.paper.id, lift)

    def liking(self, paper_id: str, lift: float) -> Liking:
        """The lift with the marked papers that make most of it, and the words shared with the first of those."""
        parts = sorted([(weight * row[paper_id], key) for weight, row, key in self._rows], reverse=lift > 0)
        most = parts[0][0]
        like = tuple([key for part, key in parts[:_MOST_LIKE] if part / most >= 0.5])
        return Liking(lift, like, self._likeness.shared(like[0], paper_id))
