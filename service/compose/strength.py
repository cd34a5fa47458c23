"""The order of a digest: each pick's strength, and much the same papers kept apart. Pure.

Strength is relevance (0 to 1), and on top of it what the reader's marks say (-2 to 2), somebody followed (0.5), and upvotes
an hour (0 to 0.15). A paper that is much the same as a stronger one loses 0.25, so that both don't stand side by side.
"""

from __future__ import annotations

from collections.abc import Mapping

from service.compose.candidates import Candidate, Ids, in_order
from service.compose.pool import Pool
from service.compose.taste import Taste
from service.models import Entry, Standing

FOLLOWED_LIFT = 0.5
NEARNESS = -0.25


def ranked(pool: Pool, mask: int, passed: Ids, taste: Taste | None, followed: Mapping[str, tuple[str, ...]]) -> list[Candidate]:
    """Strongest first, once those that repeat a stronger one are weakened; `followed` are names by paper."""
    found = pool.candidates(passed, mask)
    if taste or followed:
        found = [_personal(one, taste, followed) if taste or one.order[2] in followed else one for one in found]
    found.sort(key=in_order)
    repeats = pool.repeated & passed
    if len(repeats) > 1 and _set_apart(found, repeats, pool.same):
        found.sort(key=in_order)
    return found


def _personal(found: Candidate, taste: Taste | None, followed: Mapping[str, tuple[str, ...]]) -> Candidate:
    """As it stands for this person alone."""
    (_, _, key), pick = found
    liking, names = taste.lift(key) if taste else 0.0, followed.get(key, ())
    if not liking and not names:
        return found
    relevance, _, _, momentum, _, _ = pick.standing
    if not names:
        return found.standing_as(Standing(relevance, 0.0, liking, momentum))
    entry = pick.entry if pick.chips else Entry.FOLLOWED
    return found.standing_as(Standing(relevance, FOLLOWED_LIFT, liking, momentum), entry, names)


def _set_apart(strongest_first: list[Candidate], repeats: Ids, same: Mapping[str, Ids]) -> bool:
    """Weaken those that repeat a stronger one; answers whether there were any."""
    stronger: list[str] = []
    is_any = False
    for place, found in enumerate(strongest_first):
        key = found.order[2]
        if key in repeats:
            if near := next((other for other in stronger if other in same[key]), None):
                strongest_first[place] = found.standing_as(Standing(*found.pick.standing[:4], NEARNESS, near))
                is_any = True
            stronger.append(key)
    return is_any
