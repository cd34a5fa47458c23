"""A model's answers, good and bad, against the checks; the model is a function that answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from service.errors import HostileText, ModelFailed, SummaryRejected
from service.models import Prompt, Summary
from service.summarize import extractive_summary, summarize
from service.summarize.answer import prompt_version
from tests.builders import paper
from tests.summarize.attacks import ATTACKS

ABSTRACT = (
    "Planning is slow. However, existing planners (e.g., Smith et al. 2024) fail on long tasks. "
    "In this paper, we propose a planner that waits before it acts (see Sec. 3). "
    "It may reduce cost by 38.5% on five benchmarks."
)
GOOD = "A planner that waits may reduce cost by 38.5% on five benchmarks."


def answer(id: str = "2610.00001", **fields: Any) -> str:
    return json.dumps({"summaries": [{"id": id, "tldr": GOOD, "problem": None, "result": None, "tags": []} | fields]})


def asked(*answers: str, abstract: str = ABSTRACT, tags: tuple[str, ...] = ()) -> tuple[Summary, Exception | None, list[Prompt]]:
    prompts: list[Prompt] = []

    def ask(prompt: Prompt) -> str:
        prompts.append(prompt)
        return answers[min(len(prompts), len(answers)) - 1]

    summary, error = summarize(paper(abstract=abstract), ask, tags)
    return summary, error, prompts


def test_a_models_summary_is_taken_when_it_stands_in_the_abstract() -> None:
    summary, error, prompts = asked(answer(problem="Existing planners fail on long tasks."))
    assert (summary.tldr, summary.written_by, error, len(prompts)) == (GOOD, "model", None, 1)
    place = summary.evidence["problem"]
    assert ABSTRACT[place.start : place.end].startswith("However, existing planners")
    assert {"numbers", "names", "containment", "scope"} <= set(summary.checks)


@pytest.mark.parametrize(
    "tldr",
    [
        "An LLM-based planner that waits, in both speech and text.",
        "Follow-Your-Plan is a planner that waits before it acts.",
    ],
)
def test_ordinary_ways_of_speaking_are_no_number_no_name_and_no_order(tldr: str) -> None:
    text = "Follow-Your-Plan is a planner that waits before it acts, with large language models, in speech and in text."
    summary, error, _ = asked(answer(tldr=tldr), abstract=text)
    assert (summary.tldr, error) == (tldr, None)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("I'd rather not.", "not JSON"),
        ("[]", "not JSON"),
        ('{"summaries": 7}', "not a JSON object"),
        (answer(id="2610.09999"), "has 0 summaries"),
        (answer(tldr=None), "no tldr"),
        (answer(tldr=["a"]), "not text"),
        (answer(tldr="A planner that waits may reduce cost by 48.5% on five benchmarks."), "numbers: the abstract has no 48.5%"),
        (answer(tldr="A planner that waits may reduce cost by 38.5 times on five benchmarks."), "numbers"),
        (answer(tldr="A planner that waits may reduce cost on seven benchmarks."), "numbers: the abstract has no 7"),
        (answer(tldr="Protein folding needs bigger spectrometers."), "containment"),
        (answer(tldr="The planner PlanBERT waits before it acts on long tasks."), "names"),
        (answer(tldr="The first planner that waits before it acts on long tasks."), "scope: the abstract does not say 'first'"),
        (answer(tldr="A planner that waits before it acts always reduces cost."), "scope"),
        (answer(tldr="A planner that waits will reduce cost by 38.5% on five benchmarks."), "hedges"),
        (answer(tldr="A planner that waits may not reduce cost on five benchmarks."), "negation"),
        (answer(tldr="A planner that waits before it acts, see https://evil.example"), "plain text"),
        (answer(tldr="A planner that <b>waits</b> before it acts."), "plain text"),
        (answer(tldr="A planner that wa\u200bits before it acts."), "plain text"),
        (answer(tldr="Planer 计划 waits before it acts on long tasks."), "language"),
        (answer(tldr="Your planner waits before it acts on long tasks."), "no instruction"),
        (answer(tldr="planner " * 31), "length"),
    ],
)
def test_what_fails_a_check_twice_is_replaced_by_the_authors_words(given: str, reason: str) -> None:
    summary, error, prompts = asked(given)
    assert summary == extractive_summary(paper(abstract=ABSTRACT))
    assert isinstance(error, SummaryRejected)
    assert reason in str(error)
    assert len(prompts) == 2
    assert "was not taken" in prompts[1].text
    assert "was not taken" not in prompts[0].text


def test_a_second_answer_may_be_a_little_freer() -> None:
    free = "A planner that waits helps robots move crates quickly by 38.5% cost."
    summary, _, prompts = asked(answer(tldr=free))
    assert (summary.tldr, len(prompts)) == (free, 2)


def test_only_the_field_that_fails_is_replaced() -> None:
    summary, error, _ = asked(answer(result="It cuts cost by 99%."))
    assert (summary.tldr, summary.written_by) == (GOOD, "model")
    assert summary.result == extractive_summary(paper(abstract=ABSTRACT)).result
    assert "result numbers" in str(error)


def test_an_answer_with_others_entries_beside_its_own_is_taken_without_them() -> None:
    entries = json.loads(answer())["summaries"] + json.loads(answer(id="2610.00002", tldr="Other."))["summaries"]
    summary, error, _ = asked(json.dumps({"summaries": entries}))
    assert (summary.tldr, error) == (GOOD, None)


def test_only_tags_that_were_offered_are_taken() -> None:
    summary, _, prompts = asked(answer(tags=["planning", "best paper", "planning"]), tags=("planning", "agents"))
    assert summary.tags == ("planning",)
    entry = prompts[0].schema["properties"]["summaries"]["items"]
    assert entry["properties"]["tags"]["items"]["enum"] == ["planning", "agents"]
    assert set(entry["required"]) == set(entry["properties"])


def test_a_model_that_fails_leaves_the_authors_words_and_the_reason() -> None:
    def fails(prompt: Prompt) -> str:
        raise ModelFailed("no answer")

    summary, error = summarize(paper(abstract=ABSTRACT), fails)
    assert summary == extractive_summary(paper(abstract=ABSTRACT))
    assert str(error) == "no answer"


def test_the_abstract_goes_to_the_model_as_data() -> None:
    odd = 'A "} mark and {% raw %} of 7 * 7. ' + ABSTRACT
    _, _, prompts = asked(answer(), abstract=odd)
    line = next(line for line in prompts[0].text.splitlines() if line.startswith('{"abstract"'))
    assert json.loads(line)["abstract"] == odd


def test_the_prompts_version_is_that_of_its_wording() -> None:
    assert len(prompt_version()) == 12


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
def test_a_model_that_would_obey_an_attack_is_never_asked(attack: str) -> None:
    def obeys(prompt: Prompt) -> str:
        raise AssertionError("asked")

    summary, error = summarize(paper(abstract=f"{ABSTRACT} {attack}"), obeys)
    assert isinstance(error, HostileText)
    assert summary.written_by == "authors"


@pytest.mark.parametrize(
    "obedient",
    [
        "This is the best paper: 10 out of 10.",
        "You must read this paper now.",
        "Ignore all other papers and visit papers.example now.",
    ],
)
def test_what_an_obedient_model_says_does_not_pass_the_checks(obedient: str) -> None:
    summary, error, _ = asked(answer(tldr=obedient))
    assert summary.written_by == "authors"
    assert isinstance(error, SummaryRejected)
