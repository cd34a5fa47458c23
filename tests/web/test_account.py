from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from bs4 import BeautifulSoup
from sqlmodel import select

from service.errors import DeliveryFailed
from service.links import Fresh, fresh_link, mail_links
from service.models import Delivery, DeliveryState, Issue, Mark, Notice, Subscriber
from service.pipeline.subscriptions import ask_to_confirm
from service.store.database import reading, transaction
from service.store.subscribers import erase_subscriber, has_unsubscribed
from tests.builders import DAY, NOW, SENDER
from tests.web.conftest import ADA, LINKS, Web, agents, links_on, path, the_link

NEW = "ada@example.com"


@pytest.fixture
def account(web: Web) -> str:
    """The link to it, as it was mailed."""
    return ask(web)


def ask(web: Web) -> str:
    assert web.post(f"{LINKS.settings}/account").status_code == 200
    (mail,) = web.wake()
    assert mail["To"] == web.person().email
    return the_link(mail)


def test_what_is_stored_is_shown_to_the_mailbox_for_two_hours(web: Web, account: str) -> None:
    page = web.get(account).text
    assert ADA in page
    web.now += timedelta(hours=2, seconds=1)
    for answer in (web.get(account), web.get(f"{account}/export"), web.post(f"{account}/erase", sure="yes")):
        assert answer.status_code == 410
        assert ADA not in answer.text
    assert web.person().email == ADA


@pytest.mark.slow
def test_who_is_erased_while_clicks_of_theirs_wait_is_not_there_for_any(web: Web, account: str) -> None:
    """Each waits for its turn; otherwise it would also act on what is no more, and many at once would pass a day's limits."""
    web.gather(agents())
    web.post(f"{account}/address", email=NEW)
    web.post(LINKS.settings, topics="code", cadence="daily", hour="7", zone="UTC")
    move, undo = map(the_link, web.wake())
    resubscribe = path(fresh_link(SENDER, Fresh.RESUBSCRIBE, "k" * 32, web.now))
    with transaction(web.engine) as session:
        ask_to_confirm(session, session.get_one(Subscriber, 1), web.now)
    confirm = fresh_link(SENDER, Fresh.CONFIRM, web.notices()[-1].key, web.now)
    links = [LINKS.unsubscribe, resubscribe, LINKS.pause, LINKS.settings, f"{LINKS.settings}/account", confirm, move, undo]
    links += [LINKS.mark("2610.00001", "more"), LINKS.mark("2610.00001", "mute")]
    links += [f"{account}/{what}" for what in ("address", "resubscribe", "erase")]
    with ThreadPoolExecutor(len(links)) as others:
        with transaction(web.engine) as session:
            person = session.get_one(Subscriber, 1, with_for_update=True)
            clicks = [others.submit(web.post, link) for link in links]
            wait(clicks, 0.5)
            erase_subscriber(session, person, web.now)
        assert {link: click.result().status_code for link, click in zip(links, clicks, strict=True)} == dict.fromkeys(links, 404)


def test_a_mails_own_link_opens_no_account(web: Web) -> None:
    assert web.get(LINKS.settings.replace("/settings/", "/account/")).status_code == 404


def test_three_links_a_day_are_enough_for_anybody(web: Web) -> None:
    answers = [web.post(f"{LINKS.settings}/account").text for _ in range(5)]
    assert ["Three links went" in answer for answer in answers] == [False, False, False, True, True]
    assert len(web.wake()) == 3
    web.now += timedelta(days=1)
    ask(web)


def test_everything_can_be_taken_along(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.now = NOW.replace(hour=8)
    web.wake()
    account = ask(web)
    answer = web.get(f"{account}/export")
    assert "attachment" in answer.headers["Content-Disposition"]
    told = answer.json()
    assert told["subscriber"]["email"] == ADA
    assert [(row["digest_on"], row["paper_ids"], row["state"]) for row in told["deliveries"]] == [
        ("2026-10-01", ["2610.00001"], "accepted")
    ]
    assert [row["kind"] for row in told["notices"]] == ["account"]
    assert "k" * 32 not in answer.text  # whoever gets the file gets no link with it
    assert "<td>1" in web.get(account).text


def test_the_heading_of_a_column_of_numbers_stands_above_them(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.now = NOW.replace(hour=8)
    web.wake()
    rows = BeautifulSoup(web.get(ask(web)).text, "lxml").select("table tr")
    head, first = ([cell.get("class") for cell in row.select("th, td")] for row in rows)
    assert head == first == [None, ["count"], None]


def test_what_became_of_a_digest_is_told_whatever_it_is(web: Web) -> None:
    web.gather(agents())
    web.wake()
    web.now = NOW.replace(hour=8)
    web.wake()
    account = ask(web)
    for state in DeliveryState:
        with transaction(web.engine) as session:
            session.get_one(Delivery, 1).state = state
        assert f"<td>{state}" in web.get(account).text


def test_an_address_moves_once_the_new_one_confirms_and_the_old_one_can_undo_it(web: Web, account: str) -> None:
    assert web.post(f"{account}/address", email=NEW).status_code == 200
    (mail,) = web.wake()
    assert mail["To"] == NEW
    link = the_link(mail)
    assert web.get(link).status_code == 200
    assert web.person().email == ADA
    assert web.post(link).status_code == web.post(link).status_code == 200
    assert web.person().email == NEW
    assert web.get(account).status_code == 404  # it went to the old address
    (told,) = web.wake()
    assert told["To"] == ADA
    assert NEW not in told.get_body(("plain",)).get_content()
    assert "The digest would go to a•••@example.org again." in web.get(the_link(told)).text
    assert web.post(the_link(told)).status_code == 200
    assert web.person().email == ADA


def test_a_question_to_a_new_address_counts_no_more_after_a_move(web: Web, account: str) -> None:
    web.post(f"{account}/address", email=NEW)
    link = the_link(web.wake()[0])
    web.post(link)
    web.post(the_link(web.wake()[0]))  # the owner's undo
    assert web.post(link).status_code == 409
    assert web.person().email == ADA


def test_three_new_addresses_a_day_are_enough_for_anybody(web: Web, account: str) -> None:
    answers = [web.post(f"{account}/address", email=f"new{number}@example.org").status_code for number in range(4)]
    assert answers == [200, 200, 200, 429]


@pytest.mark.parametrize("email", ["", "ada", "a@b@c", "ada@example.org\r\nBcc: x@y.org"])
def test_what_is_no_address_is_told(web: Web, account: str, email: str) -> None:
    answer = web.post(f"{account}/address", email=email)
    assert answer.status_code == 422
    assert "Nothing was changed" in answer.text
    assert web.wake() == []


def test_what_is_no_address_is_told_in_german_without_an_english_reason(web: Web, account: str) -> None:
    web.post(LINKS.settings, topics="agents", cadence="daily", hour="8", zone="UTC", language="de")
    page = BeautifulSoup(web.post(f"{account}/address", email="nobody").text, "lxml")
    assert "Nichts wurde geändert: 'nobody' ist keine E-Mail-Adresse." in page.stripped_strings


def test_an_address_that_is_taken_is_not_told_of_and_not_mailed(web: Web, account: str) -> None:
    web.add(email="ben@example.org", id=2, key="b" * 32)
    web.add(email="eva@example.org", id=3, key="e" * 32, state="unsubscribed")
    addresses = ("ben@example.org", "eva@example.org", "new@example.org")
    answers = {web.post(f"{account}/address", email=email).text.replace(email, "") for email in addresses}
    assert len(answers) == 1
    assert [mail["To"] for mail in web.wake()] == ["new@example.org"]


def test_who_unsubscribed_meanwhile_moves_nowhere_so_that_their_address_is_not_taken_in_again(web: Web, account: str) -> None:
    web.post(f"{account}/address", email=NEW)
    (mail,) = web.wake()
    web.post(LINKS.unsubscribe)
    answer = web.post(the_link(mail))
    assert (answer.status_code, "the subscription is unsubscribed" in answer.text) == (409, True)
    with reading(web.engine) as session:
        assert has_unsubscribed(session, ADA)


def test_the_undo_of_a_move_takes_no_address_out_of_those_that_unsubscribed(web: Web, account: str) -> None:
    web.post(f"{account}/address", email=NEW)
    web.post(the_link(web.wake()[0]))
    (told,) = web.wake()
    web.post(LINKS.unsubscribe)
    answer = web.post(the_link(told))
    assert (answer.status_code, "the subscription is unsubscribed" in answer.text) == (409, True)
    with reading(web.engine) as session:
        assert has_unsubscribed(session, NEW)


def test_an_address_that_was_taken_meanwhile_changes_nothing(web: Web, account: str) -> None:
    web.post(f"{account}/address", email=NEW)
    (mail,) = web.wake()
    web.add(email=NEW, id=2, key="b" * 32)
    assert web.post(the_link(mail)).status_code == 409
    assert web.person().email == ADA


def test_erasing_needs_the_ticked_box_and_leaves_nothing(web: Web, account: str) -> None:
    assert web.post(f"{account}/erase").status_code == 422
    assert web.person().email == ADA
    answer = web.post(f"{account}/erase", sure="yes")
    assert (answer.status_code, "Nothing of you is stored here any more. " in answer.text) == (200, True)
    stored = web.stored()
    assert (stored["subscriber"], stored["notice"], stored["delivery"]) == ([], [], [])
    assert "ada@" not in repr(stored)
    assert web.get(account).status_code == web.get(LINKS.settings).status_code == 404


def test_what_the_links_of_one_do_touches_nobody_else(web: Web) -> None:
    web.add(id=2, email="ben@example.org", key="b" * 32)
    web.gather(agents())
    web.now = NOW.replace(hour=8)
    assert len(web.wake()) == 2
    of_ben = mail_links(SENDER, "b" * 32, DAY)
    for links in (LINKS, of_ben):
        web.post(links.mark("2610.00001", "saved"))
        web.post(links.settings, topics=["agents"], cadence="daily", hour="6", zone="UTC")
        for _ in range(3):
            web.post(f"{links.settings}/account")
    web.post(of_ben.settings, topics=["agents"], cadence="daily", hour="5", zone="UTC")
    assert [notice.after["hour"] for notice in web.notices() if notice.kind == "change"] == [6, 5]
    mails = web.wake()
    assert sorted(mail["To"] for mail in mails) == [ADA] * 4 + ["ben@example.org"] * 4
    theirs = [the_link(mail) for mail in mails if mail["To"] == "ben@example.org"]
    undo, account, *_ = sorted(theirs, key=lambda link: "/account/" in link)
    web.post(undo)
    assert (web.person(1).hour, web.person(2).hour) == (6, 8)
    web.post(f"{account}/erase", sure="yes")
    with reading(web.engine) as session:
        left = {model: [row.subscriber_id for row in session.exec(select(model))] for model in (Delivery, Mark, Notice)}
        assert left == {Delivery: [1], Mark: [1], Notice: [1] * 4}
        assert [issue.candidate_count for issue in session.exec(select(Issue))] == [1]
    assert web.person(1).email == ADA


def test_who_is_erased_once_they_have_unsubscribed_is_told_that_a_hash_is_kept(web: Web, account: str) -> None:
    web.post(LINKS.unsubscribe)
    assert "but a hash of your address, so that no mail goes there." in web.post(f"{account}/erase", sure="yes").text
    assert len(web.stored()["suppression"]) == 1


def test_an_address_that_a_server_refused_by_name_does_not_outlive_the_eraser(web: Web) -> None:
    web.gather(agents())
    account = ask(web)
    web.mailbox.refuse[ADA] = DeliveryFailed(550, f"5.1.1 <{ADA}>: Recipient address rejected")
    web.now = NOW.replace(hour=8)
    assert web.wake() == []
    web.now -= timedelta(hours=1)
    assert web.post(f"{account}/erase", sure="yes").status_code == 200
    stored = web.stored()
    assert "hard bounce: 550 5.1.1 <[address]>: Recipient address rejected" in repr(stored["suppression"])
    assert ADA not in repr(stored)


def test_who_unsubscribed_comes_back_by_a_button_that_the_mailed_link_shows_to_them_alone(web: Web) -> None:
    assert "/resubscribe" not in web.get(ask(web)).text
    web.post(LINKS.unsubscribe)
    (button,) = [link for link in links_on(web.get(ask(web))) if link.endswith("/resubscribe")]
    assert web.post(button).status_code == 200
    assert web.person().state == "active"
