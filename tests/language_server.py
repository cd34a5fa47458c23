"""A server on loopback that speaks the chat-completions protocol over real HTTP, and misbehaves as it is told."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Reply = Callable[["Exchange"], None]


@dataclass
class Exchange:
    """One request, and the ways to answer it."""

    request: dict[str, Any]
    headers: dict[str, str]
    handler: BaseHTTPRequestHandler
    stopping: threading.Event

    @property
    def prompt(self) -> str:
        return str(self.request["messages"][0]["content"])

    @property
    def paper(self) -> dict[str, Any]:
        """The paper in the prompt, which stands there as one line of JSON."""
        found = re.search(r'^\{"(?:abstract|id|title)".*\}$', self.prompt, re.MULTILINE)
        assert found
        paper: dict[str, Any] = json.loads(found.group())
        return paper

    @property
    def form(self) -> str:
        return str(self.request.get("response_format", {}).get("type"))

    def say(self, content: str | None, *, refusal: str | None = None, usage: Any = None) -> None:
        message = {"role": "assistant", "content": content, "refusal": refusal}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        usage = usage or {"prompt_tokens": 500, "completion_tokens": 50, "total_tokens": 550}
        self.send(200, {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage})

    def summarize(self, **fields: Any) -> None:
        """What a model that keeps to the form answers."""
        entry = {"id": self.paper["id"], "tldr": None, "problem": None, "result": None, "tags": []}
        self.say(json.dumps({"summaries": [entry | fields]}))

    def send(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(raw)), **(headers or {})}.items():
            self.handler.send_header(name, value)
        self.handler.end_headers()
        self.handler.wfile.write(raw)

    def cut(self) -> None:
        """Half of an answer, then the connection closes."""
        self.handler.send_response(200)
        self.handler.send_header("Content-Type", "application/json")
        self.handler.send_header("Content-Length", "1000")
        self.handler.end_headers()
        self.handler.wfile.write(b'{"id": "1", "choices": [{"mess')

    def stall(self) -> None:
        """Nothing, until the test ends."""
        self.stopping.wait(30)


@dataclass
class LanguageServer:
    url: str
    reply: Reply
    exchanges: list[Exchange] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    busiest: int = 0  # requests at once


@contextmanager
def language_server(reply: Reply) -> Iterator[LanguageServer]:
    stopping, lock = threading.Event(), threading.Lock()
    open_now = 0

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal open_now
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            exchange = Exchange(request, {name.lower(): value for name, value in self.headers.items()}, self, stopping)
            with lock:
                open_now += 1
                server.busiest = max(server.busiest, open_now)
                server.exchanges.append(exchange)
                server.times.append(time.monotonic())
            try:
                server.reply(exchange)
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with lock:
                    open_now -= 1

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        http.daemon_threads = True
        server = LanguageServer(f"http://127.0.0.1:{http.server_address[1]}/v1", reply)
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            stopping.set()
            http.shutdown()
            thread.join()
