"""What stands in a digest beside what passed, each with its label: a second look, papers outside the topics. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace

from service.compose.candidates import Ids, News
from service.compose.pool import Pool
from service.models import Entry, History, Pick, SecondLook


def second_look(pool: Pool, mask: int, history: History, window: Ids, muted: Iterable[str]) -> Pick | None:
    """Of the papers that the person had in a line or less, the one that rose most since; None where none took off."""
    lines, upvotes = history.lines, pool.upvotes
    risen = [key for key, most in pool.risen.items() if key in lines and lines[key][1] <= most]
    rises = [(lines[key][1] - upvotes[key], key) for key in risen if key in window and not pool.first_held(key, muted)]
    if not rises:
        return None
    _, best = min(rises)
    look = SecondLook(*lines[best], upvotes[best])
    (found,) = pool.candidates([best], mask)
    return replace(found.pick, entry=Entry.SECOND_LOOK, second_look=look)


def most_read(pool: Pool, news: News, mask: int, held: Ids, followed: Collection[str], muted: Iterable[str]) -> Iterator[str]:
    """The most upvoted of the new papers that have nothing to do with the person's topics."""
    for key in news.most_read:
        if not pool.masks[key] & mask and key not in held and key not in followed and not pool.first_held(key, muted):
            yield key
