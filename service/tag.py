"""Give a paper tags from the shipped vocabulary. Pure."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import NamedTuple

from service.models import Paper, ParsedPaper
from service.words import tokens

MOST = 6
_IN_TITLE, _IN_KEYWORDS, _IN_ABSTRACT = 10, 3, 1


class Vocabulary(NamedTuple):
    terms: dict[tuple[str, ...], str]  # each way of writing a term, as words, with the tag that stands for it
    longest: int  # words of a term
    broad: frozenset[str]  # tags that fit so many papers that they tell little


def tag_paper(paper: Paper | ParsedPaper, most: int = MOST) -> list[str]:
    """At most `most` tags: those named in the title first, then by how often the paper names them; broad ones come last."""
    book = vocabulary()
    weights: dict[str, int] = {}
    keywords = ((word, _IN_KEYWORDS) for word in paper.source_keywords or ())
    for text, weight in [(paper.title, _IN_TITLE), (paper.abstract or "", _IN_ABSTRACT), *keywords]:
        for tag in tags_in(text):
            weights[tag] = weights.get(tag, 0) + weight
    return sorted(weights, key=lambda tag: (tag in book.broad, -weights[tag], tag))[:most]


def tags_in(text: str) -> list[str]:
    """The tag of each term that the text names, as often as it does; of terms within each other the longest only."""
    book = vocabulary()
    words = tokens(text)
    found: list[str] = []
    place = 0
    while place < len(words):
        ends = range(min(len(words), place + book.longest), place, -1)
        end = next((end for end in ends if words[place:end] in book.terms), None)
        if end is not None:
            found.append(book.terms[words[place:end]])
        place = end or place + 1
    return found


@cache
def vocabulary() -> Vocabulary:
    stored = tomllib.loads(resources.files("service.shipped").joinpath("tags.toml").read_text("utf-8"))
    terms = {tokens(term): tag for tag, synonyms in stored["tags"].items() for term in (tag, *synonyms)}
    return Vocabulary(terms, max(map(len, terms)), frozenset(stored["broad"]))
