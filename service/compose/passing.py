"""Who is in and who is out, of the papers of a person's window that they don't have yet. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from service.compose.candidates import Below, Candidate, Ids, News
from service.compose.pool import Pool
from service.models import LeftOut, LeftOutFor, Subscriber

_NONE: Ids = frozenset()


class Passing(NamedTuple):
    passed: Ids
    followed: Ids  # of them, those by somebody whom the person follows
    new: Ids  # papers that the person has not, and that their last digest did not look at
    close: Ids  # of them, those that have to do with the person's topics, in or out
    muted: Ids


def passing(person: Subscriber, pool: Pool, slugs: Sequence[str], *, since: date, held: Ids, news: News) -> Passing:
    """In is what is above the bar of one of the topics `slugs`, and above the person's own; and what is by somebody followed.

    What holds a muted phrase is out, whoever wrote it.
    """
    above, new = _union(pool.above(since), slugs) - held, news.ids - held
    close = _union(news.by_topic, slugs) & new
    if person.minimum_score:
        above = frozenset(key for key in above if _best_score(pool, key, slugs) >= person.minimum_score)
    if not person.followed and not person.muted:
        return Passing(above, _NONE, new, close, _NONE)
    followed = (_NONE.union(*map(pool.by_name, person.followed)) & pool.since(since)) - held
    muted = _NONE.union(*map(pool.holding, person.muted))
    return Passing((above | followed) - muted, followed - muted, new, close | (followed & new), muted)


def left_out(person: Subscriber, pool: Pool, mask: int, found: Passing) -> tuple[LeftOut, ...]:
    """The new papers of the person's topics that are not in, strongest first, each with its reason."""
    outs = found.close - found.passed
    if not found.muted:
        return tuple([one.out for one in sorted(pool.below(outs, mask, person.minimum_score))])
    below = pool.below(outs - found.muted, mask, person.minimum_score)
    muted = [_muted(person, pool, one) for one in pool.candidates(outs & found.muted, mask)]
    return tuple([one.out for one in sorted([*below, *muted])])


def _muted(person: Subscriber, pool: Pool, found: Candidate) -> Below:
    phrase = next(phrase for phrase in person.muted if found.id in pool.holding(phrase))
    return Below(found.order, LeftOut(found.pick, LeftOutFor.MUTED, phrase))


def _best_score(pool: Pool, paper_id: str, slugs: Iterable[str]) -> float:
    return max((match.score for match in pool.matches[paper_id] if match.is_above and match.slug in slugs), default=0.0)


def _union(by_topic: Mapping[str, Ids], slugs: Iterable[str]) -> Ids:
    return _NONE.union(*[by_topic[slug] for slug in slugs])
