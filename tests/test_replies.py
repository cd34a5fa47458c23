from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from service.models import Bounce
from service.replies import LONGEST_WAIT, asked_wait, bounce_of, enhanced_code, is_about_the_domain


@pytest.mark.parametrize(("reply", "bounce"), [
    ("550 5.1.1 <a@b.org>: Recipient address rejected: User unknown", "hard"),
    ("550 5.1.10 null MX", "hard"),
    ("550 5.2.1 The email account is disabled", "hard"),
    ("550 5.2.1 The user you are trying to contact is receiving mail at a rate that 5.2.1 prevents additional messages", "soft"),
    ("553 5.1.8 the sender's domain does not resolve", "policy"),
    ("550 5.1.7 invalid return address", "policy"),
    ("552 5.2.2 mailbox full", "soft"),
    ("552 too large", "soft"),
    ("554 5.3.4 message too big for system", "soft"),
    ("550 5.4.1 no answer from host", "soft"),
    ("550 5.7.1 blocked: no such user, they say", "policy"),
    ("554 5.7.26 unauthenticated", "policy"),
    ("550 5.7.515 access denied, does not meet the level", "policy"),
    ("554 5.6.0 bad content", "policy"),
    ("550 no such user here", "hard"),
    ("550 User unknown", "hard"),
    ("550 mailbox unavailable", "policy"),
    ("554 no such user", "policy"),
    ("550 4.1.1 classes that differ", "policy"),
])  # fmt: skip
def test_what_a_refusal_for_good_is_about(reply: str, bounce: str) -> None:
    assert bounce_of(reply) == Bounce(bounce)


@pytest.mark.parametrize(("reply", "seconds"), [
    ("450 4.2.0 Greylisted, try again in 300 seconds", 300),
    ("451 4.7.1 Please retry after 5 minutes", 300),
    ("451 Greylisting in action, please come back in 00:05:30", 330),
    ("421 4.7.0 wait 1 hour", 3600),
    ("450 4.7.1 greylisted for 5 min", 300),
    ("451 try again in 99999 hours", 86400),
    ("451 4.7.1 try again later", None),
    ("450 4.2.2 the 5 mailboxes are full", None),
])  # fmt: skip
def test_a_reply_may_ask_for_a_wait(reply: str, seconds: int | None) -> None:
    assert asked_wait(reply) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(("reply", "is_about_it"), [
    ("451 4.3.0 system overloaded", True),
    ("452 4.3.1 insufficient storage", True),
    ("451 4.7.28 rate limited", True),
    ("451 local error", True),
    ("450 4.2.2 mailbox full", False),
    ("450 mailbox busy", False),
    ("451 4.7.1 Greylisted", False),
    ("450 4.2.0 Graylisting", False),
])  # fmt: skip
def test_what_concerns_one_mailbox_does_not_pause_the_domain(reply: str, is_about_it: bool) -> None:
    assert is_about_the_domain(reply) is is_about_it


@given(some.integers(400, 599), some.text())
def test_whatever_a_server_says_has_a_meaning(number: int, words: str) -> None:
    reply = f"{number} {words}"
    assert bounce_of(reply) in Bounce
    assert (enhanced_code(reply) or "4.")[0] in "45"
    assert (asked_wait(reply) or timedelta()) <= LONGEST_WAIT
    assert is_about_the_domain(reply) in (True, False)
