"""What a person's marks say of a paper: Rocchio's feedback over the likeness of papers. Pure.

Rocchio moves what is looked for towards the mean of the wanted and away from the mean of the unwanted (Manning, Raghavan and
Schütze, Introduction to Information Retrieval, 9.1.1). Written out, a paper's lift is its mean likeness to the wanted papers
less its weighted mean likeness to the unwanted: each marked paper's part can be told.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.compose.likeness import Likeness
from service.models import Liking, Mark, MarkKind

MOST_LIFT = 0.6
_SCALE = 1.5
_UNWANTED_WEIGHT = 0.5
_LEAST_LIFT = 0.02  # less is not worth telling
_MOST_LIKE, _MOST_TERMS = 3, 3


class Taste:
    """A person's marks, ready to be asked about papers."""

    def __init__(self, marks: Sequence[Mark], likeness: Likeness) -> None:
        unwanted = {mark.paper_id for mark in marks if mark.kind == MarkKind.LESS}
        self.wanted = tuple(sorted({mark.paper_id for mark in marks} - unwanted))
        self.unwanted = tuple(sorted(unwanted))
        self._likeness = likeness
        self._parts = [
            *((key, likeness.to_all(key), _SCALE / len(self.wanted)) for key in self.wanted),
            *((key, likeness.to_all(key), -_SCALE * _UNWANTED_WEIGHT / len(self.unwanted)) for key in self.unwanted),
        ]

    def lift(self, paper_id: str) -> float:
        """-0.6 to 0.6, by which the paper's strength changes."""
        total = sum(row.get(paper_id, 0.0) * weight for _, row, weight in self._parts)
        return max(-MOST_LIFT, min(MOST_LIFT, total))

    def liking(self, paper_id: str) -> Liking | None:
        """The lift with the marked papers and the words that make most of it."""
        lift = self.lift(paper_id)
        if abs(lift) < _LEAST_LIFT:
            return None
        parts = [(row.get(paper_id, 0.0) * weight, key) for key, row, weight in self._parts]
        strongest = sorted((part for part in parts if part[0] * lift > 0), key=lambda part: (-abs(part[0]), part[1]))
        like = [key for part, key in strongest if abs(part) >= abs(strongest[0][0]) / 2][:_MOST_LIKE]
        return Liking(lift, tuple(like), tuple(self._likeness.shared(like[0], paper_id)[:_MOST_TERMS]))
