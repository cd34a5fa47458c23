from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.summarize.faults import faults
from service.summarize.trim import LONGEST, clean, hard_cut, variants, without_speaker


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("In this paper, we propose a planner that waits before it acts (see Sec. 3).", "A planner that waits before it acts."),
        ("To address these limitations, we introduce Foo, a fast planner.", "We introduce Foo, a fast planner."),
        ("To evaluate it, we instead build on five tasks.", "We build on five tasks."),
        ("Specifically, we show that larger planners wait longer.", "We show that larger planners wait longer."),
        ("However, planners [12, 13] fail on \\textbf{long} tasks.", "Planners fail on long tasks."),
        ("Extensive experiments show that Foo outperforms Bar on five tasks.", "Foo outperforms Bar on five tasks."),
    ],
)
def test_what_leads_in_and_who_speaks_go(sentence: str, said: str) -> None:
    assert said in variants(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "We propose a planner and show that it is fast.",
        "We propose to wait longer before each act.",
        "We propose Foo, which waits longer before each act.",
        "We argue that a planner should wait before it acts.",
    ],
)
def test_who_speaks_stays_where_something_hangs_on_it(sentence: str) -> None:
    assert without_speaker(sentence) == sentence


@pytest.mark.parametrize(
    "condition",
    ["but only on short tasks", "although it may fail on long ones", "if the model is large", "unless tools are missing"],
)
def test_a_condition_is_never_cut_off(condition: str) -> None:
    assert all(condition in text for text in variants(f"We propose a planner that doubles the rate of success, {condition}."))


def test_where_a_result_holds_is_never_cut_off() -> None:
    assert variants("Foo improves accuracy by 3% on two tasks.") == ["Foo improves accuracy by 3% on two tasks."]


def test_a_list_is_never_left_without_its_end() -> None:
    assert all("data, models" not in text or "and code" in text for text in variants("We release new data, models, and code."))


@pytest.mark.parametrize(
    ("sentence", "broken"),
    [
        ("We present a training recipe for agents that combines a real environment with a made one.", "environment."),
        ("We present a framework for agents that separates the long memory of tasks from the short one.", "tasks."),
        ("We present a large planner for agents that enables the policy to look ahead at need.", "policy."),
        ("Planners struggle with long tasks, suffering from decay at the end and tending to repeat steps.", "tending."),
        ("Most of the planners rely on fixed rules that lack the flexibility to adapt to a new task.", "flexibility."),
        ("We give a planner of tasks two ways: Plain Thinking, which goes step by step, and Looking, which asks.", "Thinking."),
        ("The best of the planners reaches half of all goals and drops by 47 points from early to late turns.", "early."),
        ("The samples of one group often become either all good on easy tasks or all bad on hard ones.", "good."),
        ("We show large gaps between planners by the one score of plans that was told of them before.", "plans."),
        ("The report on the state of the field has chapters on planning in games and planning in kitchens.", "and planning."),
        ("We present a planner for tasks of many steps built on a graph of goals, an idea that is not ours.", "idea."),
        (
            "We present a set of many tasks which holds two million plans of all kinds, covers many rooms with all their doors.",
            "rooms.",
        ),
        (
            "We show that it gives (i) better plans than all others; (ii) more plans a day for users; and (iii) cheaper ones.",
            "users.",
        ),
        (
            "Their work is slow, for it asks people for rooms and for the set-up of machines to execute and evaluate plans.",
            "execute.",
        ),
        ("We propose a benchmark of plans from many homes that enables fair, measured comparison of planners.", "fair."),
        ("We present a planner for long tasks that first makes a sketch from words and then fills it with steps.", "sketch."),
    ],
)
def test_where_a_text_may_be_left_out_nothing_is_cut_off_that_the_rest_asks_for(sentence: str, broken: str) -> None:
    assert variants(sentence, surely_whole=True)
    assert all(not text.endswith(broken) for text in variants(sentence, surely_whole=True))


def test_an_acronym_stays_where_the_sentence_goes_on_to_use_it() -> None:
    assert clean("Large models (LLM) help LLM agents (AG) (e.g., for (long) tasks).") == "Large models (LLM) help LLM agents."


@given(st.text(alphabet="we propose, and that (x) [1] $\\{}.:;-–3Aé漢\"'", max_size=300))
def test_every_variant_is_short_and_whole_whatever_the_sentence(sentence: str) -> None:
    for text in variants(sentence):
        assert len(text.split()) <= LONGEST
        assert text.count("(") == text.count(")")


def test_what_cannot_be_cut_well_is_cut_with_a_mark() -> None:
    assert hard_cut("word " * 40) == " ".join(["word"] * 30) + " …"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("This improves it a lot.", "refers back"),
        ("A planner that solves these limitations.", "refers back"),
        ("Our method improves accuracy.", "subject without a name"),
        ("Not only is it fast, it is good.", "starts midway"),
        ("In this paper, we propose a planner.", "boilerplate"),
        ("We introduce Waiting Planners and Foo-2.", "says too little"),
        ("The planner is fast and", "unfinished"),
        ("A planner of \\mathcal size.", "left-over marks"),
        ("Existing planners are slow.", "background"),
        ("Foo, whose planner waits.", "not a sentence of its own"),
    ],
)
def test_each_fault_has_a_name(text: str, fault: str) -> None:
    assert fault in faults(text)


@pytest.mark.parametrize(
    "text", ["A planner that waits before it acts.", "This paper surveys planners such as Foo.", "Foo cuts cost by 3%."]
)
def test_a_good_summary_has_no_fault(text: str) -> None:
    assert faults(text) == ()


def test_a_list_keeps_its_end() -> None:
    said = variants("We let agents read reports, share insights, and build on the work of others over many months.")
    assert not [text for text in said if text.endswith(("reports.", "insights."))]


def test_a_new_method_alone_is_no_summary_and_keeps_who_speaks() -> None:
    assert without_speaker("We propose a new method for planning.") == "We propose a new method for planning."
    assert without_speaker("We propose a method that plans ahead.") == "A method that plans ahead."


def test_what_reaches_from_one_number_to_another_has_a_dash_without_blanks() -> None:
    assert clean("It is right in 86--94% of cases--a record.") == "It is right in 86–94% of cases – a record."
