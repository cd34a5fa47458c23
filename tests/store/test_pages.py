"""Which days' lists are known, by the answers that came."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from service.models import Page
from service.store.pages import (
    days_last_asked_at,
    days_read_whole,
    first_fetched_at,
    last_fetched,
    last_page_of,
    last_page_of_each_day,
)
from tests.builders import DAY, NOW

MIDNIGHT = datetime(2026, 10, 2, tzinfo=UTC)  # DAY is over
BEFORE, OTHER = DAY - timedelta(days=1), DAY - timedelta(days=2)
LONG_AGO = DAY - timedelta(days=30)


def add(session: Session, day: date | None, at: datetime = NOW, **fields: Any) -> Page:
    values: dict[str, Any] = {"asked_on": day, "shown_on": day, "form": "payload", "period": "day"}
    page = Page(address=f"https://example.org/{day}", fetched_at=at, **values | fields)
    session.add(page)
    session.flush()
    return page


def test_a_list_is_read_whole_once_it_came_without_a_doubt_after_its_day_had_ended(session: Session) -> None:
    def is_whole(*answers: dict[str, Any]) -> bool:
        with session.begin_nested() as tried:
            for answer in answers:
                add(session, DAY, **answer)
            found = days_read_whole(session, LONG_AGO)
            tried.rollback()
        assert found <= {DAY}
        return bool(found)

    doubt, first, rest = {"causes": ["empty"]}, {"goes_on": True}, {"part": 1}
    assert not is_whole({"at": MIDNIGHT - timedelta(seconds=1)})
    assert is_whole({"at": MIDNIGHT})
    assert is_whole({"shown_on": None})
    assert not is_whole({"error": "away", "form": None})
    assert not is_whole({"asked_on": None, "shown_on": None})
    assert not is_whole(doubt)
    assert is_whole(doubt, {})
    assert not is_whole(first)
    assert is_whole(first, rest)
    assert not is_whole(first | doubt, rest)
    assert not is_whole(rest)


def test_another_days_list_is_no_answer_for_the_day_that_was_asked_for(session: Session) -> None:
    add(session, DAY, shown_on=BEFORE)
    assert days_read_whole(session, LONG_AGO) == {BEFORE}
    assert days_read_whole(session, MIDNIGHT.date() + timedelta(days=1)) == set()


def test_a_day_was_last_asked_for_when_the_newest_answer_for_it_came_whatever_it_was(session: Session) -> None:
    add(session, OTHER, MIDNIGHT)
    add(session, DAY, MIDNIGHT - timedelta(hours=1))
    add(session, DAY, NOW - timedelta(hours=1), causes=["empty"])
    add(session, DAY, NOW, shown_on=BEFORE)
    add(session, DAY, NOW + timedelta(hours=1), goes_on=True)
    add(session, DAY, NOW + timedelta(hours=2), error="away")
    assert days_last_asked_at(session, LONG_AGO) == {OTHER: MIDNIGHT, DAY: NOW, BEFORE: NOW}


def test_the_last_answer_about_a_day_is_of_what_was_asked_and_is_not_one_that_never_came(session: Session) -> None:
    asked = add(session, DAY, shown_on=BEFORE)
    add(session, DAY, part=1)
    add(session, DAY, error="away", form=None)
    shown = add(session, None, shown_on=BEFORE)
    assert (last_page_of(session, DAY), last_page_of(session, BEFORE)) == (asked, shown)
    unreadable = add(session, DAY, error="no page we know", form=None, causes=["unknown form"])
    assert last_page_of(session, DAY) == unreadable
    assert last_page_of(session, OTHER) is None


def test_what_is_usual_goes_by_the_newest_answer_of_a_form_for_each_day(session: Session) -> None:
    add(session, DAY)
    other, newest, old = add(session, BEFORE), add(session, DAY), add(session, LONG_AGO)
    for unlike in ({"form": "text"}, {"period": "week"}, {"part": 1}):
        add(session, DAY, **unlike)
    assert last_page_of_each_day(session, "payload", BEFORE) == [other, newest]
    assert last_page_of_each_day(session, "payload", LONG_AGO) == [old, other, newest]


def test_the_last_fetch_is_all_that_came_at_the_newest_time(session: Session) -> None:
    assert (first_fetched_at(session), last_fetched(session)) == (None, [])
    pages = [add(session, DAY), add(session, BEFORE), add(session, OTHER, MIDNIGHT)]
    assert (first_fetched_at(session), last_fetched(session)) == (MIDNIGHT, pages[:2])
