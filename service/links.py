"""Signed links: one keyed token a person and purpose. Pure.

A mail's standing links never expire, so their token is the person's key and a keyed BLAKE2b (RFC 7693, 2.9) over purpose
and key: 16 bytes, checked in constant time. They may unsubscribe, pause, mark papers, and change what is mailed, for
whoever holds a forwarded mail holds them too. Whatever tells or risks more needs a link that was mailed just now and
expires: its token is a key and an instant, signed by itsdangerous with the purpose as the salt.

The first key signs; every key listed is still believed, so keys can be rotated.
"""

from __future__ import annotations

import hmac
from binascii import b2a_base64
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b, sha256

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner

from service.errors import BadLink, ExpiredLink
from service.models import MailLinks, Sender

_URL_SAFE = bytes.maketrans(b"+/", b"-_")  # RFC 4648, 5


class Standing(StrEnum):
    """What a mail's own links may do. Each is the first part of its link's path."""

    UNSUBSCRIBE = "unsubscribe"
    PAUSE = "pause"
    SETTINGS = "settings"
    WEB = "digest"
    MARK = "mark"


class Fresh(StrEnum):
    """What needs a link that expires."""

    CONFIRM = "confirm"  # a pending subscription
    RESUBSCRIBE = "resubscribe"  # the undo on the page of an unsubscribe
    UNDO = "undo"  # of a notice's change
    ACCOUNT = "account"  # address, history, export and erase
    ADDRESS = "address"  # a new address


LIFETIMES = {
    Fresh.CONFIRM: timedelta(days=7),
    Fresh.RESUBSCRIBE: timedelta(days=1),
    Fresh.UNDO: timedelta(days=30),
    Fresh.ACCOUNT: timedelta(hours=2),
    Fresh.ADDRESS: timedelta(days=1),
}


def mail_links(sender: Sender, subscriber_key: str, on: date) -> MailLinks:
    """The standing links of the mail for day `on`; the first is List-Unsubscribe's (RFC 8058)."""
    day, begun = _begun_for_mails(sender.link_keys[0], on)
    return MailLinks(sender.public_url, day, *_tokens(begun, subscriber_key))


@lru_cache(maxsize=100)
def _begun_for_mails(key: str, on: date) -> tuple[str, tuple[blake2b, ...]]:
    day = on.isoformat()
    purposes = (Standing.UNSUBSCRIBE, Standing.SETTINGS, Standing.PAUSE, _web_purpose(day), Standing.MARK)
    return day, tuple(_begun(key, purpose) for purpose in purposes)


def _web_purpose(day: str) -> str:
    """Good for that one day: the other days are history, which needs a fresh link."""
    return f"{Standing.WEB} {day}"


def standing_link(sender: Sender, purpose: Standing, subscriber_key: str) -> str:
    (token,) = _tokens([_begun(sender.link_keys[0], purpose)], subscriber_key)
    return f"{sender.public_url}/{purpose}/{token}"


def standing_key(sender: Sender, purpose: Standing, token: str) -> str:
    """The person whom a token names. Raises BadLink for a token not signed for this purpose by any of the keys."""
    return _standing_key(sender, purpose, token)


def web_key(sender: Sender, token: str, on: date) -> str:
    """The person whose digest of that day it is. Raises BadLink."""
    return _standing_key(sender, _web_purpose(on.isoformat()), token)


def _standing_key(sender: Sender, purpose: str, token: str) -> str:
    name = token.partition(".")[0]
    if any(hmac.compare_digest(_tokens([_begun(key, purpose)], name)[0].encode(), token.encode()) for key in sender.link_keys):
        return name
    raise BadLink("this link is not whole, or not from us")


def fresh_link(sender: Sender, purpose: Fresh, key: str, now: datetime) -> str:
    return f"{sender.public_url}/{purpose}/{_signer(sender.link_keys, purpose, now).sign(key).decode()}"


def fresh_key(sender: Sender, purpose: Fresh, token: str, now: datetime) -> str:
    """The person or notice whom a token names. Raises BadLink, or ExpiredLink past the purpose's lifetime."""
    signer = _signer(sender.link_keys, purpose, now)
    try:
        return signer.unsign(token, max_age=int(LIFETIMES[purpose].total_seconds())).decode()
    except SignatureExpired as error:
        raise ExpiredLink("this link has expired") from error
    except BadSignature as error:
        raise BadLink("this link is not whole, or not from us") from error


class _Signer(TimestampSigner):
    """The clock is passed in."""

    now: datetime

    def get_timestamp(self) -> int:
        return int(self.now.timestamp())


def _signer(keys: Sequence[str], purpose: Fresh, now: datetime) -> _Signer:
    """itsdangerous takes the keys oldest first."""
    signer = _Signer(list(reversed(keys)), salt=f"paperround.{purpose}", digest_method=sha256)
    signer.now = now
    return signer


def _tokens(begun: Iterable[blake2b], name: str) -> list[str]:
    """One of each hash. Two more bytes make 24 characters of its 16, and leave the first 22 as they are."""
    content, hashes = name.encode(), []
    for start in begun:
        mac = start.copy()
        mac.update(content)
        hashes.append(mac.digest())
    written = b2a_base64(b"\0\0".join((*hashes, b""))).translate(_URL_SAFE).decode()
    begin = f"{name}."
    return [begin + written[start : start + 22] for start in range(0, 24 * len(hashes), 24)]


@lru_cache(maxsize=100)
def _begun(key: str, purpose: str) -> blake2b:
    """The hash as it stands before the name, the same for everybody."""
    secret = blake2b(key.encode(), digest_size=32).digest()  # BLAKE2b takes keys of up to 64 bytes
    return blake2b(f"{purpose}\0".encode(), key=secret, digest_size=16)
