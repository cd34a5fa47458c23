"""Who is in and who is out, of the papers of a person's window that they don't have yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from service.compose.pool import Ids, Pool
from service.models import LeftOut, LeftOutFor, Pick, Subscriber


@dataclass(frozen=True, slots=True)
class Passing:
    passed: Ids
    followed: Ids  # of them, those by somebody whom the person follows
    close: Ids  # new papers that have to do with the person's topics, in or out
    muted: Ids


def passing(person: Subscriber, pool: Pool, slugs: Iterable[str], *, fresh: Ids, new: Ids) -> Passing:
    """In is what is above the bar of one of the topics `slugs`, and above the person's own; and what is by somebody followed.

    What holds a muted phrase is out, whoever wrote it.
    """
    above, close = _union(pool.above, slugs) & fresh, _union(pool.close, slugs) & new
    if person.minimum_score:
        above = frozenset(key for key in above if _best_score(pool, key, slugs) >= person.minimum_score)
    followed = frozenset[str]().union(*map(pool.by_name, person.followed)) & fresh
    muted = frozenset[str]().union(*map(pool.holding, person.muted))
    return Passing((above | followed) - muted, followed - muted, close | (followed & new), muted)


def left_out(person: Subscriber, pool: Pool, mask: int, found: Passing) -> tuple[LeftOut, ...]:
    """The new papers of the person's topics that are not in, strongest first, each with its reason."""
    outs = sorted(pool.candidate(key, mask) for key in found.close - found.passed)
    return tuple(_left_out(person, pool, out.pick, found) for out in outs)


def _left_out(person: Subscriber, pool: Pool, pick: Pick, found: Passing) -> LeftOut:
    if pick.paper.id in found.muted:
        phrase = next(phrase for phrase in person.muted if pick.paper.id in pool.holding(phrase))
        return LeftOut(pick, LeftOutFor.MUTED, phrase)
    if pick.chips:
        return LeftOut(pick, LeftOutFor.BELOW_MINIMUM, f"{pick.matches[0].score:.2f} of {person.minimum_score:.2f}")
    best = pick.matches[0]
    return LeftOut(pick, LeftOutFor.BELOW_TOPIC, f"{best.score:.2f} of {pool.bar(best.slug):.2f}")


def _best_score(pool: Pool, paper_id: str, slugs: Iterable[str]) -> float:
    return max((match.score for match in pool.matches[paper_id] if match.is_above and match.slug in slugs), default=0.0)


def _union(by_topic: Mapping[str, Ids], slugs: Iterable[str]) -> Ids:
    return frozenset[str]().union(*(by_topic[slug] for slug in slugs))
