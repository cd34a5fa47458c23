"""Servers that take mail as cheaply as Python can, and a line that is slow: run as programs by the benchmarks of sending.

On uvloop: what they cost themselves is taken from the sender's time.
"""

from __future__ import annotations

import asyncio
import ssl
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import uvloop

_HELLO = b"250-here\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE 100000000\r\n"
_REPLIES = {b"EHLO": _HELLO, b"DATA": b"354 go on\r\n", b"QUIT": b"221 bye\r\n"}
_END = b"\r\n.\r\n"
_LONGEST_ENVELOPE = 2000  # octets


class CheapSink(asyncio.BufferedProtocol):
    """Looks for the final dot only, near the end of what has come: behind it is one envelope at the most. Keeps nothing."""

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport, self.rest, self.is_content = transport, b"", False
        self.buffer = memoryview(bytearray(1 << 18))
        transport.write(b"220 here\r\n")

    def get_buffer(self, _: int) -> memoryview:
        return self.buffer

    def buffer_updated(self, count: int) -> None:
        self.rest = (self.rest + self.buffer[max(0, count - _LONGEST_ENVELOPE) : count])[-_LONGEST_ENVELOPE:]
        said = []
        while reply := self._next():
            said.append(reply)
        if said:
            self.transport.write(b"".join(said))

    def _next(self) -> bytes | None:
        end = _END if self.is_content else b"\r\n"
        at = self.rest.find(end)
        if at < 0:
            return None
        verb, self.rest = self.rest[:4].upper(), self.rest[at + len(end) :]
        if self.is_content:
            self.is_content = False
            return b"250 2.0.0 taken\r\n"
        self.is_content = verb == b"DATA"
        return _REPLIES.get(verb, b"250 fine\r\n")


async def serve_sink(port: int, certificate: str = "") -> None:
    context = None
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
    server = await asyncio.get_running_loop().create_server(CheapSink, "127.0.0.1", port, ssl=context, backlog=200)
    await server.serve_forever()


async def serve_delay(port: int, target: int, one_way: float) -> None:
    """What comes is passed on after `one_way` seconds, in both directions."""

    async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        while data := await reader.read(1 << 18):
            loop.call_later(one_way, _pass_on(writer, data))
        loop.call_later(one_way, writer.close)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
        with suppress(OSError):
            await asyncio.gather(pipe(reader, far_writer), pipe(far_reader, writer))

    await (await asyncio.start_server(converse, "127.0.0.1", port, backlog=200)).serve_forever()


def _pass_on(writer: asyncio.StreamWriter, data: bytes) -> Callable[[], None]:
    def write() -> None:
        if not writer.is_closing():
            writer.write(data)

    return write


if __name__ == "__main__":
    kind, *numbers = sys.argv[1:]
    if kind == "delay":
        uvloop.run(serve_delay(int(numbers[0]), int(numbers[1]), float(numbers[2])))
    else:
        uvloop.run(serve_sink(int(numbers[0]), str(Path(numbers[1])) if numbers[1:] else ""))
