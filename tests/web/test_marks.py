from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup
from sqlmodel import select

from service.links import Standing, standing_link
from service.models import Mark
from service.pipeline.digests import digest_for
from service.store.database import reading
from tests.builders import DAY, NOW, SENDER
from tests.web.conftest import LINKS, Web, agents, links_in, the_link

PAPER = "2610.00001"
LINKS_OF_BEN = standing_link(SENDER, Standing.SETTINGS, "b" * 32)


@pytest.fixture
def marking(web: Web) -> Web:
    web.gather(agents(PAPER), agents("2610.00002"))
    return web


def marks(web: Web) -> set[tuple[str, str]]:
    with reading(web.engine) as session:
        return {(mark.paper_id, mark.kind) for mark in session.exec(select(Mark))}


def test_each_card_of_a_mail_has_links_that_mark_by_post_only(marking: Web) -> None:
    marking.wake()
    marking.now = NOW.replace(hour=8)
    (mail,) = marking.wake()
    links = [link for link in links_in(mail) if "/mark/" in link]
    assert {link.split("/")[-1] for link in links} == {"more", "less", "mute", "saved"}
    for link in links:
        assert marking.get(link).status_code == marking.head(link).status_code == 200
    assert marks(marking) == set()
    assert marking.post(LINKS.mark(PAPER, "more")).status_code == 200
    assert marks(marking) == {(PAPER, "more")}


@pytest.mark.parametrize(
    ("what", "words"), [("more", "More like this"), ("less", "Less like this"), ("saved", "Save"), ("mute", "Mute it")]
)
def test_what_a_link_asks_for_stands_first_on_its_page(marking: Web, what: str, words: str) -> None:
    first, *others = BeautifulSoup(marking.get(LINKS.mark(PAPER, what)).text, "lxml").select("button:not([name=phrase])")
    assert (first.text, first["class"]) == (words, ["asked"])
    assert len(others) == 3
    assert not any(button.has_attr("class") for button in others)


def test_more_takes_back_less_and_saving_goes_with_either(marking: Web) -> None:
    for kind, said in (("less", "sink from"), ("saved", "Saved."), ("more", "rise from"), ("more", "rise from")):
        assert said in marking.post(LINKS.mark(PAPER, kind)).text
    assert marks(marking) == {(PAPER, "more"), (PAPER, "saved")}


def test_a_mark_is_undone_by_the_button_of_its_page(marking: Web) -> None:
    answer = marking.post(LINKS.mark(PAPER, "less"))
    assert "Take back" not in marking.get(LINKS.mark("2610.00002", "less")).text
    (form,) = [form for form in BeautifulSoup(answer.text, "lxml").find_all("form") if "Take back" in form.text]
    assert "Taken back." in marking.post(str(form["action"]), undo="yes").text
    assert marks(marking) == set()


def test_the_page_of_a_mute_offers_what_stands_in_the_paper_and_is_not_muted_yet(web: Web) -> None:
    web.gather(agents(PAPER, ai_keywords=["tool-use", "tool use", "LLM agents", "planning, fast"]))
    page = LINKS.mark(PAPER, "mute")
    offered = [button["value"] for button in BeautifulSoup(web.get(page).text, "html.parser").select("button[name=phrase]")]
    assert offered == ["tool use", "LLM agents"]
    web.post(page, phrase="tool use")
    assert "Mute “tool use”" not in web.get(page).text
    assert "Mute “LLM agents”" in web.get(page).text
    assert 'name="phrase" value' not in web.get(LINKS.mark(PAPER, "more")).text


def test_a_mute_is_a_setting_that_is_told_by_mail_and_undone(marking: Web) -> None:
    answer = marking.post(LINKS.mark(PAPER, "mute"), phrase="LLM agents")
    assert "Papers that hold “LLM agents” come no more." in answer.text
    assert "LLM agents" in answer.text
    assert marking.person().muted == ["LLM agents"]
    (mail,) = marking.wake()
    assert "Muted phrases: LLM agents" in mail.get_body(("plain",)).get_content()
    marking.post(the_link(mail))
    assert marking.person().muted == []


def test_phrases_are_muted_one_by_one_and_one_that_is_muted_already_promises_no_mail(marking: Web) -> None:
    answers = [marking.post(LINKS.mark(PAPER, "mute"), phrase=phrase).text for phrase in ("soup", "stew", "soup")]
    assert ["A mail tells it" in answer for answer in answers] == [True, True, False]
    assert marking.person().muted == ["soup", "stew"]


@pytest.mark.parametrize(
    ("what", "form", "status"),
    [("mute", {"phrase": "..."}, 422), ("mute", {}, 422), ("mute", {"phrase": "x" * 101}, 422), ("hate", {}, 404)],
)
def test_what_can_not_be_said_changes_nothing(marking: Web, what: str, form: dict[str, Any], status: int) -> None:
    before = marking.stored()
    assert marking.post(LINKS.mark(PAPER, what), **form).status_code == status
    assert marking.stored() == before


def test_a_strange_link_a_strange_paper_and_who_unsubscribed_mark_nothing(marking: Web) -> None:
    assert marking.post(LINKS.mark("2610.99999", "more")).status_code == 404
    assert marking.post(LINKS.settings.replace("/settings/", "/mark/") + f"/{PAPER}/more").status_code == 404
    marking.post(LINKS.unsubscribe)
    assert marking.post(LINKS.mark(PAPER, "more")).status_code == 422
    assert marks(marking) == set()


def test_marks_move_the_next_digest_and_its_why_names_them(marking: Web) -> None:
    marking.post(LINKS.mark(PAPER, "more"))
    with reading(marking.engine) as session:
        digest = digest_for(session, marking.person(), DAY).digest
    assert all(pick.liking and pick.liking.like_ids == (PAPER,) for pick in digest.cards)


def test_the_owner_sees_all_marks_takes_them_along_and_erases_them(marking: Web) -> None:
    given = [("2610.00002", "less"), (PAPER, "more"), (PAPER, "saved")]
    for paper, kind in given:
        marking.post(LINKS.mark(paper, kind))
    marking.post(f"{LINKS.settings}/account")
    (mail,) = marking.wake()
    rows = BeautifulSoup(marking.get(the_link(mail)).text, "lxml").select("tbody tr")
    assert sorted((str(row.select("a")[0]["href"])[-10:], row.select("td")[1].text) for row in rows) == sorted(given)
    told = marking.get(f"{the_link(mail)}/export").json()["marks"]
    assert sorted((mark["paper_id"], mark["kind"]) for mark in told) == sorted(given)
    marking.post(f"{the_link(mail)}/erase", sure="yes")
    assert marks(marking) == set()


def test_the_settings_page_tells_why_the_last_day_was_silent(web: Web) -> None:
    web.add(email="ben@example.org", id=2, key="b" * 32, topics=["robotics"])
    web.gather(agents(PAPER))
    web.wake()
    web.now = NOW.replace(hour=8)
    web.wake()
    assert "did not come" not in web.get(LINKS.settings).text
    page = web.get(LINKS_OF_BEN).text
    assert "1 new paper looked at, none above your bar" in page
