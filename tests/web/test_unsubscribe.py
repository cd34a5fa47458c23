from __future__ import annotations

import re
from contextlib import nullcontext

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from service.links import sign, unsubscribe_link
from service.models import Subscriber
from service.store.database import reading, transaction
from service.web import web_application
from tests.builders import SENDER, subscriber

KEY = "k" * 32


@pytest.fixture
def client(engine: Engine) -> TestClient:
    with transaction(engine) as session:
        session.add(subscriber(key=KEY))
    return TestClient(web_application(engine, SENDER, nullcontext), follow_redirects=False)


def link() -> str:
    return unsubscribe_link(SENDER, KEY).removeprefix(SENDER.public_url)


def state(engine: Engine) -> str:
    with reading(engine) as session:
        return session.get_one(Subscriber, 1).state


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_following_the_link_changes_nothing(client: TestClient, engine: Engine, method: str) -> None:
    answer = client.request(method, link())
    assert answer.status_code == 200
    assert state(engine) == "active"


def test_the_page_asks_with_a_button_and_shows_the_address_masked(client: TestClient) -> None:
    page = client.get(link()).text
    assert f'<form method="post" action="{link()}"><button>Unsubscribe</button></form>' in page
    assert "a•••@example.org" in page
    assert "ada@" not in page


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
    ],
    ids=["urlencoded", "multipart", "empty"],
)
def test_one_click_takes_any_body_and_twice_is_the_same_as_once(client: TestClient, engine: Engine, body: dict) -> None:
    for _ in range(2):
        answer = client.post(link(), **body)
        assert (answer.status_code, answer.cookies) == (200, {})
        assert state(engine) == "unsubscribed"


def test_the_answer_offers_the_undo(client: TestClient, engine: Engine) -> None:
    found = re.search(r'action="(/resubscribe/[^"]+)"', client.post(link()).text)
    assert found is not None
    assert client.get(found.group(1)).status_code == 405
    assert state(engine) == "unsubscribed"
    assert client.post(found.group(1)).status_code == 200
    assert state(engine) == "active"


def test_the_mails_link_can_not_resubscribe(client: TestClient, engine: Engine) -> None:
    client.post(link())
    assert client.post(link().replace("/unsubscribe/", "/resubscribe/")).status_code == 404
    assert state(engine) == "unsubscribed"


def test_every_link_that_is_not_good_gets_one_answer(client: TestClient, engine: Engine) -> None:
    unknown = sign(SENDER.link_keys, "unsubscribe", "n" * 32)
    tokens = [unknown, KEY, f"{KEY}.", f"{KEY}.AAAA", sign(["another key"], "unsubscribe", KEY), "%00", "ü.ü"]
    answers = {(answer.status_code, answer.text) for token in tokens for answer in [client.post(f"/unsubscribe/{token}")]}
    answers |= {(answer.status_code, answer.text) for token in tokens for answer in [client.get(f"/unsubscribe/{token}")]}
    assert len(answers) == 1
    assert answers.pop()[0] == 404
    assert state(engine) == "active"


def test_pages_run_no_script_and_tell_nobody_where_they_were_opened(client: TestClient) -> None:
    for path in (link(), "/nothing", "/health", "/style.css", "/unsubscribe/none"):
        headers = client.get(path).headers
        assert headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self';")
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cache-Control"] == "no-store"


def test_a_database_that_fails_is_told_and_nothing_is_changed(sqlite: Engine) -> None:
    client = TestClient(web_application(sqlite, SENDER, nullcontext))
    with sqlite.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE subscriber RENAME TO gone")
    assert client.post(link()).status_code == 503
