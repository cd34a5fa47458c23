"""Text to pieces of quoted-printable (RFC 2045, 6.7) that can be joined in any order. Pure.

Each piece begins at the beginning of a line and ends with a line break, a soft one where its text goes on, so that joined
pieces are a sound body. No line begins with a full stop: nothing is left for SMTP to stuff (RFC 5321, 4.5.2). The standard
library's encoders give pieces that end within a line, and lines of up to 78 characters.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterable, Iterator

_UNSAFE = re.compile(rb"[^\t -~]|[\t ]$")
_PLAIN = re.compile("[!-<>-~]+")
_LONGEST_LINE = 76
_CUT = _LONGEST_LINE - 3  # room for a soft break, and for a full stop that has to be quoted


def encoded(text: str) -> bytes:
    """Its lines end with `\\n`; the encoded ones with CRLF. Empty stays empty."""
    if _PLAIN.fullmatch(text):
        return b"".join(_unstopped(text[start : start + _CUT].encode()) + b"=\r\n" for start in range(0, len(text), _CUT))
    *whole, last = text.encode().split(b"\n")
    lines = [b"=\r\n".join(_cut(line)) + b"\r\n" for line in whole]
    if last:
        lines.append(b"".join(piece + b"=\r\n" for piece in _cut(last)))
    return b"".join(lines)


def _cut(line: bytes) -> Iterable[bytes]:
    """What fits in a line each. The standard library's pieces are sound for most lines."""
    pieces = b2a_qp(line).split(b"=\n")
    is_sound = len(pieces[-1]) < _LONGEST_LINE and not any(piece.startswith(b".") for piece in pieces)
    return pieces if is_sound else _cut_with_room(line)


def _cut_with_room(line: bytes) -> Iterator[bytes]:
    rest = _UNSAFE.sub(lambda unsafe: b"=%02X" % unsafe.group()[0], line.replace(b"=", b"=3D"))
    while len(rest) > _CUT:
        cut = _CUT - next((back for back in (1, 2) if rest[_CUT - back] == ord("=")), 0)
        yield _unstopped(rest[:cut])
        rest = rest[cut:]
    yield _unstopped(rest)


def _unstopped(line: bytes) -> bytes:
    return b"=2E" + line[1:] if line.startswith(b".") else line
