"""The order of a digest: each pick's strength, and much the same papers kept apart. Pure.

Strength is relevance (0 to 1), and on top of it what the reader's marks say (-2 to 2), somebody followed (0.5), and upvotes
an hour (0 to 0.15). A paper that is much the same as a stronger one loses 0.25, so that both don't stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping, Set

from service.compose.candidates import Candidate, in_order
from service.compose.passing import Passing
from service.compose.pool import Pool
from service.compose.taste import Taste
from service.models import Entry, Standing

FOLLOWED_LIFT = 0.5
NEARNESS = -0.25


def ranked(pool: Pool, found: Passing, taste: Taste | None) -> list[Candidate]:
    """What passed, strongest first, once those that repeat a stronger one are weakened."""
    passed, followed = found.passed, found.followed
    if taste or followed:
        passed = [_personal(one, taste, followed) if taste or one.order[2] in followed else one for one in passed]
        passed.sort(key=in_order)
    if len(pool.repeated & found.ids) > 1 and _set_apart(passed, pool.likeness.same):
        passed.sort(key=in_order)
    return passed


def _personal(found: Candidate, taste: Taste | None, followed: Mapping[str, tuple[str, ...]]) -> Candidate:
    """As it stands for this person alone."""
    key, pick = found.order[2], found.pick
    liking, names = taste.lift(key) if taste else 0.0, followed.get(key, ())
    if not liking and not names:
        return found
    place = pick.standing
    standing = Standing(place.relevance, FOLLOWED_LIFT if names else 0.0, liking, place.momentum)
    return found.standing_as(standing, pick.entry if found.home else Entry.FOLLOWED, names)


def _set_apart(strongest_first: list[Candidate], same: Mapping[str, Set[str]]) -> bool:
    """Weaken those that repeat a stronger one; answers whether there were any."""
    stronger: list[str] = []
    is_any = False
    for place, found in enumerate(strongest_first):
        key = found.order[2]
        if key in same:
            if near := next((other for other in stronger if other in same[key]), None):
                pick = found.pick
                standing = Standing(*pick.standing[:4], NEARNESS, near)
                strongest_first[place] = found.standing_as(standing, pick.entry, pick.followed)
                is_any = True
            stronger.append(key)
    return is_any
