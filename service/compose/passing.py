"""Who is in and who is out, of the papers of a person's window that they don't have yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from service.compose.candidates import Below, Candidate, Choice, Ids, News, in_order
from service.compose.pool import Pool
from service.models import LeftOut, LeftOutFor, Subscriber

_NONE: Ids = frozenset()


class Passing(NamedTuple):
    passed: Ids
    followed: Mapping[str, tuple[str, ...]]  # of them, those by somebody whom the person follows: by which names
    out: Ids  # new to the person, of their topics or by whom they follow, and not passed
    muted: Ids
    minimum: float  # the person's own


def passing(person: Subscriber, pool: Pool, choice: Choice, *, since: date, held: Ids, news: News) -> Passing:
    """In is what is above the bar of one of the topics chosen, and above the person's own; and what is by somebody followed.

    What holds a muted phrase is out, whoever wrote it.
    """
    minimum, names, phrases = person.minimum_score, person.followed, person.muted
    above, close = _not_held(pool.above(since), choice.slugs, held), _not_held(news.by_topic, choice.slugs, held)
    if minimum:
        above = frozenset(key for key in above if _best_score(pool, key, choice.slugs) >= minimum)
    if not names and not phrases:
        return Passing(above, {}, close - above, _NONE, minimum)
    by_name = {name: (pool.by_name(name) & pool.since(since)) - held for name in names}
    followed, muted = _NONE.union(*by_name.values()), _NONE.union(*map(pool.holding, phrases))
    passed = (above | followed) - muted
    told = {key: tuple([name for name in names if key in by_name[name]]) for key in followed - muted}
    return Passing(passed, told, (close | (followed & news.ids)) - passed, muted, minimum)


def looked_at_count(passed: Ids, news: News, held: Ids) -> int:
    """How many papers the person has not that their last digest did not look at, and how many passed beside those."""
    return len(news.ids) - len(news.ids & held) + len(passed - news.ids)


def left_out(person: Subscriber, pool: Pool, mask: int, found: Passing) -> tuple[LeftOut, ...]:
    """The new papers of the person's topics that are not in, strongest first, each with its reason."""
    if not found.out:
        return ()
    outs = pool.below(found.out - found.muted, mask, found.minimum)
    if found.muted:
        outs += [_muted(person, pool, one) for one in pool.candidates(found.out & found.muted, mask)]
    outs.sort(key=in_order)
    return tuple([out for _, out in outs])


def _muted(person: Subscriber, pool: Pool, found: Candidate) -> Below:
    phrase = next(phrase for phrase in person.muted if found.order[2] in pool.holding(phrase))
    return Below(found.order, LeftOut(found.pick, LeftOutFor.MUTED, phrase))


def _best_score(pool: Pool, paper_id: str, slugs: Iterable[str]) -> float:
    return max((match.score for match in pool.matches[paper_id] if match.is_above and match.slug in slugs), default=0.0)


def _not_held(by_topic: Mapping[str, Ids], slugs: Iterable[str], held: Ids) -> Ids:
    """Of these topics' papers, those that the person has not."""
    return _NONE.union(*[by_topic[slug] - held for slug in slugs])
