"""The web door over a real database, with a clock and a mail server that stand still until a test moves them."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import cache
from typing import Any

import httpx
import pytest
from bs4 import BeautifulSoup
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text
from sqlmodel import Session, col, select

from service.links import Standing, mail_links, standing_link
from service.models import Notice, Subscriber, metadata
from service.pipeline.due import send_due_mails
from service.pipeline.gather import gather_papers
from service.store.database import reading, transaction
from service.web import web_application
from tests.builders import DAY, NOW, SENDER, Mailbox, page, record, subscriber

ADA = "ada@example.org"


@cache
def door(engine: Engine) -> tuple[Clock, FastAPI]:
    """Made once, as it keeps nothing and takes as long to make as many tests."""
    clock = Clock()
    return clock, web_application(engine, SENDER, clock=lambda: clock.now)


@dataclass
class Clock:
    now: datetime = NOW


@dataclass
class Web:
    """A visitor, and what stands behind the door."""

    engine: Engine
    mailbox: Mailbox = field(default_factory=Mailbox)

    def __post_init__(self) -> None:
        self.clock, application = door(self.engine)
        self.now = NOW
        self.client = TestClient(application, follow_redirects=False)

    @property
    def now(self) -> datetime:
        return self.clock.now

    @now.setter
    def now(self, now: datetime) -> None:
        self.clock.now = now

    def get(self, link: str) -> httpx.Response:
        return self.client.get(path(link))

    def head(self, link: str) -> httpx.Response:
        return self.client.head(path(link))

    def post(self, link: str, **form: Any) -> httpx.Response:
        return self.client.post(path(link), data=form)

    def add(self, **fields: Any) -> None:
        with transaction(self.engine) as session:
            session.add(subscriber(**fields))

    def person(self, id: int = 1) -> Subscriber:
        with reading(self.engine) as session:
            return session.get_one(Subscriber, id)

    def notices(self) -> list[Notice]:
        with reading(self.engine) as session:
            return list(session.exec(select(Notice).order_by(col(Notice.id))))

    def gather(self, *records: dict[str, Any]) -> None:
        gather_papers(self.engine, ["page"], lambda _: page(list(records)), now=self.now)

    def wake(self) -> list[EmailMessage]:
        """The next minute's waking of `serve`; answers the mails it sent."""
        self.now += timedelta(minutes=1)
        before = len(self.mailbox.mails)
        send_due_mails(
            self.engine, lambda: nullcontext(self.mailbox), SENDER, clock=lambda: self.now, stale_after=timedelta(hours=24)
        )
        return [mail for _, mail in self.mailbox.mails[before:]]

    def stored(self) -> dict[str, list[Any]]:
        """Every row of every table."""
        with Session(self.engine) as session:
            return {name: sorted(map(repr, session.execute(text(f"SELECT * FROM {name}")))) for name in metadata.tables}


@pytest.fixture
def web(engine: Engine) -> Web:
    """With one subscriber, ada."""
    made = Web(engine)
    made.add()
    return made


def path(link: str) -> str:
    return link.removeprefix(SENDER.public_url)


def standing(purpose: Standing) -> str:
    return standing_link(SENDER, purpose, "k" * 32)


LINKS = mail_links(SENDER, "k" * 32, DAY)


def links_in(mail: EmailMessage) -> list[str]:
    """Our own, in both parts and the headers."""
    parts = [part.get_content() for part in mail.walk() if not part.is_multipart()]
    headers = [f"{mail['List-Unsubscribe'] or ''}"]
    found = re.findall(re.escape(SENDER.public_url) + r"[^\s\"<>]*", "\n".join(parts + headers))
    return list(dict.fromkeys(found))


def the_link(mail: EmailMessage) -> str:
    """The one thing to do that a notice offers."""
    (link,) = links_in(mail)
    return link


def links_on(answer: httpx.Response) -> list[str]:
    """Everything that a page of ours leads to, forms included."""
    shown = BeautifulSoup(answer.text, "lxml")
    found = [tag[name] for name in ("href", "src", "action") for tag in shown.find_all(attrs={name: True})]
    return [str(link) for link in found if str(link).startswith(("/", SENDER.public_url))]


def agents(id: str = "2610.00001", **fields: Any) -> dict[str, Any]:
    return record(id, "LLM Agents", **fields)
