"""Match papers to topics by phrases, with the reasons. Pure.

A paper's score is the chance that at least one of its hits is right, each hit being right with its field's weight
(a noisy-or): one hit in the title is enough for the usual threshold of 0.5, as are two different phrases in the abstract.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod

from service.models import Match, Paper, ParsedPaper, Reason, Topic
from service.words import runs, tokens

FIELD_WEIGHTS = {"title": 0.6, "keywords": 0.35, "abstract": 0.3}

_Words = tuple[str, ...]
_Hits = dict[_Words, list[str]]  # a phrase, and the fields it stands in


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The topics' phrases as runs of words, made once for any number of papers."""

    topics: tuple[Topic, ...]
    phrases: dict[str, _Words]
    known: frozenset[_Words]
    longest: int


def phrasebook(topics: Iterable[Topic]) -> Phrasebook:
    topics = tuple(topics)
    written = [phrase for topic in topics for phrase in topic.any_phrases + topic.all_phrases + topic.none_phrases]
    phrases = {phrase: tokens(phrase) for phrase in written}
    known = frozenset(words for words in phrases.values() if words)
    return Phrasebook(topics, phrases, known, max(map(len, known), default=0))


def match_paper(paper: Paper | ParsedPaper, book: Phrasebook) -> tuple[Match, ...]:
    """Every topic of which the paper holds a phrase and none that rules it out, best first."""
    hits = _hits(paper, book)
    found = (match for topic in book.topics if (match := _match(topic, hits, book)))
    return tuple(sorted(found, key=lambda match: (-match.score, match.slug)))


def _hits(paper: Paper | ParsedPaper, book: Phrasebook) -> _Hits:
    hits: _Hits = {}
    for field, texts in _fields(paper):
        found = {run for text in texts for run in runs(tokens(text), book.longest)} & book.known
        for words in found:
            hits.setdefault(words, []).append(field)
    return hits


def _fields(paper: Paper | ParsedPaper) -> Iterator[tuple[str, Sequence[str]]]:
    yield "title", [paper.title]
    yield "keywords", paper.source_keywords or ()
    yield "abstract", [paper.abstract or ""]


def _match(topic: Topic, hits: _Hits, book: Phrasebook) -> Match | None:
    if any(book.phrases[phrase] in hits for phrase in topic.none_phrases):
        return None
    if not all(book.phrases[phrase] in hits for phrase in topic.all_phrases):
        return None
    reasons = _reasons(topic, hits, book)
    if topic.any_phrases and not any(reason.phrase in topic.any_phrases for reason in reasons):
        return None
    if not reasons:
        return None
    score = round(1 - prod(1 - reason.weight for reason in reasons), 4)
    return Match(topic.slug, score, score >= topic.threshold, reasons)


def _reasons(topic: Topic, hits: _Hits, book: Phrasebook) -> tuple[Reason, ...]:
    """One reason a phrase, in the field that weighs most.

    Two spellings of one phrase count once, and a phrase within a longer one that was found ("agents" in "web agents")
    counts only for fields where it weighs more than that one.
    """
    found: dict[_Words, Reason] = {}
    for phrase in topic.any_phrases + topic.all_phrases:
        words = book.phrases[phrase]
        if words in hits and words not in found:
            field = max(hits[words], key=FIELD_WEIGHTS.__getitem__)
            found[words] = Reason(phrase, field, FIELD_WEIGHTS[field])
    reasons = [reason for words, reason in found.items() if not _is_within_a_longer_one(words, reason, found)]
    return tuple(sorted(reasons, key=lambda reason: -reason.weight))


def _is_within_a_longer_one(words: _Words, reason: Reason, found: dict[_Words, Reason]) -> bool:
    return any(
        len(longer) > len(words) and other.weight >= reason.weight and words in runs(longer, len(words))
        for longer, other in found.items()
    )
