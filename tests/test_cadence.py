from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from service.cadence import last_complete_day, last_listed_day, local_day, window_start


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


def test_a_later_digest_starts_a_week_before_the_last_accepted_one_but_thirty_days_back_at_most() -> None:
    assert window_start(date(2026, 10, 8), "daily", date(2026, 10, 7)) == date(2026, 9, 30)
    assert window_start(date(2026, 10, 8), "daily", date(2026, 6, 1)) == date(2026, 9, 8)


def test_a_mail_bears_the_day_where_its_reader_lives() -> None:
    late = datetime(2026, 10, 1, 23, 0, tzinfo=UTC)
    assert local_day(late, "Asia/Tokyo") == date(2026, 10, 2)
    assert local_day(late, "America/New_York") == date(2026, 10, 1)
