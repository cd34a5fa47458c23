from __future__ import annotations

import re
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.errors import WrongUse
from service.filters import FIELDS, HEAVIEST, LARGEST_TEXT, BadRule, format_filter, format_rule, parse_filter, parse_rule
from service.models import Rule
from service.words import tokens


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("world model", Rule("world model")),
        ("  world   model ", Rule("world model")),
        ('"world model"', Rule("world model")),
        ("title: agent", Rule("agent", "title")),
        ('Title:"tool use" ^2', Rule("tool use", "title", 2.0)),
        ("org: Mila ^0.5", Rule("Mila", "org", 0.5)),
        ("speech ^-1", Rule("speech", None, -1.0)),
        ('"note: this"', Rule("note: this")),
    ],
)
def test_a_rule_is_a_phrase_with_a_field_and_a_weight(text: str, rule: Rule) -> None:
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "at", "said"),
    [
        ("titel: agent", 1, "did you mean 'title'"),
        ("agent ^", 7, "after ^ stands a weight"),
        ("agent ^two", 7, "after ^ stands a weight"),
        ("agent ^0", 7, "not 0"),
        ("agent ^11", 7, "at most 10"),
        ("agent ^2 ^3", 7, "one weight a phrase"),
        ('"tool use" agent', 1, "nothing stands beside it"),
        ('"tool "use" now"', 7, 'holds no "'),
        ("", 1, "no word"),
        ("title: !?", 7, "no word"),
        ("title: ", 7, "no word"),
        ("a\nb", 2, "control character"),
        ("x" * 101, 100, "at most 100 characters"),
        (" ".join("abcdefghijk"), 1, "at most 10 words, this one 11"),
    ],
)
def test_an_error_in_a_rule_names_the_place_and_what_was_meant(text: str, at: int, said: str) -> None:
    with pytest.raises(BadRule, match=re.escape(said)) as raised:
        parse_rule(text)
    assert raised.value.at == at


printable = st.characters(exclude_categories=["C", "Z"], include_characters=" ", exclude_characters='"')
phrases = st.text(printable, min_size=1, max_size=40).map(lambda text: " ".join(text.split()))
rules = st.builds(
    Rule,
    phrases.filter(lambda phrase: 0 < len(tokens(phrase)) <= 10),
    st.none() | st.sampled_from(FIELDS),
    st.integers(-100_000, 100_000).filter(bool).map(lambda n: n / 10_000),
)


@example(Rule("A:", None, 2.0))
@given(rules)
def test_a_rule_written_is_the_rule_read(rule: Rule) -> None:
    assert parse_rule(format_rule(rule)) == rule


@given(st.text(max_size=200))
def test_any_text_is_a_rule_or_an_error_with_its_place(text: str) -> None:
    found = read(text)
    if isinstance(found, BadRule):
        assert 1 <= found.at <= len(text) + 1
    else:
        assert parse_rule(format_rule(found)) == found
        assert 0 < abs(found.weight) <= HEAVIEST


def read(text: str) -> Rule | BadRule:
    try:
        return parse_rule(text)
    except BadRule as error:
        return error


def test_a_filters_text_has_a_setting_a_line() -> None:
    text = '# what agents are\nany: LLM agent\nany: title: "tool use" ^2\nnone: real estate\nupvotes: 5\nrelevant: 2401.00001\n'
    assert parse_filter(text) == {
        "any": ["LLM agent", "title: tool use ^2"],
        "none": ["real estate"],
        "upvotes": 5,
        "relevant": ["2401.00001"],
    }


@given(st.lists(rules, max_size=5), st.lists(rules, max_size=3), st.integers(0, 99), st.integers(0, 100))
def test_a_filter_written_is_the_filter_read(some: list[Rule], nots: list[Rule], upvotes: int, percent: int) -> None:
    settings: dict[str, object] = {
        "any": [*map(format_rule, some)],
        "none": [*map(format_rule, nots)],
        "threshold": percent / 100,
    }
    if upvotes:
        settings["upvotes"] = upvotes
    assert parse_filter(format_filter(settings)) == {name: value for name, value in settings.items() if value != []}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("any: agent\nani: planner", "line 2, character 1: there is no 'ani', did you mean 'any'"),
        ("any: titel: agent", "line 1, character 6: there is no field 'titel', did you mean 'title'"),
        ("title: agent", "did you mean `any: title: agent`"),
        ("agent", "write what the line is"),
        ("any: agent ^two", "line 1, character 12: after"),
        ("relevant:", "nothing stands behind"),
        ("upvotes: many", "write a number, as in `upvotes: 5`"),
        ("upvotes: 1\nupvotes: 2", "stands 2 times"),
    ],
)
def test_an_error_in_a_filter_names_line_and_character(text: str, said: str) -> None:
    with pytest.raises(WrongUse, match=re.escape(said)):
        parse_filter(text)


@pytest.mark.parametrize(
    "text",
    ["a" * 1_000_000, '"' * 1_000_000, "any: " + " " * 190_000 + "x ^", "any:" * 40_000, 'any: "' * 30_000, "(a+)+$" * 100_000],
)
def test_a_hostile_filter_is_refused_in_bounded_time(text: str) -> None:
    begun = time.process_time()
    with pytest.raises(WrongUse):
        parse_filter(text)
    assert time.process_time() - begun < 1


def test_the_longest_filter_that_is_read_is_read_in_bounded_time() -> None:
    text = "".join(f"any: phrase number {n}\n" for n in range(LARGEST_TEXT // 24))
    begun = time.process_time()
    assert len(str(parse_filter(text))) > 100_000
    assert time.process_time() - begun < 5
