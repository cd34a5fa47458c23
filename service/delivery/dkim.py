"""Sign messages (DKIM: RFC 6376, Ed25519: RFC 8463). Touches nothing.

Canonicalised relaxed/simple: a body is hashed as it stands. Ours are quoted-printable, short lines of ASCII without a blank at
their ends, which nothing on the way has cause to touch; and looking for blanks in 80 KB takes longer than hashing them. Each
header of `_SIGNED` is named once more than it occurs, so that one added on the way breaks the signature.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from service.delivery.message import Message, ReadyMessage, parted
from service.errors import WrongUse

_SIGNED = (b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"list-unsubscribe", b"list-unsubscribe-post")
_LINE = 72  # characters of a folded header


@dataclass(frozen=True, slots=True)
class SigningKey:
    """Loaded once: that takes 30 ms, a signature 0.4 ms."""

    domain: str
    selector: str
    private: RSAPrivateKey | Ed25519PrivateKey

    @property
    def algorithm(self) -> str:
        return "rsa-sha256" if isinstance(self.private, RSAPrivateKey) else "ed25519-sha256"

    def signature(self, octets: bytes) -> bytes:
        if isinstance(self.private, RSAPrivateKey):
            return self.private.sign(octets, PKCS1v15(), SHA256())
        return self.private.sign(sha256(octets).digest())


def load_signing_key(pem: bytes, *, domain: str, selector: str) -> SigningKey:
    """Raises WrongUse, telling nothing of the key."""
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise WrongUse("it is no private key in PEM without a password: make one with `openssl genrsa 2048`") from error
    if isinstance(private, Ed25519PrivateKey) or (isinstance(private, RSAPrivateKey) and private.key_size >= 2048):
        return SigningKey(domain, selector, private)
    raise WrongUse("the key must be RSA of 2048 bits or more, or Ed25519")


def sign(message: Message, keys: Sequence[SigningKey], at: int) -> Message:
    """The message with a signature of each key before it. `at`: seconds since 1970. Lines end with CRLF."""
    header, body = parted(message)
    names, signed = _signed_headers(header)
    body_hash = _body_hash(body)
    signatures = b"".join(_signature(key, names, signed, body_hash, at) for key in keys)
    return signatures + message if isinstance(message, bytes) else ReadyMessage(signatures + header, body)


def _signature(key: SigningKey, names: bytes, signed: bytes, body_hash: bytes, at: int) -> bytes:
    start = b"DKIM-Signature: v=1; a=%b; c=relaxed/simple; d=%b;\r\n s=%b; t=%d;\r\n h=%b;\r\n bh=%b;\r\n b=" % (
        key.algorithm.encode(),
        key.domain.encode(),
        key.selector.encode(),
        at,
        names,
        body_hash,
    )
    [(name, value)] = _relaxed_headers(start)
    signature = b64encode(key.signature(signed + name + b":" + value))
    return start + b"\r\n ".join(signature[n : n + _LINE] for n in range(0, len(signature), _LINE)) + b"\r\n"


def _signed_headers(head: bytes) -> tuple[bytes, bytes]:
    """The value of h=, and the headers it names: several of one name from the last to the first (RFC 6376, 5.4.2)."""
    found: dict[bytes, list[bytes]] = {name: [] for name in _SIGNED}
    for name, value in reversed(_relaxed_headers(head)):
        if name in found:
            found[name].append(b"%b:%b\r\n" % (name, value))
    names = b":\r\n  ".join(b":".join([name] * (len(headers) + 1)) for name, headers in found.items())
    return names, b"".join(header for headers in found.values() for header in headers)


def _relaxed_headers(head: bytes) -> list[tuple[bytes, bytes]]:
    """Names and values, unfolded, each run of blanks made one (RFC 6376, 3.4.2)."""
    head = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ").replace(b"\t", b" ")
    while b"  " in head:
        head = head.replace(b"  ", b" ")
    parts = (header.partition(b":") for header in head.split(b"\r\n"))
    return [(name.strip(b" ").lower(), value.strip(b" ")) for name, _, value in parts]


def _body_hash(body: Sequence[bytes]) -> bytes:
    """Of the body as it is but for the line breaks at its end, of which one counts (RFC 6376, 3.4.3)."""
    *pieces, last = body
    while last.endswith(b"\r\n"):
        last = last[:-2]
    hashed = sha256()
    for piece in (*pieces, last, b"\r\n"):
        hashed.update(piece)
    return b64encode(hashed.digest())
