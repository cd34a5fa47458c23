"""One answer: cut off when it takes too long, counted while it is unpacked. Touches the connection that it cuts off."""

from __future__ import annotations

import socket
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from service.errors import FetchFailed

LARGEST_ANSWER = 16 * 1024 * 1024  # bytes, unpacked
_PIECE = 65_536


class BrokenOff(Exception):
    """A packed answer ended early."""


class Deadline:
    """Cuts a connection off when its time is up, however often a byte comes: httpx bounds the wait for each only."""

    def __init__(self, place: str, seconds: float) -> None:
        self._words = f"{place} took longer than {seconds:g} seconds"
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._connection: socket.socket | None = None
        self._has_passed = False

    def watch(self, event: str, told: Mapping[str, Any]) -> None:
        """Called by httpx at every step of a request (its extension "trace")."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._connection = told["return_value"].get_extra_info("socket")
            if self._has_passed:
                self._cut()

    def _cut(self) -> None:
        self._has_passed = True
        if self._connection is not None:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        if self._has_passed and isinstance(error, Exception):  # whatever the cut came to
            raise FetchFailed(self._words) from error


def whole_body(pieces: Iterable[bytes], packing: str, address: str) -> bytes:
    """Count while unpacking, so that a small answer can't grow without end.

    `packing` is its Content-Encoding. Raises FetchFailed, BrokenOff, zlib.error.
    """
    body = bytearray()
    for piece in _unpacked(pieces, packing, address):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise FetchFailed(f"{address} is larger than {LARGEST_ANSWER // 2**20} MB", is_lasting=True)
    return bytes(body)


def _unpacked(pieces: Iterable[bytes], packing: str, address: str) -> Iterator[bytes]:
    """Small pieces, whatever the answer's packing would grow to. A packed answer that ends early is broken off.

    It may be packed in several members, one after the other (RFC 1952, 2.2), with zeros behind.
    """
    if packing == "identity":
        yield from pieces
        return
    if packing != "gzip":
        words = f"{address} is packed in a way that we did not ask for, {packing[:20]!r}"
        raise FetchFailed(words, is_lasting=True)
    unpacker = zlib.decompressobj(wbits=31)
    for packed in pieces:
        rest = packed.lstrip(b"\0") if unpacker.eof else packed
        while rest:
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits=31)
            yield unpacker.decompress(rest, _PIECE)
            rest = unpacker.unused_data.lstrip(b"\0") if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise BrokenOff("the packed answer broke off")
