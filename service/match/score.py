"""Papers x topics -> the probability that each paper belongs to each topic, and the trace of each match. Pure.

The score is a logistic regression, the same for every topic: its inputs are the weights of the phrases found in the title, in
what the authors say they did, and in the rest; and BM25F over the words of the topic's expansion. What embeddings and a model
added when the paper came in (opinions.py) is added as it was stored. The trace names every
input with what it adds, in log-odds; score = 1 / (1 + exp(-(base + their sum))).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import exp, log1p

import numpy as np
from numpy.typing import NDArray

from service.match.expansion import Added, Expansions, expansion_scores, expansions_of, saturated
from service.match.opinions import opinion_odds, opinion_reasons
from service.match.phrases import Numbers, Rules, found_rules, rules_of
from service.match.text import PLACES, Text, first_places, text_of
from service.models import Band, Match, Paper, ParsedPaper, Reason, Support, Topic, Trace

CORE = 0.75  # the probability from which on a match is a core one

# Where a phrase says most: title, contribution, elsewhere. Whom and where it is from is as good as a title.
_LEVELS = {"title": 0, "author": 0, "org": 0, "contribution": 1, "abstract": 2, "keywords": 2}
_LEVEL = np.array([_LEVELS[place] for place in PLACES])
_ALL, _NONE = 1, 2  # clauses, by their index; 0 is any

Scores = NDArray[np.float64]
_Hits = tuple[Numbers, Numbers]  # papers and rules, in pairs, sorted


@dataclass(frozen=True, slots=True)
class Calibration:
    """What each input adds to the log-odds; learned by python -m tests.benchmarks.topics.learn."""

    base: float
    levels: tuple[float, float, float]  # times log(1 + weight of the phrases found there)
    against: float  # times log(1 + weight of the phrases that speak against)
    expansion: float  # times the expansion's BM25F


LEARNED = Calibration(-3.061, (2.578, 1.989, 1.62), 1.92, 1.0)  # for a topic whose expansion was learned, and has a prior
# For one that was written down: fitted on filters of 20 phrases, and the base raised by 0.9, for who writes few means them.
WRITTEN = Calibration(-2.9, (4.25, 2.2, 1.7), 1.95, 1.75)


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """The topics made ready for any number of papers."""

    topics: tuple[Topic, ...]
    rules: Rules
    expansions: Expansions
    calibrations: tuple[Calibration, ...]

    @property
    def bases(self) -> Scores:
        return np.array([cal.base + (topic.prior or 0.0) for cal, topic in zip(self.calibrations, self.topics, strict=True)])


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of papers x topics, and what they were made of."""

    papers: tuple[Paper | ParsedPaper, ...]
    texts: tuple[Text, ...]
    bases: Scores  # by topic: the log-odds of a paper in which nothing was found
    odds: Scores  # in logarithms, by phrases and expansion alone
    scores: Scores  # 0 where a topic rules the paper out
    hits: tuple[_Hits, ...]  # by place
    cells: tuple[list[int], ...]  # by place: each hit's paper and topic as one number, in order
    vetoes: tuple[NDArray[np.bool_], NDArray[np.bool_], NDArray[np.bool_]]  # none found, all not found, too few upvotes


def phrasebook(topics: Iterable[Topic]) -> Phrasebook:
    """Of the topics as they are now. Kept by their values: a waking finds them as the one before left them."""
    return _phrasebook(tuple([topic.model_dump_json() for topic in topics]))


@lru_cache(maxsize=4)
def _phrasebook(written: tuple[str, ...]) -> Phrasebook:
    topics = tuple(map(Topic.model_validate_json, written))
    calibrations = tuple(WRITTEN if topic.prior is None else LEARNED for topic in topics)
    return Phrasebook(topics, rules_of(topics), expansions_of(topics), calibrations)


def score_papers(papers: Sequence[Paper | ParsedPaper], book: Phrasebook) -> Scored:
    texts = tuple(text_of(paper) for paper in papers)
    hits = tuple(found_rules(texts, book.rules))
    shape = (len(papers), len(book.topics))
    odds = np.broadcast_to(book.bases, shape) + _column(book, "expansion") * expansion_scores(texts, book.expansions, shape[1])
    evidence = rule_evidence(hits, book.rules, shape)
    for level in range(3):
        odds = odds + np.array([cal.levels[level] for cal in book.calibrations]) * evidence[level]
    odds = odds - _column(book, "against") * evidence[3]
    vetoes = (*_ruled_out(hits, book, shape), _too_few_upvotes(papers, book))
    told = odds + opinion_odds(papers, book.topics)
    scores = np.where(vetoes[0] | vetoes[1] | vetoes[2], 0.0, 1 / (1 + np.exp(-told)))
    cells = tuple((rows * shape[1] + book.rules.topic[found]).tolist() for rows, found in hits)
    return Scored(tuple(papers), texts, book.bases, odds, scores, hits, cells, vetoes)


def match_papers(papers: Sequence[Paper | ParsedPaper], book: Phrasebook) -> list[tuple[Match, ...]]:
    """Each paper's matches and near misses (from a quarter of the topic's threshold on), with their reasons.

    Best first: those above their topics' thresholds before the near misses, each kind strongest first.
    """
    scored = score_papers(papers, book)
    floors = np.array([max(topic.threshold / 4, 1e-9) for topic in book.topics])
    found: list[list[Match]] = [[] for _ in papers]
    for paper, topic in np.argwhere(scored.scores >= floors):
        trace = trace_of(scored, book, int(paper), int(topic))
        if trace.reasons:
            found[paper].append(_match(trace, book.topics[topic].threshold))
    return [tuple(sorted(matches, key=lambda match: (not match.is_above, -match.score, match.slug))) for matches in found]


def match_paper(paper: Paper | ParsedPaper, book: Phrasebook) -> tuple[Match, ...]:
    return match_papers([paper], book)[0]


def trace_of(scored: Scored, book: Phrasebook, paper: int, topic: int) -> Trace:
    """The computation of one score, whatever came out."""
    calibration, row = book.calibrations[topic], book.topics[topic]
    reasons = (
        *_phrase_reasons(scored, book.rules, calibration, paper, topic),
        *_expansion_reasons(scored.texts[paper], book.expansions.added[topic], calibration),
        *opinion_reasons(scored.papers[paper], row),
    )
    base = calibration.base + (row.prior or 0.0)
    veto = _veto(scored, book, paper, topic)
    score = 0.0 if veto else 1 / (1 + exp(-(base + sum(reason.weight for reason in reasons))))
    return Trace(row.slug, base, reasons, veto, round(score, 4))


def _match(trace: Trace, threshold: float) -> Match:
    is_above = trace.score >= threshold
    band = Band.CORE if is_above and trace.score >= CORE else Band.RELATED
    return Match(trace.slug, trace.score, is_above, band, trace.reasons)


def _column(book: Phrasebook, name: str) -> Scores:
    return np.array([getattr(calibration, name) for calibration in book.calibrations])


def _pairs(hits: Sequence[_Hits], rules: Rules, level: int | None = None) -> _Hits:
    """Papers and rules that met on this level, or anywhere; each pair once."""
    wanted = [hit for place, hit in enumerate(hits) if level is None or _LEVEL[place] == level]
    width = max(1, len(rules.rules))
    keys = np.unique(np.concatenate([papers * width + found for papers, found in wanted]))
    return keys // width, keys % width


def rule_evidence(hits: Sequence[_Hits], rules: Rules, shape: tuple[int, int]) -> Scores:
    """(4, papers, topics): log(1 + weight of the phrases found) on each level, and of those that speak against."""
    levels = [_sums(_pairs(hits, rules, level), rules, shape, np.maximum(rules.weight, 0)) for level in range(3)]
    against = _sums(_pairs(hits, rules), rules, shape, np.maximum(-rules.weight, 0))
    return np.log1p(np.stack([*levels, against]))


def _sums(pairs: _Hits, rules: Rules, shape: tuple[int, int], weight: Scores) -> Scores:
    papers, found = pairs
    cells = papers * shape[1] + rules.topic[found]
    return (
        np.bincount(cells, weight[found] * (rules.clause[found] != _NONE), shape[0] * shape[1]).astype(np.float64).reshape(shape)
    )


def _ruled_out(hits: Sequence[_Hits], book: Phrasebook, shape: tuple[int, int]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Where a `none` phrase stands, and where an `all` phrase doesn't."""
    rules = book.rules
    papers, found = _pairs(hits, rules)
    cells = papers * shape[1] + rules.topic[found]
    none, every = (
        np.bincount(cells[rules.clause[found] == clause], minlength=shape[0] * shape[1]).reshape(shape)
        for clause in (_NONE, _ALL)
    )
    wanted = np.bincount(rules.topic[rules.clause == _ALL], minlength=shape[1])
    return none > 0, every < wanted


def _too_few_upvotes(papers: Sequence[Paper | ParsedPaper], book: Phrasebook) -> NDArray[np.bool_]:
    upvotes = np.array([paper.upvotes or 0 for paper in papers])
    return upvotes[:, None] < np.array([topic.minimum_upvotes for topic in book.topics])[None, :]


def _found_in(scored: Scored, paper: int, topic: int) -> Iterator[tuple[int, int]]:
    """Places and rules of one topic that met in one paper."""
    cell = paper * scored.scores.shape[1] + topic
    for place, cells in enumerate(scored.cells):
        start = bisect_left(cells, cell)
        for index in range(start, bisect_left(cells, cell + 1, start)):
            yield place, int(scored.hits[place][1][index])


def _phrase_reasons(scored: Scored, rules: Rules, calibration: Calibration, paper: int, topic: int) -> list[Reason]:
    """A level's part of the log-odds is shared among its phrases by their weights; a phrase counts once a level."""
    found: dict[tuple[int, int], str] = {}
    for place, rule in _found_in(scored, paper, topic):
        if rules.clause[rule] != _NONE:
            level = int(_LEVEL[place]) if rules.weight[rule] > 0 else -1
            found.setdefault((level, rule), PLACES[place])
    reasons = []
    for (level, rule), where in found.items():
        weight = float(rules.weight[rule])
        total = sum(abs(float(rules.weight[other])) for other_level, other in found if other_level == level)
        factor = calibration.levels[level] if level >= 0 else calibration.against
        reasons.append(Reason(rules.rules[rule].phrase, where, factor * log1p(total) * weight / total))
    return sorted(reasons, key=lambda reason: (-reason.weight, reason.phrase))


def _expansion_reasons(text: Text, words: Sequence[Added], calibration: Calibration) -> list[Reason]:
    shares, places = saturated(text), first_places(text)
    reasons = [
        Reason(word, places[root], calibration.expansion * weight * shares[root], Support.EXPANSION)
        for word, root, weight in words
        if root in shares
    ]
    return sorted(reasons, key=lambda reason: (-reason.weight, reason.phrase))


def _veto(scored: Scored, book: Phrasebook, paper: int, topic: int) -> str | None:
    """Why the topic rules the paper out."""
    none, every, upvotes = (bool(veto[paper, topic]) for veto in scored.vetoes)
    rules = book.rules
    found = list(_found_in(scored, paper, topic)) if none or every else []
    if none:
        place, rule = next((place, rule) for place, rule in found if rules.clause[rule] == _NONE)
        return f'ruled out by "{rules.rules[rule].phrase}" in the {PLACES[place]}'
    if every:
        held = {rule for _, rule in found}
        missing = next(r for r in np.flatnonzero((rules.topic == topic) & (rules.clause == _ALL)) if r not in held)
        return f'"{rules.rules[missing].phrase}" stands nowhere, and all such phrases must'
    return f"fewer than {book.topics[topic].minimum_upvotes} upvotes" if upvotes else None
