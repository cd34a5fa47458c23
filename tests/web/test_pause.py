from __future__ import annotations

from datetime import date, timedelta

import pytest
from bs4 import BeautifulSoup

from service.links import Standing, standing_link
from tests.builders import NOW, SENDER
from tests.web.conftest import LINKS, Web, agents


def test_a_pause_is_answered_by_its_page_which_offers_the_undo(web: Web) -> None:
    assert web.person().paused_until is None
    answer = web.post(LINKS.pause, until="2026-10-09")
    assert "before Friday 9 October 2026" in answer.text
    assert web.person().paused_until == date(2026, 10, 9)
    assert 'name="until" value="no"' in answer.text
    over = web.post(LINKS.pause, until="no").text
    assert "The next digest comes on Friday 2 October 2026 at 08:00, UTC. For how long shall none go to a•••@example.org?" in over
    assert "No digest" not in over
    assert web.person().paused_until is None
    assert web.notices() == []


def test_a_button_of_the_page_pauses_for_as_long_as_it_says(web: Web) -> None:
    page = BeautifulSoup(web.get(LINKS.pause).text, "lxml")
    assert [field["min"] for field in page.select("input[type=date]")] == ["2026-10-03"]
    buttons = page.select("button[name=until]")
    assert [(button.text, button["value"]) for button in buttons] == [
        ("For a week", "2026-10-09"), ("For two weeks", "2026-10-16"), ("For four weeks", "2026-10-30"),
    ]  # fmt: skip
    for button in buttons:
        assert "Your digest is paused" in web.post(LINKS.pause, until=button["value"]).text
        assert f"{web.person().paused_until}" == button["value"]
    web.now = NOW.replace(day=30, hour=0)
    assert "is paused" not in web.get(LINKS.pause).text


@pytest.mark.parametrize("until", ["", "tomorrow", "2026-10-02", "2026-09-01", "2028-01-01", "<b>"])
def test_what_is_no_pause_changes_nothing_and_is_told(web: Web, until: str) -> None:
    answer = web.post(LINKS.pause, until=until)
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert "<b>" not in answer.text
    assert web.person().paused_until is None


def test_a_paused_subscriber_gets_nothing_and_then_one_digest_of_what_they_missed(web: Web) -> None:
    web.gather(agents("2610.00001"))
    web.wake()
    web.now = NOW.replace(hour=8)
    assert len(web.wake()) == 1
    web.post(LINKS.pause, until="2026-10-07")
    for day in (2, 5, 6):
        web.now = NOW.replace(day=day, hour=20)
        web.gather(agents(f"2610.{day:05d}", submittedOnDailyAt=f"2026-10-{day:02d}T00:00:00Z"))
        assert web.wake() == []
    web.now = NOW.replace(day=7, hour=7, minute=59)
    assert len(web.wake()) == 1
    assert web.mailbox.paper_ids("ada@example.org")[1:] == [["2610.00006", "2610.00005", "2610.00002"]]


def test_whose_browser_knows_no_field_for_days_is_told_how_one_is_written(web: Web) -> None:
    assert "written as in 2026-12-01" in web.post(LINKS.pause, until="9.10.2026").text


@pytest.mark.parametrize("state", ["pending", "unsubscribed"])
def test_who_gets_no_mail_has_nothing_to_pause(web: Web, state: str) -> None:
    web.add(email="ben@example.org", id=2, key="b" * 32, state=state, paused_until=date(2026, 10, 20))
    link = standing_link(SENDER, Standing.PAUSE, "b" * 32)
    page = web.get(link).text
    assert "No digest goes to b•••@example.org." in page
    assert "is paused" not in page
    assert "<form" not in page
    answer = web.post(link, until="2026-10-09")
    assert (answer.status_code, f"the subscription is {state}" in answer.text) == (422, True)
    assert web.person(2).paused_until == date(2026, 10, 20)


def test_a_pause_takes_a_mail_back_that_was_planned_already(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.mailbox.refuse["ada@example.org"] = ConnectionError("made to fail")
    web.now = NOW.replace(hour=8)
    assert web.wake() == []
    web.mailbox.refuse.clear()
    web.post(LINKS.pause, until="2026-10-20")
    web.now += timedelta(hours=1)
    assert web.wake() == []
    web.post(LINKS.pause, until="no")
    web.now = NOW.replace(day=3, hour=8)
    assert len(web.wake()) == 1
