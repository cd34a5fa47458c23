from __future__ import annotations

import json
from importlib import resources

from hypothesis import given, settings
from hypothesis import strategies as st

from service.summarize.extractive import extractive_summary
from service.summarize.features import FEATURES, WORD_FEATURES
from service.summarize.trim import LONGEST
from tests.builders import paper

ABSTRACT = (
    "Planning is slow. However, existing planners (e.g., Smith et al. 2024) fail on long tasks. "
    "In this paper, we propose a planner that waits before it acts (see Sec. 3). "
    "It reduces cost by 38.5% on five benchmarks. Our planner reduces the cost of acting by 38.5% on five benchmarks."
)


def test_the_authors_say_what_is_new_what_was_wrong_and_what_came_of_it() -> None:
    summary = extractive_summary(paper(abstract=ABSTRACT))
    assert summary.tldr == "A planner that waits before it acts."
    assert summary.problem == "Existing planners fail on long tasks."
    assert summary.result == "Our planner reduces the cost of acting by 38.5% on five benchmarks."
    assert summary.written_by == "authors"


def test_each_field_names_the_sentence_that_supports_it() -> None:
    evidence = extractive_summary(paper(abstract=ABSTRACT)).evidence
    spans = {name: ABSTRACT[place.start : place.end] for name, place in evidence.items()}
    assert spans == {
        "tldr": "In this paper, we propose a planner that waits before it acts (see Sec. 3).",
        "problem": "However, existing planners (e.g., Smith et al. 2024) fail on long tasks.",
        "result": "Our planner reduces the cost of acting by 38.5% on five benchmarks.",
    }


def test_a_summary_does_not_paste_the_title_in() -> None:
    text = "We propose a planner for agents. It is built from two parts that wait for each other in turn."
    summary = extractive_summary(paper(title="We propose a planner for agents", abstract=text))
    assert summary.tldr is not None
    assert "planner for agents" not in summary.tldr


def test_what_stands_ahead_of_the_authors_own_work_is_not_what_is_new() -> None:
    text = "Large planners can suggest missing tasks from long lists of tasks. We study how long lists blur them. Lists matter."
    assert extractive_summary(paper(title="Missing tasks in lists", abstract=text)).tldr == "We study how long lists blur them."


def test_without_an_abstract_there_is_no_summary() -> None:
    assert extractive_summary(paper(abstract=None)).tldr is None
    assert extractive_summary(paper(abstract="  ")).evidence == {}


def test_a_text_without_blanks_is_cut_by_its_length() -> None:
    summary = extractive_summary(paper(abstract="漢" * 40_000))
    assert summary.tldr is not None
    assert len(summary.tldr) < 500


@settings(max_examples=50)
@given(st.text(alphabet="We propose a planner, 3% (x). However It\\${}!?\n漢", max_size=600))
def test_any_text_gets_a_summary_of_thirty_words_at_most_from_a_place_in_it(text: str) -> None:
    summary = extractive_summary(paper(abstract=text))
    assert (summary.tldr is not None) == bool(text.strip())
    for said in (summary.tldr, summary.problem, summary.result):
        assert len((said or "").removesuffix(" …").split()) <= LONGEST
    assert all(text[place.start : place.end].strip() for place in summary.evidence.values())


def test_the_shipped_weights_are_for_the_features_of_this_version() -> None:
    file = resources.files("service.shipped").joinpath("picker.json")
    stored = json.loads(file.read_text("utf-8"))
    assert (tuple(stored["features"]), tuple(stored["feature_weights"])) == (FEATURES, WORD_FEATURES)
    assert len(file.read_bytes()) < 2_000_000


def lines(text: str) -> tuple[str | None, str | None]:
    summary = extractive_summary(paper(abstract=text))
    return summary.problem, summary.result


NEW = "We propose a planner that waits before it acts on what it has seen."


def test_the_problem_does_not_begin_with_a_word_that_leans_on_the_sentence_before() -> None:
    assert (
        lines(f"Planning is common. Yet existing planners fail on long tasks. {NEW}")[0]
        == "Existing planners fail on long tasks."
    )
    assert lines(f"Planning is common. But planners remain slow on long tasks. {NEW}")[0] == "Planners remain slow on long tasks."


def test_the_label_of_a_structured_abstract_is_no_part_of_a_line() -> None:
    said = f"Background: Planners remain slow on tasks. Methods: {NEW} Results: The planner cuts the cost of acting by 38.5%."
    assert lines(said) == ("Planners remain slow on tasks.", "The planner cuts the cost of acting by 38.5%.")


def test_what_is_proposed_is_no_result() -> None:
    further = "We further introduce a schedule that improves the training of planners on tasks of several steps."
    assert lines(f"{NEW} {further}")[1] is None
    assert lines(f"{NEW} {further} Our planner outperforms all others on five benchmarks.")[1] == (
        "Our planner outperforms all others on five benchmarks."
    )


def test_a_name_that_begins_small_and_holds_a_figure_stays_as_it_is_written() -> None:
    assert lines(f"{NEW} i1 reduces the cost of acting by 38.5% on five benchmarks.")[1] == (
        "i1 reduces the cost of acting by 38.5% on five benchmarks."
    )
