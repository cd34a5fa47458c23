from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from service.render.words import wrapped

WORD = st.integers(1, 12).map("x".__mul__)
LINK = st.integers(1, 30).map(lambda length: "https://" + "x" * length)
TEXTS = st.lists(st.one_of(WORD, LINK)).map(" ".join)


@given(TEXTS)
def test_lines_are_as_full_as_words_allow(text: str) -> None:
    lines = wrapped(text, 12).split("\n")
    assert " ".join(lines) == text
    assert all(len(line) <= 12 or ("://" in line and " " not in line) for line in lines)
    assert all(len(line) + 1 + len(after.split(" ")[0]) > 12 for line, after in pairwise(lines))


@given(st.lists(st.integers(13, 60).map("x".__mul__), min_size=1).map(" ".join))
def test_a_word_longer_than_a_line_is_cut_and_loses_nothing(text: str) -> None:
    lines = wrapped(text, 12).split("\n")
    assert all(0 < len(line) <= 12 for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
