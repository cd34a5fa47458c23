"""One person's digest of one day or week, from the pool and what they got before. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from service.compose.arrange import room, sections
from service.compose.candidates import Candidate
from service.compose.passing import Passing, left_out, passing
from service.compose.pool import Pool
from service.compose.slots import most_read, risers, second_look
from service.compose.strength import explained, ordered, personal
from service.compose.taste import Taste
from service.compose.week import MISSED, listed_days
from service.models import Digest, DigestKind, Entry, History, Subscriber, Week

_FIRST = History()


def compose_digest(person: Subscriber, pool: Pool, history: History = _FIRST, *, since: date) -> Digest:
    """Choose from the papers featured from `since` on that the person doesn't have yet, and say why."""
    slugs, mask, chosen = pool.choice(person.topics)
    topics = tuple(chosen.values())
    kind, covered_from = _span(person, history, pool.on, since)
    news = pool.news(since, covered_from, history.last_planned_at)
    found = passing(person, pool, slugs, since=since, held=history.held_ids, news=news)
    looked_at = len(found.new | found.passed)
    out = left_out(person, pool, mask, found)
    if not found.passed:
        return _silent(Digest(person, pool.on, since, topics, looked_at, covered_from, kind, left_out=out))
    taste = Taste(history.marks, pool.likeness) if history.marks else None
    ranked = _ranked(person, pool, mask, found, taste)
    look = second_look(pool, mask, history, pool.since(since), found.muted)
    rest = found.new - found.close - found.passed - found.muted if person.with_outside else frozenset[str]()
    outside = most_read(pool, rest, 1, Entry.OUTSIDE) if kind is not DigestKind.WEEKLY else ()
    missed = most_read(pool, rest, MISSED, Entry.MISSED) if kind is DigestKind.WEEKLY else ()
    slot_cards = bool(look) + bool(outside)
    cards, lines = room(person.length, len(ranked) + slot_cards + len(missed))
    cards, below = cards - slot_cards, [one.pick for one in ranked[cards - slot_cards :]]
    lines = max(0, lines - len(missed))
    return Digest(
        person,
        pool.on,
        since,
        topics,
        looked_at,
        covered_from,
        kind,
        sections=sections(chosen, explained(ranked[:cards], taste)),
        lines=tuple(below[:lines]),
        unlisted=tuple(below[lines:]),
        second_look=look,
        outside=outside[0] if outside else None,
        week=Week(pool.week, pool.themes, risers(pool, ranked), missed) if kind is DigestKind.WEEKLY else None,
        left_out=out,
    )


def _span(person: Subscriber, history: History, on: date, since: date) -> tuple[DigestKind, date]:
    """What kind of digest it is, and from which day on it tells what the last one did not."""
    covered_from = max(history.last_told_on + timedelta(days=1), since) if history.last_told_on else since
    if person.cadence.startswith("weekly"):
        return DigestKind.WEEKLY, covered_from
    is_catch_up = history.missed_count > 0 and len(listed_days(covered_from, on)) > 1
    return DigestKind.CATCH_UP if is_catch_up else DigestKind.DAY, covered_from


def _ranked(person: Subscriber, pool: Pool, mask: int, found: Passing, taste: Taste | None) -> list[Candidate]:
    candidates = pool.candidates(found.passed, mask)
    if taste or found.followed:
        candidates = [personal(one, person, pool, taste, found.followed) for one in candidates]
    return ordered(candidates, pool)


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
