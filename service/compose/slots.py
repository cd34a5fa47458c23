"""What stands in a digest beside what passed, each with its label: a second look, a paper outside the topics. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from service.compose.candidates import Candidate, Ids
from service.compose.pool import RISEN_BY, Pool
from service.compose.week import RISERS
from service.models import Entry, History, Pick, SecondLook

_RISEN_TIMES = 3  # upvotes since the person had it in a line


def second_look(pool: Pool, mask: int, history: History, window: Ids, muted: Ids) -> Pick | None:
    """Of the papers that the person had in a line or less, the one that rose most since; None where none took off.

    A paper took off when its upvotes have at least tripled, by 50 or more.
    """
    lines, upvotes = history.lines, pool.upvotes
    rises = {key: upvotes[key] - lines[key][1] for key in (pool.risen & lines.keys() & window) - muted}
    risen = [key for key, rise in rises.items() if rise >= RISEN_BY and upvotes[key] >= _RISEN_TIMES * lines[key][1]]
    if not risen:
        return None
    best = min(risen, key=lambda key: (-rises[key], key))
    look = SecondLook(*lines[best], upvotes[best])
    (found,) = pool.candidates([best], mask)
    return replace(found.pick, entry=Entry.SECOND_LOOK, second_look=look)


def most_read(pool: Pool, among: Ids, count: int, entry: Entry) -> tuple[Pick, ...]:
    """The most upvoted, none of which has to do with the person's topics."""
    best = sorted(among & pool.read, key=pool.rank.__getitem__)[:count]
    return tuple([pool.slot(key, entry) for key in best])


def risers(pool: Pool, ranked: Sequence[Candidate]) -> tuple[Pick, ...]:
    """Of the digest's own papers those whose upvotes come fastest now."""
    fast = [found for found in ranked if found.order[2] in pool.fast]
    return tuple([found.pick for found in sorted(fast, key=_slowness)[:RISERS]])


def _slowness(found: Candidate) -> tuple[float, str]:
    return -(found.pick.paper.velocity or 0.0), found.id
