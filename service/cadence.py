"""When a digest is due and which days it covers; who gets none now. Pure; time zones live here."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from service.models import WEEKDAYS, Subscriber, SubscriberState, is_weekly

FURTHEST_BACK = timedelta(days=30)
OVERLAP = timedelta(days=7)  # papers can be stored some days after they were featured


def last_complete_day(now: datetime) -> date:
    """The source's list of a day grows until that day ends in UTC, so yesterday's is the last whole one."""
    return now.astimezone(UTC).date() - timedelta(days=1)


def last_listed_day(now: datetime) -> date:
    """The last whole day on which the source makes a list."""
    return listed_day(last_complete_day(now))


def listed_day(day: date) -> date:
    """The day, or the Friday before it: there are no lists on Saturdays and Sundays."""
    return day - timedelta(days=max(day.weekday() - 4, 0))


def next_digest_at(person: Subscriber, after: datetime) -> datetime:
    """The first instant after `after`, in UTC, at which a digest is due: a day of the cadence, at the hour, local time.

    None is due before the day on which a pause ends. Each local date has one such instant: an hour that the clock skips
    counts as the one after it, and of an hour that comes twice the first counts (PEP 495, fold 0). Raises ValueError for a
    cadence that no day fits.
    """
    return _next_moment(person.zone, person.hour, person.cadence, person.paused_until, after)


@lru_cache(maxsize=1000)
def _next_moment(zone: str, hour: int, cadence: str, paused_until: date | None, after: datetime) -> datetime:
    """Many people have these alike."""
    place = _place(zone)
    first = max(after.astimezone(place).date(), paused_until or date.min)
    for number in range(8):  # a week, and its first day again, whose hour may have passed
        day = first + timedelta(days=number)
        moment = datetime.combine(day, time(hour), place).astimezone(UTC)
        if moment > after and _is_digest_day(cadence, day):
            return moment
    raise ValueError(f"no day fits the cadence {cadence}")


def why_no_mail(person: Subscriber, now: datetime, suppression: str | None = None) -> str | None:
    """Why this person gets no digest now, or None. `suppression`: why their address gets no mail at all."""
    if suppression:
        return f"suppressed: {suppression}"
    if person.state != SubscriberState.ACTIVE:
        return str(person.state)
    if person.paused_until and local_day(now, person.zone) < person.paused_until:
        return f"paused until {person.paused_until}"
    return None


def _is_digest_day(cadence: str, day: date) -> bool:
    rhythm, _, weekday = cadence.partition(":")
    if rhythm == "weekly":
        return WEEKDAYS[day.weekday()] == weekday
    return rhythm == "daily" or day.weekday() < 5


def missed_count(person: Subscriber, last_on: date | None, on: date) -> int:
    """How many of the person's digest days lie between the digests of days `last_on` and `on`, a pause or not."""
    if last_on is None or on - last_on <= timedelta(days=1):
        return 0
    place = _place(person.zone)
    days = (last_on + timedelta(days=number) for number in range(1, (on - last_on).days + 2))  # local
    moments = (datetime.combine(day, time(person.hour), place) for day in days if _is_digest_day(person.cadence, day))
    return sum(last_on < last_complete_day(moment) < on for moment in moments)


def local_day(moment: datetime, zone: str) -> date:
    return moment.astimezone(_place(zone)).date()


def known_zone(zone: str) -> str:
    """As it is, but UTC for one that this machine doesn't know: a database may move to one with older time zones."""
    return _place(zone).key


@lru_cache(maxsize=1000)
def _place(zone: str) -> ZoneInfo:
    """Kept: ZoneInfo itself keeps eight, and reads every other one's file anew."""
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def window_start(on: date, cadence: str, last_accepted_on: date | None, last_told_on: date | None = None) -> date:
    """The first day whose papers a digest of day `on` may hold.

    A first digest covers two days (weekly: seven), and where only silences came before it each day since the last of them. A
    later one starts 7 days before the last accepted one, so that late arrivals aren't lost. Never more than 30 days back.
    """
    if last_accepted_on is None:
        start = on - timedelta(days=6 if is_weekly(cadence) else 1)
        return start if last_told_on is None else max(min(start, last_told_on + timedelta(days=1)), on - FURTHEST_BACK)
    return max(last_accepted_on - OVERLAP, on - FURTHEST_BACK)
