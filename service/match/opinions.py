"""What embeddings and a language model think of papers, fused by rank with the offline score. Pure.

Their word is optional, and made once, when papers come in: what each adds to a paper's log-odds is kept with the paper, beside
the similarity, the grade and the quote that it was made of, so that every later score is the same sum of stored parts. An opinion
is about one version of a topic; another version has none until new papers come.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.models import Paper, ParsedPaper, Reason, Support, Topic

NEIGHBOUR = 0.4  # cosine from which on a paper's text lies near a topic's; that is support of its own
_K = 60  # of reciprocal rank fusion

Scores = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Quote:
    """A model's grade of one paper for one topic, and the paper's own words behind it."""

    grade: int  # 0 to 3
    phrase: str
    field: str  # "title" or "abstract"


def opinion_reasons(paper: Paper | ParsedPaper, topic: Topic) -> tuple[Reason, ...]:
    """The stored reasons of the opinion on this version of the topic."""
    opinion = (getattr(paper, "opinions", None) or {}).get(topic.slug)
    if opinion is None or opinion["version"] != topic.version:
        return ()
    return tuple(Reason(r["phrase"], r["field"], r["weight"], Support(r["support"])) for r in opinion["reasons"])


def opinion_odds(papers: Sequence[Paper | ParsedPaper], topics: Sequence[Topic]) -> Scores:
    """(papers, topics): what opinions add to the log-odds."""
    places = {topic.slug: place for place, topic in enumerate(topics)}
    found = np.zeros((len(papers), len(topics)))
    for row, paper in enumerate(papers):
        for slug in (getattr(paper, "opinions", None) or {}).keys() & places:
            place = places[slug]
            found[row, place] = sum(reason.weight for reason in opinion_reasons(paper, topics[place]))
    return found


def reciprocal_ranks(rankings: Sequence[Scores]) -> Scores:
    """The sum of 1 / (60 + rank) over the rankings; equal values share the better rank.

    Cormack, Clarke, Büttcher: Reciprocal rank fusion outperforms Condorcet, SIGIR 2009.
    """
    ranks = [1 + np.searchsorted(np.sort(-values), -values) for values in rankings]
    return np.asarray(sum(1 / (_K + rank) for rank in ranks))


def fused_shifts(odds: Scores, others: Sequence[Scores]) -> Scores:
    """What fusing by rank adds to each paper's log-odds for one topic.

    The papers are put in the fused order, and the first one gets the highest of the offline log-odds, the next the next: so as
    many stand above the threshold as before, and a score still means what it meant.
    """
    order = np.lexsort((-odds, -reciprocal_ranks([odds, *others])))
    fused = np.empty_like(odds)
    fused[order] = -np.sort(-odds)
    return fused - odds


def shifts(odds: Scores, is_found: NDArray[np.bool_], similarity: Scores | None, grade: Scores | None) -> tuple[Scores, Scores]:
    """What the embeddings and what the model add, for one topic.

    Neither lifts a paper for which no phrases and added words speak on balance, unless its text is a neighbour of the topic's.
    """
    nothing = np.zeros_like(odds)
    is_near = nothing > 0 if similarity is None else similarity >= NEIGHBOUR
    may_rise = is_found | is_near
    near = nothing if similarity is None else _bounded(fused_shifts(odds, [similarity]), may_rise)
    if grade is None:
        return near, nothing
    others = [grade] if similarity is None else [similarity, grade]
    return near, _bounded(fused_shifts(odds, others), may_rise) - near


def _bounded(shift: Scores, may_rise: NDArray[np.bool_]) -> Scores:
    return np.where(may_rise, shift, np.minimum(shift, 0.0))


def stored_opinion(topic: Topic, similarity: float | None, quote: Quote | None, added: tuple[float, float]) -> dict[str, Any]:
    """The opinion as JSON; `added` is what the embeddings and what the model add."""
    reasons = []
    if similarity is not None:
        phrase = f"the text is {similarity:.2f} like the topic's"
        reasons.append(_reason(phrase, "text", added[0], Support.EMBEDDING))
    if quote is not None:
        reasons.append(_reason(quote.phrase, quote.field, added[1], Support.MODEL))
    elif added[1]:
        reasons.append(_reason("a model quoted nothing for it", "text", added[1], Support.MODEL))
    grade = quote.grade if quote else 0
    return {"version": topic.version, "similarity": similarity, "grade": grade, "reasons": reasons}


def _reason(phrase: str, field: str, weight: float, support: Support) -> Mapping[str, Any]:
    return {"phrase": phrase, "field": field, "weight": round(weight, 4), "support": str(support)}
