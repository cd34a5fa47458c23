"""Encoded parts to a message in pieces, by a form that is filled in. Touches nothing.

The form is a message that `build_message` made, cut where a mail has its own words: so there is one place that knows what a
message is made of.
"""

from __future__ import annotations

import re
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
}
_PLACE = re.compile("|".join(f"(?P<{name}>{re.escape(words)})" for name, words in _PLACES.items()).encode())
_TEXT, _HTML = "the-texts-place", "the-htmls-place"
_PARTS = re.compile(f"(?:{_TEXT}|{_HTML})\r\n".encode())


class MessageForm:
    """What all messages of one sender share. Raises ValueError for a sender's name that is no header."""

    def __init__(self, sender: Sender) -> None:
        email = Email(_PLACES["subject"].removeprefix("Subject: "), _HTML, _TEXT)
        made = build_message(
            email,
            sender,
            to=_PLACES["to"],
            key=_PLACES["key"],
            now=datetime.fromtimestamp(0, UTC),
            unsubscribe_link=_PLACES["link"],
        )
        header, (body,) = parted(made)
        self._header = _blank(header)
        self._begin, self._between, self._end = _PARTS.split(body)

    def message(self, email: EncodedEmail, *, to: str, key: str, now: datetime, unsubscribe_link: str) -> ReadyMessage:
        """As `build_message`, of parts that are encoded already. Raises ValueError for a value that is not one printable line."""
        told = (email.subject, to, key, unsubscribe_link)
        if not "".join(told).isprintable():
            unprintable = next(value for value in told if not value.isprintable())
            raise ValueError(f"{unprintable!r} is no header: it holds a line break or another control character")
        own = {
            b"subject": folded_subject(email.subject),
            b"to": to.encode(),
            b"link": unsubscribe_link.encode(),
            b"token": unsubscribe_link.rpartition("/")[2].encode(),
            b"key": key.encode(),
            b"date": _date(int(now.timestamp())),
        }
        return ReadyMessage(self._header % own, (self._begin, email.text, self._between, email.html, self._end))


@lru_cache(maxsize=1)
def message_form(sender: Sender) -> MessageForm:
    """Kept: to make one takes as long as several mails do, and a process has one sender."""
    return MessageForm(sender)


def _blank(made: bytes) -> bytes:
    """With named places, for the operator %."""
    return _PLACE.sub(lambda place: b"%%(%b)b" % f"{place.lastgroup}".encode(), made.replace(b"%", b"%%"))


@lru_cache(maxsize=100)
def _date(second: int) -> bytes:
    return format_datetime(datetime.fromtimestamp(second, UTC)).encode()
