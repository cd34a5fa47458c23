"""Who is in and who is out, of the papers of a person's window that they don't have yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date

from service.compose.candidates import Candidate, Choice, Ids, News, in_order
from service.compose.pool import Pool
from service.models import LeftOut, LeftOutFor, Wishes

_NONE: Ids = frozenset()

Names = Mapping[str, tuple[str, ...]]  # by paper, those whom a person follows of its authors


@dataclass(slots=True)
class Passing:
    ids: Ids  # of what passed and what is left out
    passed: list[Candidate]  # strongest first, as it stands for all
    left_out: tuple[LeftOut, ...]  # new papers of the person's topics or by whom they follow, strongest first
    looked_at_count: int  # new papers that the person has not, and what passed beside those
    followed: Names
    muted: Ids


def passing(wishes: Wishes, pool: Pool, choice: Choice, *, since: date, held: Ids, news: News) -> Passing:
    """In is what is above the bar of one of the topics chosen, and above the person's own; and what is by somebody followed.

    What holds a muted phrase is out, whoever wrote it.
    """
    minimum, names, phrases = wishes["minimum_score"], wishes["followed"], wishes["muted"]
    ids = _NONE.union(*[news.by_topic[slug] - held for slug in choice.slugs])
    followed = _followed(pool, names, pool.since(since), held) if names else {}
    muted = _NONE.union(*map(pool.holding, phrases)) if phrases else _NONE
    found = pool.candidates(ids.union(followed) if followed else ids, choice.mask)
    if minimum or followed or not muted.isdisjoint(ids):
        told = muted.union(followed)
        judged = [_judged(one, pool, wishes, followed, muted) if minimum or one.order[2] in told else one for one in found]
        found = [one for one in judged if not one.out or one.order[2] in news.ids]
        ids = frozenset([one.order[2] for one in found])
    found.sort(key=in_order)
    passed, left_out = [one for one in found if one.out is None], tuple([one.out for one in found if one.out])
    had = 0 if held.isdisjoint(news.ids) else len(news.ids & held)
    return Passing(ids, passed, left_out, len(news.ids) - had + len(ids - news.ids), followed, muted)


def _followed(pool: Pool, names: Iterable[str], window: Ids, held: Ids) -> Names:
    found: dict[str, tuple[str, ...]] = {}
    for name in names:
        for key in (pool.by_name(name) & window) - held:
            found[key] = (*found.get(key, ()), name)
    return found


def _judged(found: Candidate, pool: Pool, wishes: Wishes, followed: Names, muted: Ids) -> Candidate:
    """By what the person wants beside their topics."""
    key, pick = found.order[2], found.pick
    if key in muted:
        phrase = next(phrase for phrase in wishes["muted"] if key in pool.holding(phrase))
        return replace(found, out=LeftOut(pick, LeftOutFor.MUTED, phrase))
    if key in followed:
        return replace(found, out=None)
    score, minimum = pick.standing.relevance, wishes["minimum_score"]
    if found.out or score >= minimum:
        return found
    return replace(found, out=LeftOut(pick, LeftOutFor.BELOW_MINIMUM, f"{score:.2f} of {minimum:.2f}"))
