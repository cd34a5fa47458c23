"""A server that plays the source on loopback: its pages and its API on a day that the test sets, whole or broken."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.source_pages import list_page

Records = list[dict[str, Any]]
STALL = 3.0  # seconds without a byte; a fetcher of the tests waits less


@dataclass(frozen=True)
class Reply:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None  # so many bytes, then the connection ends
    stall: float = 0.0  # before the first byte


Fault = Callable[[Reply], Reply]


@dataclass
class Source:
    """What it has, what it is asked, and how it answers. `faults` maps the beginning of a path to what breaks its answers.

    Lists are those of the days up to `today`; the page of any other day leads to the newest. `cap` is the most records of
    one answer of the API, whatever is asked for.
    """

    lists: dict[date, Records] = field(default_factory=dict)
    today: date = date(2026, 10, 2)
    cap: int = 100
    robots: str | None = None
    faults: dict[str, Fault] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    address: str = ""

    def answer(self, target: str, headers: Any) -> Reply:
        self.asked.append(target)
        path = urlsplit(target).path
        reply = self._answer(path, {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()})
        for begin, fault in self.faults.items():
            if target.startswith(begin):
                reply = fault(reply)
        if reply.status == 200 and headers.get("If-None-Match") == _etag(reply.body):
            reply = Reply(status=304)
        self.statuses.append(reply.status)
        return reply

    def _answer(self, path: str, query: dict[str, str]) -> Reply:
        if path == "/robots.txt":
            return Reply(self.robots.encode()) if self.robots is not None else Reply(status=404)
        if path == "/papers":
            return self.page(self.newest)
        if path.startswith("/papers/date/"):
            day = date.fromisoformat(path.removeprefix("/papers/date/"))
            return self.page(day) if day in self._shown else Reply(status=302, headers={"Location": "/papers"})
        if path == "/api/daily_papers":
            return self.api(date.fromisoformat(query["date"]), int(query.get("p", 0)), int(query.get("limit", 50)))
        return Reply(status=404)

    @property
    def _shown(self) -> list[date]:
        return [day for day in sorted(self.lists) if day <= self.today]

    @property
    def newest(self) -> date:
        return self._shown[-1]

    def page(self, day: date) -> Reply:
        body = list_page(self.lists[day], day)
        return Reply(body, headers={"ETag": _etag(body), "Content-Type": "text/html; charset=utf-8"})

    def api(self, day: date, part: int = 0, limit: int = 100) -> Reply:
        size = min(limit, self.cap)
        records = self.lists.get(day, []) if day <= self.today else []
        return Reply(json.dumps(records[part * size : (part + 1) * size]).encode(), headers={"Content-Type": "application/json"})


def _etag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:16]}"'


@contextmanager
def playing(source: Source) -> Iterator[Source]:
    """The source under `source.address`, until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            reply = source.answer(self.path, self.headers)
            time.sleep(reply.stall)
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": f"{len(reply.body)}"}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply.body[: reply.sent])
            self.close_connection = reply.sent is not None

        def log_message(self, *_: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # who asked has given up, as a stall is meant to make them
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    source.address = f"http://127.0.0.1:{server.server_port}/papers"
    try:
        yield source
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# ---- what can be wrong with an answer


def status(code: int, **headers: str) -> Fault:
    return lambda _: Reply(b"", code, {name.replace("_", "-"): value for name, value in headers.items()})


def half_a_body(reply: Reply) -> Reply:
    return Reply(reply.body, reply.status, reply.headers, sent=len(reply.body) // 2)


def stalling(reply: Reply) -> Reply:
    return Reply(reply.body, reply.status, reply.headers, stall=STALL)


def instead(other: Callable[[], Reply]) -> Fault:
    """Another answer than the one asked for."""
    return lambda _: other()


def changed(*replacements: tuple[bytes, bytes]) -> Fault:
    """The layout is another."""

    def change(reply: Reply) -> Reply:
        body = reply.body
        for old, new in replacements:
            assert old in body
            body = body.replace(old, new)
        return Reply(body, reply.status)

    return change


def once(fault: Fault, times: int = 1) -> Fault:
    left = [times]

    def first(reply: Reply) -> Reply:
        left[0] -= 1
        return fault(reply) if left[0] >= 0 else reply

    return first


def weekdays(first: date, count: int) -> list[date]:
    days = (first + timedelta(days=number) for number in range(count * 2))
    return [day for day in days if day.weekday() < 5][:count]
