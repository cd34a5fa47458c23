"""The digest of a delivery, as it was planned: from the papers and reasons that the delivery keeps. Pure.

A delivery from before there were plans is ordered anew; none of its papers falls out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from itertools import accumulate
from typing import Any

from service.compose.arrange import MOST_CARDS, MOST_LINES, sections
from service.compose.candidates import candidate, home, in_order
from service.models import (
    Delivery,
    Digest,
    DigestKind,
    Entry,
    LeftOut,
    LeftOutFor,
    Liking,
    Match,
    Paper,
    Pick,
    SecondLook,
    Standing,
    Subscriber,
    Theme,
    Topic,
    Week,
)

_MOST_CHOICES = 2_000  # of topics, kept for the next who made them
_PERSONAL = {"followed", "liking", "look"}  # what a plan tells of a pick that only one person has so


def kept_ids(delivery: Delivery) -> list[str]:
    """The papers that it takes to show the digest again."""
    return [*delivery.paper_ids, *(key for key, _, _ in delivery.plan.get("near", ()))]


class Archive:
    """Deliveries to their digests; made once for any number of them, which share their picks.

    `papers` by id, and `matches` of each, best first, with the topics given: both may grow, what they hold stays as it is.
    """

    def __init__(self, topics: Iterable[Topic], papers: Mapping[str, Paper], matches: Mapping[str, Sequence[Match]]) -> None:
        self._papers, self._matches = papers, matches
        self._by_slug = {topic.slug: topic for topic in topics}
        self._bits = {slug: 1 << place for place, slug in enumerate(self._by_slug)}
        self._choice = lru_cache(_MOST_CHOICES)(self._chosen)
        self._masks: dict[str, int] = {}
        self._picks: dict[tuple[object, ...], Pick] = {}

    def digest(self, person: Subscriber, delivery: Delivery) -> Digest:
        """For the topics chosen then."""
        topics, mask = self._choice(*delivery.topics)
        on, since = delivery.digest_on, delivery.since_on
        digest = Digest(person, on, since, topics, delivery.looked_at_count, covered_from=since)
        return self._as_planned(digest, delivery, mask) if delivery.plan else self._anew(digest, delivery, mask)

    def _chosen(self, *slugs: str) -> tuple[tuple[Topic, ...], int]:
        """The topics, and as a set of bits."""
        chosen = tuple([topic for slug, topic in self._by_slug.items() if slug in slugs])
        return chosen, sum([self._bits[topic.slug] for topic in chosen])

    def _anew(self, digest: Digest, delivery: Delivery, mask: int) -> Digest:
        stored = (candidate(self._unplanned(key, mask)) for key in delivery.paper_ids if key in self._papers)
        ranked = [found.pick for found in sorted(stored, key=in_order)]
        cards, below = ranked[:MOST_CARDS], ranked[MOST_CARDS:]
        shown = sections(self._by_slug, [(home(pick), pick) for pick in cards])
        return replace(digest, sections=shown, lines=tuple(below[:MOST_LINES]), unlisted=tuple(below[MOST_LINES:]))

    def _as_planned(self, digest: Digest, delivery: Delivery, mask: int) -> Digest:
        """A paper that is stored no more falls out, and what was planned around it stays where it was."""
        plan = delivery.plan
        told = [self._pick(key, mask, kept) for key, kept in zip(delivery.paper_ids, plan["picks"], strict=True)]
        lines, unlisted, slots = accumulate((plan["cards"], plan["lines"], plan["unlisted"]))
        in_slots = {pick.entry: pick for pick in _there(told[slots:])}
        near = [one for one in plan.get("near", ()) if one[0] in self._papers]
        return replace(
            digest,
            kind=DigestKind(plan["kind"]),
            covered_from=date.fromisoformat(plan["covered_from"]),
            sections=sections(self._by_slug, [(home(pick), pick) for pick in _there(told[:lines])]),
            lines=tuple(_there(told[lines:unlisted])),
            unlisted=tuple(_there(told[unlisted:slots])),
            second_look=in_slots.get(Entry.SECOND_LOOK),
            outside=in_slots.get(Entry.OUTSIDE),
            week=_week(plan["week"], _there(told)) if "week" in plan else None,
            silence=plan.get("silence"),
            left_out=tuple([LeftOut(self._unplanned(key, mask), LeftOutFor(cause), detail) for key, cause, detail in near]),
        )

    def _pick(self, paper_id: str, mask: int, kept: Mapping[str, Any]) -> Pick | None:
        """Those who were told the same reasons share it."""
        if paper_id not in self._papers:
            return None
        if not _PERSONAL.isdisjoint(kept):
            return self._made(paper_id, mask, kept)
        mask &= self._mask(paper_id)
        key = (paper_id, mask, *kept["at"], kept.get("near"), kept.get("entry"))
        return self._picks.get(key) or self._picks.setdefault(key, self._made(paper_id, mask, kept))

    def _made(self, paper_id: str, mask: int, kept: Mapping[str, Any]) -> Pick:
        pick = self._unplanned(paper_id, mask)
        pick.standing = standing = Standing._make((*kept["at"], kept.get("near")))
        if "entry" in kept:
            pick.entry = Entry(kept["entry"])
        pick.followed = tuple(kept.get("followed", ()))
        pick.liking = _liking(standing.liking, kept["liking"]) if "liking" in kept else None
        pick.second_look = _second_look(*kept["look"]) if "look" in kept else None
        return pick

    def _unplanned(self, paper_id: str, mask: int) -> Pick:
        """With what the paper's matches say."""
        own = tuple([match for match in self._matches.get(paper_id, ()) if self._bits.get(match.slug, 0) & mask])
        standing = Standing(own[0].score if own else 0.0)
        return Pick(self._papers[paper_id], own, standing, Entry.TOPIC if own else Entry.EARLIER)

    def _mask(self, paper_id: str) -> int:
        """The topics that the paper has to do with."""
        if paper_id not in self._masks:
            slugs = {match.slug for match in self._matches.get(paper_id, ())}
            self._masks[paper_id] = sum([self._bits.get(slug, 0) for slug in slugs])
        return self._masks[paper_id]


def _there(picks: Iterable[Pick | None]) -> list[Pick]:
    return [pick for pick in picks if pick]


def _liking(lift: float, kept: Mapping[str, Any]) -> Liking:
    return Liking(lift, tuple(kept["ids"]), tuple((term, part) for term, part in kept["terms"]))


def _second_look(first_on: str, upvotes_then: int, upvotes_now: int) -> SecondLook:
    return SecondLook(date.fromisoformat(first_on), upvotes_then, upvotes_now)


def _week(kept: Mapping[str, Any], picks: Sequence[Pick]) -> Week:
    by_id = {pick.paper.id: pick for pick in picks}
    return Week(
        days=tuple(date.fromisoformat(day) for day in kept["days"]),
        themes=tuple(Theme(tag, tuple(counts), usual) for tag, counts, usual in kept["themes"]),
        risers=tuple(by_id[key] for key in kept["risers"] if key in by_id),
        missed=tuple(pick for pick in picks if pick.entry is Entry.MISSED),
    )
