"""Scores of many papers and topics at once, beside a model that looks for one rule in one paper at a time."""

from __future__ import annotations

import random
from collections import Counter
from math import exp, log, log1p

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.acronyms import spellings
from service.filters import parse_rule
from service.frequencies import Background
from service.match import CORE, match_papers, phrasebook, score_papers, trace_of
from service.match.expansion import made_expansion
from service.match.score import LEARNED, WRITTEN
from service.match.text import Text, text_of
from service.models import Band, Paper, Reason, Rule, Support, Topic
from service.words import terms, written_words
from tests.builders import paper, topic

WORDS = ["agent", "agents", "tool", "use", "LLM", "llms", "planned", "robot", "stew", "a"]
RULES = [
    *("agent", "tool use", "title: agents ^2", "abstract: robot", "keyword: agent", "author: okafor", "org: lab ^3", "llm ^0.5"),
    *("large language model", "LLM agents", "plan", "Planning ^9", "stew ^-2", "title: stew ^-1", "robot ^-0.5", "abstract: use"),
]
PLACES = {
    None: ("title", "contribution", "abstract", "keywords"),
    "title": ("title",),
    "abstract": ("contribution", "abstract"),
    "keyword": ("keywords",),
    "author": ("author",),
    "org": ("org",),
}
LEVELS = {"title": 0, "author": 0, "org": 0, "contribution": 1, "abstract": 2, "keywords": 2}
AGAINST = 3


def some_topic(chance: random.Random, number: int) -> Topic:
    return topic(
        f"t{number}",
        chance.sample(RULES, chance.randrange(6)),
        all_phrases=chance.sample(RULES[:6], chance.choice([0, 0, 1, 2])),
        none_phrases=chance.sample(RULES[:6], chance.choice([0, 0, 1])),
        expansion={word: chance.uniform(0.1, 2) for word in chance.sample(["robot", "tools", "LLM", "stew", "using"], 3)},
        struck_words=chance.sample(["tools", "stew"], chance.randrange(2)),
        prior=chance.choice([None, 0.0, 1.5]),
        threshold=chance.choice([0.1, 0.5, 0.8]),
        minimum_upvotes=chance.choice([0, 0, 5]),
        version=7,
    )


def some_paper(chance: random.Random, number: int, topics: list[Topic]) -> Paper:
    def some(most: int) -> str:
        return " ".join(chance.choices(WORDS, k=chance.randrange(most)))

    thought = {one.slug: (chance.choice([6, 7]), chance.uniform(-3, 3)) for one in topics if chance.random() < 0.3}
    return paper(
        f"2610.{number:05d}",
        some(5),
        abstract=chance.choice([None, f"It is {some(9)}. We propose {some(4)}.", f"Here is {some(9)}."]),
        source_keywords=chance.choice([None, [some(3), some(3)]]),
        authors=chance.choice([None, ["Ada Okafor", "Robot Stew"]]),
        organization=chance.choice([None, "Agent Lab"]),
        upvotes=chance.choice([None, 4, 5]),
        opinions={
            slug: {"version": version, "reasons": [{"phrase": "so", "field": "text", "weight": weight, "support": "model"}]}
            for slug, (version, weight) in thought.items()
        },
    )


def places(rule: Rule, text: Text) -> list[str]:
    """Where the phrase stands, as it is written or without capitals."""

    def stands_in(row: tuple[str, ...]) -> bool:
        written = (row, tuple(map(str.lower, row)))
        return any(
            one[start : start + len(run)] == run for run in spellings(rule.phrase) for one in written for start in range(len(row))
        )

    return [place for place in PLACES[rule.field] if any(map(stands_in, getattr(text, place)))]


def held(text: Text) -> dict[str, tuple[float, str]]:
    """How much of each word it holds, and where first."""
    counts, first = {}, {}
    for place, boost in (("title", 3.0), ("contribution", 1.5), ("abstract", 1.0), ("keywords", 1.0)):
        for word in [term.lower() for row in getattr(text, place) for term in row]:
            counts[word] = counts.get(word, 0.0) + boost
            first.setdefault(word, place)
    limit = 1.2 * (0.6 + 0.4 * sum(counts.values()) / 250)
    return {word: (count / (count + limit), first[word]) for word, count in counts.items()}


@settings(max_examples=10)
@given(st.integers(0, 10**6))
def test_an_expansion_weighs_words_by_description_and_examples_and_by_how_rare_they_are(seed: int) -> None:
    chance = random.Random(seed)
    others = [
        f"{one}{two}"
        for one in ("broth", "noodle", "spoon", "kettle", "ladle", "whisk")
        for two in ("", "s", "ing", "maker", "x", "zy", "bowl", "um")
    ]
    words = [*WORDS, *others, *(word.upper() for word in others)]

    def some(number: int) -> list[Paper]:
        return [
            paper(
                title=" ".join(chance.choices(words, k=6)), abstract=chance.choice([None, " ".join(chance.choices(words, k=40))])
            )
            for _ in range(number)
        ]

    relevant, irrelevant = some(chance.randrange(4)), some(chance.randrange(3))
    by = topic(name="Stew", description=" ".join(chance.choices(words, k=8)), struck_words=["spoon"])
    background = Background(1000, {"agent": 99, "robot": 100, "noodl": 7})
    made = made_expansion(by, relevant, irrelevant, background)
    assert made == pytest.approx(expected_expansion(by, relevant, irrelevant, background), abs=0.0011)
    assert list(made.values()) == sorted(made.values(), reverse=True)


def expected_expansion(by: Topic, relevant: list[Paper], irrelevant: list[Paper], background: Background) -> dict[str, float]:
    share = 0.6 if relevant else 0.0
    own = Text((terms(f"{by.name}. {by.description}"),), (), (), (), (), ())
    parts = [(1 - share, own)]
    parts += [(share / len(relevant), text_of(one)) for one in relevant]
    parts += [(-share / len(irrelevant), text_of(one)) for one in irrelevant]
    weights: dict[str, float] = {}
    for part, text in parts:
        for root, (value, _) in held(text).items():
            weights[root] = weights.get(root, 0.0) + part * value
    written = Counter(
        written_words(" ".join([f"{by.name} {by.description}", *(f"{p.title} {p.abstract or ''}" for p in relevant)]))
    )
    names: dict[str, str] = {}
    for word in sorted(written, key=lambda word: (-written[word], word)):
        names.setdefault(terms(word)[0].lower(), word)
    found = []
    for root in names.keys() & weights.keys() - {"spoon"}:
        count = background.counts.get(root, 0)
        if weights[root] > 0 and len(root) > 2 and count < 100:
            found.append((-weights[root] * log(1 + (1000 - count + 0.5) / (count + 0.5)), names[root]))
    best = sorted(found)[:40]
    return {word: 10 * weight / sum(weight for weight, _ in best) for weight, word in best}


def distinct(written: list[str]) -> list[Rule]:
    """The first of those that say the same in the same field."""
    return list({(rule.field, frozenset(spellings(rule.phrase))): rule for rule in map(parse_rule, reversed(written))}.values())


def expected(one: Paper, by: Topic) -> tuple[list[Reason], str | None, float]:
    """Reasons, veto and score."""
    cal, text = WRITTEN if by.prior is None else LEARNED, text_of(one)
    rules = [*distinct(by.any_phrases), *distinct(by.all_phrases)]
    found: dict[int, dict[int, str]] = {}  # by level the rules, each with the first of its places
    for number, rule in enumerate(rules):
        for place in places(rule, text):
            found.setdefault(LEVELS[place] if rule.weight > 0 else AGAINST, {}).setdefault(number, place)
    phrases = []
    for level, first in found.items():
        total = sum(abs(rules[number].weight) for number in first)
        part = (*cal.levels, cal.against)[level] * log1p(total) / total
        phrases += [Reason(rules[number].phrase, place, part * rules[number].weight) for number, place in first.items()]
    shares = held(text)
    added = [
        Reason(word, shares[root][1], cal.expansion * weight * shares[root][0], Support.EXPANSION)
        for word, weight in by.expansion.items()
        if word not in by.struck_words and (root := terms(word)[0].lower()) in shares
    ]
    opinion = (one.opinions or {}).get(by.slug)
    thought = (
        [Reason("so", "text", opinion["reasons"][0]["weight"], Support.MODEL)] if opinion and opinion["version"] == 7 else []
    )
    reasons = [*phrases, *added, *thought]
    veto = veto_of(one, by, text)
    score = 1 / (1 + exp(-(cal.base + (by.prior or 0) + sum(reason.weight for reason in reasons))))
    return reasons, veto, 0.0 if veto else score


def veto_of(one: Paper, by: Topic, text: Text) -> str | None:
    if any(places(parse_rule(rule), text) for rule in by.none_phrases):
        return "ruled out by"
    if not all(places(parse_rule(rule), text) for rule in by.all_phrases):
        return "stands nowhere"
    return "fewer than" if (one.upvotes or 0) < by.minimum_upvotes else None


@settings(max_examples=20)
@given(st.integers(0, 10**6))
def test_scores_reasons_and_vetoes_are_those_of_one_rule_after_another(seed: int) -> None:
    chance = random.Random(seed)
    topics = [some_topic(chance, number) for number in range(5)]
    papers = [some_paper(chance, number, topics) for number in range(5)]
    book = phrasebook(topics)
    scored, matches = score_papers(papers, book), match_papers(papers, book)
    for number, one in enumerate(papers):
        told = {match.slug: match for match in matches[number]}
        assert list(told.values()) == sorted(told.values(), key=lambda match: (not match.is_above, -match.score, match.slug))
        for place, by in enumerate(topics):
            reasons, veto, score = expected(one, by)
            trace = trace_of(scored, book, number, place)
            assert (trace.score, scored.scores[number, place]) == pytest.approx((score, score), abs=1e-4)
            assert (veto or "") in (trace.veto or "")
            assert bool(veto) == bool(trace.veto)
            assert_same(list(trace.reasons), reasons)
            assert (by.slug in told) == (score >= by.threshold / 4 and bool(reasons))
            if match := told.get(by.slug):
                assert (match.score, match.reasons) == (trace.score, trace.reasons)
                assert match.is_above == (trace.score >= by.threshold)
                assert match.band is (Band.CORE if trace.score >= max(CORE, by.threshold) else Band.RELATED)


def assert_same(told: list[Reason], reasons: list[Reason]) -> None:
    """Phrases stand first, then added words, then opinions; of each kind what says most comes first, and then by name."""
    kinds = list(Support)
    assert told == sorted(told, key=lambda reason: (kinds.index(reason.support), -reason.weight, reason.phrase))
    one, other = (
        sorted(some, key=lambda reason: (reason.phrase, reason.field, reason.support, round(reason.weight, 6)))
        for some in (told, reasons)
    )
    assert [(r.phrase, r.field, r.support) for r in one] == [(r.phrase, r.field, r.support) for r in other]
    assert [reason.weight for reason in one] == pytest.approx([reason.weight for reason in other])
