"""Work out digests from what is stored. Touches the session it is given, which it only reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from sqlmodel import Session

from service.cadence import FURTHEST_BACK, missed_count, window_start
from service.compose import Pool, compose_again, compose_digest, kept_ids
from service.match import Phrasebook, match_paper, phrasebook
from service.models import Delivery, DeliveryState, Digest, History, Match, Paper, Subscriber, Topic
from service.store.deliveries import histories
from service.store.marks import marks_of
from service.store.papers import papers_by_id, papers_featured
from service.store.topics import all_topics

FIVE_WEEKS = timedelta(days=34)  # and the day itself: the week, and what is usual before it


class Planned(NamedTuple):
    digest: Digest
    delivery: Delivery | None  # the one that this person has for this day already


class Board(NamedTuple):
    """The topics, ready to match with; made once for any number of digests."""

    topics: list[Topic]
    book: Phrasebook

    def matches(self, papers: Sequence[Paper]) -> Mapping[str, tuple[Match, ...]]:
        return {paper.id: match_paper(paper, self.book) for paper in papers}


def topic_board(session: Session) -> Board:
    topics = all_topics(session)
    return Board(topics, phrasebook(topics))


def plan_digests(session: Session, people: Sequence[Subscriber], on: date) -> list[Planned]:
    """Each person's digest of day `on`, of the papers in their window that no delivery of theirs holds."""
    known = {person.id: person for person in people if person.id is not None}
    past = _histories(session, known, on)
    starts = {key: window_start(on, person.cadence, past[key].last_accepted_on) for key, person in known.items()}
    pool = _pool(session, on, min(starts.values(), default=on), people, past)
    return [
        Planned(compose_digest(person, pool, past[key], since=starts[key]), past[key].delivery) for key, person in known.items()
    ]


def _histories(session: Session, people: Mapping[int, Subscriber], on: date) -> dict[int, History]:
    """With the marks, and how many digests were missed."""
    past = histories(session, people, on=on, since=on - FURTHEST_BACK)
    marks = marks_of(session, people)
    return {
        key: replace(past[key], marks=marks.get(key, ()), missed_count=missed_count(person, past[key].last_told_on, on))
        for key, person in people.items()
    }


def _pool(session: Session, on: date, since: date, people: Sequence[Subscriber], past: Mapping[int, History]) -> Pool:
    papers = papers_featured(session, since, on)
    marked = papers_by_id(session, {mark.paper_id for history in past.values() for mark in history.marks})
    is_weekly = any(person.cadence.startswith("weekly") for person in people)
    earlier = papers_featured(session, on - FIVE_WEEKS, on) if is_weekly else []
    board = topic_board(session)
    return Pool(board.topics, papers, board.matches([*papers, *marked]), on=on, marked=marked, earlier=earlier)


def already_planned(planned: Planned) -> str | None:
    """A day that was planned before stands, unless it was silent: then later papers may still fill it. Answers why.

    Where a mail of that day may have arrived, it stands as well.
    """
    digest, delivery = planned
    if delivery is None or (delivery.state == DeliveryState.SKIPPED and not delivery.uncertain_count):
        return None
    return f"the digest of {digest.on} is {delivery.state} already" + (f": {delivery.reason}" if delivery.reason else "")


def digest_again(session: Session, person: Subscriber, delivery: Delivery, board: Board) -> Digest:
    """The digest of a delivery that was planned before, from the papers it holds."""
    papers = papers_by_id(session, kept_ids(delivery))
    return compose_again(person, delivery, papers, board.matches(papers), board.topics)


def digest_for(session: Session, person: Subscriber, on: date) -> Planned:
    """What the person got on that day, or else would get."""
    digest, delivery = plan_digests(session, [person], on)[0]
    if delivery is not None and delivery.is_of_a_mail:
        return Planned(digest_again(session, person, delivery, topic_board(session)), delivery)
    return Planned(digest, delivery)


def digest_for_topics(session: Session, person: Subscriber, on: date) -> Digest:
    """The first digest of somebody who is no subscriber yet."""
    since = window_start(on, person.cadence, None)
    return compose_digest(person, _pool(session, on, since, [person], {}), since=since)
