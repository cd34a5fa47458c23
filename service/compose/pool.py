"""What all digests of one day share: the papers, whom each fits, how fast upvotes come, what is alike. Pure.

It is made once for any number of people, and what is worked out for one is kept for the next: a digest is then little more
than a few operations on sets of ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import NamedTuple

from service.compose.likeness import Likeness
from service.compose.week import listed_days, themes
from service.models import Entry, Match, Paper, Pick, Standing, Theme, Topic
from service.words import folded, tokens

FAINT = 0.2  # a match of a lower score says nothing
MOMENTUM_LIFT = 0.15  # the most that upvotes an hour can lift
HALF_LIFT_AT = 2.0  # upvotes an hour
SAME_FROM = 0.5  # the cosine of the words from which two papers are much the same

Ids = frozenset[str]


class Candidate(NamedTuple):
    """A paper as it stands for all who chose the same of its topics. Sorted, the strongest comes first."""

    order: tuple[float, int, str]
    pick: Pick


def candidate(pick: Pick) -> Candidate:
    """Strongest first, then most upvotes, then by id."""
    return Candidate((-pick.standing.strength, -(pick.paper.upvotes or 0), pick.paper.id), pick)


class Pool:
    def __init__(
        self,
        topics: Iterable[Topic],
        papers: Iterable[Paper],
        matches: Mapping[str, Sequence[Match]],
        *,
        on: date,
        marked: Iterable[Paper] = (),
        earlier: Iterable[Paper] = (),
    ) -> None:
        """`matches` holds each paper's and each marked one's matches with every topic, by paper id.

        `earlier` are papers of the five weeks that end `on`, from which weekly digests tell what is usual.
        """
        self.on = on
        self.topics = tuple(topics)
        self.papers = {paper.id: paper for paper in sorted(papers, key=lambda paper: paper.id)}
        self.marked = {paper.id: paper for paper in marked}
        self.earlier = tuple(earlier)
        self._all_matches = matches
        self.matches = {key: telling(matches.get(key, ())) for key in self.papers}
        self._bits = {topic.slug: 1 << place for place, topic in enumerate(self.topics)}
        self._masks = {key: self.mask(match.slug for match in found) for key, found in self.matches.items()}
        self._bars = {topic.slug: topic.threshold for topic in self.topics}
        self._candidates: dict[tuple[str, int], Candidate] = {}
        self._since: dict[date, Ids] = {}
        self._new: dict[tuple[date, datetime | None], Ids] = {}
        self._holding: dict[str, Ids] = {}
        self._named: dict[str, Ids] = {}

    def mask(self, slugs: Iterable[str]) -> int:
        """A set of topics as a number."""
        return sum(self._bits.get(slug, 0) for slug in slugs)

    def candidate(self, paper_id: str, mask: int) -> Candidate:
        """The paper as it stands for those who chose the topics of `mask`."""
        key = (paper_id, mask & self._masks[paper_id])
        found = self._candidates.get(key)
        if found is None:
            found = self._candidates[key] = self._candidate(*key)
        return found

    def _candidate(self, paper_id: str, mask: int) -> Candidate:
        own = tuple(match for match in self.matches[paper_id] if self._bits.get(match.slug, 0) & mask)
        place = Standing(relevance=own[0].score if own else 0.0, momentum=momentum_lift(self.momentum[paper_id]))
        return candidate(Pick(self.papers[paper_id], own, place, Entry.TOPIC if own else Entry.EARLIER))

    @cached_property
    def above(self) -> Mapping[str, Ids]:
        """By topic, the papers above its bar."""
        return self._by_topic(is_above=True)

    @cached_property
    def close(self) -> Mapping[str, Ids]:
        """By topic, the papers that have to do with it."""
        return self._by_topic(is_above=False)

    def _by_topic(self, *, is_above: bool) -> Mapping[str, Ids]:
        found: dict[str, set[str]] = defaultdict(set)
        for key, matches in self.matches.items():
            for match in matches:
                if match.is_above or not is_above:
                    found[match.slug].add(key)
        return {topic.slug: frozenset(found[topic.slug]) for topic in self.topics}

    @cached_property
    def momentum(self) -> Mapping[str, float]:
        """Upvotes an hour, by paper."""
        return {key: upvotes_an_hour(paper, self.on) for key, paper in self.papers.items()}

    @cached_property
    def rank(self) -> Mapping[str, int]:
        """Each paper's place by upvotes, from 0."""
        most_read = sorted(self.papers, key=lambda key: (-(self.papers[key].upvotes or 0), key))
        return {key: place for place, key in enumerate(most_read)}

    @cached_property
    def likeness(self) -> Likeness:
        return Likeness(self.papers.values(), self.marked.values(), self._all_matches)

    @cached_property
    def same(self) -> Mapping[str, Ids]:
        """Papers that are much the same as others, with those."""
        found: dict[str, set[str]] = defaultdict(set)
        for key in self.papers:
            for other, cosine in self.likeness.by_words(key).items():
                if other != key and cosine >= SAME_FROM:
                    found[key].add(other)
        return {key: frozenset(others) for key, others in found.items()}

    @cached_property
    def same_ids(self) -> Ids:
        return frozenset(self.same)

    @cached_property
    def week(self) -> tuple[date, ...]:
        """The days of the week that ends `on`, those with lists."""
        return listed_days(self.on - timedelta(days=6), self.on)

    @cached_property
    def themes(self) -> tuple[Theme, ...]:
        """None where the weeks before are not known."""
        return themes(self.earlier, self.week)

    def bar(self, slug: str) -> float:
        return self._bars[slug]

    def since(self, day: date) -> Ids:
        """Those featured from that day on."""
        if day not in self._since:
            self._since[day] = frozenset(key for key, paper in self.papers.items() if day <= paper.featured_on <= self.on)
        return self._since[day]

    def new(self, day: date, looked_at: datetime | None) -> Ids:
        """Those that no digest looked at before `day`, the last of them at `looked_at`: featured since, or stored since."""
        key = (day, looked_at)
        if key not in self._new:
            late = (key for key, paper in self.papers.items() if looked_at is not None and paper.first_seen_at > looked_at)
            self._new[key] = self.since(day).union(late)
        return self._new[key]

    def holding(self, phrase: str) -> Ids:
        """The papers that hold the phrase in title, keywords or abstract, as whole words, whatever their case or plural."""
        if phrase not in self._holding:
            run = _run(phrase)
            self._holding[phrase] = frozenset(key for key, text in self._texts.items() if run in text)
        return self._holding[phrase]

    @cached_property
    def _texts(self) -> Mapping[str, str]:
        return {
            key: "|".join(map(_run, [paper.title, paper.abstract or "", *(paper.source_keywords or ())]))
            for key, paper in self.papers.items()
        }

    def by_name(self, name: str) -> Ids:
        """The papers of an author of that name, or of an organisation that has it in its own."""
        if name not in self._named:
            of_author = self._authors.get(folded(name), frozenset())
            run = _run(name)
            self._named[name] = of_author.union(*(ids for place, ids in self._organizations.items() if run in place))
        return self._named[name]

    @cached_property
    def _authors(self) -> Mapping[str, Ids]:
        found: dict[str, set[str]] = defaultdict(set)
        for key, paper in self.papers.items():
            for author in paper.authors or ():
                found[folded(author)].add(key)
        return {name: frozenset(ids) for name, ids in found.items()}

    @cached_property
    def _organizations(self) -> Mapping[str, Ids]:
        found: dict[str, set[str]] = defaultdict(set)
        for key, paper in self.papers.items():
            found[_run(paper.organization or "")].add(key)
        return {name: frozenset(ids) for name, ids in found.items()}


def upvotes_an_hour(paper: Paper, on: date) -> float:
    """Lately, or since the day it was featured began, whichever is more; `on` ends at midnight in UTC."""
    begin = datetime.combine(paper.featured_on, time(), UTC)
    age = datetime.combine(on, time(), UTC) + timedelta(days=1) - begin
    return max((paper.upvotes or 0) / max(age / timedelta(hours=1), 1.0), (paper.velocity or 0.0) / 24, 0.0)


def momentum_lift(upvotes_an_hour: float) -> float:
    return MOMENTUM_LIFT * upvotes_an_hour / (upvotes_an_hour + HALF_LIFT_AT)


def telling(matches: Iterable[Match]) -> tuple[Match, ...]:
    """Those that say something; above the topics' bars first, each kind strongest first."""
    found = (match for match in matches if match.is_above or match.score >= FAINT)
    return tuple(sorted(found, key=lambda match: (not match.is_above, -match.score, match.slug)))


def _run(text: str) -> str:
    """Its words with a blank around each, so that whole words are found in it."""
    return f" {' '.join(tokens(text))} "
