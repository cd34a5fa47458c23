"""Signed links: one keyed token a person and purpose. Pure.

A mail's standing links never expire, so the token is the person's key and a keyed BLAKE2b (RFC 7693, 2.9) over purpose
and key: 16 bytes, checked in constant time. The first key signs; every key listed is still believed, so keys can be rotated.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Sequence
from hashlib import blake2b

from service.errors import BadLink
from service.models import Sender


def unsubscribe_link(sender: Sender, subscriber_key: str) -> str:
    """The https link of List-Unsubscribe (RFC 8058): a GET shows a page, a POST unsubscribes."""
    return f"{sender.public_url}/unsubscribe/{sign(sender.link_keys, 'unsubscribe', subscriber_key)}"


def sign(keys: Sequence[str], purpose: str, subscriber_key: str) -> str:
    return f"{subscriber_key}.{_mac(keys[0], purpose, subscriber_key)}"


def subscriber_key(keys: Sequence[str], purpose: str, token: str) -> str:
    """The person whom a token names. Raises BadLink for a token not signed for this purpose by any of the keys."""
    name, _, mac = token.partition(".")
    if any(hmac.compare_digest(_mac(key, purpose, name).encode(), mac.encode()) for key in keys):
        return name
    raise BadLink("this link is not whole, or not from us")


def _mac(key: str, purpose: str, name: str) -> str:
    secret = blake2b(key.encode(), digest_size=32).digest()  # BLAKE2b takes keys of up to 64 bytes
    digest = blake2b(f"{purpose}\0{name}".encode(), key=secret, digest_size=16).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
