"""Encoded parts to a message in pieces, by a form that is filled in. Touches nothing.

The form is a message that `build_message` made, cut where a mail has its own words: so there is one place that knows what a
message is made of.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from service.delivery.message import ReadyMessage, build_message, folded_subject, parted
from service.models import Email, EncodedEmail, Sender

_PLACES = {
    "subject": "Subject: the-subjects-place",
    "to": "the-recipients@place.invalid",
    "link": "https://place.invalid/the-links-place",
    "token": "the-links-place",
    "key": "the-keys-place",
    "date": "Thu, 01 Jan 1970 00:00:00 +0000",
    "html": "the-htmls-place\r\n",
    "text": "the-texts-place\r\n",
}
_PLACE = re.compile("|".join(f"(?P<{name}>{re.escape(words)})" for name, words in _PLACES.items()).encode())


class MessageForm:
    """What all messages of one sender share. Raises ValueError for a sender's name that is no header."""

    def __init__(self, sender: Sender) -> None:
        email = Email(*(_PLACES[name].removeprefix("Subject: ").rstrip() for name in ("subject", "html", "text")))
        made = build_message(
            email,
            sender,
            to=_PLACES["to"],
            key=_PLACES["key"],
            now=datetime.fromtimestamp(0, UTC),
            unsubscribe_link=_PLACES["link"],
        )
        header, (body,) = parted(made)
        self._header, self._body = _Blank(header), _Blank(body)

    def message(self, email: EncodedEmail, *, to: str, key: str, now: datetime, unsubscribe_link: str) -> ReadyMessage:
        """As `build_message`, of parts that are encoded already. Raises ValueError for a value that is not one printable line."""
        told = (email.subject, to, key, unsubscribe_link)
        if not "".join(told).isprintable():
            unprintable = next(value for value in told if not value.isprintable())
            raise ValueError(f"{unprintable!r} is no header: it holds a line break or another control character")
        own = {
            "subject": folded_subject(email.subject),
            "to": to.encode(),
            "link": unsubscribe_link.encode(),
            "token": unsubscribe_link.rpartition("/")[2].encode(),
            "key": key.encode(),
            "date": _date(int(now.timestamp())),
            "html": email.html,
            "text": email.text,
        }
        return ReadyMessage(b"".join(self._header.filled(own)), self._body.filled(own))


class _Blank:
    """Bytes, and the names of what stands between them."""

    def __init__(self, made: bytes) -> None:
        places = list(_PLACE.finditer(made))
        starts, ends = [0, *(place.end() for place in places)], [*(place.start() for place in places), len(made)]
        self._pieces = [b""] * (2 * len(places) + 1)
        self._pieces[::2] = [made[start:end] for start, end in zip(starts, ends, strict=True)]
        self._names = [f"{place.lastgroup}" for place in places]

    def filled(self, own: Mapping[str, bytes]) -> list[bytes]:
        pieces = self._pieces.copy()
        pieces[1::2] = map(own.__getitem__, self._names)
        return pieces


@lru_cache(maxsize=100)
def _date(second: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(second, UTC)).encode()
