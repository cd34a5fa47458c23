"""One person's digest of one day or week, from the pool and what they got before. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from service.compose.arrange import room, sections
from service.compose.passing import Passing, left_out, passing
from service.compose.pool import Ids, Pool
from service.compose.slots import most_read, second_look
from service.compose.strength import ordered, personal
from service.compose.taste import Taste
from service.compose.week import MISSED, listed_days, risers
from service.models import Digest, DigestKind, Entry, History, Pick, Subscriber, Week

_FIRST = History()


def compose_digest(person: Subscriber, pool: Pool, history: History = _FIRST, *, since: date) -> Digest:
    """Choose from the papers featured from `since` on that the person doesn't have yet, and say why."""
    topics = tuple(topic for topic in pool.topics if topic.slug in person.topics)
    slugs = [topic.slug for topic in topics]
    kind, covered_from = _span(person, history, pool.on, since)
    window = pool.since(since)
    fresh = window - history.held_ids
    new = pool.new(covered_from, history.last_planned_at) & fresh
    found = passing(person, pool, slugs, fresh=fresh, new=new)
    mask = pool.mask(slugs)
    digest = Digest(
        person,
        pool.on,
        since,
        topics,
        looked_at_count=len(new | found.passed),
        covered_from=covered_from,
        kind=kind,
        left_out=left_out(person, pool, mask, found),
    )
    if not found.passed:
        return _silent(digest)
    rest = new - found.close - found.passed - found.muted
    digest = _with_slots(digest, pool, rest, second_look(pool, mask, history, window - found.muted))
    return _arranged(digest, _picks(person, pool, mask, found, history))


def _span(person: Subscriber, history: History, on: date, since: date) -> tuple[DigestKind, date]:
    """What kind of digest it is, and from which day on it tells what the last one did not."""
    covered_from = max(history.last_told_on + timedelta(days=1), since) if history.last_told_on else since
    if person.cadence.startswith("weekly"):
        return DigestKind.WEEKLY, covered_from
    is_catch_up = history.missed_count > 0 and len(listed_days(covered_from, on)) > 1
    return DigestKind.CATCH_UP if is_catch_up else DigestKind.DAY, covered_from


def _picks(person: Subscriber, pool: Pool, mask: int, found: Passing, history: History) -> list[Pick]:
    candidates = [pool.candidate(key, mask) for key in found.passed]
    if history.marks or found.followed:
        taste = Taste(history.marks, pool.likeness) if history.marks else None
        candidates = [personal(one, person, pool, taste, found.followed) for one in candidates]
    return ordered(candidates, pool)


def _with_slots(digest: Digest, pool: Pool, rest: Ids, look: Pick | None) -> Digest:
    """`rest` has nothing to do with the person's topics."""
    person = digest.subscriber
    if digest.kind is DigestKind.WEEKLY:
        missed = most_read(pool, rest, MISSED, Entry.MISSED) if person.with_outside else ()
        return replace(digest, second_look=look, week=Week(pool.week, pool.themes, (), missed))
    outside = most_read(pool, rest, 1, Entry.OUTSIDE) if person.with_outside else ()
    return replace(digest, second_look=look, outside=outside[0] if outside else None)


def _arranged(digest: Digest, picks: list[Pick]) -> Digest:
    """Slots take their part of the length."""
    slot_cards = (digest.second_look is not None) + (digest.outside is not None)
    slot_lines = len(digest.week.missed) if digest.week else 0
    cards, lines = room(digest.subscriber.length, len(picks) + slot_cards + slot_lines)
    cards, lines = cards - slot_cards, max(0, lines - slot_lines)
    week = replace(digest.week, risers=risers(picks)) if digest.week else None
    return replace(
        digest,
        sections=sections(digest.topics, picks[:cards]),
        lines=tuple(picks[cards : cards + lines]),
        unlisted=tuple(picks[cards + lines :]),
        week=week,
    )


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
