"""The golden mails: byte for byte as they were last approved, and what holds for each of them."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from itertools import pairwise
from urllib.parse import urldefrag, urlsplit

import httpx
import pytest
import uvicorn
from bs4 import BeautifulSoup
from sqlalchemy import Engine

from service.links import mail_links
from service.models import Delivery, DeliveryState, Issue, Paper
from service.render import render_digest_page
from service.store.database import transaction
from service.web import web_application
from tests.builders import NOW, SENDER, free_port
from tests.golden.cases import DIGESTS, NAMES, Golden, golden
from tests.golden.kept import KEPT, parts

OUTWARD = {
    "huggingface.co": r"/papers/\d{4}\.\d{5}",
    "arxiv.org": r"/(abs|pdf)/\d{4}\.\d{5}",
    "cdn-thumbnails.huggingface.co": r"/social-thumbnails/papers/\d{4}\.\d{5}\.png",
    "github.com": r"/[\w-]+/[\w-]+",
    "northfield.example": "/early-exit",
}
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


@pytest.mark.parametrize("name", NAMES)
def test_each_golden_mail_is_as_it_was_approved(name: str) -> None:
    for file, content in parts(name).items():
        assert (KEPT / file).read_text("utf-8") == content, f"{file}: if it is meant so, run python -m tests.golden"


@pytest.mark.parametrize("name", NAMES)
def test_each_keeps_the_bounds_of_mail(name: str) -> None:
    mail = golden(name)
    parsed = message_from_bytes(mail.message, policy=default)
    assert isinstance(parsed, EmailMessage)
    html, text = parsed.get_body(("html",)), parsed.get_body(("plain",))
    assert html is not None
    assert text is not None
    assert len(mail.email.html.encode()) <= 90_000
    assert len(html.as_bytes()) <= 100_000
    assert {part["Content-Transfer-Encoding"] for part in (html, text)} == {"quoted-printable"}
    assert mail.message.isascii()
    assert max(map(len, mail.message.split(b"\r\n"))) <= 998
    assert len(mail.email.html.partition("<style>")[2].partition("</style>")[0]) < 8_000
    assert all(len(line) <= 78 or "https://" in line for line in mail.email.text.splitlines())


@pytest.mark.parametrize("name", NAMES)
def test_nothing_hidden_reaches_a_header_a_title_or_a_part(name: str) -> None:
    email = golden(name).email
    assert email.subject.isprintable()
    assert not INVISIBLE.search(email.html + email.text)
    shown = BeautifulSoup(email.html, "lxml")
    assert shown.find_all(["script", "iframe", "form", "link", "object"]) == []
    assert [tag for tag in shown.find_all(True) if any(key.startswith("on") for key in tag.attrs)] == []


@pytest.mark.parametrize("name", NAMES)
def test_headings_come_in_order_and_every_image_has_an_alt_text(name: str) -> None:
    shown = BeautifulSoup(golden(name).email.html, "lxml")
    levels = [int(tag.name[1]) for tag in shown.find_all(["h1", "h2", "h3", "h4"])]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(tag.has_attr("alt") for tag in shown.find_all("img"))
    assert all(table.get("role") in {"presentation", "img"} for table in shown.find_all("table"))


@pytest.mark.parametrize("name", NAMES)
def test_outward_links_are_https_to_the_expected_host_and_id(name: str) -> None:
    mail = golden(name)
    shown = BeautifulSoup(mail.email.html, "lxml")
    held = [str(tag[key]) for key in ("href", "src") for tag in shown.find_all(attrs={key: True})]
    written = re.findall(r"^(?:[^:]+: )?(https?://\S+)$", mail.email.text, re.MULTILINE)
    for address in {link for link in (*held, *written) if not link.startswith(("#", SENDER.public_url))}:
        parts = urlsplit(address)
        assert parts.scheme == "https", address
        assert re.fullmatch(OUTWARD[parts.hostname or ""], parts.path), address


def test_both_parts_hold_the_same_papers() -> None:
    paper = re.compile(r"https://huggingface\.co/papers/[\d.]+")
    for name in DIGESTS:
        email = golden(name).email
        assert set(paper.findall(email.html)) == set(paper.findall(email.text)), name


@pytest.mark.parametrize("name", DIGESTS)
def test_the_web_version_shows_the_same_and_every_paper_without_a_style_of_its_own(name: str) -> None:
    mail = golden(name)
    assert mail.digest is not None
    links = mail_links(SENDER, mail.person.key, mail.digest.on)
    page = BeautifulSoup(render_digest_page(mail.digest, links, sent_on=NOW.date()), "lxml")
    assert page.find_all(style=True) == []
    assert page.h1
    assert page.h1.text in mail.email.text
    shown = {str(link["href"]).rpartition("/")[2] for link in page.select("h3 a, p.line a")}
    assert shown == {pick.paper.id for pick in (*mail.digest.picks, *mail.digest.near_misses)}
    assert not page.find(string=re.compile("web$"))


@pytest.fixture
def door(sqlite: Engine) -> Iterator[str]:
    """The real web door on loopback."""
    application = web_application(sqlite, SENDER, clock=lambda: NOW + timedelta(minutes=5))
    server = uvicorn.Server(uvicorn.Config(application, port=free_port(), log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{server.config.port}"
    server.should_exit = True
    thread.join()


@pytest.mark.parametrize("name", NAMES)
def test_every_link_to_our_own_address_leads_to_a_page(name: str, sqlite: Engine, door: str) -> None:
    mail = golden(name)
    store(sqlite, mail)
    own = own_links(mail)
    assert own
    with closing(httpx.Client(follow_redirects=False, timeout=60)) as client:
        for link in own:
            path, fragment = urldefrag(link.removeprefix(SENDER.public_url))
            answer = client.get(door + path)
            assert answer.status_code == 200, link
            assert not fragment or BeautifulSoup(answer.text, "lxml").find(id=fragment), link


@pytest.mark.parametrize("name", NAMES)
def test_every_jump_within_a_mail_has_its_place(name: str) -> None:
    shown = BeautifulSoup(golden(name).email.html, "lxml")
    assert all(shown.find(id=str(link["href"])[1:]) for link in shown.select("a[href^='#']"))


def store(engine: Engine, mail: Golden) -> None:
    """What stands behind a mail: its person, and its papers and delivery or the notice."""
    with transaction(engine) as session:
        session.add(mail.person)
        session.flush()
        if mail.notice:
            session.add(mail.notice)
        if mail.digest:
            papers = {pick.paper.id: pick.paper for pick in (*mail.digest.picks, *mail.digest.near_misses)}
            session.add_all(Paper(**paper.model_dump()) for paper in papers.values())
            session.add(Issue(id=1, started_by="serve", planned_at=NOW))
            session.flush()
            session.add(delivery(mail))


def delivery(mail: Golden) -> Delivery:
    assert mail.digest is not None
    return Delivery(
        issue_id=1,
        subscriber_id=1,
        digest_on=mail.digest.on,
        since_on=mail.digest.since,
        topics=[topic.slug for topic in mail.digest.topics],
        paper_ids=[pick.paper.id for pick in mail.digest.picks],
        looked_at_count=mail.digest.looked_at_count,
        plan=mail.digest.kept[1],
        state=DeliveryState.ACCEPTED,
        planned_at=NOW,
    )


def links_of(part: str) -> list[str]:
    return re.findall(r"https?://[^\s\"<>]+", part.replace("&amp;", "&"))


def own_links(mail: Golden) -> list[str]:
    """Of both parts and the headers, each once."""
    head = mail.message.partition(b"\r\n\r\n")[0].decode("ascii")
    found = links_of(mail.email.html) + links_of(mail.email.text) + links_of(head.replace(">", " "))
    return [link for link in dict.fromkeys(found) if link.startswith(SENDER.public_url)]
