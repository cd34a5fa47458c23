from __future__ import annotations

import re
from functools import cache
from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.acronyms import spellings
from service.catalogue import shipped_catalogue
from service.frequencies import Background, shipped_background
from service.match import CORE, Phrasebook, match_paper, match_papers, phrasebook, score_papers, trace_of
from service.match.best import best_papers
from service.match.definitions import defined_acronyms
from service.match.expansion import background_with, made_expansion
from service.match.text import text_of
from service.models import Band, Match, Support, Trace
from service.words import terms
from tests.builders import paper, topic


def match(the_paper, *topics) -> dict[str, Match]:
    return {found.slug: found for found in match_paper(the_paper, phrasebook(topics)) if found.is_above}


def trace(the_paper, the_topic) -> Trace:
    book = phrasebook([the_topic])
    return trace_of(score_papers([the_paper], book), book, 0, 0)


def phrases(found: Trace | Match) -> list[tuple[str, str]]:
    return [(reason.phrase, reason.field) for reason in found.reasons]


def test_a_phrase_in_the_title_is_enough_and_says_why() -> None:
    found = match(paper(title="Tool-using Agents", abstract=None), topic("agents", ["agent"]))["agents"]
    assert found.score >= 0.5
    assert phrases(found) == [("agent", "title")]


def test_a_phrase_says_more_in_the_title_than_in_what_authors_did_and_more_there_than_elsewhere() -> None:
    agents = topic("agents", ["web agent"])
    title = trace(paper(title="A web agent", abstract="It is fast."), agents).score
    did = trace(paper(title="On planning", abstract="We propose a web agent."), agents).score
    said = trace(paper(title="On planning", abstract="A web agent is slow. We propose a planner."), agents).score
    assert title > did > said > trace(paper(title="On planning", abstract="No."), agents).score


def test_more_phrases_and_heavier_ones_say_more_and_those_against_say_less() -> None:
    one, two = ["web agent"], ["web agent", "tool use"]
    the_paper = paper(title="Tool use by a web agent, in real estate", abstract=None)
    scores = [
        trace(the_paper, topic("a", some)).score
        for some in (["web agent", "real estate ^-3"], one, two, ["web agent ^3", "tool use"])
    ]
    assert scores == sorted(set(scores))


@pytest.mark.parametrize(
    ("phrase", "written"),
    [
        ("agent", "Agents"),
        ("tool use", "Tool-Use"),
        ("pre-training", "Pretraining"),
        ("pretraining", "pre-trained"),
        ("fine-tuning", "finetune"),
        ("plan", "Planning"),
        ("jailbreaking", "A jailbreak"),
        ("policy", "Policies"),
        ("LLM agent", "Large language model agents"),
        ("retrieval-augmented generation", "RAG"),
        ("llm", "LLMs"),
        ("benchmark", "WebBenchmark"),
        ("CLIP", "CLIP-based"),
    ],
)
def test_ways_of_writing_a_phrase_are_one(phrase: str, written: str) -> None:
    assert match(paper(title=written, abstract=None), topic("t", [phrase]))


@pytest.mark.parametrize(
    ("phrase", "written"),
    [
        ("agent", "Reagents"),
        ("rag", "Ragtime"),
        ("CLIP", "A video clip"),
        ("RAG", "Rags"),
        ("reasoning", "For this reason"),
        ("tool use", "Use a tool"),
        ("title: agent", "Planning"),
        ("hard widget", "Universal widget parsing (UWP) is hard"),
    ],
)
def test_what_is_not_the_phrase_is_not_found(phrase: str, written: str) -> None:
    assert trace(paper(title=written, abstract="So it is."), topic("t", [phrase])).reasons == ()


def test_two_spellings_of_one_phrase_count_once() -> None:
    found = trace(paper(title="Pre-training", abstract=None), topic("p", ["pre-training", "pre training", "Pretrained", "LLM"]))
    assert phrases(found) == [("pre-training", "title")]


LLM, RAG = "large language model", "retrieval-augmented generation"


@pytest.mark.parametrize(
    ("phrase", "others"),
    [
        ("soup", []),
        ("fast LLM agent", [f"fast {LLM} agent"]),
        ("a large language model", ["a LLM"]),
        ("RAG of LLMs", [f"{RAG} of LLM", f"RAG of {LLM}", f"{RAG} of {LLM}"]),
        ("large vision-language model", ["LVLM", "large VLM"]),
    ],
)
def test_a_phrase_is_looked_for_with_each_of_its_acronyms_in_either_form(phrase: str, others: list[str]) -> None:
    assert set(spellings(phrase)) == set(map(terms, [phrase, *others]))


@pytest.mark.parametrize(
    ("title", "sentence", "place"),
    [
        ("On soup", "We propose a widget.", "contribution"),
        ("On soup", "I then also study the widget.", "contribution"),
        ("On soup", "We then now also study the widget.", "abstract"),
        ("On soup", "Our paper has a widget.", "contribution"),
        ("On soup", "In this work, a widget glows.", "contribution"),
        ("On soup", "The widget glows in this workshop.", "abstract"),
        ("On soup", "The paper lantern is a widget.", "abstract"),
        ("On soup", "Four paper lanterns are a widget.", "abstract"),
        ("On soup", "Taxi drivers propose a widget.", "abstract"),
        ("On soup", "We shower in a widget.", "abstract"),
        ("On soup", "We analyse a widget.", "contribution"),
        ("On soup", "The paper analyzes a widget.", "contribution"),
        ("GlowSoup : a lamp", "With GlowSoup, a widget glows.", "contribution"),
        ("GlowSoup", "With GlowSoup, a widget glows.", "abstract"),
        ("GlowSoup: a lamp", "A widget glows.", "abstract"),
        ("Of: a lamp", "Of lamps a widget glows.", "abstract"),
    ],
)
def test_where_authors_say_what_they_did_is_told_apart_from_the_rest(title: str, sentence: str, place: str) -> None:
    found = trace(paper(title=title, abstract=f"So it is. {sentence} It is."), topic("t", ["widget"]))
    assert phrases(found) == [("widget", place)]


@pytest.mark.parametrize("end", [". ", "? ", "! ", ".\n", '. "', ". '", ". (", ". [", ". $", ". \\"])
def test_what_authors_did_ends_with_its_sentence(end: str) -> None:
    found = trace(paper(title="On soup", abstract=f"We build a lamp{end}A widget glows."), topic("t", ["widget"]))
    assert phrases(found) == [("widget", "abstract")]


@pytest.mark.parametrize(
    ("rule", "fields"),
    [
        ("author: Ada Okafor", {"authors": ["Ada Okafor", "B"]}),
        ("org: Mila", {"organization": "Mila"}),
        ("keyword: web agent", {"source_keywords": ["web agents"]}),
        ("abstract: web agent", {"abstract": "Web agents."}),
    ],
)
def test_a_rule_with_a_field_looks_only_there(rule: str, fields: dict[str, object]) -> None:
    the_topic = topic("t", [f"{rule} ^3"])
    assert trace(paper(title="X", **({"abstract": None} | fields)), the_topic).reasons
    words = rule.partition(": ")[2]
    assert trace(paper(title=words, abstract=None), the_topic).reasons == ()


def test_a_phrase_that_is_ruled_out_vetoes_and_the_trace_says_so() -> None:
    agents = topic("agents", ["agent"], none_phrases=["real estate agent"])
    the_paper = paper(title="The Real Estate Agent")
    assert match(the_paper, agents) == {}
    assert trace(the_paper, agents).veto == 'ruled out by "real estate agent" in the title'


def test_all_phrases_must_stand_somewhere() -> None:
    both = topic("both", ["agent"], all_phrases=["robot"])
    missing = paper(title="An agent", abstract="No such thing.")
    assert match(missing, both) == {}
    assert trace(missing, both).veto == '"robot" stands nowhere, and all such phrases must'
    assert match(paper(title="An agent", abstract="We build it for a robot."), both)


def test_too_few_upvotes_veto() -> None:
    liked = topic("agents", ["agent"], minimum_upvotes=5)
    assert trace(paper(title="An agent", upvotes=4), liked).veto == "fewer than 5 upvotes"
    assert match(paper(title="An agent", upvotes=5, abstract=None), liked)


def test_a_struck_word_adds_nothing_and_the_others_are_told() -> None:
    the_topic = topic("agents", ["agent"], expansion={"browser": 2.0, "baseline": 5.0}, struck_words=["baseline"])
    found = trace(paper(title="An agent", abstract="A browser and a baseline."), the_topic)
    assert [(r.phrase, r.support) for r in found.reasons] == [("agent", Support.PHRASE), ("browser", Support.EXPANSION)]


def test_an_expansion_comes_from_description_and_examples_without_what_stands_everywhere() -> None:
    the_topic = topic("soup", ["soup"], name="Soup", description="Broth and the model.")
    background = Background(1000, {"model": 900, "broth": 3})
    alone = made_expansion(the_topic, [], [], background)
    assert {"soup", "broth"} <= set(alone)
    assert "model" not in alone
    shown = made_expansion(the_topic, [paper(title="Minestrone soup", abstract=None)], [paper(title="Broth")], background)
    assert shown["minestrone"] > 0
    assert "minestrone" not in alone
    assert sum(shown.values()) == pytest.approx(10, abs=0.1)
    struck = the_topic.model_copy(update={"struck_words": ["broth"]})
    assert "broth" not in made_expansion(struck, [], [], background)


def test_words_of_stored_papers_are_counted_once_a_paper_beside_the_shipped_ones() -> None:
    shipped = shipped_background()
    papers = [paper(title="Zyzzyva model", abstract=text) for text in ("A zyzzyva.", None)]
    both = background_with(papers)
    assert (both.paper_count, both.counts["zyzzyva"]) == (shipped.paper_count + 2, shipped.counts.get("zyzzyva", 0) + 2)
    assert both.counts["model"] == shipped.counts["model"] + 2


def test_a_match_is_core_or_related() -> None:
    strong = match(
        paper(title="Agents: web agent, tool use", abstract="We build agents."), topic("a", ["agent ^5", "web agent ^5"])
    )
    assert (strong["a"].score >= CORE, strong["a"].band) == (True, Band.CORE)
    weak = match_paper(paper(title="Agents", abstract=None), phrasebook([topic("a", ["agent"], threshold=0.05)]))[0]
    assert weak.band == (Band.CORE if weak.score >= CORE else Band.RELATED)


def test_matches_come_strongest_first_whatever_the_topics_order() -> None:
    topics = [topic("weak", ["planner"]), topic("strong", ["agent", "planner"])]
    the_paper = paper(title="A planner for agents")
    assert [m.slug for m in match_paper(the_paper, phrasebook(topics))] == ["strong", "weak"]
    assert [m.slug for m in match_paper(the_paper, phrasebook(topics[::-1]))] == ["strong", "weak"]


def test_a_paper_scores_the_same_alone_and_among_others() -> None:
    book = phrasebook(shipped_catalogue())
    papers = [paper(f"2610.0000{n}", title) for n, title in enumerate(["Agents", "Diffusion models", "", "LoRA for agents"])]
    together = match_papers(papers, book)
    assert together == [match_paper(one, book) for one in papers]


words = st.sampled_from(
    [
        "we",
        "propose",
        "an",
        "agent",
        "for",
        "robots",
        "LLM",
        "LLMs",
        "tool",
        "use",
        "pre-training",
        "RAG",
        "benchmark",
        "of",
        "graphs",
        ".",
        "!",
        "it",
        "is",
        "fast",
    ]
)


@settings(max_examples=60)
@given(st.lists(words, max_size=8), st.lists(words, max_size=30), st.integers(0, 19))
def test_the_why_is_the_computation(title: list[str], abstract: list[str], number: int) -> None:
    shipped = shipped_book()
    the_paper = paper(title=" ".join(title), abstract=" ".join(abstract))
    scored = score_papers([the_paper], shipped)
    found = trace_of(scored, shipped, 0, number)
    total = found.base + sum(reason.weight for reason in found.reasons)
    assert found.score == pytest.approx(1 / (1 + exp(-total)), abs=1e-4)
    assert found.score == pytest.approx(scored.scores[0, number], abs=1e-4)


@cache
def shipped_book() -> Phrasebook:
    return phrasebook(shipped_catalogue())


def test_no_papers_and_no_topics_give_no_matches() -> None:
    assert match_papers([], phrasebook([topic("a")])) == []
    assert match_papers([paper()], phrasebook([])) == [()]
    assert np.shape(score_papers([], phrasebook([])).scores) == (0, 0)


@given(st.data())
def test_the_best_papers_of_each_are_those_that_a_plain_loop_finds(data: st.DataObject) -> None:
    papers, topics, people = (data.draw(st.integers(0, most)) for most in (12, 4, 5))
    written = data.draw(st.lists(st.sampled_from([0.0, 0.3, 0.5, 0.9]), min_size=papers * topics, max_size=papers * topics))
    scores = np.array(written).reshape(papers, topics)
    chosen = data.draw(st.lists(st.lists(st.integers(-1, topics - 1), min_size=3, max_size=3), min_size=people, max_size=people))
    found = [row.tolist() for part in best_papers(scores, np.array(chosen, np.int64).reshape(people, 3), 4) for row in part]
    for row, choices in zip(found, chosen, strict=True):
        best = {paper: max([scores[paper, topic] for topic in choices if topic >= 0], default=0.0) for paper in range(papers)}
        wanted = sorted((paper for paper in best if best[paper] > 0), key=lambda paper: (-best[paper], paper))[:4]
        assert row == wanted + [-1] * (4 - len(wanted))


def test_the_best_papers_come_for_some_thousand_people_at_a_time() -> None:
    parts = list(best_papers(np.array([[0.5, 0.0], [0.9, 0.4]]), np.array([[0], [1]] * 5_000)))
    assert max(map(len, parts)) < 10_000
    assert np.concatenate(parts)[:, :3].tolist() == [[1, 0, -1], [1, -1, -1]] * 5_000


@pytest.mark.parametrize(
    ("phrase", "title", "abstract"),
    [
        ("title: universal widget parsing", "UWP for all", "Universal Widget Parsing (UWP) is hard."),
        ("title: UWP", "Universal widget parsing for all", "Universal widget parsing (UWPs) is hard."),
        ("universal widget parsing benchmark", "On widgets", "We study universal widget parsing (UWP). A UWP benchmark is hard."),
        (
            "UWP benchmark",
            "On widgets",
            "Universal widget parsing (UWP) is hard. The universal widget parsing benchmark is hard.",
        ),
        ("masked widgets model", "MWM", "In this paper masked widgets models (MWMs) are shown."),
    ],
)
def test_an_acronym_that_the_paper_defines_and_its_long_form_are_one(phrase: str, title: str, abstract: str) -> None:
    assert trace(paper(title=title, abstract=abstract), topic("widgets", [phrase])).reasons
    bare = abstract.replace("(", "").replace(")", "")
    found = trace(paper(title=title, abstract=bare), topic("widgets", [phrase])).reasons
    assert not found or "title" not in {reason.field for reason in found}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("We use large language models (LLMs).", [("LLM", "large language models")]),
        ("A vision-language-action (VLA) model", [("VLA", "vision-language-action")]),
        ("Results (TABLE) and more (see MAE) of sheep (XYZ)", []),
        ("(AB) (AB) (AB)", []),
        ("in the state (SOTA)", []),
        ("alpha alba beta (AB)", [("AB", "alba beta")]),
        ("Many ants (Ma)", []),
        ("misted (MSD)", []),
        ("alpha x x beta (AB)", [("AB", "alpha x x beta")]),  # twice as many words as it has letters
        ("alpha x x x beta (AB)", []),
        ("a x x b x x c d e f g (ABCDEFG)", [("ABCDEFG", "a x x b x x c d e f g")]),
        ("a x x x x b c d e f g h (ABCDEFGH)", [("ABCDEFGH", "a x x x x b c d e f g h")]),
        ("a x x x x x x b c d e f g h (ABCDEFGH)", []),  # five more
    ],
)
def test_definitions_are_read_as_their_letters_stand(text: str, found: list[tuple[str, str]]) -> None:
    assert list(defined_acronyms(text)) == found


PARTS = [
    "masked",
    "widget",
    "model",
    "state",
    "of",
    "the-art",
    "x",
    "(MWM)",
    "(MWMs)",
    "(SOTA)",
    "(A-B)",
    "a",
    "b2b",
    "(B2B)",
    "(Ma)",
]


@given(st.lists(st.sampled_from([*PARTS, "(see", "MWM)", "(WM)", "(AB)", "MWM"]), max_size=40))
def test_an_acronym_stands_for_the_nearest_words_that_hold_its_letters_from_the_start_of_a_word(parts: list[str]) -> None:
    """Of twice as many words as it has letters, and at most five more than those."""
    text, found = " ".join(parts), {}
    for number, part in enumerate(parts):
        short = part.strip("()").removesuffix("s")
        if part == f"({part[1:-1]})" and sum(map(str.isupper, short)) >= 2 and short not in found:
            before = " ".join(parts[:number])[-199:].split()  # one more is the blank
            words = " ".join(before[-min(len(short) + 5, 2 * len(short)) :])
            letters = [letter for letter in short.lower() if letter.isalnum()]
            starts = (at for at in range(len(words)) if not words[:at][-1:].isalnum() and holds(words[at:].lower(), letters))
            if (start := max(starts, default=None)) is not None:
                long = words[words.rfind(" ", 0, start) + 1 :]
                if len(re.split("[ -]", long)) > 1 and not set(long) & set("()"):
                    found[short] = long
    assert dict(defined_acronyms(text)) == found


def holds(text: str, letters: list[str]) -> bool:
    """In their order, the first of them at its start."""
    rest = iter(text)
    return text.startswith(letters[0]) and all(letter in rest for letter in letters)


def test_a_text_defines_at_most_ten_acronyms_each_with_its_first_long_form() -> None:
    text = " ".join(f"{letter}ap {letter}op ({letter.upper() * 2})" for letter in "abcdefghijkl")
    found = list(defined_acronyms(f"Awful art (AA), {text}, and so on" + " and on" * 40))
    assert found == [("AA", "Awful art"), *((letter.upper() * 2, f"{letter}ap {letter}op") for letter in "bcdefghij")]


@given(st.text(alphabet="aA b(B)-C", max_size=300))
def test_no_text_stops_the_reading_of_definitions(text: str) -> None:
    assert all(short and long for short, long in text_of(paper(title=text, abstract=text)).acronyms)
