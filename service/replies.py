"""What a mail server's reply means for the mail, its address and its domain (RFC 5321, RFC 3463). Pure."""

from __future__ import annotations

import re
from datetime import timedelta

from service.models import Bounce

LONGEST_WAIT = timedelta(days=1)
_ENHANCED = re.compile(r"\d{3}[ -](([245])\.(\d{1,3})\.\d{1,3})\b")
_WAIT = re.compile(
    r"(?:again|retry|back|wait|delay(?:ed)?|greylist(?:ed|ing)?)\b[^\d]{0,30}?"
    r"(?:(\d\d):(\d\d):(\d\d)|(\d{1,5}) ?(s|sec|seconds?|m|mins?|minutes?|h|hours?)\b)",
    re.IGNORECASE,
)
_NO_MAILBOX = re.compile(
    r"\b(no such (user|mailbox|address|recipient)|(user|recipient|mailbox|address) (is )?(unknown|not found|does(n't| not) exist)"
    r"|unknown (user|recipient|mailbox)|invalid (recipient|mailbox))\b",
    re.IGNORECASE,
)
_TOO_MUCH_MAIL = re.compile(r"\breceiving mail (at a rate|too quickly)\b", re.IGNORECASE)  # Gmail's 5.2.1 (p=ReceivingRatePerm)
_ADDRESS = re.compile(r"[^\s<>@]+@[^\s<>@,;:()]+")
_SENDERS_ADDRESS = ("5.1.7", "5.1.8")  # they tell of our own address
_UNITS = {"s": timedelta(seconds=1), "m": timedelta(minutes=1), "h": timedelta(hours=1)}


def enhanced_code(reply: str) -> str | None:
    """The enhanced status code, as in 5.1.1, where the reply holds one of its own class (RFC 2034)."""
    found = _ENHANCED.match(reply)
    return found[1] if found and found[2] == reply[0] else None


def bounce_of(reply: str) -> Bounce:
    """Why a 5yz refused. Without an enhanced code only plain words count: a bare 550 is as often about policy."""
    code = enhanced_code(reply)
    if code is None:
        if reply.startswith("552"):
            return Bounce.SOFT
        return Bounce.HARD if reply[:3] in ("550", "551", "553") and _NO_MAILBOX.search(reply) else Bounce.POLICY
    is_disabled = code == "5.2.1" and not _TOO_MUCH_MAIL.search(reply)
    if is_disabled or (code.startswith("5.1.") and code not in _SENDERS_ADDRESS):
        return Bounce.HARD
    return Bounce.SOFT if code[:4] in ("5.2.", "5.3.", "5.4.") else Bounce.POLICY


def without_addresses(reply: str) -> str:
    """For what outlives the person: servers like to name whom they refuse."""
    return _ADDRESS.sub("[address]", reply)


def asked_wait(reply: str) -> timedelta | None:
    """How long a reply such as "try again in 300 seconds" asks to wait, a day at the most."""
    found = _WAIT.search(reply)
    if found is None:
        return None
    hours, minutes, seconds, count, unit = found.groups()
    if count is None:
        wait = timedelta(hours=int(hours), minutes=int(minutes), seconds=int(seconds))
    else:
        wait = int(count) * _UNITS[unit[0].lower()]
    return min(wait, LONGEST_WAIT)


def is_about_the_domain(reply: str) -> bool:
    """Whether a 4yz is about the domain's server, so that its other mailboxes must wait as well.

    Not one about a single mailbox (x.1.z, x.2.z, 450), nor greylisting, which judges each recipient: one mail at a time
    would never get through it.
    """
    if re.search("gr[ea]y.?list", reply, re.IGNORECASE):
        return False
    code = enhanced_code(reply)
    return code[:4] not in ("4.1.", "4.2.") if code else not reply.startswith("450")
