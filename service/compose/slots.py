"""What stands in a digest beside what passed, each with its label: a second look, papers outside the topics. Pure."""

from __future__ import annotations

from dataclasses import replace

from service.compose.candidates import Ids, News
from service.compose.passing import Passing
from service.compose.pool import RISEN_BY, Pool
from service.models import Entry, History, Pick, SecondLook

_RISEN_TIMES = 3  # upvotes since the person had it in a line


def second_look(pool: Pool, mask: int, history: History, window: Ids, muted: Ids) -> Pick | None:
    """Of the papers that the person had in a line or less, the one that rose most since; None where none took off.

    A paper took off when its upvotes have at least tripled, by 50 or more.
    """
    lines = history.lines
    rises = [
        (then - now, key)
        for key, now in pool.risen.items()
        if key in lines and now - (then := lines[key][1]) >= RISEN_BY and now >= then * _RISEN_TIMES
    ]
    known = [rise for rise in rises if rise[1] in window and rise[1] not in muted]
    if not known:
        return None
    _, best = min(known)
    look = SecondLook(*lines[best], pool.risen[best])
    (found,) = pool.candidates([best], mask)
    return replace(found.pick, entry=Entry.SECOND_LOOK, second_look=look)


def most_read(pool: Pool, news: News, mask: int, found: Passing, count: int, entry: Entry) -> tuple[Pick, ...]:
    """The most upvoted of the new papers that have nothing to do with the person's topics."""
    picks: list[Pick] = []
    for key in news.most_read:
        if key in found.new and not pool.masks[key] & mask and key not in found.passed and key not in found.muted:
            picks.append(pool.slot(key, entry))
            if len(picks) == count:
                break
    return tuple(picks)
