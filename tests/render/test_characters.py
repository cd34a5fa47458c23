from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.render.characters import one_line


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("a\u202egnp.exe", "agnp.exe"),  # right-to-left override
        ("a\u2066b\u2069 \u200fc", "ab c"),
        ("vi\u200bag\ufeffra\u00ad\u2060", "viagra"),
        ("a\r\nBcc: eve\x00\x85b", "a Bcc: eve b"),
        ("a\U000e0041\U000e0100b\u3164\ud800", "ab"),
        ("fox 🦊️ and שלום", "fox 🦊️ and שלום"),
        ("a \u200b b", "a b"),
        ("  many \u00a0\u2003 blanks\t", "many blanks"),
    ],
)
def test_only_what_shows_is_left(told: str, shown: str) -> None:
    assert one_line(told) == shown


@given(st.text(max_size=200))
def test_whatever_comes_is_one_line_without_hidden_characters(text: str) -> None:
    shown = one_line(text)
    assert shown.isprintable()
    assert not {unicodedata.category(c) for c in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    assert shown == " ".join(shown.split())
    assert one_line(shown) == shown
