"""The order of a digest: each pick's strength, and much the same papers kept apart. Pure.

Strength is relevance (0 to 1), and on top of it what the reader's marks say (-2 to 2), somebody followed (0.5), and upvotes
an hour (0 to 0.15). A paper that is much the same as a stronger one loses 0.25, so that both don't stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from service.compose.candidates import Candidate, Ids, candidate
from service.compose.pool import Pool
from service.compose.taste import Taste
from service.models import Entry, Pick, Standing, Subscriber

FOLLOWED_LIFT = 0.5
NEARNESS = -0.25


def ordered(candidates: Iterable[Candidate], pool: Pool) -> list[Candidate]:
    """Strongest first, once those that repeat a stronger one are weakened."""
    ranked = sorted(candidates)
    repeats = pool.same_ids.intersection([found.order[2] for found in ranked])
    return sorted(_apart(ranked, repeats, pool)) if len(repeats) > 1 else ranked


def _apart(ranked: list[Candidate], repeats: Ids, pool: Pool) -> Iterator[Candidate]:
    stronger: list[str] = []
    for found in ranked:
        if found.order[2] not in repeats:
            yield found
            continue
        near = next((other for other in stronger if other in pool.same[found.id]), None)
        stronger.append(found.id)
        yield candidate(_near(found.pick, near)) if near else found


def _near(pick: Pick, near_id: str) -> Pick:
    return replace(pick, standing=replace(pick.standing, nearness=NEARNESS, near_id=near_id))


def personal(found: Candidate, person: Subscriber, pool: Pool, taste: Taste | None, followed: Ids) -> Candidate:
    """The candidate as it stands for this person alone."""
    lift = taste.lift(found.id) if taste else 0.0
    if found.id not in followed:
        return _lifted(found, lift) if lift else found
    names = tuple(name for name in person.followed if found.id in pool.by_name(name))
    return _lifted(found, lift, FOLLOWED_LIFT, names)


def _lifted(found: Candidate, liking: float, followed: float = 0.0, names: tuple[str, ...] = ()) -> Candidate:
    pick = found.pick
    place = Standing(pick.standing.relevance, followed, liking, pick.standing.momentum)
    entry = Entry.FOLLOWED if names and not found.home else pick.entry
    return Candidate((-place.strength, *found.order[1:]), Pick(pick.paper, pick.matches, place, entry, names), found.home)


def explained(candidates: list[Candidate], taste: Taste | None) -> list[Candidate]:
    """With what the reader marked that speaks for or against it, for those that have room to tell."""
    return [_explained(found, taste) if found.pick.standing.liking else found for found in candidates] if taste else candidates


def _explained(found: Candidate, taste: Taste) -> Candidate:
    pick = found.pick
    told = Pick(pick.paper, pick.matches, pick.standing, pick.entry, pick.followed, taste.liking(found.id, pick.standing.liking))
    return Candidate(found.order, told, found.home)
