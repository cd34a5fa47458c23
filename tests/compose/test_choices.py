"""What is in, what is out, and why, case by case."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from service.models import DigestKind, Entry, History, LeftOutFor, Mark, MarkKind
from tests.builders import DAY, NOW, paper, subscriber
from tests.test_compose import compose, ids

BEFORE = DAY - timedelta(days=1)


def reader(**fields: Any) -> Any:
    return subscriber(**{"topics": ["agents", "code"], "with_outside": False, **fields})


def mark(paper_id: str, kind: MarkKind = MarkKind.MORE) -> Mark:
    return Mark(subscriber_id=1, paper_id=paper_id, kind=kind, marked_at=NOW)


def test_a_muted_phrase_keeps_a_paper_out_as_whole_words_in_any_field_and_says_which() -> None:
    papers = [
        paper("2610.00001", "Agents at a Benchmark"),
        paper("2610.00002", "Agents", abstract="On benchmarks."),
        paper("2610.00003", "Agents", source_keywords=["benchmark"]),
        paper("2610.00004", "Agents", abstract="On benchmarking."),
    ]
    digest = compose(papers, reader(muted=["benchmarks"]))
    assert ids(digest) == ["2610.00004"]
    assert {(out.cause, out.detail) for out in digest.left_out} == {(LeftOutFor.MUTED, "benchmarks")}


def test_of_equally_strong_papers_the_most_upvoted_comes_first_and_then_the_one_that_is_named_first() -> None:
    """Whose upvotes come equally fast just now, which counts for more than how many there are."""
    upvotes = {"2610.00001": 5, "2610.00002": 50, "2610.00003": 50, "2610.00004": 7}
    titles = ("Quokka agents", "Wombat agents", "Dingo agents", "Numbat agents")
    papers = [
        paper(key, title, upvotes=count, velocity=480.0, abstract=None)
        for title, (key, count) in zip(titles, upvotes.items(), strict=True)
    ]
    digest = compose(papers[::-1], reader())
    assert len({pick.standing.strength for pick in digest.cards}) == 1
    assert ids(digest) == ["2610.00002", "2610.00003", "2610.00004", "2610.00001"]


def test_a_minimum_above_the_topics_bar_keeps_weaker_matches_out() -> None:
    papers = [paper("2610.00001", "Agents"), paper("2610.00002", "Agents", abstract="Programs", source_keywords=["program"])]
    digest = compose(papers, reader(minimum_score=0.9))
    assert digest.silence == "2 new papers looked at, none above your bar, 2 near misses"
    assert [out.detail for out in digest.left_out] == ["0.51 of 0.90", "0.51 of 0.90"]
    assert {out.cause for out in digest.left_out} == {LeftOutFor.BELOW_MINIMUM}


def test_whom_a_person_follows_is_always_in_and_stands_first() -> None:
    papers = [
        paper("2610.00001", "Soup", authors=["Ada Okafor"]),
        paper("2610.00002", "Agents"),
        paper("2610.00003", "Stew", organization="Northfield Lab of Berlin"),
        paper("2610.00004", "Roast", authors=["Adam Okafor"]),
    ]
    digest = compose(papers, reader(followed=["ada okafor", "Northfield  Lab"]))
    assert [pick.paper.id for pick in digest.cards] == ["2610.00002", "2610.00001", "2610.00003"]
    own, *others = digest.cards
    assert own.entry is Entry.TOPIC
    assert [(pick.entry, pick.followed) for pick in others] == [
        (Entry.FOLLOWED, ("ada okafor",)),
        (Entry.FOLLOWED, ("Northfield  Lab",)),
    ]


def test_a_followed_author_lifts_a_paper_of_the_topics() -> None:
    papers = [paper("2610.00001", "Agents", upvotes=90), paper("2610.00002", "Agents", authors=["Ada Okafor"])]
    assert ids(compose(papers)) == ["2610.00001", "2610.00002"]
    digest = compose(papers, reader(followed=["Ada Okafor"]))
    assert ids(digest) == ["2610.00002", "2610.00001"]
    assert digest.cards[0].standing.followed == 0.5


def test_upvotes_an_hour_lift_by_the_faster_of_lately_and_since_the_day_began() -> None:
    papers = [
        paper("2610.00001", "Agents", upvotes=48),
        paper("2610.00002", "Agents", upvotes=48, velocity=96.0),
        paper("2610.00003", "Agents"),
    ]
    digest = compose(papers)
    assert ids(digest) == ["2610.00002", "2610.00001", "2610.00003"]
    assert [pick.standing.momentum for pick in digest.cards] == [0.15 * 4 / 6, 0.15 * 2 / 4, 0]


def test_much_the_same_papers_do_not_stand_side_by_side() -> None:
    same = {"abstract": "We build a kitchen simulator where robots cook soup with long recipes under time pressure."}
    papers = [
        paper("2610.00001", "Kitchen agents cook soup", upvotes=90, **same),
        paper("2610.00002", "Kitchen agents cook soup again", upvotes=80, **same),
        *(paper(f"2610.{n:05d}", f"Agents for thing{n}", abstract=f"It is about matter{n} alone.") for n in range(3, 9)),
    ]
    digest = compose(papers)
    assert (ids(digest)[0], ids(digest)[-1]) == ("2610.00001", "2610.00002")
    last = digest.passed[-1].standing
    assert (last.nearness, last.near_id) == (-0.25, "2610.00001")


def test_one_paper_outside_the_topics_is_labelled_and_can_be_switched_off() -> None:
    papers = [
        paper("2610.00001", "Agents"),
        paper("2610.00002", "Soup", upvotes=70),
        paper("2610.00003", "Stew", upvotes=80),
        paper("2610.00004", "Roast agentically", abstract="An agent roasts.", upvotes=90),
    ]
    digest = compose(papers, reader(with_outside=True))
    assert digest.outside
    assert (digest.outside.paper.id, digest.outside.entry) == ("2610.00003", Entry.OUTSIDE)
    assert compose(papers, reader()).outside is None
    for others in (
        compose(papers, reader(with_outside=True), history=History(held_ids=frozenset({"2610.00003"}))),
        compose(papers, reader(with_outside=True, muted=["stew"])),
    ):
        assert others.outside
        assert others.outside.paper.id == "2610.00002"


def test_a_paper_outside_the_topics_is_shown_while_it_is_new_however_many_read_it_later() -> None:
    papers = [
        paper("2610.00001", "Agents"),
        paper("2610.00002", "Soup", upvotes=900, featured_on=BEFORE, first_seen_at=NOW - timedelta(days=1)),
        *(paper(f"2610.{n:05d}", "Stew", upvotes=80) for n in range(9, 2, -1)),  # of which the one that is named first is taken
    ]
    history = History(last_told_on=BEFORE, last_planned_at=NOW - timedelta(hours=6))
    digest = compose(papers, reader(with_outside=True), history=history, since=BEFORE)
    assert digest.outside
    assert digest.outside.paper.id == "2610.00003"


def test_nothing_is_padded_with_what_nobody_reads_nor_on_a_day_when_nothing_passes() -> None:
    assert compose([paper(), paper("2610.00002", "Soup", upvotes=3)], reader(with_outside=True)).outside is None
    assert compose([paper("2610.00002", "Soup", upvotes=300)], reader(with_outside=True)).picks == ()


@pytest.mark.parametrize(
    ("then", "now", "is_shown"),
    [(12, 190, True), (30, 89, False), (1, 50, False), (0, 50, True), (100, 299, False), (100, 300, True)],
)
def test_a_second_look_needs_upvotes_tripled_and_fifty_more(then: int, now: int, is_shown: bool) -> None:
    papers = [paper(), paper("2610.00002", "Programs", upvotes=now)]
    history = History(held_ids=frozenset({"2610.00002"}), lines={"2610.00002": (BEFORE, then)})
    look = compose(papers, history=history).second_look
    assert bool(look) == is_shown
    if look and look.second_look:
        assert (look.entry, look.second_look.first_on, look.second_look.upvotes_then) == (Entry.SECOND_LOOK, BEFORE, then)


def test_of_two_that_took_off_the_one_that_rose_most_gets_the_look_and_a_muted_one_never() -> None:
    papers = [paper(), *(paper(f"2610.0000{n}", f"Programs {n}x", upvotes=100 * n) for n in (2, 3, 4))]
    history = History(held_ids=frozenset(ids(compose(papers))), lines={one.id: (BEFORE, 5) for one in papers[1:]})
    fresh = paper("2610.00009", "Agents")
    look = compose([*papers, fresh], reader(muted=["4x"]), history=history).second_look
    assert look
    assert look.paper.id == "2610.00003"


def test_a_quiet_day_gives_a_note_to_who_wants_one_but_not_where_there_was_nothing_to_look_at() -> None:
    near = paper("2610.00001", "On planning", abstract="An agent plans.")
    note = compose([near], reader(with_note=True))
    assert (note.kind, note.is_mailed) == (DigestKind.NOTE, True)
    assert [pick.paper.id for pick in note.near_misses] == ["2610.00001"]
    assert not compose([], reader(with_note=True)).is_mailed
    assert not compose([near], reader()).is_mailed


def test_a_silence_at_a_weekend_says_that_there_are_no_lists() -> None:
    saturday = date(2026, 10, 3)
    told = compose([], on=saturday, since=BEFORE, history=History(last_told_on=saturday - timedelta(days=1)))
    assert told.silence == "no new papers from 2026-10-03: there are no lists at weekends"


def test_papers_that_the_last_digest_looked_at_count_no_more_unless_they_pass() -> None:
    papers = [
        paper("2610.00001", "Soup", featured_on=BEFORE, first_seen_at=NOW - timedelta(hours=6)),
        paper("2610.00002", "Stew", featured_on=BEFORE),  # stored late
        paper("2610.00003", "Roast"),
        paper("2610.00004", "Agents", featured_on=BEFORE, first_seen_at=NOW - timedelta(days=1)),
    ]
    history = History(last_told_on=BEFORE, last_planned_at=NOW - timedelta(hours=6))
    digest = compose(papers, history=history, since=BEFORE)
    assert digest.looked_at_count == 3
    assert ids(digest) == ["2610.00004"]


@pytest.mark.parametrize(
    ("minimum", "passed", "left_out", "count"),
    [
        (0.0, {"2610.00001", "2610.00002"}, set(), 2),
        (0.5, {"2610.00001", "2610.00002"}, set(), 2),
        (0.9, set(), {"2610.00002"}, 1),
    ],
)
def test_what_was_looked_at_before_comes_where_it_passes_now_and_is_no_near_miss_again(
    minimum: float, passed: set[str], left_out: set[str], count: int
) -> None:
    papers = [
        paper("2610.00001", "Agents", featured_on=BEFORE, first_seen_at=NOW - timedelta(days=1)),
        paper("2610.00002", "Agents"),
        paper("2610.00003", "Soup"),  # which they have
        paper("2610.00004", "On planning", abstract="An agent.", featured_on=BEFORE, first_seen_at=NOW - timedelta(days=1)),
    ]
    history = History(
        last_told_on=BEFORE, last_planned_at=NOW - timedelta(hours=6), held_ids=frozenset({"2610.00003", "2609.00001"})
    )
    digest = compose(papers, reader(minimum_score=minimum), history=history, since=BEFORE)
    assert (set(ids(digest)), {out.pick.paper.id for out in digest.left_out}) == (passed, left_out)
    assert digest.looked_at_count == count


def test_after_missed_days_the_digest_is_the_best_of_them() -> None:
    monday = date(2026, 10, 5)
    history = History(last_told_on=DAY, missed_count=3)
    digest = compose([paper(featured_on=monday)], on=monday, since=BEFORE, history=history)
    assert (digest.kind, digest.covered_from) == (DigestKind.CATCH_UP, date(2026, 10, 2))
    one_day = History(last_told_on=date(2026, 10, 2), missed_count=2)  # of the weekend, when there are no lists
    assert compose([paper(featured_on=monday)], on=monday, since=BEFORE, history=one_day).kind is DigestKind.DAY


def test_marks_lift_what_is_like_the_wanted_and_weigh_down_what_is_like_the_unwanted() -> None:
    wanted, unwanted = (
        paper("2609.00001", "Kitchen robots", abstract="Soup recipes for kitchen robots."),
        paper("2609.00002", "Court rulings", abstract="Legal rulings of courts."),
    )
    papers = [
        paper("2610.00001", "Agents", abstract="Legal rulings and courts.", upvotes=9),
        paper("2610.00002", "Agents", abstract="Nothing of either."),
        paper("2610.00003", "Agents", abstract="Soup recipes in the kitchen."),
    ]
    history = History(marks=(mark("2609.00001"), mark("2609.00002", MarkKind.LESS)))
    assert ids(compose(papers)) == ["2610.00001", "2610.00002", "2610.00003"]
    digest = compose(papers, history=history, marked=[wanted, unwanted])
    assert ids(digest) == ["2610.00003", "2610.00002", "2610.00001"]
    first, _, last = digest.cards
    assert first.liking
    assert last.liking
    assert (first.liking.like_ids, last.liking.like_ids) == (("2609.00001",), ("2609.00002",))
    assert "recipe" in [term for term, _ in first.liking.terms]
    assert first.liking.lift == first.standing.liking > 0 > last.standing.liking
