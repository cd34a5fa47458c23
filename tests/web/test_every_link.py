"""Scanners follow every link of every mail, and some of every page behind it: nothing may come of it."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from service.models import NoticeKind, Subscriber
from service.pipeline.subscriptions import ask_to_confirm
from service.store.database import transaction
from tests.builders import NOW
from tests.web.conftest import LINKS, Web, agents, links_in, links_on, path, the_link


@pytest.fixture
def mails(web: Web) -> dict[str, EmailMessage]:
    """One of every kind, each as it was sent."""
    web.add(email="ben@example.org", id=2, key="b" * 32, state="pending")
    web.gather(*(agents(f"2610.{number:05d}") for number in range(25)))
    with transaction(web.engine) as session:
        ask_to_confirm(session, session.get_one(Subscriber, 2), web.now)
    found = {"confirmation": web.wake()[0]}
    web.now = NOW.replace(hour=8)
    found["digest"] = web.wake()[0]
    web.post(LINKS.settings, topics="code", cadence="daily", hour="7", zone="UTC")
    found["change"] = web.wake()[0]
    web.post(f"{LINKS.settings}/account")
    found["account"] = web.wake()[0]
    web.post(f"{the_link(found['account'])}/address", email="new@example.org")
    found["address"] = web.wake()[0]
    return found


def test_no_link_of_any_mail_or_page_changes_anything(web: Web, mails: dict[str, EmailMessage]) -> None:
    move = the_link(mails["address"])
    places = {path(link) for mail in mails.values() for link in links_in(mail)} | set(pages_after_acting(web, mails))
    web.post(move)
    mails["move"] = web.wake()[0]
    web.post(f"{LINKS.settings}/account")
    places.add(path(the_link(web.wake()[0])))
    dead = path(the_link(mails["account"]))
    assert mails.keys() == {"digest", *NoticeKind}
    places.add(path(the_link(mails["move"])))
    before, walked = web.stored(), set()
    while places:
        place = places.pop()
        walked.add(place)
        for answer in (web.get(place), web.head(place)):
            assert answer.status_code in {200, 405} or place.startswith(dead), place  # 405: what only a form may post to
            places |= {path(link) for link in links_on(answer)} - walked
    assert web.stored() == before
    kinds = {place.split("/")[1] for place in walked}
    assert kinds == {
        "mark", "unsubscribe", "resubscribe", "settings", "pause", "digest", "confirm", "undo", "account", "address", "style.css"
    }  # fmt: skip


def pages_after_acting(web: Web, mails: dict[str, EmailMessage]) -> Iterator[str]:
    """What the answers to posts lead to, good and bad ones."""
    account = the_link(mails["account"])
    for link, form in [
        (LINKS.unsubscribe, {}),
        (f"{account}/resubscribe", {}),
        (LINKS.pause, {"until": "2026-10-20"}),
        (LINKS.pause, {"until": "never"}),
        (LINKS.settings, {"hour": "99"}),
        (LINKS.mark("2610.00001", "more"), {}),
        (LINKS.mark("2610.00001", "mute"), {"phrase": "..."}),
        (the_link(mails["confirmation"]), {}),
        (the_link(mails["change"]), {}),
        (f"{account}/erase", {}),
        (f"{account}/address", {"email": "nobody"}),
    ]:
        yield from map(path, links_on(web.post(link, **form)))
