"""Split an abstract into sentences, each with its place in the text. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple


class Sentence(NamedTuple):
    text: str
    start: int  # the abstract's [start:end] is the text
    end: int


_END = re.compile(
    r"""[.!?]["'”’)\]]*(?:\s+(?=["'“‘(\[]?(?:[^\W\d_]|[\d$\\]))|(?=(?:We|The|This|In|Our|To|However|These|It)\b))"""
)
# What follows a real end: a capital, a digit, mathematics, or a name such as "iGPT" or "nnU-Net".
_BEGIN = re.compile(r"""["'“‘(\[]*(?:[A-Z0-9À-ÖØ-ÞΑ-Ω$\\]|[^\W\d_A-Z]{1,5}[-_]?[A-Z0-9]|[^\x00-\x7f])""")
_NEVER_LAST = re.compile(
    r"(?:\b(?:e\.\s?g|i\.\s?e|cf|vs|resp|viz|Figs?|Eqs?|Secs?|Tab|Refs?|approx|w\.r\.t|Dr|Prof|M[Rr]|Ms|St|U\.S)|\bv\d+)\.$"
)
# These may end a sentence ("!" stands in names as well), but only before a word that hardly stands elsewhere with a capital.
_SELDOM_LAST = re.compile(r"(?:\b(?:al|etc|No|[A-Z])|\d)\.$|!$")
_STARTERS = re.compile(
    r"(?:We|The|This|These|That|In|Our|To|However|It|A|An|For|By|As|On|At|With|From|Here|While|Although|Experiments|Moreover|"
    r"Furthermore|Finally|Additionally|Specifically|Existing|Recent|They|Code|Using|Unlike|Thus|Hence|Results|Extensive)\b"
)


def split_sentences(text: str) -> list[Sentence]:
    """Abbreviations, initials, decimals and mathematics between dollars end no sentence."""
    found: list[Sentence] = []
    start = 0
    for end in _ends(text):
        if text[start:end].strip():
            found.append(_sentence(text, start, end))
        start = end
    return found


def _ends(text: str) -> list[int]:
    ends = []
    for mark in _END.finditer(text):
        before = text[max(0, mark.start() - 30) : mark.start() + 1]
        after = text[mark.end() : mark.end() + 30]
        if _NEVER_LAST.search(before) or (_SELDOM_LAST.search(before) and not _STARTERS.match(after)):
            continue
        if _BEGIN.match(after) and not _is_inside_mathematics(text, mark.start()):
            ends.append(mark.end())
    return [*ends, len(text)]


def _is_inside_mathematics(text: str, place: int) -> bool:
    """An odd number of dollars before, on a short stretch: a lone dollar is money."""
    opened = text.rfind("$", max(0, place - 60), place)
    return opened >= 0 and text.count("$", 0, place) % 2 == 1 and "$" in text[place : place + 60]


def _sentence(text: str, start: int, end: int) -> Sentence:
    piece = text[start:end]
    first = start + len(piece) - len(piece.lstrip())
    stripped = piece.strip()
    return Sentence(stripped, first, first + len(stripped))
