"""Bytes of an SMTP server to its replies, however they are cut on the way (RFC 5321, 4.2). Touches nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_LINE = re.compile(rb"([2-5]\d\d)(?:([ -])(.*))?", re.DOTALL)
_LONGEST_LINE = 4096  # octets; the RFC has 512, and servers that say more
_MOST_LINES = 100


class Nonsense(ValueError):
    """What came is no reply; nothing that follows on this connection can be believed."""


class Reply(NamedTuple):
    code: int
    lines: tuple[str, ...]  # without code and line break, control characters replaced

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.lines).split())

    def __str__(self) -> str:
        return f"{self.code} {self.text}"


class ReplyParser:
    """Keeps what has come of the next reply, and never more than a whole one may hold."""

    def __init__(self) -> None:
        self._rest = b""
        self._code: int | None = None
        self._lines: list[str] = []

    @property
    def is_within(self) -> bool:
        """Whether a reply has begun and not ended."""
        return bool(self._rest or self._lines)

    def feed(self, received: bytes) -> Iterator[Reply]:
        """The replies that are whole now. Raises Nonsense, after those that came before it."""
        *lines, self._rest = (self._rest + received).split(b"\n")
        for line in lines:
            if reply := self._add(line.removesuffix(b"\r")):
                yield reply
        if len(self._rest) > _LONGEST_LINE:
            raise Nonsense("a line of a reply has no end")

    def _add(self, line: bytes) -> Reply | None:
        code, goes_on, text = _read(line)
        if code != (self._code or code):
            raise Nonsense(f"a reply of two codes: {self._code} and {code}")
        self._lines.append(text)
        if goes_on:
            self._code = code
            if len(self._lines) > _MOST_LINES:
                raise Nonsense("a reply has no end")
            return None
        reply = Reply(code, tuple(self._lines))
        self._code, self._lines = None, []
        return reply


@lru_cache(maxsize=100)
def _read(line: bytes) -> tuple[int, bool, str]:
    """The code, whether more lines follow, and the text. A server says much the same to every mail."""
    found = _LINE.fullmatch(line)
    if found is None or len(line) > _LONGEST_LINE:
        raise Nonsense(f"this is no reply: {_printable(line[:80])!r}")
    return int(found[1]), found[2] == b"-", _printable(found[3] or b"")


def _printable(text: bytes) -> str:
    decoded = text.decode("utf-8", "replace")
    return decoded if decoded.isprintable() else "".join(c if c.isprintable() else " " for c in decoded)
