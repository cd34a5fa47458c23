"""Checks of what a text claims: scope, hedges, negations, directions. Pure.

Each answers what is wrong, in words, or None.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.summarize.source import STOP_WORDS, Source, light_stem, support
from service.words import stem

_SCOPE = {
    "first": r"\bfirst\b", "always": r"\balways\b", "never": r"\bnever\b",
    "state-of-the-art": r"state[- ]of[- ]the[- ]art|\bsota\b",
    "proves": r"\bpro(?:ve[sdn]?|of|ofs|ving|vabl[ey])\b", "guarantees": r"\bguarante", "best": r"\bbest\b",
    "only": r"\bonly\b",
    "all": r"\b(?:all|entire|every)\b", "any": r"\b(?:any|arbitrary)\b", "every": r"\b(?:every|all|each)\b",
    "universal": r"\buniversal",
    "completely": r"\b(?:complet|full|total|entire)", "perfect": r"\bperfect", "eliminates": r"\b(?:eliminat|remov)",
    "solves": r"\bsolv",
    "unprecedented": r"\bunprecedented", "revolutionary": r"\brevolution", "breakthrough": r"\bbreakthrough",
    "optimal": r"\boptim",
    "human-level": r"\bhuman", "superhuman": r"\bsuperhuman", "everywhere": r"\beverywhere", "definitively": r"\bdefiniti",
    "groundbreaking": r"\bground-?breaking", "impossible": r"\bimpossib",
    "dozens": r"\bdozen|\d\d", "hundreds": r"\bhundred|\d{3}", "thousands": r"\bthousand|\d,?\d{3}|\d\s?k\b",
    "millions": r"\bmillion|\d\s?m\b|\d,?\d{3},?\d{3}", "billions": r"\bbillion|\d\s?[bt]\b|\btrillion",
    "magnitude": r"\bmagnitude",
}  # fmt: skip
_SCOPE_SAID = {
    **{word: re.compile(rf"\b{word}\b", re.IGNORECASE) for word in _SCOPE},
    "state-of-the-art": re.compile(r"\bstate[- ]of[- ]the[- ]art\b|\bsota\b", re.IGNORECASE),
    "proves": re.compile(r"\bpro(?:ves|ven|ved|of)\b", re.IGNORECASE),
    "guarantees": re.compile(r"\bguarante", re.IGNORECASE),
    "universal": re.compile(r"\buniversal", re.IGNORECASE),
    "completely": re.compile(r"\b(?:completely|fully|totally|entirely)\b", re.IGNORECASE),
}
_SCOPE_SOURCE = {word: re.compile(pattern, re.IGNORECASE) for word, pattern in _SCOPE.items()}
_HEDGE = re.compile(
    r"\b(?:may|might|could|suggest\w*|potential\w*|possibl[ey]|preliminary|appears?|seems?|likely|in (?:some|certain|"
    r"many|most) cases|"
    r"sometimes|often|partial\w*|limited|to some extent|tends?|approximate\w*|conjecture\w*|hypothesi\w+|up to|almost|"
    r"nearly|roughly)\b",
    re.IGNORECASE,
)
_UNIVERSAL = re.compile(
    r"\b(?:always|never|all|every|any|universal\w*|general(?:ly|i[sz]es)?|proves?|guarante\w+|completely|entirely|"
    r"fully|safe|effective|"
    r"solves?|eliminates?|consistently|invariably|definitively|must|will|is an? \w+ solution)\b",
    re.IGNORECASE,
)
_NEGATOR = re.compile(r"^(?:not|never|cannot|neither|nor)$|n['’]t$")
_REACH_OF_NEGATION = 3  # content words
_FAR = 1_000
_WORSE = re.compile(
    r"\b(?:degrad|worsen|underperform|deteriorat|harm|hurt|worse|inferior|unreliab|ineffective)\w*", re.IGNORECASE
)
_BOUND = re.compile(
    r"\b(?:(?P<least>at least|no (?:fewer|less) than|more than|over|above|exceeding)|"
    r"at most|no more than|(?:fewer|less) than|under|below|up to|within) (?P<figure>\d+(?:[.,]\d+)*)",
    re.IGNORECASE,
)


def scope(text: str, source: Source) -> str | None:
    for word, said in _SCOPE_SAID.items():
        if said.search(text) and not _SCOPE_SOURCE[word].search(source.text):
            return f"the abstract does not say {word!r}"
    return None


def hedges(text: str, source: Source) -> str | None:
    """A universal in the text where the sentence behind it hedges and makes no such claim."""
    if not source.sentences or _HEDGE.search(text):
        return None
    place = support(text, source, "model")
    behind = source.abstract[place.start : place.end]
    if not _HEDGE.search(behind):
        return None
    added = {found.lower() for found in _UNIVERSAL.findall(text)} - {found.lower() for found in _UNIVERSAL.findall(behind)}
    return f"the abstract hedges what it calls {sorted(added)[0]!r}" if added else None


def negation(text: str, source: Source) -> str | None:
    """A word that is negated here and only plain there, or the other way round."""
    added = sorted(word for word in _negated(text, _REACH_OF_NEGATION) if word in source.words)
    negated_there = _negated(source.text, _REACH_OF_NEGATION)
    if added and not set(added) & negated_there:
        return f"the abstract does not negate {added[0]!r}"
    dropped = sorted((_negated(source.text, 1) & _plain_words(text)) - _plain_words(source.text))
    return f"the abstract negates {dropped[0]!r}" if dropped else None


def _negated(text: str, reach: int) -> set[str]:
    """The content words right behind a negation, up to `reach` of them."""
    return {word for word, distance in _behind_negations(text) if distance < reach}


def _plain_words(text: str) -> set[str]:
    return {word for word, distance in _behind_negations(text) if distance >= 1}


def _behind_negations(text: str) -> Iterator[tuple[str, int]]:
    """Each content word's stem, with how many content words stand between it and the last negation of its clause."""
    distance = _FAR
    for written in re.findall(r"[^\W_]+(?:['’][^\W_]+)?|[,;:.]", text.casefold()):
        if written in ",;:.":
            distance = _FAR
        elif _NEGATOR.search(written):
            distance = 0
        elif written not in STOP_WORDS and len(written) > 3:
            yield light_stem(stem(written)), distance
            distance += 1


def direction(text: str, source: Source) -> str | None:
    """Worse where the abstract tells of nothing that gets worse, or "at least 30" where it says "at most 30"."""
    if (found := _WORSE.search(text)) and not _WORSE.search(source.text):
        return f"the abstract does not say {found.group()!r}"
    known = _bounds(source.text)
    turned = sorted(figure for figure, is_least in _bounds(text) - known if (figure, not is_least) in known)
    return f"the abstract bounds {turned[0]} from the other side" if turned else None


def _bounds(text: str) -> set[tuple[str, bool]]:
    """Figures that are said to be a least or a most, with whether it is a least."""
    return {(found["figure"], bool(found["least"])) for found in _BOUND.finditer(text)}
