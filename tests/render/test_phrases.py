from __future__ import annotations

from service.models import Band, Match, Reason
from service.render.cards import phrases
from service.render.language import ENGLISH


def told(*reasons: tuple[str, float]) -> list[str]:
    found = tuple(Reason(phrase, "title", weight) for phrase, weight in reasons)
    return [phrase for phrase, _ in phrases((Match("agents", 0.9, True, Band.CORE, found),), ENGLISH)]


def test_a_phrase_that_is_part_of_a_longer_one_is_not_told_beside_it() -> None:
    assert told(("benchmark", 3), ("challenging benchmarks", 1)) == ["challenging benchmarks"]
    assert told(("reasoning", 3), ("reasoning", 2), ("planning", 1)) == ["reasoning", "planning"]


def test_a_phrase_is_part_of_another_by_whole_words() -> None:
    assert told(("plan", 1), ("explanation", 2)) == ["explanation", "plan"]
