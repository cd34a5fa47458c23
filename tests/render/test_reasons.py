"""What a subscriber is told of a digest that did not come."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from service.cadence import why_no_mail
from service.models import Delivery
from service.render.language import ENGLISH, language
from service.render.sheets import reason
from service.render.words import reason_in_words
from tests.builders import DAY, NOW, subscriber

BOUNCED = "550 5.1.1 no such user"


def delivery(state: str, reason: str | None, **fields: Any) -> Delivery:
    return Delivery(
        issue_id=1, subscriber_id=1, digest_on=DAY, since_on=DAY, planned_at=NOW, state=state, reason=reason, **fields
    )


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (why_no_mail(subscriber(state="pending"), NOW), "nicht bestätigt"),
        (why_no_mail(subscriber(paused_until=date(2026, 11, 1)), NOW), "Pause"),
        (why_no_mail(subscriber(state="unsubscribed"), NOW), "abbestellt"),
        ("unsubscribed; an earlier attempt may have arrived", "abbestellt"),
        (why_no_mail(subscriber(), NOW, "by hand"), "an diese Adresse geht keine Post"),
        ("the digest could not be chosen: 'long'", "der Überblick konnte nicht ausgewählt werden"),
    ],
)
def test_who_reads_german_is_told_in_german_why_no_mail_came(reason: str, told: str) -> None:
    assert reason_in_words(delivery("skipped", reason), language("de")) == told
    assert reason_in_words(delivery("skipped", reason), ENGLISH) == reason


@pytest.mark.parametrize("code", ["en", "de"])
def test_what_a_mail_server_answered_is_told_as_it_was_and_an_operators_trouble_is_not(code: str) -> None:
    rows = [
        delivery("rejected", BOUNCED, smtp_reply=BOUNCED),
        delivery("expired", f"{BOUNCED}; given up after 24 hours", smtp_reply=BOUNCED),
        delivery("skipped", f"suppressed: hard bounce: {BOUNCED}", smtp_reply=BOUNCED),
        delivery("deferred", "the mail server 127.0.0.1:25 can't be used: use smtps://", smtp_reply=BOUNCED),
        delivery("accepted", None, smtp_reply="250 kept"),
    ]
    assert [reason_in_words(row, language(code)) for row in rows] == [BOUNCED, BOUNCED, BOUNCED, None, None]


def test_topics_whose_names_hold_commas_and_ands_are_told_apart() -> None:
    names = ["Speech, audio & music", "Code"]
    assert reason(names, ENGLISH) == "You get this because you chose “Speech, audio & music” and “Code”,"
    assert reason(names, language("de")) == "Sie bekommen dies, weil Sie „Speech, audio & music“ und „Code“ gewählt haben,"
