"""Messages, and an Email to the bytes of one (RFC 5322, MIME). Touches nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from binascii import b2a_qp
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime, parseaddr
from functools import lru_cache
from typing import Any, ClassVar, Literal
from urllib.parse import quote, urlsplit

from service.models import Email, Sender

_LONGEST_LINE = 76
_LARGEST_WORD = 39  # bytes: base64 makes 52 characters of them, which fit beside "Subject: " and the word's own 12
_LONGEST_QUOTED = 54  # characters, by the same reckoning
_CONTINUES = re.compile(rb"=[89AB]")  # the next byte of a character
_BOUNDARY = "=_paperround"  # no line of quoted-printable begins like that (RFC 2045, 6.7), whatever a paper says
_DOTTED_NAME = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*")


@dataclass(slots=True)
class ReadyMessage:
    """The bytes of a message in pieces, which go out as they are.

    By how they were made, each line of the message ends with CRLF and none begins with a dot, and what stands behind the header
    is ASCII: looking for the odd line in 80 KB takes longer than sending them, and so does copying them into one.
    """

    header: bytes  # with the empty line behind its fields
    body: Sequence[bytes]  # of which the last one is more than line breaks

    def __len__(self) -> int:
        """Octets."""
        return len(self.header) + sum(map(len, self.body))

    def __bytes__(self) -> bytes:
        return b"".join((self.header, *self.body))


Message = bytes | ReadyMessage


def parted(message: Message) -> tuple[bytes, Sequence[bytes]]:
    """Its header, with the empty line behind it, and the pieces of its body."""
    if isinstance(message, ReadyMessage):
        return message.header, message.body
    end = message.find(b"\r\n\r\n")
    begin = end + 4 if end >= 0 else len(message)
    return message[:begin], (message[begin:],)


class _Verbatim(BaseHeader):
    """A header that must not be folded: the email package would turn a long link into encoded words, which are no link."""

    max_count: ClassVar[Literal[1]] = 1

    @classmethod
    def parse(cls, value: str, kwds: dict[str, Any]) -> None:
        kwds["parse_tree"] = UnstructuredHeader.value_parser(value)
        kwds["decoded"] = value

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"{self.name}: {self}{policy.linesep}"


class _Subject(_Verbatim):
    """Words of the email package's own folding can be cut between plain and encoded text (RFC 2047, 5); Header's can't."""

    def fold(self, *, policy: Policy[Any]) -> str:
        return folded_subject(str(self)).decode() + policy.linesep


@lru_cache(maxsize=10_000)
def folded_subject(subject: str) -> bytes:
    """The header field without its last line break: lines of at most 76 characters, broken between words (RFC 5322, 2.2.3).

    What is not ASCII is in encoded words, each of whole characters (RFC 2047, 2 and 5), by the encoding that is shorter: base64
    of plain words counts as hiding them with spam filters.
    """
    if subject.isascii():
        return b"Subject: " + b"\r\n ".join(_folded(subject.encode()))
    words = subject.encode()
    quoted = b2a_qp(words, header=True).replace(b"=\n", b"").replace(b"?", b"=3F")
    if len(quoted) > len(words) * 4 / 3:
        return b"Subject: " + b"\r\n ".join(b"=?utf-8?b?%b?=" % b64encode(part) for part in _cut(words))
    return b"Subject: " + b"\r\n ".join(b"=?utf-8?q?%b?=" % part for part in _cut_quoted(quoted))


def _folded(words: bytes) -> Iterator[bytes]:
    room = _LONGEST_LINE - len("Subject: ")
    while len(words) > room and (end := words.rfind(b" ", 1, room + 1)) > 0:
        yield words[:end]
        words = words[end + 1 :]
        room = _LONGEST_LINE - 1
    yield words


def _cut(words: bytes) -> Iterator[bytes]:
    """What an encoded word holds, never cut within a character."""
    while words:
        end = _LARGEST_WORD
        while end < len(words) and words[end] & 0xC0 == 0x80:
            end -= 1
        yield words[:end]
        words = words[end:]


def _cut_quoted(words: bytes) -> Iterator[bytes]:
    while words:
        end = _LONGEST_QUOTED
        while end < len(words) and (b"=" in words[end - 2 : end] or _CONTINUES.match(words, end)):
            end -= 1
        yield words[:end]
        words = words[end:]


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("subject", _Subject)
for _name in ("message-id", "list-id", "list-unsubscribe", "list-unsubscribe-post", "feedback-id"):
    _HEADERS.map_to_type(_name, _Verbatim)
_POLICY = SMTP.clone(header_factory=_HEADERS)


def build_message(
    email: Email, sender: Sender, *, to: str, key: str, now: datetime, unsubscribe_link: str | None = None
) -> bytes:
    """The whole message, the same but for its Date whenever it is built again.

    `key` names the mail: the Message-ID is made of it, so that a mail sent twice can be told for one. With
    `unsubscribe_link` it is a list's mail: List-Id is RFC 2919, List-Unsubscribe RFC 2369, List-Unsubscribe-Post RFC 8058.
    Without, it tells of a request, and that no machine shall answer it (Auto-Submitted, RFC 3834, 5). By Feedback-ID Gmail
    tells its complaints about digests from those about notices. Both parts are quoted-printable. Raises ValueError for a
    header value that is not one printable line; the email package lets a lone CR through.
    """
    told = (email.subject, to, key, unsubscribe_link or "", sender.mail_from, sender.unsubscribe_mailbox or "")
    if unprintable := next((value for value in told if not value.isprintable()), None):
        raise ValueError(f"{unprintable!r} is no header: it holds a line break or another control character")
    name, address = parseaddr(sender.mail_from)
    host = _host(sender.public_url, address)
    message = EmailMessage(policy=_POLICY)
    message["From"] = Address(display_name=name or "Paperround", addr_spec=address)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = email.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<{key}@{host}>"
    if unsubscribe_link is None:
        message["Auto-Submitted"] = "auto-generated"
        message["Feedback-ID"] = "notice:paperround"
    else:
        message["List-Id"] = f"Paperround <digest.{host}>"
        message["List-Unsubscribe"] = ", ".join(f"<{way}>" for way in _ways_out(sender, unsubscribe_link))
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message["Feedback-ID"] = "digest:paperround"
    message.set_content(email.text, cte="quoted-printable")
    message.add_alternative(email.html, subtype="html", cte="quoted-printable")
    message.set_boundary(_BOUNDARY)
    return message.as_bytes()


def _host(public_url: str, address: str) -> str:
    """The links'; where that is an IPv6 address, whose colons can't stand in an id, the one that mails come from."""
    host = urlsplit(public_url).hostname or ""
    return host if _DOTTED_NAME.fullmatch(host) else address.rpartition("@")[2]


def _ways_out(sender: Sender, link: str) -> Iterator[str]:
    """The link; then, where somebody reads a mailbox for it, a mail to there that holds the link's token."""
    yield link
    if sender.unsubscribe_mailbox:
        token = link.rpartition("/")[2]
        yield f"mailto:{quote(sender.unsubscribe_mailbox, safe='@')}?subject=unsubscribe%20{quote(token)}"
