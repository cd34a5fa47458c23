"""Whatever comes and whoever reads: rules that hold for every history."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import product
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from service.compose import Pool, compose_digest
from service.compose.arrange import LEAST_CARDS
from service.compose.candidates import candidate, momentum_lift, upvotes_an_hour
from service.compose.likeness import SAME_FROM
from service.compose.strength import FOLLOWED_LIFT, NEARNESS
from service.compose.taste import Taste
from service.compose.wording import wording
from service.match import match_papers, phrasebook
from service.models import SECONDS_A_CARD, SECONDS_A_LINE, Digest, Entry, History, LeftOutFor, Mark, MarkKind, Paper, Subscriber
from service.words import tokens
from tests.builders import DAY, NOW, paper, subscriber, topic
from tests.compose.test_again import again, shape

TOPICS = [topic("agents", ["agent", "planning"]), topic("code", ["program", "compiler"], minimum_upvotes=100)]
WORDS = ["agent", "planning", "program", "compiler", "soup", "stew", "kitchen", "recipe"]
NAMES = ["Ada Okafor", "Lena Brandt", "Northfield Lab"]
BOOK = phrasebook(TOPICS)

papers = st.builds(
    lambda number, title, abstract, back, upvotes, author, velocity: paper(
        f"2610.{number:05d}",
        " ".join(title),
        abstract=" ".join(abstract),
        featured_on=DAY - timedelta(days=back),
        upvotes=upvotes,
        authors=[author],
        velocity=velocity,
    ),
    st.integers(0, 60),
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4),
    st.lists(st.sampled_from(WORDS), max_size=8),
    st.integers(0, 9),
    st.integers(0, 300),
    st.sampled_from([*NAMES, "Mika Sato"]),
    st.none() | st.floats(-10, 300),
)
people = st.builds(
    lambda **fields: subscriber(**fields),
    topics=st.sampled_from([["agents"], ["code"], ["agents", "code"]]),
    cadence=st.sampled_from(["daily", "weekdays", "weekly:fri"]),
    length=st.sampled_from(["minutes:3", "minutes:5", "minutes:10", "papers:5", "papers:12"]),
    minimum_score=st.sampled_from([0.0, 0.7]),
    muted=st.lists(st.sampled_from(["soup", "kitchen recipe"]), max_size=2, unique=True),
    followed=st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
    with_outside=st.booleans(),
    with_note=st.booleans(),
)
stored = st.lists(papers, max_size=40, unique_by=lambda one: one.id)


def pool_on(on: date, found: list[Paper]) -> Pool:
    now = [one for one in found if one.featured_on <= on]
    matches = dict(zip([one.id for one in found], match_papers(found, BOOK), strict=True))
    return Pool(TOPICS, now, matches, on=on, marked=found, earlier=now)


def days_of(person: Subscriber, found: list[Paper], seed: int) -> Iterator[tuple[Digest, Pool, History, date]]:
    """Ten days in a row; on some nothing is sent, and upvotes rise meanwhile."""
    chance, history = random.Random(seed), History()
    for number in range(10):
        on = DAY - timedelta(days=9 - number)
        for one in found:
            one.upvotes = (one.upvotes or 0) * chance.choice((1, 1, 4))
        if chance.random() < 0.3:
            continue
        since = on - timedelta(days=chance.choice((1, 7)))
        pool = pool_on(on, found)
        digest = compose_digest(person, pool, history, since=since)
        yield digest, pool, history, since
        history = after(history, digest, chance)


def after(history: History, digest: Digest, chance: random.Random) -> History:
    lines = {pick.paper.id: (digest.on, pick.paper.upvotes or 0) for pick in (*digest.lines, *digest.unlisted)}
    cards = {pick.paper.id for pick in digest.picks} - lines.keys()
    marked = [
        Mark(subscriber_id=1, paper_id=pick.paper.id, kind=chance.choice(list(MarkKind)), marked_at=NOW)
        for pick in digest.cards[:1]
    ]
    return History(
        last_told_on=digest.on,
        last_planned_at=NOW,
        missed_count=chance.choice((0, 2)),
        held_ids=history.held_ids | {pick.paper.id for pick in digest.picks},
        lines={key: line for key, line in {**lines, **history.lines}.items() if key not in cards},
        marks=(*history.marks, *marked)[-4:],
    )


@settings(max_examples=60)
@given(people, stored, st.integers(0, 1000))
def test_over_random_histories_the_rules_hold(person: Subscriber, found: list[Paper], seed: int) -> None:
    had: set[str] = set()
    looks: set[str] = set()
    for digest, pool, history, since in days_of(person, found, seed):
        fresh = [pick.paper.id for pick in digest.picks if pick.entry is not Entry.SECOND_LOOK]
        assert len(set(fresh)) == len(fresh)
        assert not had.intersection(fresh)
        assert_second_look(digest, history, had, looks)
        had |= set(fresh)
        assert all(since <= pick.paper.featured_on <= digest.on for pick in digest.picks)
        assert not any(holds(pick.paper, phrase) for pick in digest.picks for phrase in person.muted)
        assert_length(digest)
        assert_reasons(digest, pool, history)


def assert_second_look(digest: Digest, history: History, had: set[str], looks: set[str]) -> None:
    if (pick := digest.second_look) and (look := pick.second_look):
        assert pick.paper.id in had - looks
        assert history.lines[pick.paper.id] == (look.first_on, look.upvotes_then)
        assert look.upvotes_now == pick.paper.upvotes
        assert look.upvotes_now >= 3 * look.upvotes_then
        assert look.upvotes_now - look.upvotes_then >= 50
        looks.add(pick.paper.id)


def holds(one: Paper, phrase: str) -> bool:
    return any(f" {' '.join(tokens(phrase))} " in f" {' '.join(tokens(text))} " for text in (one.title, one.abstract or ""))


def assert_length(digest: Digest) -> None:
    """Within one card of what was asked for, but for the five cards that a digest has at least."""
    unit, _, number = digest.subscriber.length.partition(":")
    shown = len(digest.cards) + len(digest.lines) + len(digest.slots)
    if unit == "papers":
        assert shown <= int(number) + 1 or digest.reading_seconds <= LEAST_CARDS * SECONDS_A_CARD + 3 * SECONDS_A_LINE
    else:
        assert digest.reading_seconds <= int(number) * 60 + SECONDS_A_CARD
    assert len(digest.cards) <= 10
    if digest.unlisted and unit == "minutes":
        assert digest.reading_seconds >= int(number) * 60 - SECONDS_A_CARD


def assert_reasons(digest: Digest, pool: Pool, history: History) -> None:
    """Every reason is worked out again from what it was made of, and the order from the reasons."""
    taste = Taste(history.marks, pool.likeness) if history.marks else None
    strength = {pick.paper.id: pick.standing.strength for pick in digest.passed}
    for pick in digest.passed:
        place = pick.standing
        best = max((match.score for match in pick.matches if match.is_above), default=None)
        assert place.relevance == (pick.matches[0].score if pick.matches else 0.0)
        assert best is not None or pick.followed
        assert pick.entry is (Entry.TOPIC if pick.chips else Entry.FOLLOWED)
        assert best is None or best >= digest.subscriber.minimum_score or pick.followed
        assert pick.matches == tuple(m for m in pool.matches[pick.paper.id] if m.slug in digest.subscriber.topics)
        assert place.momentum == momentum_lift(upvotes_an_hour(pick.paper, digest.on))
        assert place.followed == (FOLLOWED_LIFT if pick.followed else 0.0)
        assert set(pick.followed) <= set(pick.paper.authors or ())
        assert place.liking == (taste.lift(pick.paper.id) if taste else 0.0)
        assert (place.nearness, bool(place.near_id)) in {(0.0, False), (NEARNESS, True)}
        if place.near_id:
            near = wording(pool.papers[place.near_id]).vector
            words = wording(pick.paper).vector
            assert sum(weight * near.get(word, 0.0) for word, weight in words.items()) >= SAME_FROM - 1e-9
            assert strength[place.near_id] >= place.strength
    for row in (digest.lines, digest.unlisted, *(section.picks for section in digest.sections)):
        assert [candidate(pick).order for pick in row] == sorted(candidate(pick).order for pick in row)
    heads = [candidate(section.picks[0]).order for section in digest.sections]
    assert heads == sorted(heads)
    for out in digest.left_out:
        assert out.cause is not LeftOutFor.MUTED or holds(out.pick.paper, out.detail)


@settings(max_examples=15)
@given(st.lists(people, min_size=1, max_size=2), stored, st.integers(0, 1000))
def test_one_pool_tells_each_of_many_people_what_a_pool_of_their_own_does(
    several: list[Subscriber], found: list[Paper], seed: int
) -> None:
    """Whatever was worked out for those before, who had and marked other papers, and whose last digests were of other days."""
    chance, ids = random.Random(seed), sorted([one.id for one in found])
    for one in found:
        one.first_seen_at = NOW - timedelta(days=chance.randrange(9))
    shared = pool_on(DAY, found)
    for person, told, planned, back in product(several, (1, 4), (1, 4), (3, 9)):
        since = DAY - timedelta(days=back)
        history = History(
            last_told_on=DAY - timedelta(days=told),
            last_planned_at=NOW - timedelta(days=planned),
            held_ids=frozenset(chance.sample(ids, len(ids) // 3)),
            lines={key: (since, chance.randrange(99)) for key in chance.sample(ids, len(ids) // 3)},
            marks=tuple(Mark(subscriber_id=1, paper_id=key, kind=MarkKind.MORE, marked_at=NOW) for key in ids[back : back + 2]),
        )
        own = Pool(TOPICS, found, shared.matches, on=DAY, marked=found, earlier=found)
        digest = compose_digest(person, shared, history, since=since)
        assert shape(digest) == shape(compose_digest(person, own, history, since=since))


@settings(max_examples=40)
@given(people, stored, st.randoms(use_true_random=False))
def test_shuffling_what_comes_in_changes_nothing(person: Subscriber, found: list[Paper], shuffler: random.Random) -> None:
    def composed() -> Any:
        return shape(compose_digest(person, pool_on(DAY, found), since=DAY - timedelta(days=7)))

    before = composed()
    shuffler.shuffle(found)
    assert composed() == before


@settings(max_examples=40)
@given(people, stored, st.integers(0, 1000))
def test_what_a_delivery_keeps_shows_the_same_digest_again(person: Subscriber, found: list[Paper], seed: int) -> None:
    """Whatever upvotes came since."""
    for digest, _, _, _ in days_of(person, found, seed):
        later = [Paper(**one.model_dump() | {"upvotes": (one.upvotes or 0) + seed}) for one in found]
        assert shape(again(digest, later, TOPICS)) == shape(digest)
