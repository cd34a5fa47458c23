"""The order of a digest: each pick's strength, and much the same papers kept apart. Pure.

Strength is relevance (0 to 1), and on top of it what the reader's marks say (-0.6 to 0.6), somebody followed (0.5), and upvotes
an hour (0 to 0.15). A paper that is much the same as a stronger one loses 0.25, so that both don't stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from service.compose.pool import Candidate, Ids, Pool, candidate
from service.compose.taste import Taste
from service.models import Entry, Pick, Subscriber

FOLLOWED_LIFT = 0.5
NEARNESS = -0.25


def ordered(candidates: Iterable[Candidate], pool: Pool) -> list[Pick]:
    """Strongest first, once those that repeat a stronger one are weakened."""
    ranked = sorted(candidates)
    repeats = pool.same_ids.intersection(found.pick.paper.id for found in ranked)
    if len(repeats) > 1:
        ranked = sorted(_apart(ranked, repeats, pool))
    return [found.pick for found in ranked]


def _apart(ranked: list[Candidate], repeats: Ids, pool: Pool) -> Iterable[Candidate]:
    stronger: list[str] = []
    for found in ranked:
        key = found.pick.paper.id
        near = next((other for other in stronger if other in pool.same[key]), None) if key in repeats else None
        if key in repeats:
            stronger.append(key)
        yield candidate(_near(found.pick, near)) if near else found


def _near(pick: Pick, near_id: str) -> Pick:
    return replace(pick, standing=replace(pick.standing, nearness=NEARNESS, near_id=near_id))


def personal(found: Candidate, person: Subscriber, pool: Pool, taste: Taste | None, followed: Ids) -> Candidate:
    """The candidate with what it is to this person alone."""
    pick = found.pick
    if pick.paper.id in followed:
        names = tuple(name for name in person.followed if pick.paper.id in pool.by_name(name))
        entry = Entry.TOPIC if pick.chips else Entry.FOLLOWED
        pick = replace(pick, entry=entry, followed=names, standing=replace(pick.standing, followed=FOLLOWED_LIFT))
    if taste and (liking := taste.liking(pick.paper.id)):
        pick = replace(pick, liking=liking, standing=replace(pick.standing, liking=liking.lift))
    return found if pick is found.pick else candidate(pick)
