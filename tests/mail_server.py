"""A real SMTP server on loopback that notes what it accepts, and misbehaves where a test tells it to."""

from __future__ import annotations

import asyncio
import re
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Odd:
    """Instead of the usual reply: these bytes, then perhaps silence, or the end of the connection."""

    says: bytes = b""
    keeps: bool = False  # the mail, where this is the answer to its final dot
    stalls: bool = False


DROP = Odd()
STALL = Odd(stalls=True)


@dataclass
class Moment:
    """Where a conversation is when the server is about to answer."""

    stage: str  # CONNECT, EHLO, STARTTLS, AUTH, MAIL, RCPT, DATA, DOT
    to: str = ""
    connection: int = 0  # from 1
    mails: int = 0  # accepted on this connection so far
    tries: int = 0  # of this recipient so far, this one included
    refused: str | Odd | None = None  # what was said instead of the usual
    has_recipient: bool = False


Behaviour = Callable[[Moment], str | Odd | None]  # None: as usual


@dataclass
class MailServer:
    behaviour: Behaviour = lambda moment: None
    tls: ssl.SSLContext | None = None
    offers_auth: bool = False
    offers_pipelining: bool = False
    accepted: list[tuple[str, bytes]] = field(default_factory=list)  # noted before the answer to the final dot goes out
    connections: int = 0
    open_connections: int = 0
    port: int = 0
    tries: Counter[str] = field(default_factory=Counter)

    @property
    def keys(self) -> Counter[str]:
        """How often each mail was accepted, by its Message-ID without the host."""
        found = (re.search(rb"^Message-ID: <([^@>]+)", message, re.M | re.I) for _, message in self.accepted)
        return Counter(match[1].decode() for match in found if match)

    @property
    def recipients(self) -> Counter[str]:
        return Counter(to for to, _ in self.accepted)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.open_connections += 1
        try:
            await self._talk(reader, writer, Moment("CONNECT", connection=self.connections))
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.open_connections -= 1
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, moment: Moment) -> None:
        if not await self._say(writer, moment, "220 ready"):
            return
        while line := await reader.readline():
            verb, _, rest = line.decode("latin-1").rstrip("\r\n").partition(" ")
            moment.stage = verb.upper()
            if moment.stage == "RCPT":
                moment.to = rest.partition("<")[2].partition(">")[0]
                self.tries[moment.to] += 1
                moment.tries = self.tries[moment.to]
            usual = {
                "EHLO": self._extensions(writer),
                "DATA": "354 go on" if moment.has_recipient else "503 5.5.1 no recipient",
                "AUTH": "235 welcome",
                "STARTTLS": "220 go on",
                "QUIT": "221 bye",
            }
            if not await self._say(writer, moment, usual.get(moment.stage, "250 fine")) or moment.stage == "QUIT":
                return
            if moment.stage == "STARTTLS" and self.tls and moment.refused is None:
                await writer.start_tls(self.tls)
            is_content = moment.stage == "DATA" and moment.refused is None and moment.has_recipient
            moment.has_recipient = moment.stage == "RCPT" and moment.refused is None
            if is_content and not await self._end(writer, moment, await reader.readuntil(b"\r\n.\r\n")):
                return

    async def _end(self, writer: asyncio.StreamWriter, moment: Moment, message: bytes) -> bool:
        moment.stage = "DOT"
        answer = self.behaviour(moment)
        if answer is None or (isinstance(answer, Odd) and answer.keeps):
            self.accepted.append((moment.to, message[:-3]))
            moment.mails += 1
        return await self._answer(writer, "250 2.0.0 queued" if answer is None else answer)

    async def _say(self, writer: asyncio.StreamWriter, moment: Moment, usual: str) -> bool:
        answer = self.behaviour(moment)
        moment.refused = answer
        return await self._answer(writer, usual if answer is None else answer)

    async def _answer(self, writer: asyncio.StreamWriter, answer: str | Odd) -> bool:
        """Answers whether the connection goes on. A 421 ends it."""
        if isinstance(answer, str):
            writer.write(answer.encode() + b"\r\n")
            await writer.drain()
            return not answer.startswith("421")
        writer.write(answer.says)
        await writer.drain()
        if answer.stalls:
            await asyncio.sleep(60)
        return False

    def _extensions(self, writer: asyncio.StreamWriter) -> str:
        is_safe = writer.get_extra_info("ssl_object") is not None
        lines = ["here", "8BITMIME", "SIZE 10000000"]
        lines += ["PIPELINING"] if self.offers_pipelining else []
        lines += ["STARTTLS"] if self.tls and not is_safe else []
        lines += ["AUTH PLAIN LOGIN"] if self.offers_auth and is_safe else []
        return "\r\n".join(f"250{'-' if line != lines[-1] else ' '}{line}" for line in lines)


@contextmanager
def running(server: MailServer) -> Iterator[MailServer]:
    """In a thread of its own, on a free port."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    tasks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await server.converse(reader, writer)
        except asyncio.CancelledError:
            pass
        finally:
            tasks.discard(task)

    async def serve() -> None:
        listener = await asyncio.start_server(converse, "127.0.0.1", 0, backlog=200, limit=1_000_000)
        server.port = listener.sockets[0].getsockname()[1]
        stop = asyncio.Event()
        stops.append(stop)
        ready.set()
        await stop.wait()
        listener.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    stops: list[asyncio.Event] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    ready.wait(60)
    yield server
    loop.call_soon_threadsafe(stops[0].set)
    thread.join(60)
    loop.close()
