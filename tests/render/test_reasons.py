"""What a subscriber is told of a digest that did not come."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from service.cadence import why_no_mail
from service.models import Delivery, Paper
from service.render.language import ENGLISH, language
from service.render.sheets import reason
from service.render.words import reason_in_words
from tests.builders import DAY, NOW, paper, subscriber
from tests.test_compose import compose

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
        ("its papers came with other digests", "seine Arbeiten kamen mit anderen Überblicken"),
    ],
)
def test_who_reads_german_is_told_in_german_why_no_mail_came(reason: str, told: str) -> None:
    assert reason_in_words(delivery("skipped", reason), language("de")) == told
    assert reason_in_words(delivery("skipped", reason), ENGLISH) == reason


MUTED, MUTED_TOO = paper("2610.00001", "Agents for eels"), paper("2610.00002", "Agents for owls and eels")
NEAR, SOUP = paper("2610.00003", "On plans", abstract="An agent plans."), paper("2610.00004", "Soup")


@pytest.mark.parametrize(
    ("topics", "papers", "english", "german"),
    [
        (["gone"], [NEAR], "no topics are chosen", "es sind keine Themen gewählt"),
        (["agents"], [], "no new papers from 2026-10-01", "keine neuen Arbeiten"),
        (
            ["agents"],
            [SOUP],
            "1 new paper looked at, none above your bar, no near misses",
            "1 neue Arbeit angesehen, keine über Ihrer Schwelle",
        ),
        (
            ["agents"],
            [MUTED, NEAR],
            "2 new papers looked at, none above your bar, 1 near miss, 1 with a phrase you muted",
            "2 neue Arbeiten angesehen, keine über Ihrer Schwelle, 1 knapp vorbei, 1 mit einem ausgeblendeten Stichwort",
        ),
        (
            ["agents"],
            [MUTED, MUTED_TOO],
            "2 new papers looked at, none above your bar, no near misses, 2 with a phrase you muted",
            "2 neue Arbeiten angesehen, keine über Ihrer Schwelle, 2 mit ausgeblendeten Stichwörtern",
        ),
    ],
)
def test_a_silence_is_explained_alike_in_both_languages(
    topics: list[str], papers: list[Paper], english: str, german: str
) -> None:
    digest = compose(papers, subscriber(topics=topics, muted=["eel"], with_outside=False))
    paper_ids, plan = digest.kept
    row = delivery("skipped", digest.silence, paper_ids=paper_ids, plan=plan, looked_at_count=digest.looked_at_count)
    assert (reason_in_words(row, ENGLISH), reason_in_words(row, language("de"))) == (english, german)


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
