"""Work out digests from what is stored. Touches the session it is given, which it only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

import structlog
from sqlmodel import Session

from service.cadence import FURTHEST_BACK, missed_count, window_start
from service.compose import Archive, Pool, compose_digest, kept_ids
from service.match import match_papers, phrasebook
from service.models import Delivery, DeliveryState, Digest, History, Match, Paper, Subscriber, Topic, is_weekly
from service.store.deliveries import histories, last_accepted_days
from service.store.marks import marks_of
from service.store.papers import papers_by_id, papers_featured
from service.store.topics import all_topics, topics_at

log = structlog.get_logger(__name__)

FIVE_WEEKS = timedelta(days=34)  # and the day itself: the week, and what is usual before it


class Planned(NamedTuple):
    digest: Digest
    delivery: Delivery | None  # the one that this person has for this day already


class Board:
    """The topics, ready to match with; made once for any number of digests.

    A paper is read and matched once, so that mails made with the same board share what is rendered of it.
    """

    def __init__(self, topics: Sequence[Topic]) -> None:
        self._book = phrasebook(topics)
        self.topics = self._book.topics  # the same, which all boards share
        self._versions = {topic.slug: topic.version for topic in self.topics}
        self._papers: dict[str, Paper] = {}
        self._matches: dict[str, tuple[Match, ...]] = {}
        self._archive = Archive(self.topics, self._papers, self._matches)
        self._earlier: dict[frozenset[tuple[str, int]], Board] = {}  # by the versions in which they are not today's

    def papers(self, session: Session, ids: Collection[str]) -> list[Paper]:
        """Those of these that are stored, as they were when they were first asked for."""
        if missing := [key for key in ids if key not in self._papers]:
            self._papers.update((paper.id, paper) for paper in papers_by_id(session, missing))
        return [self._papers[key] for key in ids if key in self._papers]

    def matches(self, papers: Sequence[Paper]) -> Mapping[str, tuple[Match, ...]]:
        """These papers', and others', each one's best first."""
        if new := [paper for paper in papers if paper.id not in self._matches]:
            found = match_papers(new, self._book)
            self._matches.update((paper.id, matches) for paper, matches in zip(new, found, strict=True))
        return self._matches

    def archive(self, delivery: Delivery) -> Archive | None:
        """From which its digest can be shown again; None where something of it has to be read."""
        board = self._at(delivery)
        return board._archive if board and all(map(board._matches.__contains__, kept_ids(delivery))) else None

    def read(self, session: Session, delivery: Delivery) -> Archive:
        """With the papers that it holds, and the topics as they were then."""
        board = self._at(delivery)
        if board is None:
            board = self._earlier[self._changed(delivery)] = self._at_versions(session, dict(self._changed(delivery)))
        board.matches(board.papers(session, kept_ids(delivery)))
        return board._archive

    def _at(self, delivery: Delivery) -> Board | None:
        """With the topics in the versions that the delivery was worked out with; itself where they are today's."""
        is_of_today = delivery.topic_versions.items() <= self._versions.items()
        return self if is_of_today else self._earlier.get(self._changed(delivery))

    def _changed(self, delivery: Delivery) -> frozenset[tuple[str, int]]:
        """The delivery's topics that are not as they were; few have changed, so many people's are the same."""
        return frozenset(delivery.topic_versions.items() - self._versions.items())

    def _at_versions(self, session: Session, changed: Mapping[str, int]) -> Board:
        """With these topics as they were in these versions."""
        kept = [topic for topic in self.topics if topic.slug not in changed]
        return Board(sorted([*kept, *topics_at(session, changed)], key=lambda topic: (topic.position, topic.slug)))


def topic_board(session: Session) -> Board:
    return Board(all_topics(session))


class Planner:
    """Works out people's digests of day `on`, portion by portion.

    Topics and papers are those of the first portion, read and matched once; what people hold is read for each portion.
    """

    def __init__(self, on: date) -> None:
        self._on = on
        self._board: Board | None = None
        self._pool: Pool | None = None
        self._since, self._has_weekly = on, False
        self._marked_ids: frozenset[str] = frozenset()

    def digests(self, session: Session, people: Sequence[Subscriber]) -> list[Planned]:
        """Each person's, of the papers in their window that no delivery of theirs holds."""
        known = {person.id: person for person in people if person.id is not None}
        last = last_accepted_days(session, known, before=self._on, since=self._on - FURTHEST_BACK)
        since = dict.fromkeys(known, self._on - FURTHEST_BACK)  # how far silences may lie back
        since |= {key: window_start(self._on, known[key].cadence, day) for key, day in last.items()}
        past = _histories(session, known, since, self._on)
        starts = {
            key: since[key] if key in last else window_start(self._on, person.cadence, None, past[key].last_told_on)
            for key, person in known.items()
        }
        marked_ids = {mark.paper_id for history in past.values() for mark in history.marks}
        has_weekly = any(is_weekly(person.cadence) for person in people)
        pool = self._pool_for(session, min(starts.values(), default=self._on), marked_ids, has_weekly)
        return [
            Planned(self._composed(person, pool, past[key], starts[key]), past[key].delivery) for key, person in known.items()
        ]

    def _composed(self, person: Subscriber, pool: Pool, past: History, since: date) -> Digest:
        """Of one whose settings can't be used, a silent one: they hold nobody else up."""
        try:
            return compose_digest(person, pool, past, since=since)
        except Exception as error:
            log.error("digest could not be chosen", subscriber=person.id, reason=repr(error))
            return Digest(person, self._on, since, (), 0, since, silence=f"the digest could not be chosen: {error}")

    def first_digest(self, session: Session, person: Subscriber) -> Digest:
        """Of somebody who is no subscriber yet."""
        since = window_start(self._on, person.cadence, None)
        pool = self._pool_for(session, since, (), is_weekly(person.cadence))
        return compose_digest(person, pool, since=since)

    def _pool_for(self, session: Session, since: date, marked_ids: Collection[str], has_weekly: bool) -> Pool:
        """The last portion's, unless this one needs more."""
        if self._pool and self._since <= since and self._marked_ids.issuperset(marked_ids) and self._has_weekly >= has_weekly:
            return self._pool
        self._since, self._has_weekly = min(self._since, since), self._has_weekly or has_weekly
        self._marked_ids = self._marked_ids.union(marked_ids)
        self._board = self._board or topic_board(session)
        papers = papers_featured(session, self._since, self._on)
        marked = self._board.papers(session, self._marked_ids)
        earlier = papers_featured(session, self._on - FIVE_WEEKS, self._on) if self._has_weekly else []
        matches = self._board.matches([*papers, *marked])
        self._pool = Pool(self._board.topics, papers, matches, on=self._on, marked=marked, earlier=earlier)
        return self._pool


def _histories(session: Session, people: Mapping[int, Subscriber], since: Mapping[int, date], on: date) -> dict[int, History]:
    """With the marks, and how many digests were missed."""
    past = histories(session, since, on=on)
    marks = marks_of(session, people)
    return {
        key: replace(past[key], marks=marks.get(key, ()), missed_count=missed_count(person, past[key].last_told_on, on))
        for key, person in people.items()
    }


def stands(delivery: Delivery) -> bool:
    """A day that was planned before stands, unless it was silent: then later papers may still fill it.

    Where a mail of that day may have arrived, it stands as well.
    """
    return delivery.state != DeliveryState.SKIPPED or delivery.uncertain_count > 0


def already_planned(planned: Planned) -> str | None:
    """Why no digest of that day is planned again, or None."""
    digest, delivery = planned
    if delivery is None or not stands(delivery):
        return None
    return f"the digest of {digest.on} is {delivery.state} already" + (f": {delivery.reason}" if delivery.reason else "")


def digest_again(session: Session, person: Subscriber, delivery: Delivery, board: Board) -> Digest:
    """The digest of a delivery that was planned before, from the papers it holds and the topics as they were then."""
    return board.read(session, delivery).digest(person, delivery)


def digest_for(session: Session, person: Subscriber, on: date) -> Planned:
    """What the person got on that day, or else would get."""
    ((digest, delivery),) = Planner(on).digests(session, [person])
    if delivery is not None and delivery.is_of_a_mail:
        return Planned(digest_again(session, person, delivery, topic_board(session)), delivery)
    return Planned(digest, delivery)
