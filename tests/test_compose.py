from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from service.compose import Archive, Pool, compose_digest
from service.match import match_paper, match_papers, phrasebook
from service.models import Delivery, Digest, Entry, History, LeftOutFor, Paper, Subscriber, Topic
from tests.builders import DAY, NOW, paper, subscriber, topic

AGENTS = topic("agents", ["agent"])
CODE = topic("code", ["program"])
TOPICS = [AGENTS, CODE]
BEFORE = DAY - timedelta(days=1)


def pool_of(papers: list[Paper], topics: list[Topic] = TOPICS, **more: Any) -> Pool:
    told = [*papers, *more.get("marked", ())]
    matches = dict(zip([one.id for one in told], match_papers(told, phrasebook(topics)), strict=True))
    return Pool(topics, papers, matches, on=more.pop("on", DAY), **more)


def compose(
    papers: list[Paper],
    person: Subscriber | None = None,
    topics: list[Topic] = TOPICS,
    history: History = History(),  # noqa: B008
    since: date = DAY,
    **more: Any,
) -> Digest:
    person = person or subscriber(topics=["agents", "code"], with_outside=False)
    return compose_digest(person, pool_of(papers, topics, **more), history, since=since)


def ids(digest: Digest) -> list[str]:
    return [pick.paper.id for pick in digest.picks]


def test_only_papers_of_the_chosen_topics_are_in() -> None:
    papers = [paper("2610.00001", "Agents"), paper("2610.00002", "Programs"), paper("2610.00003", "Soup")]
    assert ids(compose(papers, subscriber(topics=["code"]))) == ["2610.00002"]


def test_a_paper_that_fits_two_topics_stands_once_with_both() -> None:
    digest = compose([paper(title="Agents that write programs")], topics=[AGENTS, topic("code", ["program ^3"])])
    (pick,) = digest.picks
    assert pick.chips == ("code", "agents")
    assert [section.topic.slug for section in digest.sections if section.topic] == ["code"]  # which it fits best


def test_order_is_relevance_then_upvotes_and_sections_follow() -> None:
    papers = [
        paper("2610.00001", "Agents", upvotes=1),
        paper("2610.00002", "Programs", upvotes=90),
        paper("2610.00003", "Agents and an agent", abstract="On programs.", upvotes=5),
    ]
    digest = compose(papers)
    assert [section.topic.slug for section in digest.sections if section.topic] == ["code", "agents"]
    assert ids(digest) == ["2610.00002", "2610.00003", "2610.00001"]


@pytest.mark.parametrize(
    ("length", "passed", "arranged"),
    [
        ("minutes:6", 60, (7, 10, 43)),
        ("minutes:6", 9, (9, 0, 0)),
        ("minutes:6", 12, (8, 4, 0)),
        ("minutes:3", 60, (5, 0, 55)),
        ("minutes:30", 60, (10, 40, 10)),
        ("papers:5", 60, (5, 0, 55)),
        ("papers:20", 60, (10, 10, 40)),
        ("papers:20", 3, (3, 0, 0)),
    ],
)
def test_the_length_gives_cards_then_lines_and_the_rest_is_counted(
    length: str, passed: int, arranged: tuple[int, int, int]
) -> None:
    papers = [paper(f"2610.{n:05d}", "Agents") for n in range(passed)]
    digest = compose(papers, subscriber(topics=["agents"], length=length))
    assert (len(digest.cards), len(digest.lines), len(digest.unlisted)) == arranged
    assert len(set(ids(digest))) == passed


def test_silence_says_what_was_looked_at_and_what_came_close() -> None:
    near = paper("2610.00001", "On planning", abstract="We build an agent. A program runs.")
    digest = compose([near, paper("2610.00002", "Soup")])
    assert digest.picks == ()
    assert [(out.cause, out.detail) for out in digest.left_out] == [(LeftOutFor.BELOW_TOPIC, "0.20 of 0.50")]
    assert digest.silence == "2 new papers looked at, none above your bar, 1 near miss"
    assert [pick.paper.id for pick in digest.near_misses] == ["2610.00001"]


def test_a_day_without_papers_is_silent_and_says_so() -> None:
    assert compose([]).silence == "no new papers from 2026-10-01"


def test_a_person_without_topics_gets_nothing_and_the_reason() -> None:
    assert compose([paper()], subscriber(topics=["gone"])).silence == "no topics are chosen"


def shown_again(papers: list[Paper], paper_ids: list[str]) -> Digest:
    """Of a delivery from before plans were kept."""
    matches = {one.id: match_paper(one, phrasebook(TOPICS)) for one in papers}
    delivery = Delivery(
        issue_id=1,
        subscriber_id=1,
        digest_on=DAY,
        since_on=BEFORE,
        topics=["agents"],
        paper_ids=paper_ids,
        looked_at_count=9,
        planned_at=NOW,
    )
    return Archive(TOPICS, {one.id: one for one in papers}, matches).digest(subscriber(topics=["code"]), delivery)


def test_a_planned_paper_stays_in_when_its_topic_no_longer_finds_it() -> None:
    digest = shown_again([paper("2610.00001", "Agents"), paper("2610.00002", "Soup")], ["2610.00001", "2610.00002"])
    assert ids(digest) == ["2610.00001", "2610.00002"]
    assert [section.topic for section in digest.sections] == [AGENTS, None]
    assert [(pick.entry, pick.standing.strength > 0) for pick in digest.cards] == [(Entry.TOPIC, True), (Entry.EARLIER, False)]
    assert (digest.on, digest.since, digest.covered_from, digest.looked_at_count) == (DAY, BEFORE, BEFORE, 9)


def test_papers_that_were_planned_before_plans_were_kept_are_ten_cards_forty_lines_and_the_rest_the_strongest_first() -> None:
    papers = [paper(f"2610.{n:05d}", "Agents", upvotes=n) for n in range(60)]
    digest = shown_again(papers[1:], [one.id for one in papers])
    assert ids(digest) == [one.id for one in reversed(papers[1:])]
    assert [len(picks) for picks in (digest.cards, digest.lines, digest.unlisted)] == [10, 40, 9]
