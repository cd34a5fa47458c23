"""Text to pieces of quoted-printable (RFC 2045, 6.7) that can be joined in any order. Pure.

Each piece begins at the beginning of a line and ends with a line break, a soft one where its text goes on, so that joined
pieces are a sound body. No line begins with a full stop: nothing is left for SMTP to stuff (RFC 5321, 4.5.2). The standard
library's encoders give pieces that end within a line, and lines of up to 78 characters.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Iterator

_UNSAFE = re.compile(rb"[^\t -~]|[\t ]$")
_LONGEST_LINE = 76
_CUT = _LONGEST_LINE - 3  # room for a soft break, and for a full stop that has to be quoted


def encoded(text: str) -> bytes:
    """Its lines end with `\\n`; the encoded ones with CRLF. Empty stays empty."""
    if not text:
        return b""
    *lines, last = text.encode().split(b"\n")
    body = b2a_qp(b"\r\n".join((*lines, last, b"")))
    body = body[:-2] + b"=\r\n" if last else body[:-2]
    if _is_sound(body) and "\r" not in text:
        return body
    return b"".join(b"=\r\n".join(_cut(line)) + b"\r\n" for line in lines) + b"".join(cut + b"=\r\n" for cut in _cut(last) if cut)


def _is_sound(body: bytes) -> bool:
    """The standard library's encoder writes few lines that are too long, or begin with a full stop."""
    return max(map(len, body.split(b"\r\n"))) <= _LONGEST_LINE and b"\n." not in body and not body.startswith(b".")


def _cut(line: bytes) -> Iterator[bytes]:
    rest = _UNSAFE.sub(lambda unsafe: b"=%02X" % unsafe.group()[0], line.replace(b"=", b"=3D"))
    while len(rest) > _CUT:
        cut = _CUT - next((back for back in (1, 2) if rest[_CUT - back] == ord("=")), 0)
        yield _unstopped(rest[:cut])
        rest = rest[cut:]
    yield _unstopped(rest)


def _unstopped(line: bytes) -> bytes:
    return b"=2E" + line[1:] if line.startswith(b".") else line
