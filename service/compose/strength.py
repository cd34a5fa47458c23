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
    if taste:
        passed = [_liked(one, taste.lift(one.order[2])) for one in passed]
    if followed:
        passed = [_followed(one, followed[one.order[2]]) if one.order[2] in followed else one for one in passed]
    if taste or followed:
        passed.sort(key=in_order)
    if len(pool.repeated & found.ids) > 1 and _set_apart(passed, pool.likeness.same):
        passed.sort(key=in_order)
    return passed


def _liked(found: Candidate, lift: float) -> Candidate:
    if not lift:
        return found
    relevance, _, _, momentum, _, _ = found.pick.standing
    return found.standing_as(Standing(relevance, 0.0, lift, momentum), found.pick.entry)


def _followed(found: Candidate, names: tuple[str, ...]) -> Candidate:
    relevance, _, liking, momentum, _, _ = found.pick.standing
    standing = Standing(relevance, FOLLOWED_LIFT, liking, momentum)
    return found.standing_as(standing, found.pick.entry if found.placed[0] else Entry.FOLLOWED, names)


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
