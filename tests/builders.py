"""Nouns for tests: each builder shows only what its test is about."""

from __future__ import annotations

import html
import json
import socket
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from service.delivery.feed import Feed, carry_one_by_one
from service.models import Paper, Sender, Subscriber, Topic

NOW = datetime(2026, 10, 2, 6, 0, tzinfo=UTC)  # a Friday; the last complete day is Thursday 1 October
DAY = date(2026, 10, 1)
SENDER = Sender("Paperround <digest@example.org>", "https://papers.example.org", ("a key of thirty-two characters..",))


def paper(id: str = "2610.00001", title: str = "A planner for agents", **fields: Any) -> Paper:
    values: dict[str, Any] = {"featured_on": DAY, "first_seen_at": NOW, "seen_at": NOW, "abstract": "We propose a planner."}
    return Paper(id=id, title=title, **(values | fields))


def topic(slug: str = "agents", any_phrases: list[str] | None = None, **fields: Any) -> Topic:
    return Topic(slug=slug, name=fields.pop("name", slug.title()), any_phrases=any_phrases or [slug], **fields)


def subscriber(email: str = "ada@example.org", topics: list[str] | None = None, **fields: Any) -> Subscriber:
    values: dict[str, Any] = {"added_at": NOW, "id": 1, "key": "k" * 32}
    return Subscriber(email=email, topics=topics or ["agents"], **(values | fields))


def record(id: str = "2610.00001", title: str = "A planner for LLM agents", **fields: Any) -> dict[str, Any]:
    """A record in the source's form; `fields` go into its `paper`."""
    inner = {
        "id": id,
        "title": title,
        "summary": "Planning is slow. We propose a planner for LLM agents that is 3 times faster.",
        "authors": [{"name": "Ada Okafor", "hidden": False}],
        "publishedAt": "2026-09-30T17:00:00.000Z",
        "submittedOnDailyAt": f"{DAY}T00:00:00.000Z",
        "upvotes": 5,
    }
    return {"paper": {**inner, **fields}, "title": title, "publishedAt": "2026-09-30T13:00:00.000Z", "numComments": 1}


def page(records: list[Any], *, on: date | None = DAY) -> bytes:
    """A daily page in the form of 2026."""
    payload: dict[str, Any] = {"canSubmit": False, "dailyPapers": records, "periodType": "day", "query": {}, "isTrending": False}
    if on:
        payload["dateString"] = f"{on}"
    props = html.escape(json.dumps(payload), quote=True)
    return f'<!doctype html><main><div data-target="DailyPapers" data-props="{props}"></div></main>'.encode()


def free_port() -> int:
    """For whoever says that they reuse it, as servers do: a port whose connection was just closed is given to nobody else."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()[:2]) as visitor:
        listener.accept()[0].close()
        assert visitor.recv(1) == b""
        return int(listener.getsockname()[1])


@dataclass
class Mailbox:
    """A mail server in memory. `refuse` maps an address to the error that its mail meets."""

    refuse: dict[str, Exception] = field(default_factory=dict)
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)

    def carry(self, feed: Feed) -> None:
        carry_one_by_one(feed, self.send)

    def send(self, message: bytes, *, to: str) -> str:
        if error := self.refuse.get(to) or self.refuse.get("*"):
            raise error
        parsed = message_from_bytes(message, policy=default)
        assert isinstance(parsed, EmailMessage)
        self.mails.append((to, parsed))
        return "250 kept"

    def paper_ids(self, to: str) -> list[list[str]]:
        """The papers linked in each mail to this address."""
        return [linked_papers(mail) for address, mail in self.mails if address == to]


def linked_papers(mail: EmailMessage) -> list[str]:
    part = mail.get_body(("plain",))
    assert part is not None
    mark = "https://huggingface.co/papers/"
    return [line.removeprefix(mark) for line in part.get_content().splitlines() if line.startswith(mark)]
