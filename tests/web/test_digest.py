from __future__ import annotations

import base64
from datetime import timedelta
from hashlib import sha256

import pytest
from bs4 import BeautifulSoup

from service.errors import DeliveryFailed
from tests.builders import NOW, linked_papers
from tests.web.conftest import LINKS, Web, agents


@pytest.fixture
def mailed(web: Web) -> Web:
    """After a day with more papers than one mail lists."""
    web.gather(*(agents(f"2610.{number:05d}", upvotes=number) for number in range(25)))
    web.wake()
    web.now = NOW.replace(hour=8)
    web.wake()
    return web


def test_the_web_version_lists_every_paper_that_the_mail_only_counts(mailed: Web) -> None:
    ((_, mail),) = mailed.mailbox.mails
    assert len(linked_papers(mail)) == 17
    page = BeautifulSoup(mailed.get(LINKS.web).text, "lxml")
    assert len(page.select("h3 a, p.line a")) == 25
    assert "read them on the web" not in page.text


def test_it_shows_no_address_and_lets_nothing_in_but_its_own_style_and_the_pictures_of_the_mail(mailed: Web) -> None:
    answer = mailed.get(LINKS.web)
    assert "ada@" not in answer.text
    page = BeautifulSoup(answer.text, "lxml")
    style = page.style.string
    digest = base64.b64encode(sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in answer.headers["Content-Security-Policy"]
    assert "; img-src https://huggingface.co https://*.huggingface.co; " in answer.headers["Content-Security-Policy"]
    assert page.find_all(style=True) == []
    assert page.find_all("script") == []


def test_it_bears_the_day_on_which_its_mail_went_out(web: Web) -> None:
    web.gather(agents())
    web.post(LINKS.settings, topics="agents", cadence="daily", hour="23", zone="UTC")
    web.mailbox.refuse["ada@example.org"] = DeliveryFailed(450, "the mailbox is busy")
    web.now = NOW.replace(hour=23, minute=55)
    web.wake()
    web.mailbox.refuse.clear()
    web.now += timedelta(minutes=30)
    mail = web.wake()[-1]
    for html in (mail.get_body(("html",)).get_content(), web.get(LINKS.web).text):
        assert "Saturday 3 October 2026" in html


def test_a_year_later_the_same_digest_stands_there(mailed: Web) -> None:
    before = mailed.get(LINKS.web).text
    mailed.now += timedelta(days=365)
    assert mailed.get(LINKS.web).text == before


def test_the_link_to_one_day_opens_no_other(mailed: Web) -> None:
    mailed.gather(agents("2610.00099", submittedOnDailyAt="2026-10-02T00:00:00Z"))
    mailed.now = NOW.replace(day=3, hour=8)
    assert len(mailed.wake()) == 1
    assert mailed.get(LINKS.web).status_code == 200
    assert mailed.get(LINKS.web.replace("2026-10-01", "2026-10-02")).status_code == 404


def test_a_silent_day_has_no_web_version(web: Web) -> None:
    web.wake()
    web.now = NOW.replace(hour=8)
    assert web.wake() == []
    assert web.get(LINKS.web).status_code == 404
