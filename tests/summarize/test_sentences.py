from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.summarize.sentences import split_sentences


@pytest.mark.parametrize(
    "sentences",
    [
        ["Planning is slow.", "However, planners (e.g., Smith et al. 2024) fail."],
        ["It reaches 38.5 points.", "It is fast."],
        ["Tools such as search, code, etc. help.", "We show it."],
        ["We compare models, data, etc.", "This is new."],
        ["See Fig. 3 and Eq. 4 for details.", "We stop."],
        ["We follow Liao et al. (2016) here.", "Results hold."],
        ["The rate is $x = 0. 5$ at most.", "It is low."],
        ["Scores rise by 5.", "We test it."],
        ["Yahoo! Answers is a source.", "We use it."],
        ["Does it work?", "It does."],
        ["It is open.", "nnU-Net is a baseline.", "iGPT is another."],
        ['He said "stop."', "We did."],
    ],
)
def test_sentences_end_where_they_end(sentences: list[str]) -> None:
    assert [sentence.text for sentence in split_sentences(" ".join(sentences))] == sentences


def test_a_missing_blank_still_parts_two_sentences() -> None:
    assert [sentence.text for sentence in split_sentences("It is slow.We make it fast.")] == ["It is slow.", "We make it fast."]


@given(st.text(alphabet="aB .!?$()\n3é漢", max_size=200))
def test_each_sentence_stands_in_the_text_where_it_says_and_none_is_lost(text: str) -> None:
    found = split_sentences(text)
    assert all(text[sentence.start : sentence.end] == sentence.text for sentence in found)
    assert "".join("".join(sentence.text.split()) for sentence in found) == "".join(text.split())
