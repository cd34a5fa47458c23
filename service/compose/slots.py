"""What stands in a digest beside what passed, each with its label: a second look, papers outside the topics. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from service.compose.candidates import Ids, News
from service.compose.passing import Passing
from service.compose.pool import Pool
from service.models import Entry, History, Pick, SecondLook


def second_look(pool: Pool, mask: int, history: History, since: date, muted: Ids) -> Pick | None:
    """Of the papers that the person had in a line or less, the one that rose most since; None where none took off."""
    lines, at_most = history.lines, pool.risen
    risen = [key for key in at_most.keys() & lines.keys() if lines[key][1] <= at_most[key]]
    if not risen:
        return None
    window, upvotes = pool.since(since) - muted, pool.upvotes
    rises = [(lines[key][1] - upvotes[key], key) for key in risen if key in window]
    if not rises:
        return None
    _, best = min(rises)
    look = SecondLook(*lines[best], upvotes[best])
    (found,) = pool.candidates([best], mask)
    return replace(found.pick, entry=Entry.SECOND_LOOK, second_look=look)


def most_read(news: News, mask: int, held: Ids, found: Passing, count: int) -> list[str]:
    """The most upvoted of the new papers that have nothing to do with the person's topics."""
    ids: list[str] = []
    for key, own in news.most_read:
        if not own & mask and key not in held and key not in found.muted and key not in found.followed:
            ids.append(key)
            if len(ids) == count:
                break
    return ids
