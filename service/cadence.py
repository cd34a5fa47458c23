"""Which days a digest covers. Pure; time zones live here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

FURTHEST_BACK = timedelta(days=30)
OVERLAP = timedelta(days=7)  # papers can be stored some days after they were featured


def last_complete_day(now: datetime) -> date:
    """The source's list of a day grows until that day ends in UTC, so yesterday's is the last whole one."""
    return now.astimezone(UTC).date() - timedelta(days=1)


def last_listed_day(now: datetime) -> date:
    """The last whole day on which the source makes a list: there is none on Saturdays and Sundays."""
    day = last_complete_day(now)
    return day - timedelta(days=max(day.weekday() - 4, 0))


def local_day(moment: datetime, zone: str) -> date:
    return moment.astimezone(ZoneInfo(zone)).date()


def window_start(on: date, cadence: str, last_accepted_on: date | None) -> date:
    """The first day whose papers a digest of day `on` may hold.

    A first digest covers two days (weekly: seven); a later one starts 7 days before the last accepted one, so that late
    arrivals aren't lost, but never more than 30 days back.
    """
    if last_accepted_on is None:
        return on - timedelta(days=6 if cadence.startswith("weekly") else 1)
    return max(last_accepted_on - OVERLAP, on - FURTHEST_BACK)
