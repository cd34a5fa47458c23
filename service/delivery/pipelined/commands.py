"""What a client says to an SMTP server: the envelope, the content, the password (RFC 5321). Touches nothing."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping

from service.delivery.message import Message, ReadyMessage, parted
from service.delivery.pipelined.replies import Reply
from service.errors import DeliveryFailed

_NEVER_IN_PATHS = frozenset(" <>")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


Extensions = Mapping[str, str]  # what EHLO offered: keywords in capitals, and their parameters


def extensions_of(reply: Reply) -> Extensions:
    """The first line greets. `AUTH=` is how old servers wrote it."""
    words = (line.replace("AUTH=", "AUTH ").partition(" ") for line in reply.lines[1:])
    return {keyword.upper(): parameters.upper().strip() for keyword, _, parameters in words}


def envelope(sender: str, to: str, message: Message, extensions: Extensions) -> list[bytes]:
    """MAIL, RCPT and DATA. Raises DeliveryFailed, for good, where this server can't take this mail at all."""
    size = len(message)
    parameters = [f"SIZE={size}"] if "SIZE" in extensions else []
    _check_size(size, extensions)
    is_ascii = (message if isinstance(message, bytes) else message.header).isascii()
    if not is_ascii:
        _need(extensions, "8BITMIME", "5.6.3 the mail is 8-bit and the mail server takes 7 bits only")
        parameters.append("BODY=8BITMIME")
    if not (sender + to).isascii() or not (is_ascii or parted(message)[0].isascii()):
        _need(extensions, "SMTPUTF8", "5.6.7 the mail needs SMTPUTF8, which the mail server does not offer")
        parameters.append("SMTPUTF8")
    mail = " ".join([f"MAIL FROM:<{_path(sender)}>", *parameters])
    return [f"{line}\r\n".encode() for line in (mail, f"RCPT TO:<{_path(to)}>", "DATA")]


def content(message: Message) -> tuple[bytes, ...]:
    """The message with its dots stuffed, and what ends it (RFC 5321, 4.5.2), in pieces.

    Every line ends with CRLF: what one server takes for two characters another may take for a mail's end (CVE-2023-51764).
    """
    if isinstance(message, ReadyMessage):
        return message.header, *message.body, b".\r\n"
    if message.count(b"\n") != (breaks := message.count(b"\r\n")) or message.count(b"\r") != breaks:
        message = _BARE.sub(b"\r\n", message)
    if b"\n." in message or message.startswith(b"."):
        message = message.replace(b"\n.", b"\n..")
        message = b"." + message if message.startswith(b".") else message
    return message, b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n"


def password_steps(mechanisms: str, user: str, password: str) -> list[bytes]:
    """The lines of AUTH PLAIN (RFC 4616), else of AUTH LOGIN, each to be sent after a 334. None: the server knows neither."""
    if "PLAIN" in mechanisms.split():
        return [b"AUTH PLAIN " + b64encode(f"\0{user}\0{password}".encode()) + b"\r\n"]
    if "LOGIN" in mechanisms.split():
        return [b"AUTH LOGIN\r\n", *(b64encode(word.encode()) + b"\r\n" for word in (user, password))]
    return []


def _path(address: str) -> str:
    """An address could end the command and begin another one."""
    if not address.isprintable() or not _NEVER_IN_PATHS.isdisjoint(address):
        raise DeliveryFailed(553, f"5.1.3 {address!r} is no address")
    return address


def _check_size(size: int, extensions: Extensions) -> None:
    limit = extensions.get("SIZE", "")
    if limit.isdecimal() and 0 < int(limit) < size:  # 0: no limit that it tells (RFC 1870, 4)
        raise DeliveryFailed(552, f"5.3.4 the mail has {size} octets, and the mail server takes {limit}")


def _need(extensions: Extensions, keyword: str, otherwise: str) -> None:
    if keyword not in extensions:
        raise DeliveryFailed(554, otherwise)
