"""One person's digest of one day or week, from the pool and what they got before. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from service.compose.arrange import room, sections
from service.compose.candidates import Candidate, Ids, News
from service.compose.passing import Passing, passing
from service.compose.pool import Pool
from service.compose.slots import most_read, second_look
from service.compose.strength import ranked
from service.compose.taste import Taste
from service.compose.week import MISSED, RISERS
from service.models import Digest, DigestKind, History, Pick, Subscriber, Week, is_weekly, listed_days

_FIRST = History()
_DAY = timedelta(days=1)


def compose_digest(person: Subscriber, pool: Pool, history: History = _FIRST, *, since: date) -> Digest:
    """Choose from the papers featured from `since` on that the person doesn't have yet, and say why."""
    wishes, held = person.wishes, history.held_ids
    choice = pool.choice(wishes["topics"])
    kind, covered_from = _span(wishes["cadence"], history, pool.on, since)
    news = pool.news(since, covered_from, history.last_planned_at)
    found = passing(wishes, pool, choice, since=since, held=held, news=news)
    if not found.passed:
        empty = Digest(person, pool.on, since, choice.topics, found.looked_at_count, covered_from, kind, left_out=found.left_out)
        return _silent(empty)
    taste = Taste(history.marks, pool.likeness) if history.marks else None
    strongest = ranked(pool, found, taste)
    look = second_look(pool, choice.mask, history, since, found.muted)
    outside, missed = _unasked(pool, news, choice.mask, held, found, kind) if wishes["with_outside"] else (None, ())
    card_count, line_count = room(wishes["length"], len(strongest) + bool(look) + bool(outside) + len(missed))
    card_count, line_count = card_count - bool(look) - bool(outside), max(0, line_count - len(missed))
    cards, below = strongest[:card_count], [one.pick for one in strongest[card_count:]]
    if taste:
        taste.explain(cards)
    return Digest(
        person,
        pool.on,
        since,
        choice.topics,
        found.looked_at_count,
        covered_from,
        kind,
        sections(pool.by_slug, [card.placed for card in cards]),
        tuple(below[:line_count]),
        tuple(below[line_count:]),
        look,
        outside,
        week=_week(pool, strongest, missed) if kind is DigestKind.WEEKLY else None,
        left_out=found.left_out,
    )


def _unasked(
    pool: Pool, news: News, mask: int, held: Ids, found: Passing, kind: DigestKind
) -> tuple[Pick | None, tuple[Pick, ...]]:
    """The paper outside the person's topics, or in a weekly digest what was most read outside them."""
    if kind is DigestKind.WEEKLY:
        return None, tuple([pool.missed[key] for key in most_read(news, mask, held, found, MISSED)])
    ids = most_read(news, mask, held, found, 1)
    return pool.outside[ids[0]] if ids else None, ()


def _week(pool: Pool, strongest: list[Candidate], missed: tuple[Pick, ...]) -> Week:
    """Risers are those of the digest's own papers whose upvotes come fastest now."""
    fast = pool.fast
    risers = sorted([(-fast[one.order[2]], one.order[2], one.pick) for one in strongest if one.order[2] in fast])[:RISERS]
    return Week(pool.week, pool.themes, tuple([pick for _, _, pick in risers]), missed)


def _span(cadence: str, history: History, on: date, since: date) -> tuple[DigestKind, date]:
    """What kind of digest it is, and from which day on it tells what the last one did not."""
    covered_from = max(history.last_told_on + _DAY, since) if history.last_told_on else since
    if is_weekly(cadence):
        return DigestKind.WEEKLY, covered_from
    is_catch_up = history.missed_count > 0 and len(listed_days(covered_from, on)) > 1
    return DigestKind.CATCH_UP if is_catch_up else DigestKind.DAY, covered_from


def _silent(digest: Digest) -> Digest:
    """Who wants to be told gets a note, unless there was nothing to look at."""
    is_told = digest.subscriber.with_note and digest.looked_at_count
    return replace(digest, silence=_why_silent(digest), kind=DigestKind.NOTE if is_told else digest.kind)


def _why_silent(digest: Digest) -> str:
    """`31 new papers looked at, none above your bar, 2 near misses`."""
    if not digest.topics and not digest.subscriber.followed:
        return "no topics are chosen"
    if not digest.looked_at_count:
        return f"no new papers from {_days(digest.covered_from, digest.on)}"
    near, muted = len(digest.near_misses), digest.muted_count
    looked = f"{_counted(digest.looked_at_count, 'new paper', 'new papers')} looked at, none above your bar"
    return f"{looked}, {_counted(near, 'near miss', 'near misses')}" + (f", {muted} with a phrase you muted" if muted else "")


def _days(first: date, last: date) -> str:
    told = f"{first}" if first == last else f"{first} to {last}"
    return told if listed_days(first, last) else f"{told}: there are no lists at weekends"


def _counted(count: int, one: str, more: str) -> str:
    return f"{count or 'no'} {one if count == 1 else more}"
