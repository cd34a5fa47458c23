from __future__ import annotations

import quopri
import re

from hypothesis import given
from hypothesis import strategies as st

from service.render.encoding import encoded

TEXTS = st.lists(st.text(st.one_of(st.sampled_from("ab .=\t\n\r<é€😀"), st.characters(exclude_categories=["Cs"])), max_size=200))


@given(TEXTS)
def test_joined_pieces_are_a_sound_body_of_the_joined_text(texts: list[str]) -> None:
    body = b"".join(map(encoded, texts))
    assert quopri.decodestring(body).decode() == "".join(texts).replace("\n", "\r\n")
    lines = body.split(b"\r\n")
    assert all(len(line) <= 76 and re.fullmatch(rb"[\t -~]*", line) for line in lines)
    assert not any(line.startswith(b".") or line.endswith((b" ", b"\t")) for line in lines)
