"""What stands in a digest beside what passed, each with its label: a second look, a paper outside the topics. Pure."""

from __future__ import annotations

from dataclasses import replace

from service.compose.pool import Ids, Pool
from service.models import Entry, History, Pick, SecondLook

_RISEN_TIMES, _RISEN_BY = 3, 50  # upvotes since the person had it in a line
_LEAST_READ = 0.5  # upvotes an hour of what is worth to be shown outside the topics


def second_look(pool: Pool, mask: int, history: History, among: Ids) -> Pick | None:
    """Of the papers that the person had in a line or less, the one that rose most since; None where none took off.

    A paper took off when its upvotes have at least tripled, by 50 or more.
    """
    looks = {key: _look(pool, key, history) for key in history.lines.keys() & among}
    risen = {key: look for key, look in looks.items() if _took_off(look)}
    if not risen:
        return None
    best = min(risen, key=lambda key: (risen[key].upvotes_then - risen[key].upvotes_now, key))
    return replace(pool.candidate(best, mask).pick, entry=Entry.SECOND_LOOK, second_look=risen[best])


def _look(pool: Pool, paper_id: str, history: History) -> SecondLook:
    first_on, then = history.lines[paper_id]
    return SecondLook(first_on, then, pool.papers[paper_id].upvotes or 0)


def _took_off(look: SecondLook) -> bool:
    return look.upvotes_now >= _RISEN_TIMES * look.upvotes_then and look.upvotes_now - look.upvotes_then >= _RISEN_BY


def most_read(pool: Pool, among: Ids, count: int, entry: Entry) -> tuple[Pick, ...]:
    """The most upvoted, none of which has to do with the person's topics."""
    worth = [key for key in among if pool.momentum[key] >= _LEAST_READ]
    return tuple(replace(pool.candidate(key, 0).pick, entry=entry) for key in sorted(worth, key=pool.rank.__getitem__)[:count])
