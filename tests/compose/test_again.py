from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import Engine

from service.compose import Archive, kept_ids
from service.match import match_papers, phrasebook
from service.models import (
    Delivery,
    Digest,
    DigestKind,
    Entry,
    History,
    Issue,
    KeptPick,
    LeftOutFor,
    Mark,
    MarkKind,
    Paper,
    Plan,
    Topic,
    read_pick,
)
from service.store.database import reading, transaction
from service.store.deliveries import deliveries_of
from tests.builders import DAY, NOW, paper, subscriber, topic
from tests.test_compose import TOPICS, compose


def planned(digest: Digest) -> Delivery:
    """As the database gives it back."""
    return Delivery(
        issue_id=1,
        subscriber_id=1,
        digest_on=digest.on,
        since_on=digest.since,
        topics=[topic.slug for topic in digest.topics],
        paper_ids=[pick.paper.id for pick in digest.picks],
        looked_at_count=digest.looked_at_count,
        planned_at=NOW,
        plan=msgspec.json.decode(msgspec.json.encode(digest.kept[1]), type=Plan),
    )


def again(digest: Digest, papers: list[Paper], topics: list[Topic] = TOPICS) -> Digest:
    delivery = planned(digest)
    stored = {one.id: one for one in papers if one.id in kept_ids(delivery)}
    return Archive(topics, stored, matches_of(stored, topics)).digest(digest.subscriber, delivery)


def matches_of(stored: dict[str, Paper], topics: list[Topic]) -> dict[str, Any]:
    return dict(zip(stored, match_papers(list(stored.values()), phrasebook(topics)), strict=True))


def archive_of(papers: list[Paper], topics: list[Topic] = TOPICS) -> tuple[Archive, dict[str, Paper], dict[str, Any]]:
    """With what it reads of."""
    stored = {one.id: one for one in papers}
    matches = matches_of(stored, topics)
    return Archive(topics, stored, matches), stored, matches


def shape(digest: Digest) -> Any:
    def told(pick: Any) -> Any:
        place = pick.standing
        numbers = [round(n, 4) for n in (place.relevance, place.followed, place.liking, place.momentum, place.nearness)]
        liking = pick.liking and [(key, round(part, 4)) for key, part in (*pick.liking.terms, ("lift", pick.liking.lift))]
        liking = liking and (pick.liking.like_ids, liking)
        return (pick.paper.id, pick.entry, pick.chips, numbers, place.near_id, pick.followed, liking, pick.second_look)

    week = digest.week and (digest.week.days, digest.week.themes, [pick.paper.id for pick in digest.week.risers])
    return (
        *(digest.kind, digest.on, digest.since, digest.covered_from, digest.looked_at_count, digest.silence, week, digest.topics),
        [(section.topic, [told(pick) for pick in section.picks]) for section in digest.sections],
        *([told(pick) for pick in picks] for picks in (digest.lines, digest.unlisted, digest.slots)),
        [(out.pick.paper.id, out.cause, out.detail) for out in digest.left_out if out.pick in digest.near_misses],
    )


def everything(cadence: str) -> tuple[Digest, list[Paper]]:
    marked = paper("2609.00001", "Kitchen robots", abstract="Soup recipes for kitchen robots.")
    papers = [
        *(paper(f"2610.{n:05d}", f"Agents of kind{n}", abstract="Soup recipes.", upvotes=n, velocity=9.0) for n in range(30)),
        paper("2610.00101", "Agents", authors=["Ada Okafor"], tags=["soup"]),
        paper("2610.00102", "Stew", upvotes=90),
        paper("2610.00103", "Programs", upvotes=190),
        paper("2610.00104", "On planning", abstract="An agent plans a program."),
        paper("2610.00105", "Agents and programs"),
    ]
    person = subscriber(topics=["agents", "code"], followed=["Ada Okafor"], cadence=cadence)
    history = History(
        held_ids=frozenset({"2610.00103"}),
        lines={"2610.00103": (DAY - timedelta(days=1), 12)},
        marks=(Mark(subscriber_id=1, paper_id=marked.id, kind=MarkKind.MORE, marked_at=NOW),),
    )
    earlier = [paper(f"2609.1{n:04d}", tags=["soup"], featured_on=DAY) for n in range(4)]
    earlier += [paper(f"2609.2{n:04d}", featured_on=DAY - timedelta(days=n)) for n in range(7, 14)]
    return compose(papers, person, history=history, marked=[marked], earlier=earlier), papers


def test_a_delivery_shows_its_digest_again_with_every_reason() -> None:
    for cadence in ("daily", "weekly:fri"):
        digest, papers = everything(cadence)
        assert digest.second_look
        assert digest.outside or (digest.week and digest.week.missed and digest.week.themes and digest.week.risers)
        assert shape(again(digest, papers)) == shape(digest)


def test_a_plan_of_every_kind_is_read_from_the_database_as_it_was_written(engine: Engine) -> None:
    plans = [planned(everything(cadence)[0]).plan for cadence in ("daily", "weekly:fri")]
    with transaction(engine) as session:
        session.add_all([subscriber(), Issue(id=1, started_by="serve", planned_at=NOW)])
        session.flush()
        days = [DAY - timedelta(days=number) for number in range(2)]
        rows = [{"issue_id": 1, "subscriber_id": 1, "digest_on": day, "since_on": day, "planned_at": NOW} for day in days]
        session.add_all([Delivery(**row, plan=plan) for row, plan in zip(rows, plans, strict=True)])
    with reading(engine) as session:
        assert [delivery.plan for delivery in deliveries_of(session, 1)] == plans


def test_plans_are_read_as_they_were_written_when_they_named_their_defaults() -> None:
    told = (
        '{"kind":"day","covered_from":"2026-10-01","cards":1,"lines":0,"unlisted":0,'
        '"picks":[{"at":[0.8,0.0,0.0,0.1,0.0],"up":12}],"near":[["2610.00002","muted phrase","soup"]]}'
    )
    plan = msgspec.json.decode(told, type=Plan)
    assert (plan.kind, plan.covered_from, plan.cards, plan.lines) == (DigestKind.DAY, DAY, 1, 0)
    assert read_pick(plan.picks[0]) == KeptPick((0.8, 0.0, 0.0, 0.1, 0.0), 12)
    assert [(near.cause, near.up) for near in plan.near] == [(LeftOutFor.MUTED, None)]


def test_upvotes_that_came_later_move_nothing() -> None:
    digest, papers = everything("daily")
    before, delivery = shape(digest), planned(digest)
    for one in papers:
        one.upvotes = 1000
    archive, _, _ = archive_of(papers)
    assert shape(archive.digest(digest.subscriber, delivery)) == before


def test_a_topic_that_asked_for_more_upvotes_than_a_paper_had_does_not_claim_it_later() -> None:
    """Neither for its section and its reasons, nor where the paper came as one outside the topics."""
    asking = [TOPICS[0], topic("code", ["program"], minimum_upvotes=50)]
    both = paper("2610.00001", "Programs", abstract="An agent writes programs.", upvotes=12)
    outside = paper("2610.00002", "A program", abstract="It computes.", upvotes=40)
    uncounted = paper("2610.00003", "Agents and programs")
    enough = paper("2610.00004", "Agents of programs", upvotes=50)
    papers = [both, outside, uncounted, enough]
    digest = compose(papers, subscriber(topics=["agents", "code"]), asking)
    assert digest.outside
    before, delivery = shape(digest), planned(digest)
    for one in papers:
        one.upvotes = 1000
    archive, _, _ = archive_of(papers, asking)
    assert shape(archive.digest(digest.subscriber, delivery)) == before


def test_a_note_shows_its_silence_and_near_misses_again() -> None:
    near = paper("2610.00001", "On planning", abstract="An agent plans.")
    digest = compose([near], subscriber(topics=["agents"], with_note=True))
    assert shape(again(digest, [near])) == shape(digest)
    assert again(digest, [near]).silence == digest.silence


def test_a_near_miss_stays_one_when_it_has_the_upvotes_later_that_a_topic_asks_for() -> None:
    asking = [TOPICS[0], topic("code", ["program"], minimum_upvotes=50)]
    near = paper("2610.00001", "Programs", abstract="An agent plans.", upvotes=12)
    digest = compose([near], subscriber(topics=["agents", "code"], with_note=True), asking)
    told, delivery = [one.matches for one in digest.near_misses], planned(digest)
    near.upvotes = 1000
    archive, _, _ = archive_of([near], asking)
    assert [one.matches for one in archive.digest(digest.subscriber, delivery).near_misses] == told


def test_papers_that_are_stored_no_more_fall_out_and_the_rest_keeps_its_place() -> None:
    for cadence in ("daily", "weekly:fri"):
        digest, papers = everything(cadence)
        rows = rows_of(digest)
        for gone in {row[0] for row in rows if row}:
            stored = [one for one in papers if one.id != gone]
            assert rows_of(again(digest, stored)) == [[key for key in other if key != gone] for other in rows]


def rows_of(digest: Digest) -> list[list[str]]:
    week = digest.week.risers if digest.week else ()
    found = (digest.cards, digest.lines, digest.unlisted, digest.slots, digest.near_misses, week)
    return [[pick.paper.id for pick in picks] for picks in found]


def test_a_paper_that_its_topic_finds_no_more_is_shown_as_chosen_earlier_where_it_was() -> None:
    papers = [paper("2610.00001", "Agents"), paper("2610.00002", "Programs", upvotes=90)]
    digest = compose(papers, subscriber(topics=["agents", "code"]))
    shown = again(digest, papers, [topic("agents", ["music"]), TOPICS[1]])
    assert [(pick.paper.id, pick.entry) for pick in shown.cards] == [("2610.00002", Entry.TOPIC), ("2610.00001", Entry.EARLIER)]
    assert [section.topic for section in shown.sections] == [TOPICS[1], None]


def test_topics_are_told_in_the_catalogues_order_in_whichever_they_were_chosen() -> None:
    topics = [topic(slug) for slug in ("robots", "soup", "agents", "music", "code", "bread", "tea", "art")]
    chosen = ["tea", "agents", "art", "robots", "bread", "agents", "gone"]
    digest = compose([paper()], subscriber(topics=chosen), topics)
    assert [one.slug for one in digest.topics] == ["robots", "agents", "bread", "tea", "art"]
    delivery = planned(digest)
    delivery.topics = chosen
    archive, _, _ = archive_of([paper()], topics)
    assert archive.digest(digest.subscriber, delivery).topics == digest.topics


def test_one_archive_tells_everybody_what_they_were_told() -> None:
    """People share picks, unless one of them follows an author or marked a paper."""
    told, papers = everything("daily")
    plain = compose(papers, subscriber(topics=["agents", "code"]))
    others = [compose(papers, subscriber(topics=[slug])) for slug in ("code", "agents")]
    archive, _, _ = archive_of(papers)
    for digest in (plain, told, *others, plain, told):
        shown = archive.digest(digest.subscriber, planned(digest))
        assert shape(shown) == shape(digest)
        assert [near.matches for near in shown.near_misses] == [near.matches for near in digest.near_misses]


def test_a_paper_that_is_read_later_is_shown_from_then_on() -> None:
    digest, papers = everything("daily")
    archive, stored, matches = archive_of(papers)
    late = digest.cards[0].paper
    found = stored.pop(late.id), matches.pop(late.id)
    assert late.id not in {pick.paper.id for pick in archive.digest(digest.subscriber, planned(digest)).cards}
    stored[late.id], matches[late.id] = found
    assert shape(archive.digest(digest.subscriber, planned(digest))) == shape(digest)
