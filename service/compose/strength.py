"""The order of a digest: each pick's strength, and much the same papers kept apart. Pure.

Strength is relevance (0 to 1), and on top of it what the reader's marks say (-2 to 2), somebody followed (0.5), and upvotes
an hour (0 to 0.15). A paper that is much the same as a stronger one loses 0.25, so that both don't stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from service.compose.candidates import Candidate, Ids, in_order
from service.compose.pool import Pool
from service.compose.taste import Taste
from service.models import Entry, Pick, Standing, Subscriber

FOLLOWED_LIFT = 0.5
NEARNESS = -0.25


def ranked(pool: Pool, mask: int, passed: Ids, taste: Taste | None, followed: Ids) -> list[Candidate]:
    """Strongest first, once those that repeat a stronger one are weakened."""
    found = pool.candidates(passed, mask)
    if taste:
        found = [_personal(one, taste, followed) for one in found]
    elif followed:
        found = [_personal(one, taste, followed) if one.order[2] in followed else one for one in found]
    found.sort(key=in_order)
    repeats = pool.same.keys() & passed
    if len(repeats) > 1 and _set_apart(found, repeats, pool.same):
        found.sort(key=in_order)
    return found


def _personal(found: Candidate, taste: Taste | None, followed: Ids) -> Candidate:
    """As it stands for this person alone."""
    key, (relevance, _, _, momentum, *_) = found.order[2], found.standing
    liking = taste.lift(key) if taste else 0.0
    lift = FOLLOWED_LIFT if key in followed else 0.0
    return found.standing_as(Standing(relevance, lift, liking, momentum)) if liking or lift else found


def _set_apart(strongest_first: list[Candidate], repeats: Set[str], same: Mapping[str, Ids]) -> bool:
    """Weaken those that repeat a stronger one; answers whether there were any."""
    stronger: set[str] = set()
    is_any = False
    for place, found in enumerate(strongest_first):
        key = found.order[2]
        if key in repeats:
            if not stronger.isdisjoint(same[key]):
                near = next(other.order[2] for other in strongest_first if other.order[2] in same[key])
                strongest_first[place] = found.standing_as(Standing(*found.standing[:4], NEARNESS, near))
                is_any = True
            stronger.add(key)
    return is_any


def told(found: Iterable[Candidate], person: Subscriber, pool: Pool, taste: Taste | None = None) -> list[Pick]:
    """With the reasons as they are for this person; with a `taste`, what they marked that speaks for or against as well."""
    return [pick if standing is pick.standing else _own(pick, standing, person, pool, taste) for _, pick, standing in found]


def _own(pick: Pick, standing: Standing, person: Subscriber, pool: Pool, taste: Taste | None) -> Pick:
    names: tuple[str, ...] = ()
    entry, liking = pick.entry, None
    if standing.followed:
        names = tuple([name for name in person.followed if pick.paper.id in pool.by_name(name)])
        entry = entry if pick.chips else Entry.FOLLOWED
    if taste and standing.liking:
        liking = taste.liking(pick.paper.id, standing.liking)
    return Pick(pick.paper, pick.matches, standing, entry, names, liking)
