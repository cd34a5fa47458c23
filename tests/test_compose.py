from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from service.compose import MOST_CARDS, compose_again, compose_digest
from service.match import match_paper, phrasebook
from service.models import Delivery, Digest, Paper, Subscriber, Topic
from tests.builders import DAY, NOW, paper, subscriber, topic

AGENTS = topic("agents", ["agent"])
CODE = topic("code", ["program"])
TOPICS = [AGENTS, CODE]


def compose(papers: list[Paper], person: Subscriber | None = None, topics: list[Topic] = TOPICS) -> Digest:
    matches = {one.id: match_paper(one, phrasebook(topics)) for one in papers}
    return compose_digest(person or subscriber(topics=["agents", "code"]), papers, matches, topics, on=DAY, since=DAY)


def ids(digest: Digest) -> list[str]:
    return [pick.paper.id for pick in digest.picks]


def test_only_papers_of_the_chosen_topics_are_in() -> None:
    papers = [paper("2610.00001", "Agents"), paper("2610.00002", "Programs"), paper("2610.00003", "Soup")]
    assert ids(compose(papers, subscriber(topics=["code"]))) == ["2610.00002"]


def test_a_paper_that_fits_two_topics_stands_once_with_both() -> None:
    digest = compose([paper(title="Agents that write programs")])
    (pick,) = digest.picks
    assert {match.slug for match in pick.matches} == {"agents", "code"}


def test_order_is_relevance_then_upvotes_and_sections_follow() -> None:
    papers = [
        paper("2610.00001", "Agents", upvotes=1),
        paper("2610.00002", "Programs", upvotes=90),
        paper("2610.00003", "Agents and an agent", abstract="On programs.", upvotes=5),
    ]
    digest = compose(papers)
    assert [section.topic.slug for section in digest.sections if section.topic] == ["code", "agents"]
    assert ids(digest) == ["2610.00002", "2610.00003", "2610.00001"]


@settings(deadline=None)
@given(st.randoms(use_true_random=False))
def test_shuffling_the_input_changes_nothing(shuffler: random.Random) -> None:
    papers = [paper(f"2610.{n:05d}", f"Agents {'and programs' * (n % 2)}", upvotes=n % 3) for n in range(25)]
    before = ids(compose(papers))
    shuffler.shuffle(papers)
    assert ids(compose(papers)) == before


def test_beyond_ten_cards_papers_stand_in_a_line_and_then_are_counted() -> None:
    digest = compose([paper(f"2610.{n:05d}", "Agents") for n in range(60)])
    assert (len(digest.cards), len(digest.lines), len(digest.unlisted)) == (MOST_CARDS, 40, 10)
    assert len(set(ids(digest))) == 60


def test_silence_says_what_was_looked_at_and_what_came_close() -> None:
    near = paper("2610.00001", "On planning", abstract="An agent plans.")
    digest = compose([near, paper("2610.00002", "Soup")])
    assert digest.picks == ()
    assert digest.silence == "2 new papers looked at, none above the bar, 1 near miss"
    assert [pick.paper.id for pick in digest.near_misses] == ["2610.00001"]


def test_a_day_without_papers_is_silent_and_says_so() -> None:
    assert compose([]).silence == "no new papers from 2026-10-01"


def test_a_person_without_topics_gets_nothing_and_the_reason() -> None:
    assert compose([paper()], subscriber(topics=["gone"])).silence == "no topics are chosen"


def test_a_planned_paper_stays_in_when_its_topic_no_longer_finds_it() -> None:
    papers = [paper("2610.00001", "Agents"), paper("2610.00002", "Soup")]
    matches = {one.id: match_paper(one, phrasebook(TOPICS)) for one in papers}
    delivery = Delivery(
        issue_id=1, subscriber_id=1, digest_on=DAY, since_on=DAY, topics=["agents"], looked_at_count=9, planned_at=NOW
    )
    digest = compose_again(subscriber(topics=["code"]), delivery, papers, matches, TOPICS)
    assert ids(digest) == ["2610.00001", "2610.00002"]
    assert [section.topic for section in digest.sections] == [AGENTS, None]
    assert digest.looked_at_count == 9
