from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from bs4 import BeautifulSoup

from service.errors import DeliveryFailed
from service.links import Standing, standing_link
from service.models import LANGUAGES, WEEKDAYS, Notice, Subscriber
from service.pipeline.subscriptions import mailed
from service.store.database import transaction
from service.subscribers import changed_columns
from tests.builders import NOW, SENDER
from tests.web.conftest import ADA, LINKS, Web, agents, standing, the_link

GIVEN: dict[str, Any] = {"topics": ["agents"], "cadence": "daily", "hour": "8", "zone": "UTC"}


def test_the_page_shows_what_is_chosen_and_masks_the_address(web: Web) -> None:
    page = web.get(LINKS.settings).text
    shown = BeautifulSoup(page, "lxml")
    assert [box["value"] for box in shown.select("input[name=topics][checked]")] == ["agents"]
    chosen = [choice.text for choice in shown.select("option[selected]")]
    assert chosen[:3] == ["daily", "08:00", "UTC"]
    assert chosen[3:] == ["6 minutes of reading", "as the topic asks for", "English", "no", "yes", "no"]
    assert shown.select_one("label[for=minimum_score]").text == "How well a paper must fit a topic, from 0 to 1"
    assert "a•••@example.org" in page
    assert "ada@" not in page
    assert "The next digest comes on Friday 2 October 2026 at 08:00" in page


def test_who_lost_the_mailbox_is_told_that_no_mail_comes_and_who_can_change_that(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.mailbox.refuse[ADA] = DeliveryFailed(550, "5.1.1 no such user")
    web.now = NOW.replace(hour=8)
    assert web.wake() == []
    said = "No mail goes to a•••@example.org: it came back, or it was asked for. Whoever sends you these mails can change that."
    for page in (web.get(LINKS.settings), web.get(LINKS.pause), web.post(f"{LINKS.settings}/account")):
        assert said in page.text
        assert "The next digest" not in page.text
        assert "Save the settings" not in page.text
    assert "<form" not in web.get(LINKS.pause).text
    assert web.notices() == []


def test_a_change_is_told_by_mail_with_an_undo(web: Web) -> None:
    answer = web.post(LINKS.settings, **{**GIVEN, "topics": ["agents", "code"], "hour": "6", "zone": "Europe/Berlin"})
    assert "Saved." in answer.text
    assert (web.person().topics, web.person().hour, web.person().zone) == (["agents", "code"], 6, "Europe/Berlin")
    (mail,) = web.wake()
    assert (mail["To"], mail["Auto-Submitted"]) == (ADA, "auto-generated")
    told = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    assert "Mail: daily at 06:00, Berlin time\nbefore: daily at 08:00, UTC" in told
    undo = the_link(mail)
    assert web.get(undo).status_code == 200
    assert web.person().hour == 6
    assert web.post(undo).status_code == web.post(undo).status_code == 200
    assert (web.person().topics, web.person().hour, web.person().zone) == (["agents"], 8, "UTC")
    assert len(web.wake()) == 1  # the undo is a change as well, told once


def test_who_lives_in_a_zone_that_this_machine_does_not_know_is_shown_utc_and_may_choose(web: Web) -> None:
    web.add(email="ben@example.org", id=2, key="b" * 32, zone="Mars/Olympus")
    link = standing_link(SENDER, Standing.SETTINGS, "b" * 32)
    page = web.get(link)
    assert page.status_code == 200
    assert "The next digest comes on Friday 2 October 2026 at 08:00, UTC." in page.text
    assert "<option selected>UTC</option>" in page.text
    assert "Saved." in web.post(link, **{**GIVEN, "zone": "Europe/Berlin"}).text
    assert web.person(2).zone == "Europe/Berlin"


PREFERENCES = {
    "length": "papers:8",
    "minimum_score": "0.7",
    "followed": "Ada Okafor\r\nNorthfield Lab\r\n",
    "muted": "soup",
    "language": "de",
    "with_abstract": "yes",
    "with_outside": "no",
    "with_note": "yes",
}


def test_every_preference_can_be_changed_is_told_and_undone(web: Web) -> None:
    before = mailed(web.person())
    answer = web.post(LINKS.settings, **GIVEN, **PREFERENCES)
    person = web.person()
    assert (person.length, person.minimum_score, person.language) == ("papers:8", 0.7, "de")
    assert (person.followed, person.muted) == (["Ada Okafor", "Northfield Lab"], ["soup"])
    assert (person.with_abstract, person.with_outside, person.with_note) == (True, False, True)
    assert "Ada Okafor\nNorthfield Lab</textarea>" in answer.text
    (mail,) = web.wake()
    told = mail.get_body(("plain",)).get_content().replace("\r\n", "\n")
    for line in ("Länge: 8 Arbeiten\nvorher: 6 Minuten", "Stichwörter: soup\nvorher: keine", "Sprache: Deutsch"):
        assert line in told
    assert told.count("vorher:") == len(PREFERENCES)
    web.post(the_link(mail))
    assert mailed(web.person()) == before


def test_the_undo_of_a_notice_from_before_there_were_preferences_leaves_them_alone(web: Web) -> None:
    web.post(LINKS.settings, **{**GIVEN, "hour": "6"})
    with transaction(web.engine) as session:
        notice = session.get_one(Notice, 1)
        old = ("topics", "cadence", "hour", "zone")
        notice.before = {name: notice.before[name] for name in old}
        notice.after = {name: notice.after[name] for name in old}
    (mail,) = web.wake()
    web.post(LINKS.settings, **GIVEN, **PREFERENCES)
    assert web.get(the_link(mail)).status_code == 200
    web.post(the_link(mail))
    assert (web.person().hour, web.person().length) == (8, "papers:8")


def test_an_undo_leaves_what_that_change_did_not_touch(web: Web) -> None:
    web.post(LINKS.settings, **{**GIVEN, "hour": "6"})
    (mail,) = web.wake()
    web.post(LINKS.settings, **{**GIVEN, "hour": "6", "topics": ["code"]})
    web.post(the_link(mail))
    assert (web.person().topics, web.person().hour) == (["code"], 8)


def test_the_page_of_an_undo_tells_what_it_would_change(web: Web) -> None:
    web.post(LINKS.settings, **{**GIVEN, "muted": "soup", "length": "papers:8"})
    (mail,) = web.wake()
    page = web.get(the_link(mail)).text
    assert "Length: 6 minutes of reading, and not 8 papers. Muted phrases: none, and not soup." in page
    assert "Agents" not in page
    web.post(the_link(mail))
    assert "Nothing would change" in web.get(the_link(mail)).text


def test_an_undo_lasts_for_thirty_days(web: Web) -> None:
    web.post(LINKS.settings, **{**GIVEN, "hour": "6"})
    (mail,) = web.wake()
    web.now += timedelta(days=30, minutes=1)
    assert web.post(the_link(mail)).status_code == 410
    assert web.person().hour == 6


def test_changes_that_follow_each_other_are_told_by_one_mail_whose_undo_undoes_them_all(web: Web) -> None:
    for hour in range(9, 20):
        web.post(LINKS.settings, **{**GIVEN, "hour": str(hour)})
    (mail,) = web.wake()
    assert web.post(the_link(mail)).status_code == 200
    assert web.person().hour == 8


def test_what_was_changed_back_before_it_was_told_is_not_told(web: Web) -> None:
    with transaction(web.engine) as session:
        session.get_one(Subscriber, 1).topics = ["code", "agents"]
    for topics, hour in ((["agents"], "6"), (["agents", "code"], "8")):
        web.post(LINKS.settings, **{**GIVEN, "topics": topics, "hour": hour})
    assert web.wake() == []
    assert [(notice.state, notice.reason) for notice in web.notices()] == [("skipped", "changed back before it was told")]
    web.post(LINKS.settings, **{**GIVEN, "topics": ["agents", "code"], "hour": "6"})
    (mail,) = web.wake()
    assert "before: daily at 08:00" in mail.get_body(("plain",)).get_content()


def test_who_holds_a_forwarded_mail_can_not_flood_the_subscriber(web: Web) -> None:
    answers = []
    for number in range(25):
        answers.append(web.post(LINKS.settings, **{**GIVEN, "hour": str(number % 24)}).status_code)
        web.wake()
    assert set(answers) == {200, 422}
    assert len(web.mailbox.mails) == 20


def test_who_holds_a_forwarded_mail_can_not_use_up_the_subscribers_undo(web: Web) -> None:
    for number in range(20):
        web.post(LINKS.settings, **{**GIVEN, "hour": str(number % 2), "topics": ["code"]})
        web.wake()
    assert web.post(LINKS.settings, **{**GIVEN, "hour": "5"}).status_code == 422
    first, *_, last = (the_link(mail) for _, mail in web.mailbox.mails)
    assert web.post(last).status_code == web.post(first).status_code == 200
    assert (web.person().topics, web.person().hour) == (["agents"], 8)


def test_who_unsubscribed_has_nothing_to_change(web: Web) -> None:
    web.post(LINKS.unsubscribe)
    assert web.post(LINKS.settings, **{**GIVEN, "hour": "6"}).status_code == 422
    assert web.person().hour == 8


def filled_in(page: str) -> dict[str, Any]:
    """What a browser posts of the page as it was shown."""
    form = BeautifulSoup(page, "lxml").select_one("form")
    assert form is not None
    told: dict[str, Any] = {"topics": [box["value"] for box in form.select("input[name=topics][checked]")]}
    told |= {f"{field['name']}": field["value"] for field in form.select("input[type=hidden]")}
    told |= {f"{field['name']}": field.text.removeprefix("\n") for field in form.select("textarea")}
    for field in form.select("select"):
        (chosen,) = field.select("option[selected]")
        told[f"{field['name']}"] = chosen.get("value", chosen.text)
    return told


def test_a_page_that_is_saved_as_it_was_opened_changes_nothing_whatever_was_set_elsewhere(web: Web) -> None:
    unusual = {"length": "papers:7", "minimum_score": 0.1234, "zone": "Japan", "cadence": "weekly:sun", "hour": 23}
    web.add(email="ben@example.org", id=2, key="b" * 32, language="de", muted=["soup", "<i>"], with_abstract=True, **unusual)
    link = standing_link(SENDER, Standing.SETTINGS, "b" * 32)
    assert "Es war nichts anders als vorher." in web.post(link, **filled_in(web.get(link).text)).text
    assert web.notices() == []


def test_all_that_the_page_offers_can_be_chosen(web: Web) -> None:
    choices = BeautifulSoup(web.get(LINKS.settings).text, "lxml").select("select")
    offered = {f"{field['name']}": [f"{one.get('value', one.text)}" for one in field.select("option")] for field in choices}
    assert [changed_columns({name: value}) for name, values in offered.items() for value in values]
    assert offered["hour"] == [f"{hour}" for hour in range(24)]
    assert offered["cadence"] == ["daily", "weekdays", *(f"weekly:{day}" for day in WEEKDAYS)]
    assert {"UTC", "Europe/Berlin", "America/Argentina/Buenos_Aires"} < {*offered["zone"]}
    assert not any(zone.startswith("Etc/") for zone in offered["zone"])  # whose signs are the wrong way round
    assert {length.partition(":")[0] for length in offered["length"]} == {"minutes", "papers"}
    assert offered["language"] == list(LANGUAGES)


def test_a_page_that_was_opened_before_changes_elsewhere_takes_none_of_them_back(web: Web) -> None:
    first, old = filled_in(web.get(LINKS.settings).text), filled_in(web.get(LINKS.settings).text)
    web.post(LINKS.settings, **{**first, "topics": ["agents", "code"], "hour": "6", "followed": "Ada Okafor", "with_note": "yes"})
    web.gather(agents())
    web.post(f"{standing(Standing.MARK)}/2610.00001/mute", phrase="soup")
    answer = web.post(LINKS.settings, **{**old, "length": "papers:8", "muted": "salad\nsoup", "followed": "Northfield Lab"})
    assert "Saved." in answer.text
    person = web.person()
    assert (person.topics, person.hour, person.with_note, person.length) == (["agents", "code"], 6, True, "papers:8")
    assert (person.followed, person.muted) == (["Ada Okafor", "Northfield Lab"], ["soup", "salad"])
    assert "Nothing was different" in web.post(LINKS.settings, **old).text


def test_what_was_taken_out_on_an_old_page_goes_and_what_came_elsewhere_stays(web: Web) -> None:
    web.post(LINKS.settings, **{**GIVEN, "topics": ["agents", "code"], "muted": "soup\r\nsalad"})
    old = filled_in(web.get(LINKS.settings).text)
    web.post(LINKS.settings, **{**GIVEN, "topics": ["agents", "code"], "muted": "soup\r\nsalad\r\nbread"})
    web.post(LINKS.settings, **{**old, "topics": ["code"], "muted": "salad"})
    assert (web.person().topics, web.person().muted) == (["code"], ["salad", "bread"])
    assert web.post(LINKS.settings, **{**old, "topics": ["agents"]}).status_code == 422  # no topic would be left
    assert web.person().topics == ["code"]


@pytest.mark.parametrize("shown", ["", "{", "[1]", '{"topics": {"a": 1}}', '{"muted": 5, "hour": [], "x": "y"}'])
def test_a_form_that_no_page_of_ours_made_breaks_nothing(web: Web, shown: str) -> None:
    assert web.post(LINKS.settings, **{**GIVEN, "shown": shown}).status_code in (200, 404)


def test_the_order_in_which_topics_were_stored_is_no_change(web: Web) -> None:
    with transaction(web.engine) as session:
        session.get_one(Subscriber, 1).topics = ["code", "agents"]
    web.post(LINKS.settings, **{**GIVEN, "topics": ["code", "agents"]})
    assert web.notices() == []


def test_saving_what_was_there_tells_nobody(web: Web) -> None:
    assert "Nothing was different" in web.post(LINKS.settings, **GIVEN).text
    assert web.notices() == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"topics": []}, "no topics: name at least one"),
        ({"topics": ["<script>"]}, "there is no topic"),
        ({"cadence": "hourly"}, "is not a cadence"),
        ({"hour": "24"}, "is not an hour"),
        ({"zone": "Mars"}, "is not a time zone"),
        ({"zone": ""}, "is not a time zone"),
        ({"length": "minutes:2"}, "is not a length"),
        ({"minimum_score": "2"}, "is not a score"),
        ({"muted": "..."}, "holds no word"),
        ({"followed": "x" * 101}, "is no name or phrase"),
        ({"language": "fr"}, "is not a language"),
        ({"with_note": "perhaps"}, "is neither yes nor no"),
    ],
)
def test_what_can_not_be_is_told_and_nothing_is_changed(web: Web, wrong: dict[str, Any], said: str) -> None:
    before = web.stored()
    answer = web.post(LINKS.settings, **{**GIVEN, "hour": "6", **wrong})
    assert answer.status_code == 422
    assert said in answer.text
    assert "<script>" not in answer.text
    assert web.stored() == before


def test_who_reads_german_sees_scores_with_a_comma(web: Web) -> None:
    page = web.post(LINKS.settings, **{**GIVEN, "language": "de", "minimum_score": "0.7"}).text
    assert "0,70 oder mehr" in page
    (mail,) = web.wake()
    assert "0,70 oder mehr" in mail.get_body(("plain",)).get_content()


def test_a_changed_hour_holds_for_the_next_digest(web: Web) -> None:
    web.gather(agents())
    web.post(LINKS.settings, **{**GIVEN, "hour": "10"})
    web.wake()
    web.now = NOW.replace(hour=8)
    assert web.wake() == []
    web.now = NOW.replace(hour=9, minute=59)
    assert len(web.wake()) == 1


def test_an_hour_later_on_the_day_of_a_digest_is_told_to_hold_from_the_next_day_on(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.now = NOW.replace(hour=8)
    assert len(web.wake()) == 1
    answer = web.post(LINKS.settings, **{**GIVEN, "hour": "20"})
    assert "The next digest comes on Saturday 3 October 2026 at 20:00" in answer.text
    web.gather(agents("2610.00002"))
    web.now = NOW.replace(hour=20)
    assert [mail["Subject"] for mail in web.wake()] == ["Your digest was changed"]


def test_an_hour_later_on_a_day_that_was_silent_holds_on_that_very_day(web: Web) -> None:
    web.now = NOW.replace(hour=8)
    assert web.wake() == []
    answer = web.post(LINKS.settings, **{**GIVEN, "hour": "20"})
    assert "The next digest comes on Friday 2 October 2026 at 20:00" in answer.text
    web.gather(agents())
    web.now = NOW.replace(hour=20)
    assert [mail["Subject"].split(":")[0] for mail in web.wake()] == ["Your digest was changed", "1 paper"]


def test_a_notice_that_can_not_be_sent_is_tried_again_and_holds_up_no_digest(web: Web) -> None:
    web.add(email="ben@example.org", id=2, key="b" * 32)
    web.gather(agents())
    web.wake()
    web.now = NOW.replace(hour=7, minute=59)
    web.post(LINKS.settings, **{**GIVEN, "topics": ["code"]})
    web.mailbox.refuse[ADA] = DeliveryFailed(450, "the mailbox is busy")
    assert [mail["To"] for mail in web.wake()] == ["ben@example.org"]
    web.mailbox.refuse.clear()
    web.now += timedelta(minutes=10)
    assert [mail["Subject"] for mail in web.wake()] == ["Your digest was changed"]
