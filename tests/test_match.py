from __future__ import annotations

from service.catalogue import shipped_catalogue
from service.match import match_paper, phrasebook
from service.models import Match, Reason
from tests.builders import paper, topic


def match(the_paper, *topics) -> dict[str, Match]:
    return {found.slug: found for found in match_paper(the_paper, phrasebook(topics))}


def test_a_phrase_in_the_title_is_enough_and_says_why() -> None:
    found = match(paper(title="Tool-using Agents"), topic("agents", ["agent"]))["agents"]
    assert found == Match("agents", 0.6, True, (Reason("agent", "title", 0.6),))


def test_one_phrase_in_the_abstract_is_a_near_miss_and_two_are_enough() -> None:
    agents = topic("agents", ["web agent", "tool use"])
    one = match(paper(title="On Planning", abstract="A web agent plans."), agents)["agents"]
    two = match(paper(title="On Planning", abstract="A web agent plans its tool use."), agents)["agents"]
    assert (one.is_above, two.is_above) == (False, True)
    assert two.score > one.score


def test_a_phrase_is_whole_words_only() -> None:
    assert match(paper(title="Ragged Reagents", abstract=None), topic("agents", ["agent", "rag"])) == {}


def test_two_spellings_of_one_phrase_count_once() -> None:
    found = match(paper(title="Pre-training"), topic("p", ["pre-training", "pre training", "Pre-Trainings"]))["p"]
    assert len(found.reasons) == 1


def test_a_phrase_within_a_longer_one_counts_once() -> None:
    agents = topic("agents", ["agent", "web agent"])
    within = match(paper(title="X", abstract="A web agent plans."), agents)["agents"]
    assert [reason.phrase for reason in within.reasons] == ["web agent"]
    beside = match(paper(title="An agent", abstract="A web agent plans."), agents)["agents"]
    assert [reason.phrase for reason in beside.reasons] == ["agent", "web agent"]


def test_a_phrase_that_is_ruled_out_vetoes() -> None:
    agents = topic("agents", ["agent"], none_phrases=["real estate agent"])
    assert match(paper(title="The Real Estate Agent"), agents) == {}


def test_all_phrases_must_stand_somewhere() -> None:
    both = topic("both", ["agent"], all_phrases=["robot"])
    assert match(paper(title="An agent", abstract="No such thing."), both) == {}
    assert match(paper(title="An agent", abstract="For a robot."), both)["both"].is_above


def test_the_sources_keywords_count() -> None:
    found = match(
        paper(title="X", abstract="Y.", source_keywords=["web agents", "tool use"]), topic("a", ["web agent", "tool use"])
    )
    assert [reason.field for reason in found["a"].reasons] == ["keywords", "keywords"]


def test_matches_come_strongest_first_whatever_the_topics_order() -> None:
    topics = [topic("weak", ["planner"]), topic("strong", ["agent", "planner"])]
    the_paper = paper(title="A planner for agents")
    assert [m.slug for m in match_paper(the_paper, phrasebook(topics))] == ["strong", "weak"]
    assert [m.slug for m in match_paper(the_paper, phrasebook(topics[::-1]))] == ["strong", "weak"]


def test_every_shipped_topic_finds_a_paper_titled_like_its_phrases() -> None:
    book = phrasebook(shipped_catalogue())
    for one in book.topics:
        assert one.slug in {m.slug for m in match_paper(paper(title=one.any_phrases[0]), book) if m.is_above}
