"""Filters as one dictionary of phrases, so that a paper is read once whatever the number of topics. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.acronyms import spellings
from service.filters import parse_rule
from service.match.text import PLACES, SCOPES, Text, rows_with_acronyms
from service.models import Rule, Topic

Counts = NDArray[np.float64]
Numbers = NDArray[np.int64]
_Run = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rules:
    """Every rule of every topic as columns of equal length, and the dictionary that leads from a phrase to them."""

    rules: tuple[Rule, ...]
    topic: Numbers  # index of its topic
    clause: Numbers  # index in any, all, none
    weight: Counts
    in_place: NDArray[np.bool_]  # (places, rules): where each is looked for
    phrases: dict[_Run, int]  # spelling -> phrase
    lengths: dict[str, tuple[int, ...]]  # first term -> how many terms the phrases have that start with it
    first: Numbers  # phrase -> where its rules start in `of_phrase`; one longer than the phrases
    of_phrase: Numbers  # rules, by phrase


def rules_of(topics: Sequence[Topic]) -> Rules:
    """Raises filters.BadRule for a rule that was stored unchecked."""
    rules: dict[tuple[int, int, Rule], None] = {}
    for number, topic in enumerate(topics):
        for clause, written in enumerate((topic.any_phrases, topic.all_phrases, topic.none_phrases)):
            rules.update(dict.fromkeys(_distinct(number, clause, written)))
    phrases: dict[_Run, int] = {}
    leads: list[tuple[int, int]] = []
    for index, (_, _, rule) in enumerate(rules):
        leads += {(phrases.setdefault(run, len(phrases)), index) for run in spellings(rule.phrase)}
    leads.sort()
    return Rules(
        rules=tuple(rule for _, _, rule in rules),
        topic=np.array([topic for topic, _, _ in rules], np.int64),
        clause=np.array([clause for _, clause, _ in rules], np.int64),
        weight=np.array([rule.weight for _, _, rule in rules], np.float64),
        in_place=np.array([[place in SCOPES[rule.field] for _, _, rule in rules] for place in PLACES], np.bool_),
        phrases=phrases,
        lengths=_lengths(phrases),
        first=np.searchsorted([phrase for phrase, _ in leads], np.arange(len(phrases) + 1)),
        of_phrase=np.array([index for _, index in leads], np.int64),
    )


def found_rules(texts: Sequence[Text], rules: Rules) -> list[tuple[Numbers, Numbers]]:
    """For each place the papers and rules that meet there, in pairs, each once."""
    found = []
    for place, name in enumerate(PLACES):
        papers, phrases = _found_phrases([rows_with_acronyms(text, name) for text in texts], rules)
        counts = rules.first[phrases + 1] - rules.first[phrases]
        steps = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        hits = rules.of_phrase[np.repeat(rules.first[phrases], counts) + steps]
        pairs = np.repeat(papers, counts) * len(rules.rules) + hits
        pairs = np.unique(pairs[rules.in_place[place][hits]])
        found.append((pairs // max(1, len(rules.rules)), pairs % max(1, len(rules.rules))))
    return found


def _distinct(topic: int, clause: int, written: Iterable[str]) -> Iterator[tuple[int, int, Rule]]:
    """Two spellings of one phrase in the same field count once."""
    seen: set[tuple[str | None, frozenset[_Run]]] = set()
    for text in written:
        rule = parse_rule(text)
        key = (rule.field, frozenset(spellings(rule.phrase)))
        if key not in seen:
            seen.add(key)
            yield topic, clause, rule


def _lengths(phrases: Iterable[_Run]) -> dict[str, tuple[int, ...]]:
    found: dict[str, set[int]] = {}
    for run in phrases:
        found.setdefault(run[0], set()).add(len(run))
    return {term: tuple(sorted(lengths)) for term, lengths in found.items()}


def _found_phrases(papers: Sequence[Iterable[_Run]], rules: Rules) -> tuple[Numbers, Numbers]:
    """Papers and phrases in pairs, each once; the papers in order."""
    numbers: list[int] = []
    found: list[int] = []
    for number, rows in enumerate(papers):
        hits = {phrase for row in rows for phrase in _phrases_in(row, rules)}
        numbers += [number] * len(hits)
        found += hits
    return np.array(numbers, np.int64), np.array(found, np.int64)


def _phrases_in(row: _Run, rules: Rules) -> Iterator[int]:
    """Phrases that stand in the row as it is written, or without the capitals of its acronyms."""
    yield from _runs_in(row, rules)
    if any(term.isupper() for term in row):
        yield from _runs_in(tuple(map(str.lower, row)), rules)


def _runs_in(row: _Run, rules: Rules) -> Iterator[int]:
    lengths, phrases = rules.lengths, rules.phrases
    for start, term in enumerate(row):
        for length in lengths.get(term, ()):
            phrase = phrases.get(row[start : start + length])
            if phrase is not None:
                yield phrase
