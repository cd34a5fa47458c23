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
_BREAK, _STOP = b"\n."
# Lines with nothing that must be quoted, and room for a soft break: as names and sentences are.
_SHORT = re.compile(rb"(?!\.)[ -<>-~]{0,75}+(?:(?<! )\n(?!\.)[ -<>-~]{0,75}+)*+")
_CUT = _LONGEST_LINE - 3  # room for a soft break, and for a full stop that has to be quoted


def encoded(text: str) -> bytes:
    """Its lines end with `\\n`; the encoded ones with CRLF. Empty stays empty."""
    content = text.encode()
    if _SHORT.fullmatch(content):
        body = content.replace(b"\n", b"\r\n")
        return body if not body or body[-1] == _BREAK else body + b"=\r\n"
    if content[-1] == _BREAK:
        body = b2a_qp(content.replace(b"\n", b"\r\n"))
    else:
        body = b2a_qp(content.replace(b"\n", b"\r\n") + b"\r\n")[:-2] + b"=\r\n"
    return body if _is_sound(content, body) else _with_room(content)


def _is_unstopped(body: bytes) -> bool:
    return body[0] != _STOP and b"\n." not in body


def _is_sound(content: bytes, body: bytes) -> bool:
    """The standard library lets full stops begin lines, and a line with a blank at its end become too long."""
    if not _is_unstopped(body) or b"\r" in content:
        return False
    return content[-1] not in b" \t" and b" \n" not in content and b"\t\n" not in content


def _with_room(content: bytes) -> bytes:
    *whole, last = content.split(b"\n")
    lines = [b"=\r\n".join(_cut(line)) + b"\r\n" for line in whole]
    return b"".join(lines) + b"".join(piece + b"=\r\n" for piece in _cut(last) if piece)


def _cut(line: bytes) -> Iterator[bytes]:
    rest = _UNSAFE.sub(lambda unsafe: b"=%02X" % unsafe.group()[0], line.replace(b"=", b"=3D"))
    while len(rest) > _CUT:
        cut = _CUT - next((back for back in (1, 2) if rest[_CUT - back] == ord("=")), 0)
        yield _unstopped(rest[:cut])
        rest = rest[cut:]
    yield _unstopped(rest)


def _unstopped(line: bytes) -> bytes:
    return b"=2E" + line[1:] if line.startswith(b".") else line
