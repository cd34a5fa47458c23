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


def test_two_ways_of_writing_one_phrase_are_told_once_by_the_stronger() -> None:
    assert told(("accelerate", 1), ("accelerating", 2)) == ["accelerating"]
    assert told(("VLA", 1), ("vision-language-action", 2), ("robot", 1)) == ["vision-language-action", "robot"]
    assert told(("language model agent", 1), ("LLM agent", 2)) == ["LLM agent"]


def test_a_phrase_is_told_without_the_words_at_its_ends_that_only_join_it_to_others() -> None:
    assert told(("a benchmark", 4), ("benchmark that", 3), ("we prove", 2), ("survey of", 1)) == ["benchmark", "prove", "survey"]
    assert told(("state of the art", 1)) == ["state of the art"]


def test_a_phrase_of_joining_words_alone_is_told_only_where_no_other_is() -> None:
    assert told(("can", 2), ("leaderboard", 1)) == ["leaderboard"]
    assert told(("can", 2), ("we find that", 1)) == ["can", "we find that"]
