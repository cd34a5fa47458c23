"""Pages speak the language of the mails that lead to them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import available_timezones

import httpx
import pytest
from bs4 import BeautifulSoup
from sqlmodel import Session

from service.errors import DeliveryUncertain, ServerUnusable
from service.models import Subscriber
from service.pipeline.subscriptions import ask_to_confirm, change
from service.store.database import open_database, transaction
from service.store.suppressions import add_suppression
from service.store.topics import all_topics
from service.subscribers import address_hash
from tests.builders import NOW, record
from tests.web.conftest import LINKS, Web, agents, links_on, the_link

Walk = Iterator[tuple[str, httpx.Response]]  # the pages with their names

NAMES = {"Paperround", "Pause", "LLM Agents", "English", "Deutsch", *available_timezones()}


@pytest.mark.parametrize(
    ("asked", "spoken"), [("de-AT,en;q=0.7", "de"), ("fr, de;q=0.8, en", "de"), ("en-GB,de", "en"), ("", "en")]
)
def test_who_is_not_known_reads_the_language_of_their_browser(web: Web, asked: str, spoken: str) -> None:
    page = web.client.get("/settings/nobody", headers={"Accept-Language": asked})
    assert page.status_code == 404
    assert f'<html lang="{spoken}"' in page.text


@pytest.mark.slow
def test_no_page_of_who_reads_german_says_anything_in_english(tmp_path: Path) -> None:
    english, german = (texts_of_all_pages(tmp_path, code) for code in ("en", "de"))
    assert all(texts for texts in english.values())
    assert {name: both for name in english if (both := english[name] & german[name])} == {}


def texts_of_all_pages(folder: Path, language: str) -> dict[str, set[str]]:
    """By page. Without what is of no language: names, addresses, and the topics, which their editor writes."""
    engine = open_database(f"sqlite:///{folder}/{language}.db")
    web = Web(engine)
    web.client.headers["Accept-Language"] = language
    web.add(language=language)
    web.add(email="ben@example.org", id=2, key="b" * 32, state="pending", language=language)
    web.gather(agents())
    with Session(engine) as session:
        names = NAMES | {text for topic in all_topics(session) for text in (topic.name, topic.description)}
    walks = (confirming, marking, changing, pausing, failing, moving, leaving)
    found = {name: texts(page, language) - names for walk in walks for name, page in walk(web)}
    engine.dispose()
    return found


def texts(page: httpx.Response, language: str) -> set[str]:
    shown = BeautifulSoup(page.text, "lxml")
    assert shown.html
    assert shown.html["lang"] == language
    assert shown.main
    return {text for text in shown.main.stripped_strings if any(map(str.isalpha, text)) and "@" not in text}


def confirming(web: Web) -> Walk:
    with transaction(web.engine) as session:
        ask_to_confirm(session, session.get_one(Subscriber, 2), web.now)
    link = the_link(web.wake()[0])
    yield "confirm?", web.get(link)
    yield "confirmed", web.post(link)
    yield "no link", web.get("/settings/nobody")
    yield "no page", web.get("/nowhere")


def marking(web: Web) -> Walk:
    web.now = NOW.replace(hour=8)
    web.wake()
    paper = LINKS.mark("2610.00001", "more").removesuffix("/more")
    yield "paper", web.get(paper)
    for kind in ("more", "less", "saved"):
        yield kind, web.post(f"{paper}/{kind}")
    yield "taken back", web.post(f"{paper}/more", undo="yes")
    yield "no phrase", web.post(f"{paper}/mute", phrase=" ")
    yield "no word", web.post(f"{paper}/mute", phrase="...")
    yield "muted", web.post(f"{paper}/mute", phrase="soup")
    undo = the_link(web.wake()[0])
    yield "undo?", web.get(undo)
    yield "undone", web.post(undo)
    yield "nothing to undo", web.get(undo)


def changing(web: Web) -> Walk:
    for name in ("silence without papers", "silence"):
        web.now += timedelta(days=1)
        web.wake()
        yield name, web.get(LINKS.settings)
        web.gather(
            record(
                "2610.00002",
                "A survey of soup",
                summary="Soup is eaten hot.",
                submittedOnDailyAt=f"{web.now.date()}T00:00:00.000Z",
            )
        )
    weekly = {"topics": "code", "cadence": "weekly:fri", "hour": "7", "zone": "UTC"}
    yield "settings", web.get(LINKS.settings)
    yield "no topic", web.post(LINKS.settings)
    yield "unknown topic", web.post(LINKS.settings, topics="cod")
    yield "changed", web.post(LINKS.settings, **weekly)
    yield "not changed", web.post(LINKS.settings, **weekly)


def pausing(web: Web) -> Walk:
    yield "pause?", web.get(LINKS.pause)
    yield "no day", web.post(LINKS.pause, until="9.10.2026")
    yield "no pause", web.post(LINKS.pause, until="2026-01-01")
    yield "paused", web.post(LINKS.pause, until="2026-10-20")


def failing(web: Web) -> Walk:
    """A digest that is paused over, one that can't be chosen, and one that nobody knows of whether it arrived."""
    web.post(LINKS.pause, until="no")
    give(web, topics=["agents"], cadence="daily")
    web.mailbox.refuse["*"] = ServerUnusable("the mail server can't be used: use smtps://")
    next_digest(web, "2610.00003")
    web.post(LINKS.pause, until="2026-10-20")
    web.wake()
    web.post(LINKS.pause, until="no")
    give(web, length="long")
    next_digest(web, "2610.00004")
    give(web, length="papers:8")
    yield "silence that was not chosen", web.get(LINKS.settings)
    web.mailbox.refuse["*"] = DeliveryUncertain("the answer to the whole mail was lost")
    next_digest(web, "2610.00005")
    web.mailbox.refuse.clear()
    web.post(f"{LINKS.settings}/account")
    yield "what befell digests", web.get(the_link(web.wake()[-1]))


def next_digest(web: Web, paper: str) -> None:
    web.now += timedelta(days=1)
    web.gather(agents(paper, submittedOnDailyAt=f"{web.now.date() - timedelta(days=1)}T00:00:00.000Z"))
    web.wake()


def give(web: Web, **changes: Any) -> None:
    with transaction(web.engine) as session:
        change(session, session.get_one(Subscriber, 1), changes, web.now)


def moving(web: Web) -> Walk:
    yield "link", web.post(f"{LINKS.settings}/account")
    account = the_link(web.wake()[-1])
    yield "account", web.get(account)
    yield "no address", web.post(f"{account}/address", email="nobody")
    yield "asked", web.post(f"{account}/address", email="new@example.org")
    there = the_link(web.wake()[-1])
    yield "move?", web.get(there)
    yield "moved", web.post(there)
    back = the_link(web.wake()[-1])
    yield "undo of the move?", web.get(back)
    yield "moved back", web.post(back)
    yield "moved before", web.post(there)


def leaving(web: Web) -> Walk:
    web.post(f"{LINKS.settings}/account")
    account = the_link(web.wake()[-1])
    yield "not erased", web.post(f"{account}/erase")
    yield "unsubscribe?", web.get(LINKS.unsubscribe)
    yield "unsubscribed", (gone := web.post(LINKS.unsubscribe))
    yield "unsubscribed before", web.get(LINKS.unsubscribe)
    yield "account without mail", web.get(account)
    yield "mark without mail", web.post(LINKS.mark("2610.00001", "more"))
    (undo,) = (link for link in links_on(gone) if "resubscribe" in link)
    yield "back", web.post(undo)
    web.post(LINKS.unsubscribe)
    yield "back from the account", web.post(f"{account}/resubscribe")
    with transaction(web.engine) as session:
        add_suppression(session, address_hash(web.person().email), "asked for", web.now)
    yield "suppressed", web.get(LINKS.settings)
    yield "no link without mail", web.post(f"{LINKS.settings}/account")
    yield "erased", web.post(f"{account}/erase", sure="yes")
    web.now += timedelta(hours=3)
    yield "expired", web.get(account)
