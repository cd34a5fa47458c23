"""What all digests of one day share: the papers, whom each fits, how fast upvotes come, what is alike. Pure.

It is made once for any number of people, and what is worked out for one is kept for the next: a digest is then little more
than a few operations on sets of ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cached_property

from service.compose.candidates import Candidate, Candidates, Choice, Choosable, Ids, News, upvotes_an_hour
from service.compose.likeness import Likeness
from service.compose.week import themes
from service.compose.wording import wording, written
from service.models import Entry, Match, Paper, Pick, Theme, Topic, listed_days
from service.words import folded, runs, tokens

RISEN_BY, RISEN_TIMES = 50, 3  # upvotes since the person had it, the least for a second look
LEAST_VELOCITY = 5.0  # upvotes a day
LEAST_READ = 0.5  # upvotes an hour
_LONGEST_ORGANIZATION = 12  # words


class Pool:
    def __init__(
        self,
        topics: Iterable[Topic],
        papers: Iterable[Paper],
        matches: Mapping[str, tuple[Match, ...]],
        *,
        on: date,
        marked: Iterable[Paper] = (),
        earlier: Iterable[Paper] = (),
    ) -> None:
        """`matches` holds each paper's and each marked one's matches and near misses with every topic, best first, by paper id.

        `earlier` are papers of the five weeks that end `on`, from which weekly digests tell what is usual.
        """
        self.on = on
        self.topics = tuple(topics)
        self.papers = {paper.id: paper for paper in sorted(papers, key=lambda paper: paper.id)}
        self.marked = tuple(marked)
        self.earlier = tuple(earlier)
        self._all_matches = matches
        self.matches = {key: matches.get(key, ()) for key in self.papers}
        self.by_slug = {topic.slug: topic for topic in self.topics}
        self.momentum = {key: upvotes_an_hour(paper, on) for key, paper in self.papers.items()}  # upvotes an hour
        self._choosable = {topic.slug: Choosable(1 << place, topic.slug, topic) for place, topic in enumerate(self.topics)}
        self._candidates = {
            key: Candidates(paper, self.matches[key], self.momentum[key], self._choosable) for key, paper in self.papers.items()
        }
        self._since: dict[date, Ids] = {}
        self._news: dict[tuple[date, date, datetime | None], News] = {}
        self._holding: dict[str, Ids] = {}
        self._named: dict[str, Ids] = {}

    def choice(self, slugs: Iterable[str]) -> Choice:
        """A person's topics; what is no topic any more is left out."""
        chosen = sorted([self._choosable[slug] for slug in set(slugs) if slug in self._choosable])
        if not chosen:
            return Choice((), (), 0)
        bits, found, topics = zip(*chosen, strict=True)
        return Choice(found, topics, sum(bits))

    def candidates(self, ids: Iterable[str], mask: int) -> list[Candidate]:
        """The papers as they stand for those who chose the topics of `mask`."""
        return [found[mask & found.mask] for found in map(self._candidates.__getitem__, ids)]

    @cached_property
    def outside(self) -> Mapping[str, Pick]:
        """The papers read enough to be shown to whom they don't concern, for the slot outside the topics."""
        return {key: replace(self._candidates[key][0].pick, entry=Entry.OUTSIDE) for key in self.read}

    @cached_property
    def missed(self) -> Mapping[str, Pick]:
        """The same papers, for what a week's reader missed."""
        return {key: replace(pick, entry=Entry.MISSED) for key, pick in self.outside.items()}

    def _by_topic(self, window: Ids, new: Ids) -> Mapping[str, Ids]:
        found: dict[str, set[str]] = defaultdict(set)
        for key in window:
            for match in self.matches[key]:
                if match.is_above or key in new:
                    found[match.slug].add(key)
        return {slug: frozenset(found[slug]) for slug in self.by_slug}

    @cached_property
    def risen(self) -> Mapping[str, int]:
        """Those that can have taken off since somebody had them: with how many upvotes then, at most.

        A paper took off when its upvotes have at least tripled, by 50 or more.
        """
        return {key: min(now // RISEN_TIMES, now - RISEN_BY) for key, now in self.upvotes.items() if now >= RISEN_BY}

    @cached_property
    def read(self) -> Ids:
        """Those read enough to be shown to whom they don't concern."""
        return frozenset(key for key, speed in self.momentum.items() if speed >= LEAST_READ)

    @cached_property
    def fast(self) -> Mapping[str, float]:
        """Those whose upvotes come fast now, with their upvotes a day."""
        speeds = {key: paper.velocity or 0.0 for key, paper in self.papers.items()}
        return {key: speed for key, speed in speeds.items() if speed >= LEAST_VELOCITY}

    @cached_property
    def likeness(self) -> Likeness:
        return Likeness(self.papers.values(), self.marked, self._all_matches)

    @cached_property
    def repeated(self) -> Ids:
        """Those that are much the same as others."""
        return frozenset(self.likeness.same)

    @cached_property
    def week(self) -> tuple[date, ...]:
        """The days of the week that ends `on`, those with lists."""
        return listed_days(self.on - timedelta(days=6), self.on)

    @cached_property
    def themes(self) -> tuple[Theme, ...]:
        """None where the weeks before are not known."""
        return themes(self.earlier, self.week)

    @cached_property
    def upvotes(self) -> Mapping[str, int]:
        return {key: paper.upvotes or 0 for key, paper in self.papers.items()}

    def since(self, day: date) -> Ids:
        """Those featured from that day on."""
        if day not in self._since:
            self._since[day] = frozenset(key for key, paper in self.papers.items() if day <= paper.featured_on <= self.on)
        return self._since[day]

    def news(self, since: date, covered_from: date, looked_at: datetime | None) -> News:
        """Of those featured from `since` on, what no digest looked at before `covered_from`, the last of them at `looked_at`."""
        key = (since, covered_from, looked_at)
        if key not in self._news:
            window = self.since(since)
            late = [key for key in window if looked_at is not None and self.papers[key].first_seen_at > looked_at]
            ids = self.since(covered_from).union(late)
            read = sorted(ids & self.read, key=lambda key: (-self.upvotes[key], key))
            most_read = tuple([(key, self._candidates[key].mask) for key in read])
            self._news[key] = News(ids, self._by_topic(window, ids), most_read)
        return self._news[key]

    def holding(self, phrase: str) -> Ids:
        """The papers that hold the phrase in title, keywords or abstract, as whole words, whatever their case or plural."""
        if phrase not in self._holding:
            words = written(tokens(phrase))
            self._holding[phrase] = frozenset(key for key, paper in self.papers.items() if words in wording(paper).text)
        return self._holding[phrase]

    def by_name(self, name: str) -> Ids:
        """The papers of an author of that name, or of an organisation that has it in its own."""
        if name not in self._named:
            none: Ids = frozenset()
            self._named[name] = self._authors.get(folded(name), none) | self._organizations.get(tokens(name), none)
        return self._named[name]

    @cached_property
    def _authors(self) -> Mapping[str, Ids]:
        found: dict[str, set[str]] = defaultdict(set)
        for key, paper in self.papers.items():
            for author in paper.authors or ():
                found[folded(author)].add(key)
        return {name: frozenset(ids) for name, ids in found.items()}

    @cached_property
    def _organizations(self) -> Mapping[tuple[str, ...], Ids]:
        """By every run of words of the name."""
        found: dict[tuple[str, ...], set[str]] = defaultdict(set)
        for key, paper in self.papers.items():
            for run in runs(tokens(paper.organization or "")[:_LONGEST_ORGANIZATION], _LONGEST_ORGANIZATION):
                found[run].add(key)
        return {run: frozenset(ids) for run, ids in found.items()}
