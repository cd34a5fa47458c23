"""The digest of a delivery, as it was planned: from the papers and reasons that the delivery keeps. Pure.

A delivery from before there were plans is ordered anew; none of its papers falls out.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import lru_cache
from typing import Any

from service.compose.arrange import MOST_CARDS, MOST_LINES, sections
from service.compose.candidates import candidate, in_order
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


def compose_again(
    person: Subscriber,
    delivery: Delivery,
    papers: Iterable[Paper],
    matches: Mapping[str, Sequence[Match]],
    topics: Iterable[Topic],
) -> Digest:
    """For the topics chosen then. `papers` are those that `kept_ids` names; `matches` are by paper, best first."""
    chosen = tuple([topic for topic in topics if topic.slug in delivery.topics])
    slugs = {topic.slug for topic in chosen}
    picks = {paper.id: _pick(paper, matches.get(paper.id, ()), slugs) for paper in papers}
    on, since = delivery.digest_on, delivery.since_on
    digest = Digest(person, on, since, chosen, delivery.looked_at_count, covered_from=since)
    return _as_planned(digest, delivery, picks) if delivery.plan else _anew(digest, delivery, picks)


def kept_ids(delivery: Delivery) -> list[str]:
    """The papers that it takes to show the digest again."""
    return [*delivery.paper_ids, *(key for key, _, _ in delivery.plan.get("near", ()))]


def _pick(paper: Paper, matches: Iterable[Match], slugs: Collection[str]) -> Pick:
    own = tuple([match for match in matches if match.slug in slugs])
    return Pick(paper, own, _standing(own[0].score if own else 0.0), Entry.TOPIC if own else Entry.EARLIER)


_standing = lru_cache(maxsize=10_000)(Standing)  # many papers stand alike for many people


def _anew(digest: Digest, delivery: Delivery, picks: Mapping[str, Pick]) -> Digest:
    stored = (candidate(picks[key]) for key in delivery.paper_ids if key in picks)
    ranked = sorted(stored, key=in_order)
    cards, below = ranked[:MOST_CARDS], [found.pick for found in ranked[MOST_CARDS:]]
    shown = sections({topic.slug: topic for topic in digest.topics}, cards)
    return replace(digest, sections=shown, lines=tuple(below[:MOST_LINES]), unlisted=tuple(below[MOST_LINES:]))


def _as_planned(digest: Digest, delivery: Delivery, picks: Mapping[str, Pick]) -> Digest:
    """A paper that is stored no more falls out, and what was planned around it stays where it was."""
    plan = delivery.plan
    told = [_as_kept(picks[key], kept) if key in picks else None for key, kept in _told(delivery)]
    cards, lines, unlisted = plan["cards"], plan["lines"], plan["unlisted"]
    slots = {pick.entry: pick for pick in _there(told[cards + lines + unlisted :])}
    near = (LeftOut(picks[key], LeftOutFor(cause), detail) for key, cause, detail in plan.get("near", ()) if key in picks)
    return replace(
        digest,
        kind=DigestKind(plan["kind"]),
        covered_from=date.fromisoformat(plan["covered_from"]),
        sections=sections({topic.slug: topic for topic in digest.topics}, map(candidate, _there(told[:cards]))),
        lines=tuple(_there(told[cards : cards + lines])),
        unlisted=tuple(_there(told[cards + lines : cards + lines + unlisted])),
        second_look=slots.get(Entry.SECOND_LOOK),
        outside=slots.get(Entry.OUTSIDE),
        week=_week(plan["week"], _there(told)) if "week" in plan else None,
        silence=plan.get("silence"),
        left_out=tuple(near),
    )


def _told(delivery: Delivery) -> Iterable[tuple[str, dict[str, Any]]]:
    return zip(delivery.paper_ids, delivery.plan["picks"], strict=True)


def _there(picks: Iterable[Pick | None]) -> list[Pick]:
    return [pick for pick in picks if pick]


def _as_kept(pick: Pick, kept: Mapping[str, Any]) -> Pick:
    standing = _standing(*kept["at"], kept.get("near"))
    look = kept.get("look")
    return Pick(
        pick.paper,
        pick.matches,
        standing,
        Entry(kept["entry"]) if "entry" in kept else pick.entry,
        tuple(kept.get("followed", ())),
        _liking(standing.liking, kept["liking"]) if "liking" in kept else None,
        SecondLook(date.fromisoformat(look[0]), look[1], look[2]) if look else None,
    )


def _liking(lift: float, kept: Mapping[str, Any]) -> Liking:
    return Liking(lift, tuple(kept["ids"]), tuple((term, part) for term, part in kept["terms"]))


def _week(kept: Mapping[str, Any], picks: Sequence[Pick]) -> Week:
    by_id = {pick.paper.id: pick for pick in picks}
    return Week(
        days=tuple(date.fromisoformat(day) for day in kept["days"]),
        themes=tuple(Theme(tag, tuple(counts), usual) for tag, counts, usual in kept["themes"]),
        risers=tuple(by_id[key] for key in kept["risers"] if key in by_id),
        missed=tuple(pick for pick in picks if pick.entry is Entry.MISSED),
    )
