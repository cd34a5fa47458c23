"""A paper as what filters look at: its places, each a row of terms. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from service.acronyms import is_known
from service.match.definitions import defined_acronyms
from service.models import Paper, ParsedPaper
from service.words import terms

PLACES = ("title", "contribution", "abstract", "keywords", "author", "org")
# The places that each field of a rule means; a rule without a field means the four that tell what a paper is about.
SCOPES: dict[str | None, tuple[str, ...]] = {
    None: PLACES[:4],
    "title": ("title",),
    "abstract": ("contribution", "abstract"),
    "keyword": ("keywords",),
    "author": ("author",),
    "org": ("org",),
}

_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z0-9\"'(\[$\\])")
# Where authors say what they did: "we propose", "this paper studies", "in this work", or the name of the title's own thing.
_CONTRIBUTION = re.compile(
    r"\b(?:we|i|our|this|the) (?:\w+ ){0,2}?(?:propose|present|introduce|develop|describe|design|build|study|studie|"
    r"investigate|explore|analy[sz]e|examine|survey|review|show|argue|release|provide|create|construct|collect|formulate|address|"
    r"evaluate|pre-?train|train|aim|focus|consider|demonstrate|find|identify|benchmark|compare|revisit|extend|offer|contribute|"
    r"report|frame|formalize)s?\b|"
    r"\b(?:in this|this|our) (?:paper|work|study|article|report|survey|technical report)\b",
    re.IGNORECASE,
)


class Text(NamedTuple):
    """Rows of terms by place; a place that the paper doesn't have is empty."""

    title: tuple[tuple[str, ...], ...]
    contribution: tuple[tuple[str, ...], ...]
    abstract: tuple[tuple[str, ...], ...]  # the rest of it
    keywords: tuple[tuple[str, ...], ...]
    author: tuple[tuple[str, ...], ...]
    org: tuple[tuple[str, ...], ...]
    acronyms: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()  # that the paper alone defines, each with its long form


def text_of(paper: Paper | ParsedPaper) -> Text:
    return _text(
        paper.title,
        paper.abstract or "",
        tuple(paper.source_keywords or ()),
        tuple(paper.authors or ()),
        paper.organization or "",
    )


@lru_cache(maxsize=4_000)
def _text(title: str, abstract: str, keywords: tuple[str, ...], authors: tuple[str, ...], organization: str) -> Text:
    contribution, rest = _parted(abstract, title)
    defined = ((terms(short), terms(long)) for short, long in defined_acronyms(f"{title}. {abstract}"))
    acronyms = tuple(pair for pair in defined if not is_known(*pair))
    rows = (_rows(contribution), _rows(rest), _rows(keywords), _rows(authors), _rows([organization]))
    return Text((terms(title),), *rows, acronyms)


def rows_with_acronyms(text: Text, place: str) -> Iterator[tuple[str, ...]]:
    """The place's rows, and each once more with the other form wherever the paper defines an acronym."""
    for row in getattr(text, place):
        yield row
        for short, long in text.acronyms:
            yield from (other for other in (_exchanged(row, short, long), _exchanged(row, long, short)) if other != row)


def _exchanged(row: tuple[str, ...], old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    found: list[str] = []
    at = 0
    while at < len(row):
        is_there = row[at : at + len(old)] == old
        found += new if is_there else row[at : at + 1]
        at += len(old) if is_there else 1
    return tuple(found)


@lru_cache(maxsize=4_000)
def first_places(text: Text) -> Mapping[str, str]:
    """Where each root stands first, in the order of PLACES."""
    found: dict[str, str] = {}
    for place in PLACES:
        for row in getattr(text, place):
            for term in row:
                found.setdefault(term.lower(), place)
    return found


def _rows(texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(row for text in texts if (row := terms(text)))


def _parted(abstract: str, title: str) -> tuple[list[str], list[str]]:
    """The sentences that say what the paper does, and the others."""
    name = title.partition(":")[0].strip() if ":" in title else ""
    found: tuple[list[str], list[str]] = ([], [])
    for sentence in _sentences(abstract):
        is_contribution = bool(_CONTRIBUTION.search(sentence)) or (len(name) > 2 and name in sentence)
        found[not is_contribution].append(sentence)
    return found


def _sentences(text: str) -> Iterator[str]:
    yield from _END.split(" ".join(text.split()))
