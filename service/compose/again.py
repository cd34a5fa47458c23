"""The digest of a delivery, as it was planned: from the papers and reasons that the delivery keeps. Pure.

A delivery from before there were plans is ordered anew; none of its papers falls out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache, partial

from service.compose.arrange import MOST_CARDS, MOST_LINES, sections
from service.compose.candidates import candidate, home, in_order
from service.models import (
    Delivery,
    Digest,
    Entry,
    KeptPick,
    KeptWeek,
    LeftOut,
    LeftOutFor,
    Liking,
    Match,
    Paper,
    Pick,
    Plan,
    Standing,
    Subscriber,
    Topic,
    Week,
    read_pick,
)

_MOST_PICKS = 10_000  # kept for the next who was told the same
_Placed = tuple[str | None, Pick]  # with its home (see `home`)
_Same = tuple[str, int, bytes]  # of those who were told the same: the paper, their topics that it is about, what is kept


def kept_ids(delivery: Delivery) -> list[str]:
    """The papers that it takes to show the digest again."""
    return [*delivery.paper_ids, *[near.paper_id for near in delivery.plan.near]]


class _Masks(dict[str, int]):
    """The topics that each paper has to do with, as a set of bits."""

    def __init__(self, bits: Mapping[str, int], matches: Mapping[str, Sequence[Match]]) -> None:
        self._bits, self._matches = bits, matches

    def __missing__(self, paper_id: str) -> int:
        """What is not read yet may be later."""
        if paper_id not in self._matches:
            return 0
        self[paper_id] = sum([self._bits[match.slug] for match in self._matches[paper_id]])
        return self[paper_id]


class Archive:
    """Deliveries to their digests; made once for any number of them, which share their picks.

    `papers` by id, and `matches` of each, best first, with the topics given: both may grow, what they hold stays as it is.
    """

    def __init__(self, topics: Iterable[Topic], papers: Mapping[str, Paper], matches: Mapping[str, Sequence[Match]]) -> None:
        self._papers, self._matches = papers, matches
        self._by_slug = {topic.slug: topic for topic in topics}
        self._bits = {slug: 1 << place for place, slug in enumerate(self._by_slug)}
        self._by_bit = {self._bits[slug]: topic for slug, topic in self._by_slug.items()}
        self._masks = _Masks(self._bits, matches)
        self._asking = [(self._bits[one.slug], one.minimum_upvotes) for one in self._by_slug.values() if one.minimum_upvotes]
        self._shared: dict[_Same, _Placed] = {}
        self._near_miss = lru_cache(_MOST_PICKS)(self._left_out)

    def digest(self, person: Subscriber, delivery: Delivery) -> Digest:
        """For the topics chosen then."""
        topics, mask = self._chosen(delivery.topics)
        begun = partial(Digest, person, delivery.digest_on, delivery.since_on, topics, delivery.looked_at_count)
        plan = delivery.plan
        if plan.covered_from is None:
            return self._anew(begun, delivery, mask)
        return self._as_planned(partial(begun, plan.covered_from), delivery.paper_ids, plan, mask)

    def _chosen(self, slugs: Iterable[str]) -> tuple[tuple[Topic, ...], int]:
        """The topics in the catalogue's order, and as a set of bits."""
        bits = sorted({self._bits[slug] for slug in slugs if slug in self._bits})
        return tuple([self._by_bit[bit] for bit in bits]), sum(bits)

    def _anew(self, begun: partial[Digest], delivery: Delivery, mask: int) -> Digest:
        stored = (candidate(self._unplanned(key, mask)) for key in delivery.paper_ids if key in self._papers)
        ranked = [found.pick for found in sorted(stored, key=in_order)]
        cards, below = ranked[:MOST_CARDS], ranked[MOST_CARDS:]
        return begun(
            covered_from=delivery.since_on,
            sections=sections(self._by_slug, [(home(pick), pick) for pick in cards]),
            lines=tuple(below[:MOST_LINES]),
            unlisted=tuple(below[MOST_LINES:]),
        )

    def _as_planned(self, begun: partial[Digest], paper_ids: Sequence[str], plan: Plan, mask: int) -> Digest:
        """A paper that is stored no more falls out, and what was planned around it stays where it was."""
        told = self._told(paper_ids, plan, mask)
        lines = plan.cards
        unlisted = lines + plan.lines
        slots = unlisted + plan.unlisted
        look, outside = _slots(told[slots:])
        return begun(
            plan.kind,
            sections=sections(self._by_slug, [one for one in told[:lines] if one]),
            lines=_picks(told[lines:unlisted]),
            unlisted=_picks(told[unlisted:slots]),
            second_look=look,
            outside=outside,
            week=_week(plan.week, _picks(told)) if plan.week else None,
            silence=plan.silence,
            left_out=self._near_misses(plan, mask),
        )

    def _told(self, paper_ids: Sequence[str], plan: Plan, mask: int) -> list[_Placed | None]:
        """What it planned, in its order; None for a paper that is stored no more. Those who were told the same share it."""
        shared, masks = self._shared, self._masks
        return [
            shared.get(same := (key, mask & masks[key], bytes(kept))) or self._placed(same)
            for key, kept in zip(paper_ids, plan.picks, strict=True)
        ]

    def _placed(self, same: _Same) -> _Placed | None:
        paper_id, mask, written = same
        if paper_id not in self._papers:
            return None
        kept = read_pick(written)
        pick = self._unplanned(paper_id, mask & ~self._asked_more(kept.up or 0))
        pick.standing = Standing._make((*kept.at, kept.near))
        if kept.entry is not Entry.TOPIC:
            pick.entry = kept.entry
        placed = home(pick), pick
        if not kept.is_personal:
            return self._keep(same, placed)
        pick.followed = kept.followed
        pick.liking = _liking(kept)
        pick.second_look = kept.look
        return placed

    def _asked_more(self, upvotes: int | None) -> int:
        """The topics that ask for more upvotes than a paper had then, as a set of bits: it may have enough by now."""
        return sum([bit for bit, least in self._asking if upvotes is not None and upvotes < least])

    def _keep(self, same: _Same, placed: _Placed) -> _Placed:
        if len(self._shared) >= _MOST_PICKS:
            self._shared.clear()
        self._shared[same] = placed
        return placed

    def _near_misses(self, plan: Plan, mask: int) -> tuple[LeftOut, ...]:
        near, masks, papers = self._near_miss, self._masks, self._papers
        return tuple(
            [
                near(kept.paper_id, mask & masks[kept.paper_id] & ~self._asked_more(kept.up), kept.cause, kept.detail)
                for kept in plan.near
                if kept.paper_id in papers
            ]
        )

    def _left_out(self, paper_id: str, mask: int, cause: LeftOutFor, detail: str) -> LeftOut:
        return LeftOut(self._unplanned(paper_id, mask), cause, detail)

    def _unplanned(self, paper_id: str, mask: int) -> Pick:
        """With what the paper's matches say."""
        own = tuple([match for match in self._matches.get(paper_id, ()) if self._bits[match.slug] & mask])
        standing = Standing(own[0].score if own else 0.0)
        return Pick(self._papers[paper_id], own, standing, Entry.TOPIC if own else Entry.EARLIER)


def _picks(told: Sequence[_Placed | None]) -> tuple[Pick, ...]:
    return tuple([one[1] for one in told if one])


def _slots(told: Sequence[_Placed | None]) -> tuple[Pick | None, Pick | None]:
    """The second look, and the paper outside the person's topics."""
    look = outside = None
    for pick in _picks(told):
        if pick.entry is Entry.SECOND_LOOK:
            look = pick
        elif pick.entry is Entry.OUTSIDE:
            outside = pick
    return look, outside


def _liking(kept: KeptPick) -> Liking | None:
    return Liking(kept.at[2], kept.liking.ids, kept.liking.terms) if kept.liking else None


def _week(kept: KeptWeek, picks: Sequence[Pick]) -> Week:
    by_id = {pick.paper.id: pick for pick in picks}
    return Week(
        days=kept.days,
        themes=kept.themes,
        risers=tuple(by_id[key] for key in kept.risers if key in by_id),
        missed=tuple(pick for pick in picks if pick.entry is Entry.MISSED),
    )
