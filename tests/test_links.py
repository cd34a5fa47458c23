from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadLink, ExpiredLink
from service.links import (
    LIFETIMES,
    Fresh,
    Standing,
    fresh_key,
    fresh_link,
    mail_links,
    standing_key,
    standing_link,
    web_key,
)
from tests.builders import DAY, NOW, SENDER

PERSON = "0123456789abcdef0123456789abcdef"
SECOND = timedelta(seconds=1)


def signing(*keys: str):
    return replace(SENDER, link_keys=keys)


def token(link: str) -> str:
    return link.rpartition("/")[2]


def test_a_signed_link_names_its_person() -> None:
    link = mail_links(SENDER, PERSON, DAY).unsubscribe
    assert link.startswith("https://papers.example.org/unsubscribe/")
    assert standing_key(SENDER, Standing.UNSUBSCRIBE, token(link)) == PERSON


def test_a_mails_links_lead_where_their_purposes_say() -> None:
    links = mail_links(SENDER, PERSON, DAY)
    assert links.unsubscribe == standing_link(SENDER, Standing.UNSUBSCRIBE, PERSON)
    assert links.settings == standing_link(SENDER, Standing.SETTINGS, PERSON)
    assert links.pause == standing_link(SENDER, Standing.PAUSE, PERSON)
    assert links.mark("2610.00001", "more") == f"{standing_link(SENDER, Standing.MARK, PERSON)}/2610.00001/more"
    assert links.web == f"{SENDER.public_url}/{Standing.WEB}/{links.web_token}/{DAY}"


def test_the_links_of_mails_sent_before_still_work() -> None:
    """The token of this person, purpose and key, as the first version made it: mails are never taken back."""
    assert standing_key(SENDER, Standing.UNSUBSCRIBE, f"{'k' * 32}.zrqWh8zMsAggNxIqPJdeCA") == "k" * 32


def test_a_rotated_key_still_opens_and_a_forgotten_one_does_not() -> None:
    standing = token(standing_link(signing("old"), Standing.SETTINGS, PERSON))
    fresh = token(fresh_link(signing("old"), Fresh.UNDO, PERSON, NOW))
    assert standing_key(signing("new", "old"), Standing.SETTINGS, standing) == PERSON
    assert fresh_key(signing("new", "old"), Fresh.UNDO, fresh, NOW) == PERSON
    with pytest.raises(BadLink):
        standing_key(signing("new"), Standing.SETTINGS, standing)
    with pytest.raises(BadLink):
        fresh_key(signing("new"), Fresh.UNDO, fresh, NOW)


def test_the_first_key_signs() -> None:
    assert standing_link(signing("new", "old"), Standing.PAUSE, PERSON) == standing_link(signing("new"), Standing.PAUSE, PERSON)
    assert fresh_link(signing("new", "old"), Fresh.UNDO, PERSON, NOW) == fresh_link(signing("new"), Fresh.UNDO, PERSON, NOW)


def test_the_web_version_of_one_day_opens_no_other() -> None:
    made = mail_links(SENDER, PERSON, DAY).web.split("/")[-2]
    assert web_key(SENDER, made, DAY) == PERSON
    with pytest.raises(BadLink):
        web_key(SENDER, made, DAY + timedelta(days=1))


@pytest.mark.parametrize("made_for", Standing)
@pytest.mark.parametrize("used_for", Standing)
def test_a_standing_link_is_good_for_its_purpose_only(made_for: Standing, used_for: Standing) -> None:
    made = token(standing_link(SENDER, made_for, PERSON))
    if made_for == used_for:
        assert standing_key(SENDER, used_for, made) == PERSON
    else:
        with pytest.raises(BadLink):
            standing_key(SENDER, used_for, made)


@pytest.mark.parametrize("made_for", Fresh)
@pytest.mark.parametrize("used_for", Fresh)
def test_a_fresh_link_is_good_for_its_purpose_only_and_for_its_time(made_for: Fresh, used_for: Fresh) -> None:
    made = token(fresh_link(SENDER, made_for, PERSON, NOW))
    end = NOW + LIFETIMES[made_for]
    if made_for != used_for:
        with pytest.raises(BadLink):
            fresh_key(SENDER, used_for, made, NOW)
        return
    assert fresh_key(SENDER, used_for, made, end) == PERSON
    with pytest.raises(ExpiredLink):
        fresh_key(SENDER, used_for, made, end + SECOND)


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(BadLink):
        standing_key(SENDER, Standing.UNSUBSCRIBE, text)
    with pytest.raises(BadLink):
        fresh_key(SENDER, Fresh.ACCOUNT, text, NOW)
