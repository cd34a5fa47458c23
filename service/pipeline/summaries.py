"""Summarise what has no summary yet. Touches the database, and the network through `complete`."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import Engine

from service.errors import ModelFailed
from service.store.database import reading, transaction
from service.store.papers import papers_to_summarize, put_summary
from service.summarize import Complete, summarize

log = structlog.get_logger(__name__)

_SECOND_TRY = timedelta(hours=1)  # for a summary that a model could not give
_MOST_MODEL_FAILURES = 3  # in a row, then the model is left alone until the next run


def summarize_papers(engine: Engine, complete: Complete | None, now: datetime) -> tuple[dict[str, int], dict[str, str]]:
    """Each paper once for all subscribers; a paper that the model failed on is tried again on a later run."""
    with reading(engine) as session:
        papers = papers_to_summarize(session, now)
    counts = {"authors": 0, "model": 0}
    errors: dict[str, str] = {}
    failures_in_a_row = 0
    for paper in papers:
        summary, error = summarize(paper, complete if failures_in_a_row < _MOST_MODEL_FAILURES else _left_alone)
        failures_in_a_row = failures_in_a_row + 1 if isinstance(error, ModelFailed) else 0
        next_try_at = now + _SECOND_TRY if error else None
        with transaction(engine) as session:
            put_summary(session, paper.id, summary, error=str(error) if error else None, next_try_at=next_try_at)
        counts[summary.written_by] += 1
        if error:
            errors[paper.id] = str(error)
            log.warning("model summary not taken", paper=paper.id, reason=str(error))
    return counts, errors


def _left_alone(_prompt: str) -> str:
    raise ModelFailed("not asked: the language model did not answer before")
