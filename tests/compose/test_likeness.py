from __future__ import annotations

import pytest

from service.compose.likeness import Likeness
from service.models import Band, Match
from tests.builders import paper

MARKED = paper("2610.00009", "Quokka widget wombat", abstract="Gaskets turn.")
ALIKE = paper("2610.00001", "Quokka widget wombat", abstract="Gaskets turn.")
OTHER = paper("2610.00002", "Bread and salt", abstract="Ovens glow.")


def found(slug: str) -> tuple[Match, ...]:
    return (Match(slug, 0.8, True, Band.CORE, ()),)


@pytest.mark.parametrize(
    ("slug", "alike", "other"),
    [("agents", 1.0, 0.5), ("code", 0.5, 0.0), (None, 0.5, 0.0)],
    ids=["the same topic", "another topic", "no topic"],
)
def test_words_and_topics_are_each_half_of_how_much_a_paper_is_like_a_marked_one(
    slug: str | None, alike: float, other: float
) -> None:
    own = found(slug) if slug else ()
    likeness = Likeness([ALIKE, OTHER], [MARKED], {MARKED.id: found("agents"), ALIKE.id: own, OTHER.id: own})
    assert likeness.of_marked[MARKED.id] == pytest.approx({ALIKE.id: alike, OTHER.id: other})


def test_the_three_words_that_make_most_of_it_are_told_with_their_parts() -> None:
    likeness = Likeness([ALIKE], [MARKED], {})
    shared = likeness.shared(MARKED.id, ALIKE.id)
    assert {word for word, _ in shared} == {"quokka", "widget", "wombat"}  # those of the title, which count three times
    parts = [part for _, part in shared]
    assert parts == sorted(parts, reverse=True)
    assert 0 < sum(parts) < likeness.of_marked[MARKED.id][ALIKE.id] == pytest.approx(0.5)
