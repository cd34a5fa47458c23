"""Change topics, look back with them, and measure them. Touches the session it is given.

A topic that was written down gets its expansion here, from its description and its example papers, whenever it changes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session

from service.errors import WrongUse
from service.match import match_papers, phrasebook, score_papers, trace_of
from service.match.best import best_papers
from service.match.expansion import background_with, made_expansion
from service.match.measure import Label
from service.models import Match, Paper, ParsedPaper, SubscriberState, Support, Topic, Trace
from service.store.papers import newest_featured_on, papers_by_id, papers_featured
from service.store.subscribers import all_subscribers
from service.store.topics import SHIPPED_BY, all_topics, put_topics, topic_at, topic_versions

_RENEWED_AFTER = timedelta(days=30)
_HISTORY = timedelta(days=90)  # whose words an expansion is weighed by, besides the shipped frequencies


@dataclass(frozen=True, slots=True)
class Changed:
    """A paper that a change of a topic brings in or puts out, and what is responsible."""

    paper: Paper
    before: Trace
    after: Trace
    because: str


class Readers(NamedTuple):
    """The topic's active subscribers, and how many of them would see other papers among their best ten of the last day."""

    all: int
    changed: int


@dataclass(frozen=True, slots=True)
class Replay:
    """What two versions of a topic find among the same papers."""

    since: date
    until: date
    gained: tuple[Changed, ...]
    lost: tuple[Changed, ...]
    unchanged: tuple[Paper, ...]
    days: dict[date, tuple[int, int]]  # papers found before and after, by day with papers
    readers: Readers


def save_topics(session: Session, topics: Sequence[Topic], *, author: str, reason: str, now: datetime) -> dict[str, int]:
    """Store topics, with an expansion for those that have none. Counts by `new`, `changed` and `unchanged`."""
    expand(session, topics)
    return put_topics(session, topics, author=author, reason=reason, now=now)


def expand(session: Session, topics: Sequence[Topic]) -> None:
    """Give an expansion to those that have none."""
    bare = [topic for topic in topics if not topic.expansion]
    if not bare:
        return
    background = background_with(_history(session))
    for topic in bare:
        relevant, irrelevant = (papers_by_id(session, ids) for ids in (topic.relevant_ids, topic.irrelevant_ids))
        topic.expansion = made_expansion(topic, relevant, irrelevant, background)


def renew_expansions(session: Session, now: datetime) -> int:
    """Weigh anew, by what was stored since, the words added to topics that nobody changed for a month. Answers how many changed.

    A score's document frequencies stand in these weights. So they follow the stored history, and yet every score can be worked
    out again: what changes makes a version. Weights that were learned for the shipped topics stay as they are.
    """
    written = [topic for topic in all_topics(session) if topic.prior is None]
    due = [topic for topic in written if now - topic_versions(session, topic.slug)[0].made_at > _RENEWED_AFTER]
    renewed = [topic.model_copy(update={"expansion": {}}) for topic in due]
    counts = save_topics(session, renewed, author=SHIPPED_BY, reason="words weighed by the papers stored since", now=now)
    return counts["changed"]


def known_version(session: Session, slug: str, version: int) -> Topic:
    """Raises WrongUse where there is no such version."""
    found = topic_at(session, slug, version)
    if found is None:
        raise WrongUse(f"{slug} has no version {version}: `paperround topics versions {slug}` tells them")
    return found


def roll_back(session: Session, slug: str, version: int, *, author: str, reason: str, now: datetime) -> bool:
    """Make an earlier version the newest again, as a version of its own; answers whether that changed anything."""
    earlier = known_version(session, slug, version)
    return put_topics(session, [earlier], author=author, reason=reason, now=now)["changed"] > 0


def explain(paper: Paper | ParsedPaper, topic: Topic) -> Trace:
    """The computation of the paper's score for the topic, whatever came out."""
    book = phrasebook([topic])
    return trace_of(score_papers([paper], book), book, 0, 0)


def replay(session: Session, before: Topic, after: Topic, *, days: int) -> Replay:
    """The stored papers of the last days that have any, judged by both."""
    until = newest_featured_on(session)
    if until is None:
        raise WrongUse("there are no papers to test with: bring some in with `paperround fetch`")
    since = until - timedelta(days=days - 1)
    papers = papers_featured(session, since, until)
    found = [_above(papers, topic) for topic in (before, after)]
    gained = [_changed(paper, before, after) for paper in papers if paper.id in found[1].keys() - found[0].keys()]
    lost = [_changed(paper, before, after) for paper in papers if paper.id in found[0].keys() - found[1].keys()]
    unchanged = tuple(paper for paper in papers if paper.id in found[0].keys() & found[1].keys())
    volume = {
        day: tuple(sum(paper.featured_on == day and paper.id in one for paper in papers) for one in found)
        for day in sorted({paper.featured_on for paper in papers})
    }
    readers = _readers(session, [paper for paper in papers if paper.featured_on == until], before, after)
    return Replay(since, until, tuple(gained), tuple(lost), unchanged, {day: (n[0], n[1]) for day, n in volume.items()}, readers)


def _readers(session: Session, papers: Sequence[Paper], before: Topic, after: Topic) -> Readers:
    topics = [topic for topic in all_topics(session) if topic.slug != after.slug]
    places = {topic.slug: place for place, topic in enumerate([*topics, after])}
    people = [
        [places[slug] for slug in person.topics if slug in places]
        for person in all_subscribers(session)
        if person.state == SubscriberState.ACTIVE and after.slug in person.topics
    ]
    widest = max(map(len, people), default=0)
    choices = np.array([[*chosen, *[-1] * (widest - len(chosen))] for chosen in people], np.int64)
    scores = [_scores_above(papers, [*topics, one]) for one in (before, after)]
    pairs = zip(*(best_papers(some, choices) for some in scores), strict=True)
    return Readers(len(people), sum(int((was != now).any(axis=1).sum()) for was, now in pairs))


def _scores_above(papers: Sequence[Paper], topics: Sequence[Topic]) -> NDArray[np.float64]:
    scores = score_papers(papers, phrasebook(topics)).scores
    return np.where(scores >= np.array([topic.threshold for topic in topics]), scores, 0.0)


def example_labels(session: Session, topics: Collection[Topic]) -> list[Label]:
    """The topics' own example papers as labels: what is said of none of them counts neither way."""
    slugs = frozenset(topic.slug for topic in topics)
    yes: dict[str, set[str]] = {}
    no: dict[str, set[str]] = {}
    for topic in topics:
        for ids, told in ((topic.relevant_ids, yes), (topic.irrelevant_ids, no)):
            for identity in ids:
                told.setdefault(identity, set()).add(topic.slug)
    papers = papers_by_id(session, yes.keys() | no.keys())
    return [
        Label(paper.id, f"{paper.featured_on}", paper, frozenset(said), slugs - said - no.get(paper.id, set()))
        for paper in papers
        for said in [yes.get(paper.id, set())]
    ]


def _history(session: Session) -> list[Paper]:
    newest = newest_featured_on(session)
    return papers_featured(session, newest - _HISTORY, newest) if newest else []


def _above(papers: Sequence[Paper], topic: Topic) -> dict[str, Match]:
    matches = match_papers(papers, phrasebook([topic]))
    return {paper.id: found[0] for paper, found in zip(papers, matches, strict=True) if found and found[0].is_above}


def _changed(paper: Paper, before: Topic, after: Topic) -> Changed:
    traces = explain(paper, before), explain(paper, after)
    return Changed(paper, *traces, because=_because(*traces, before, after))


def _because(was: Trace, now: Trace, before: Topic, after: Topic) -> str:
    """A veto, or the phrase whose part in the score changed most; else the threshold. Nothing is found without a reason."""
    if was.veto != now.veto:
        return now.veto or f"no longer {was.veto}"
    parts: dict[tuple[str, Support], float] = {}
    for trace, sign in ((was, -1), (now, 1)):
        for reason in trace.reasons:
            key = (reason.phrase, reason.support)
            parts[key] = parts.get(key, 0.0) + sign * reason.weight
    (phrase, support), change = max(parts.items(), key=lambda part: abs(part[1]))
    if abs(change) < 1e-9:
        return f"threshold {before.threshold:g} to {after.threshold:g}"
    return f'{support} "{phrase}" {change:+.2f}'
