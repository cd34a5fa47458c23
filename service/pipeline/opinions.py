"""Ask embeddings and a model, where set, what they think of new papers. Touches the database, and the network by `model`.

It is asked once a paper, when it comes in; what is not answered is asked again by the next run, and until then the offline score
stands alone.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import structlog
from sqlalchemy import Engine

from service.errors import ModelFailed, StoreFailed
from service.language_model import LanguageModel
from service.match import phrasebook, score_papers
from service.match.fit import PAPERS_A_CALL, checked_quotes, fit_prompt
from service.match.opinions import Quote, shifts, stored_opinion
from service.models import Paper, Topic
from service.pipeline.desk import Desk
from service.portions import portions
from service.store.database import reading, transaction
from service.store.papers import papers_featured, put_opinions
from service.store.topics import all_topics
from service.summarize.hostile import hostile_signs

log = structlog.get_logger(__name__)

_POOL = timedelta(days=14)  # papers that a new one is ranked among
_TEXTS_A_CALL = 100
_LONGEST_TEXT = 8_000  # characters that are embedded


class _Said(NamedTuple):
    similarity: float | None
    quote: Quote | None
    grade: int


@dataclass(frozen=True, slots=True)
class _Heard:
    """What was answered, by paper and topic."""

    similarity: dict[tuple[str, str], float] = field(default_factory=dict)
    quotes: dict[tuple[str, str], Quote] = field(default_factory=dict)
    unanswered: set[str] = field(default_factory=set)  # papers that are asked about again by the next run


def form_opinions(engine: Engine, model: LanguageModel, now: datetime) -> int:
    """Of every paper of the last two weeks that has none yet; answers of how many."""
    if model.embedder is None and not model.tells_fit:
        return 0
    with reading(engine) as session:
        topics, papers = all_topics(session), papers_featured(session, now.date() - _POOL, now.date())
    new = [paper for paper in papers if paper.opinions is None]
    if not new or not topics:
        return 0
    with _deadline(model):
        heard = _hear(Desk(engine, model, now), model, new, topics)
    settled = [paper for paper in new if paper.id not in heard.unanswered]
    known = [paper for paper in papers if paper.opinions is not None]
    for paper, opinions in _opinions(settled, known, topics, heard, model):
        with transaction(engine) as session:
            put_opinions(session, paper.id, opinions)
    return len(settled)


@contextmanager
def _deadline(model: LanguageModel) -> Iterator[None]:
    """Close it when its time is up: a server that sends a blank now and then, to be waited for, is waited for no longer."""
    timer = threading.Timer(model.deadline, model.close)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hear(desk: Desk, model: LanguageModel, papers: Sequence[Paper], topics: Sequence[Topic]) -> _Heard:
    heard = _Heard()
    if model.embedder:
        try:
            heard.similarity.update(_similarities(desk, papers, topics))
        except (ModelFailed, StoreFailed) as error:
            heard.unanswered.update(paper.id for paper in papers)
            log.warning("papers not embedded", reason=str(error), count=len(papers))
    if model.tells_fit:
        for batch in portions([paper for paper in papers if not hostile_signs(_text(paper))], PAPERS_A_CALL):
            _hear_fits(desk, batch, topics, heard)
    return heard


def _hear_fits(desk: Desk, batch: Sequence[Paper], topics: Sequence[Topic], heard: _Heard) -> None:
    prompt = fit_prompt(batch, topics)
    try:
        answer = desk.ask(prompt)
        try:
            heard.quotes.update(checked_quotes(answer, batch, topics))
        except ModelFailed:
            desk.forget([prompt])
            raise
    except (ModelFailed, StoreFailed) as error:
        heard.unanswered.update(paper.id for paper in batch)
        log.warning("papers not judged by the model", reason=str(error), count=len(batch))


def _similarities(desk: Desk, papers: Sequence[Paper], topics: Sequence[Topic]) -> dict[tuple[str, str], float]:
    """Cosines of the papers' texts with the topics'."""
    texts = [_text(paper)[:_LONGEST_TEXT] for paper in papers] + [f"{topic.name}. {topic.description}" for topic in topics]
    answers = [desk.embed(batch).vectors for batch in portions(texts, _TEXTS_A_CALL)]
    try:
        vectors = np.array(list(chain.from_iterable(answers)), float)
    except ValueError as error:
        raise ModelFailed("the language model answered with embeddings of different lengths") from error
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    cosines = vectors[: len(papers)] @ vectors[len(papers) :].T
    return {(p.id, t.slug): round(float(cosines[n, m]), 4) for n, p in enumerate(papers) for m, t in enumerate(topics)}


def _opinions(
    settled: Sequence[Paper], known: Sequence[Paper], topics: Sequence[Topic], heard: _Heard, model: LanguageModel
) -> Iterator[tuple[Paper, dict[str, Any]]]:
    """Each new paper is ranked, topic by topic, among all those that the same was asked about."""
    pool = [*settled, *known]
    scored = score_papers(pool, phrasebook(topics))
    by_topic: list[dict[str, dict[str, Any]]] = []
    for place, topic in enumerate(topics):
        said = [_said(paper, topic, heard, is_new=row < len(settled)) for row, paper in enumerate(pool)]
        rows = [row for row, one in enumerate(said) if one and (one.similarity is not None or not model.embedder)]
        odds = scored.odds[rows, place]
        told = [one for row in rows if (one := said[row])]
        similarity = np.array([one.similarity for one in told], float) if model.embedder else None
        grade = np.array([one.grade for one in told], float) if model.tells_fit else None
        near, quoted = shifts(odds, odds > scored.bases[place], similarity, grade)
        opinions = {
            pool[row].id: stored_opinion(topic, one.similarity, one.quote, (float(near[n]), float(quoted[n])))
            for n, (row, one) in enumerate(zip(rows, told, strict=True))
            if row < len(settled)
        }
        by_topic.append(opinions)
    for paper in settled:
        yield paper, {topic.slug: opinions[paper.id] for topic, opinions in zip(topics, by_topic, strict=True)}


def _said(paper: Paper, topic: Topic, heard: _Heard, *, is_new: bool) -> _Said | None:
    """None for an earlier paper that was asked about another version of the topic."""
    if is_new:
        quote = heard.quotes.get((paper.id, topic.slug))
        return _Said(heard.similarity.get((paper.id, topic.slug)), quote, quote.grade if quote else 0)
    opinion: Mapping[str, Any] = (paper.opinions or {}).get(topic.slug, {})
    if opinion.get("version") != topic.version:
        return None
    return _Said(opinion["similarity"], None, opinion["grade"])


def _text(paper: Paper) -> str:
    return f"{paper.title}. {paper.abstract or ''}"
