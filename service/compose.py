"""Matches to one person's digest: chosen, ordered, explained. Pure.

Order: relevance (the best score among the person's topics), then upvotes, then id, so that the order of the input
changes nothing. A paper that fits two topics stands once, under the one that it fits best.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from service.models import Delivery, Digest, Entry, LeftOut, LeftOutFor, Match, Paper, Pick, Section, Standing, Subscriber, Topic

MOST_CARDS = 10
MOST_LINES = 40


def compose_digest(
    subscriber: Subscriber,
    papers: Sequence[Paper],
    matches: Mapping[str, Sequence[Match]],
    topics: Iterable[Topic],
    *,
    on: date,
    since: date,
) -> Digest:
    """Choose from the papers of the window that the person doesn't have yet.

    `matches` holds each paper's matches with every topic, by paper id.
    """
    chosen = tuple(topic for topic in topics if topic.slug in subscriber.topics)
    picks = _ordered(_pick(paper, matches, chosen) for paper in papers)
    passed = [pick for pick in picks if pick.chips]
    left_out = tuple(LeftOut(pick, LeftOutFor.BELOW_TOPIC, "") for pick in picks if pick.matches and not pick.chips)
    digest = Digest(subscriber, on, since, chosen, looked_at_count=len(papers), covered_from=since, left_out=left_out)
    return _arranged(digest, passed) if passed else replace(digest, silence=_silence(digest))


def compose_again(
    subscriber: Subscriber,
    delivery: Delivery,
    papers: Iterable[Paper],
    matches: Mapping[str, Sequence[Match]],
    topics: Iterable[Topic],
) -> Digest:
    """The digest that was planned as this delivery, for the topics chosen then; none of its papers falls out."""
    chosen = tuple(topic for topic in topics if topic.slug in delivery.topics)
    picks = _ordered(_pick(paper, matches, chosen) for paper in papers)
    on, since = delivery.digest_on, delivery.since_on
    return _arranged(Digest(subscriber, on, since, chosen, delivery.looked_at_count, covered_from=since), picks)


def _arranged(digest: Digest, picks: Sequence[Pick]) -> Digest:
    """Full cards by topic, the topic of the strongest paper first; then one-liners; the rest is counted."""
    return replace(
        digest,
        sections=_sections(digest.topics, picks[:MOST_CARDS]),
        lines=tuple(picks[MOST_CARDS : MOST_CARDS + MOST_LINES]),
        unlisted=tuple(picks[MOST_CARDS + MOST_LINES :]),
    )


def _pick(paper: Paper, matches: Mapping[str, Sequence[Match]], topics: Iterable[Topic]) -> Pick:
    own = _matches_in(matches.get(paper.id, ()), topics)
    return Pick(paper, own, Standing(own[0].score if own else 0.0), Entry.TOPIC if own else Entry.EARLIER)


def _matches_in(matches: Iterable[Match], topics: Iterable[Topic]) -> tuple[Match, ...]:
    """The person's own: those above their topics' thresholds first, each kind strongest first."""
    slugs = {topic.slug for topic in topics}
    return tuple(sorted((m for m in matches if m.slug in slugs), key=lambda m: (not m.is_above, -m.score, m.slug)))


def _ordered(picks: Iterable[Pick]) -> list[Pick]:
    def rank(pick: Pick) -> tuple[float, int, str]:
        return (-pick.standing.strength, -(pick.paper.upvotes or 0), pick.paper.id)

    return sorted(picks, key=rank)


def _sections(topics: Sequence[Topic], picks: Iterable[Pick]) -> tuple[Section, ...]:
    grouped: dict[str | None, list[Pick]] = {}
    for pick in picks:
        grouped.setdefault(pick.matches[0].slug if pick.matches else None, []).append(pick)
    named = {topic.slug: topic for topic in topics}
    return tuple(Section(named.get(slug) if slug else None, tuple(group)) for slug, group in grouped.items())


def _silence(digest: Digest) -> str:
    near_count = len(digest.near_misses)
    days = f"{digest.since}" if digest.since == digest.on else f"{digest.since} to {digest.on}"
    if not digest.topics:
        return "no topics are chosen"
    if not digest.looked_at_count:
        return f"no new papers from {days}"
    looked = f"{digest.looked_at_count} new {'paper' if digest.looked_at_count == 1 else 'papers'} looked at, none above the bar"
    return f"{looked}, {near_count or 'no'} near {'miss' if near_count == 1 else 'misses'}"
