"""What an SMTP URL says, and what a server's failures say. Touches nothing."""

from __future__ import annotations

import ipaddress
import os
import ssl
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from service.errors import WrongUse

_ESCAPES = "in a password / ? # @ : % are written %2F %3F %23 %40 %3A %25"


@dataclass(frozen=True, slots=True)
class Server:
    """What an SMTP URL says. `tls` is "from the start", "required" (STARTTLS), "if offered" or "off"."""

    host: str
    port: int
    tls: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def is_encrypted(self) -> bool:
        """Whether no mail goes out but under TLS."""
        return self.tls in ("from the start", "required")

    def masked(self, text: str) -> str:
        """What the server says, without our password, should it repeat what it was told."""
        if not self.password:
            return text
        told = (f"\0{self.user}\0{self.password}", self.password)
        for secret in (*(b64encode(word.encode()).decode() for word in told), self.password):
            text = text.replace(secret, "***")
        return text


def parse_smtp_url(text: str) -> Server:
    """`smtps://user:pw@host:465` or `smtp://host:587`, perhaps with `?tls=off`. Raises WrongUse, never telling the password."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise WrongUse(f"it is not a URL: write smtp://host:587 or smtps://user:password@host:465 ({_ESCAPES})") from error
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise WrongUse("write smtp://host:587 or smtps://user:password@host:465")
    if parts.path.strip("/") or parts.fragment or not set(parse_qs(parts.query)) <= {"tls"}:
        raise WrongUse(f"nothing but ?tls=off may follow the port ({_ESCAPES})")
    if not unquote(text).isascii():
        raise WrongUse("the server, the user and the password must be ASCII")
    off = parse_qs(parts.query).get("tls") == ["off"]
    if parts.query and not off:
        raise WrongUse("?tls= takes off only")
    if parts.scheme == "smtps" and off:
        raise WrongUse("smtps:// is TLS from the start; for a server without TLS write smtp://...?tls=off")
    user = unquote(parts.username) if parts.username else None
    if off and user:
        raise WrongUse("a password never goes out without TLS: leave out ?tls=off or the user")
    return Server(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 587),
        tls=_tls(parts.scheme, parts.hostname, off=off, has_user=user is not None),
        user=user,
        password=unquote(parts.password or "") if user else None,
    )


def _tls(scheme: str, host: str, *, off: bool, has_user: bool) -> str:
    if scheme == "smtps":
        return "from the start"
    if off:
        return "off"
    return "if offered" if is_loopback(host) and not has_user else "required"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def said(error: Exception) -> str:
    """On one line. Of a refused connection asyncio tells the address, not that it was refused; OpenSSL names its own errors."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate can't be trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError) and error.reason == "WRONG_VERSION_NUMBER":
        return "it does not speak TLS on this port from the start: use smtp://"
    if isinstance(error, ConnectionError) and error.errno:
        return os.strerror(error.errno)
    return " ".join(str(error).split()) or type(error).__name__
