from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from service.links import Standing, standing_link
from tests.builders import SENDER
from tests.web.conftest import LINKS, Web, path

LINK = LINKS.unsubscribe


def test_the_page_asks_with_a_button_and_shows_the_address_masked(web: Web) -> None:
    page = web.get(LINK).text
    assert f'<form method="post" action="{path(LINK)}"><button>Unsubscribe</button></form>' in page
    assert "a•••@example.org" in page
    assert "ada@" not in page
    assert web.person().state == "active"


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
    ],
    ids=["urlencoded", "multipart", "empty"],
)
def test_one_click_takes_any_body_and_twice_is_the_same_as_once(web: Web, body: dict[str, Any]) -> None:
    for _ in range(2):
        answer = web.client.post(path(LINK), **body)
        assert (answer.status_code, dict(answer.cookies)) == (200, {})
        assert web.person().state == "unsubscribed"
    assert web.notices() == []


def undo_of(page: str) -> str:
    found = re.search(r'action="(/resubscribe/[^"]+)"><button>Undo</button>', page)
    assert found is not None
    return found.group(1)


def test_the_answer_offers_the_undo_for_a_day(web: Web) -> None:
    undo = undo_of(web.post(LINK).text)
    assert web.get(undo).status_code == 405
    assert web.person().state == "unsubscribed"
    assert web.post(undo).status_code == web.post(undo).status_code == 200
    assert web.person().state == "active"
    undo = undo_of(web.post(LINK).text)
    web.now += timedelta(days=1, seconds=1)
    assert web.post(undo).status_code == 410
    assert web.person().state == "unsubscribed"


def test_who_holds_a_forwarded_mail_can_not_resubscribe_and_has_a_link_mailed_to_the_owner(web: Web) -> None:
    web.post(LINK)
    way_back = f'<form method="post" action="{path(LINKS.settings)}/account"><button>Mail me a link</button></form>'
    assert way_back in web.get(LINK).text
    assert web.post(LINK.replace("/unsubscribe/", "/resubscribe/")).status_code == 404
    for answer, said in (
        (web.post(LINK), "You are unsubscribed"),
        (web.get(LINK), "You are unsubscribed"),
        (web.get(LINKS.settings), "No digest goes to"),
    ):
        assert (answer.status_code, said in answer.text) == (200, True)
        assert "/resubscribe/" not in answer.text
    assert web.person().state == "unsubscribed"


def test_the_undo_of_one_unsubscribe_undoes_no_later_one(web: Web) -> None:
    kept = undo_of(web.post(LINK).text)
    web.post(kept)
    web.now += timedelta(hours=1)
    web.post(LINK)
    assert web.post(kept).status_code == 404
    assert web.person().state == "unsubscribed"


def test_who_lives_in_a_zone_that_this_machine_does_not_know_can_unsubscribe(web: Web) -> None:
    web.add(email="ben@example.org", id=2, key="b" * 32, zone="Mars/Olympus")
    assert web.post(standing_link(SENDER, Standing.UNSUBSCRIBE, "b" * 32)).status_code == 200
    assert web.person(2).state == "unsubscribed"


def test_every_link_that_is_not_good_gets_one_answer(web: Web) -> None:
    unknown = standing_link(SENDER, Standing.UNSUBSCRIBE, "n" * 32).rpartition("/")[2]
    key = "k" * 32
    tokens = [unknown, key, f"{key}.", f"{key}.AAAA", LINKS.settings.rpartition("/")[2], "%00", "ü.ü"]
    paths = [f"/{purpose}/{token}" for purpose in ("unsubscribe", "pause", "settings", "confirm", "undo") for token in tokens[:3]]
    paths += [f"/unsubscribe/{token}" for token in tokens]
    paths += [path(LINKS.web).replace("2026-10-01", day) for day in ("2026-10-02", "yesterday")]
    answers = {(answer.status_code, answer.text) for place in paths for answer in [web.get(place)]}
    answers |= {(answer.status_code, answer.text) for place in paths if "digest" not in place for answer in [web.post(place)]}
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert web.person().state == "active"


def test_no_answer_sends_a_token_to_another_host(web: Web) -> None:
    for link in (LINK, LINKS.settings):
        for verb in ("GET", "HEAD", "POST"):
            answer = web.client.request(verb, f"{path(link)}/", headers={"Host": "elsewhere.example"})
            assert (answer.status_code, answer.headers.get("Location")) == (404, None)


def test_pages_run_no_script_stand_in_no_index_and_tell_nobody_where_they_were_opened(web: Web) -> None:
    for place in (LINK, LINKS.settings, "/nothing", "/health", "/metrics", "/style.css", "/unsubscribe/none"):
        headers = web.get(place).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Robots-Tag"] == "noindex"
        assert headers["Cache-Control"] == "no-store"


def test_a_database_that_fails_is_told_and_nothing_is_changed(sqlite: Engine) -> None:
    web = Web(sqlite)
    with sqlite.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE subscriber RENAME TO gone")
    assert web.post(LINK).status_code == 503


@pytest.mark.parametrize("body", [b"zone=" + b"x" * 100_000, [b"zone=", b"x" * 100_000]], ids=["declared", "in chunks"])
def test_a_body_that_has_no_end_is_refused_by_a_page_of_ours(web: Web, body: bytes | list[bytes]) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded", "Accept-Language": "de"}
    answer = web.client.post(path(LINKS.settings), content=body, headers=form)
    assert (answer.status_code, answer.headers["Referrer-Policy"]) == (413, "no-referrer")
    assert '<html lang="de"' in answer.text
    assert "Was geschickt wurde, ist zu lang." in answer.text


def test_what_only_a_form_may_post_to_says_so(web: Web) -> None:
    answer = web.get(f"{LINKS.settings}/account")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert {*web.client.delete("/health").headers["Allow"].split(", ")} == {"GET", "HEAD"}
    assert {*web.client.delete(path(LINKS.settings)).headers["Allow"].split(", ")} == {"GET", "HEAD", "POST"}
