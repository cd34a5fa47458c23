from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.cadence import last_complete_day, last_listed_day, local_day, missed_count, next_digest_at, why_no_mail, window_start
from tests.builders import NOW, subscriber


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 10, 2, 0, 0, tzinfo=UTC), date(2026, 10, 1)),
        (datetime(2026, 10, 2, 23, 59, tzinfo=UTC), date(2026, 10, 1)),
        (datetime(2026, 10, 4, 10, 0, tzinfo=timezone(timedelta(hours=11))), date(2026, 10, 2)),  # Sydney, in summer time
    ],
)
def test_the_last_complete_day_is_yesterday_in_utc(moment: datetime, day: date) -> None:
    assert last_complete_day(moment) == day


@pytest.mark.parametrize(("on", "day"), [(2, 1), (3, 2), (4, 2), (5, 2), (6, 5)])
def test_the_last_listed_day_is_never_on_a_weekend(on: int, day: int) -> None:
    assert last_listed_day(datetime(2026, 10, on, 6, tzinfo=UTC)) == date(2026, 10, day)


def test_a_first_digest_covers_two_days_and_weekly_seven() -> None:
    assert window_start(date(2026, 10, 8), "daily", None) == date(2026, 10, 7)
    assert window_start(date(2026, 10, 8), "weekly:mon", None) == date(2026, 10, 2)


def test_a_first_digest_that_comes_after_silences_begins_behind_them() -> None:
    assert window_start(date(2026, 10, 8), "daily", None, date(2026, 10, 7)) == date(2026, 10, 7)
    assert window_start(date(2026, 10, 4), "weekdays", None, date(2026, 10, 1)) == date(2026, 10, 2)
    assert window_start(date(2026, 10, 8), "daily", None, date(2026, 6, 1)) == date(2026, 9, 8)


def test_a_later_digest_starts_a_week_before_the_last_accepted_one_but_thirty_days_back_at_most() -> None:
    assert window_start(date(2026, 10, 8), "daily", date(2026, 10, 7)) == date(2026, 9, 30)
    assert window_start(date(2026, 10, 8), "daily", date(2026, 6, 1)) == date(2026, 9, 8)


@pytest.mark.parametrize(
    ("cadence", "hour", "zone", "last_on", "on", "count"),
    [
        ("daily", 8, "UTC", None, 5, 0),
        ("daily", 8, "UTC", 1, 2, 0),
        ("daily", 8, "UTC", 1, 3, 1),
        ("daily", 8, "UTC", 1, 5, 3),
        ("daily", 8, "Australia/Sydney", 1, 5, 3),  # the mail of a Sunday there is of Friday
        ("daily", 20, "America/Los_Angeles", 1, 5, 3),  # and the one of a Sunday there is of that very day
        ("weekdays", 8, "UTC", 1, 4, 0),  # from Friday's mail to Monday's
        ("weekdays", 8, "UTC", 1, 6, 2),
        ("weekly:mon", 8, "UTC", 4, 11, 0),
        ("weekly:mon", 8, "UTC", 4, 18, 1),
    ],
)
def test_only_a_day_of_ones_own_rhythm_is_missed(
    cadence: str, hour: int, zone: str, last_on: int | None, on: int, count: int
) -> None:
    person = subscriber(cadence=cadence, hour=hour, zone=zone)
    last = None if last_on is None else date(2026, 10, last_on)
    assert missed_count(person, last, date(2026, 10, on)) == count


def test_a_mail_bears_the_day_where_its_reader_lives() -> None:
    late = datetime(2026, 10, 1, 23, 0, tzinfo=UTC)
    assert local_day(late, "Asia/Tokyo") == date(2026, 10, 2)
    assert local_day(late, "America/New_York") == date(2026, 10, 1)


def test_a_cadence_that_no_day_fits_is_told() -> None:
    with pytest.raises(ValueError, match="no day fits the cadence weekly:never"):
        next_digest_at(subscriber(cadence="weekly:never"), NOW)


def local_days(cadence: str, hour: int, zone: str, after: datetime, until: datetime) -> list[datetime]:
    """Every due instant in between, as the person's clock shows it."""
    person = subscriber(cadence=cadence, hour=hour, zone=zone)
    found, moment = [], next_digest_at(person, after)
    while moment <= until:
        found.append(moment.astimezone(ZoneInfo(zone)))
        moment = next_digest_at(person, moment)
    return found


@given(
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Sydney", "Asia/Kathmandu", "America/St_Johns", "UTC"]),
    hour=st.integers(0, 23),
    after=st.datetimes(datetime(2026, 9, 20), datetime(2026, 10, 5), timezones=st.just(UTC)),  # noqa: DTZ001
)
@example(zone="America/New_York", hour=23, after=datetime(2026, 10, 2, 1, tzinfo=UTC))  # there it is yesterday still
def test_over_the_clock_changes_every_local_day_is_due_once(zone: str, hour: int, after: datetime) -> None:
    due = local_days("daily", hour, zone, after, after + timedelta(days=50))
    assert due[0] <= after + timedelta(hours=25)
    days = [moment.date() for moment in due]
    assert days == [days[0] + timedelta(days=number) for number in range(len(days))]
    assert len(days) in (49, 50, 51)
    assert {moment.hour for moment in due} <= {hour, hour + 1}


def test_an_hour_that_the_clock_skips_counts_as_the_next_and_one_that_comes_twice_counts_once() -> None:
    spring = local_days("daily", 2, "Australia/Sydney", datetime(2026, 10, 2, 20, tzinfo=UTC), datetime(2026, 10, 5, tzinfo=UTC))
    assert [(moment.day, moment.hour) for moment in spring] == [(4, 3), (5, 2)]
    autumn = local_days("daily", 2, "Europe/Berlin", datetime(2026, 10, 24, 3, tzinfo=UTC), datetime(2026, 10, 26, 3, tzinfo=UTC))
    assert [(moment.day, moment.hour, moment.fold) for moment in autumn] == [(25, 2, 0), (26, 2, 0)]


def test_a_cadence_leaves_out_the_other_days() -> None:
    week = datetime(2026, 10, 5, tzinfo=UTC), datetime(2026, 10, 18, 23, tzinfo=UTC)
    assert [moment.day for moment in local_days("weekdays", 8, "UTC", *week)] == [5, 6, 7, 8, 9, 12, 13, 14, 15, 16]
    assert [moment.day for moment in local_days("weekly:sun", 8, "UTC", *week)] == [11, 18]


def test_a_pause_ends_on_its_day_at_the_hour_where_the_reader_lives() -> None:
    person = subscriber(zone="Australia/Sydney", hour=8, paused_until=date(2026, 10, 10))
    before = datetime(2026, 10, 9, 12, 59, tzinfo=UTC)  # 23:59 in Sydney
    assert next_digest_at(person, datetime(2026, 10, 2, tzinfo=UTC)) == datetime(2026, 10, 9, 21, tzinfo=UTC)
    assert why_no_mail(person, before) == "paused until 2026-10-10"
    assert why_no_mail(person, before + timedelta(minutes=1)) is None


def test_only_who_is_active_gets_mail() -> None:
    now = datetime(2026, 10, 2, tzinfo=UTC)
    assert [why_no_mail(subscriber(state=state), now) for state in ("pending", "active", "unsubscribed")] == [
        "pending",
        None,
        "unsubscribed",
    ]
