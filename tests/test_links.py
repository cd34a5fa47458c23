from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.errors import BadLink
from service.links import sign, subscriber_key, unsubscribe_link
from tests.builders import SENDER

PERSON = "0123456789abcdef0123456789abcdef"


def test_a_signed_link_names_its_person() -> None:
    link = unsubscribe_link(SENDER, PERSON)
    assert link.startswith("https://papers.example.org/unsubscribe/")
    assert subscriber_key(SENDER.link_keys, "unsubscribe", link.rpartition("/")[2]) == PERSON


def test_a_rotated_key_still_opens_and_a_forgotten_one_does_not() -> None:
    token = sign(["old"], "unsubscribe", PERSON)
    assert subscriber_key(["new", "old"], "unsubscribe", token) == PERSON
    with pytest.raises(BadLink):
        subscriber_key(["new"], "unsubscribe", token)


def test_a_link_is_good_for_its_purpose_only() -> None:
    with pytest.raises(BadLink):
        subscriber_key(["key"], "preferences", sign(["key"], "unsubscribe", PERSON))


@given(st.text())
def test_no_other_text_is_a_token(text: str) -> None:
    with pytest.raises(BadLink):
        subscriber_key(["key"], "unsubscribe", text)
