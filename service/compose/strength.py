"""The order of a digest: each pick's strength, and much the same papers kept apart. Pure.

Strength is relevance (0 to 1), and on top of it what the reader's marks say (-2 to 2), somebody followed (0.5), and upvotes
an hour (0 to 0.15). A paper that is much the same as a stronger one loses 0.25, so that both don't stand side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from service.compose.candidates import Candidate, Ids, in_order
from service.compose.pool import Pool
from service.compose.taste import Taste
from service.models import Entry, Pick, Standing, Subscriber

FOLLOWED_LIFT = 0.5
NEARNESS = -0.25


def ranked(pool: Pool, mask: int, passed: Ids, taste: Taste | None, followed: Ids) -> list[Candidate]:
    """Strongest first, once those that repeat a stronger one are weakened."""
    found = pool.candidates(passed, mask)
    if taste or followed:
        found = [_personal(one, taste, followed) for one in found]
    repeats = pool.same_ids & passed
    if len(repeats) > 1:
        found = list(_apart(sorted(found, key=in_order), repeats, pool))
    return sorted(found, key=in_order)


def _personal(found: Candidate, taste: Taste | None, followed: Ids) -> Candidate:
    """As it stands for this person alone."""
    key, (relevance, _, _, momentum, *_) = found.order[2], found.standing
    liking = taste.lift(key) if taste else 0.0
    lift = FOLLOWED_LIFT if key in followed else 0.0
    return found.standing_as(Standing(relevance, lift, liking, momentum)) if liking or lift else found


def _apart(strongest_first: Iterable[Candidate], repeats: Ids, pool: Pool) -> Iterator[Candidate]:
    stronger: list[str] = []
    for found in strongest_first:
        if found.id not in repeats:
            yield found
            continue
        near = next((other for other in stronger if other in pool.same[found.id]), None)
        stronger.append(found.id)
        yield found.standing_as(found.standing._replace(nearness=NEARNESS, near_id=near)) if near else found


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
