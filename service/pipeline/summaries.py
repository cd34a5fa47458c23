"""Summarise the papers that have no summary yet. Touches the database, and the network through `model`.

Each paper has the authors' own sentences at once, so no digest ever waits for a model; what the model writes in time, and
passes its checks, replaces them.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import Engine

from service.errors import HostileText, ModelFailed, StoreFailed, SummaryRejected
from service.language_model import LanguageModel
from service.models import Paper, Prompt, Summary
from service.pipeline.desk import Desk
from service.store.database import reading, transaction
from service.store.papers import ask_again, papers_to_summarize, put_summary
from service.summarize import Unwritten, extractive_summary, prompt_version, summarize
from service.tag import tag_paper

log = structlog.get_logger(__name__)

_SECOND_TRY = timedelta(minutes=30)  # so that the next run, an hour later, tries again
_MOST_REFUSALS = 2  # answers of a model to one paper that were not taken; then the authors' sentences stay
_TAGS_OFFERED = 12


class Written(NamedTuple):
    summaries: dict[str, int]  # by who wrote them
    errors: dict[str, str]  # by paper id


_Outcome = tuple[Paper, Summary, Unwritten | None]


def summarize_papers(engine: Engine, model: LanguageModel | None, now: datetime) -> Written:
    """Each paper once for all subscribers; a paper that the model failed on is tried again on a later run."""
    with reading(engine) as session:
        papers = papers_to_summarize(session, now)
    for paper in papers:
        if paper.written_by is None or model is None:
            with transaction(engine) as session:
                put_summary(session, paper.id, extractive_summary(paper), next_try_at=now if model else None)
    counts = {"authors": len(papers), "model": 0}
    errors: dict[str, str] = {}
    for paper, summary, error in _by_model(engine, model, papers, now) if model else ():
        if summary.written_by == "model":
            counts = {"authors": counts["authors"] - 1, "model": counts["model"] + 1}
        if error:
            errors[paper.id] = str(error)
    return Written(counts, errors)


def summarize_again(engine: Engine, model: LanguageModel, since: date, now: datetime) -> Written:
    """What another model or another wording of the prompt summarised, featured from `since` on."""
    with transaction(engine) as session:
        ask_again(session, since, _version(model), now)
    return summarize_papers(engine, model, now)


def _by_model(engine: Engine, model: LanguageModel, papers: Sequence[Paper], now: datetime) -> Iterator[_Outcome]:
    """Several papers at once; stored as they come. What is not there by the deadline is left for the next run."""
    end = time.monotonic() + model.deadline
    written = _write_side_by_side(Desk(engine, model, now), papers, model.in_flight)
    for number in range(len(papers)):
        try:
            paper, summary, error = written.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            log.warning("summaries broken off at their deadline", open=len(papers) - number)
            model.close()
            return
        _store(engine, model, paper, summary, error, now)
        yield paper, summary, error


def _write_side_by_side(desk: Desk, papers: Sequence[Paper], threads: int) -> queue.SimpleQueue[_Outcome]:
    """Daemon threads: one that waits for a server which never ends its answer keeps no process from ending."""
    waiting: queue.SimpleQueue[Paper] = queue.SimpleQueue()
    written: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
    for paper in papers:
        waiting.put(paper)

    def work() -> None:
        with suppress(queue.Empty):
            while True:
                paper = waiting.get_nowait()
                written.put((paper, *_write(desk, paper)))

    for _ in range(min(threads, len(papers))):
        threading.Thread(target=work, daemon=True, name="summary").start()
    return written


def _store(engine: Engine, model: LanguageModel, paper: Paper, summary: Summary, error: Unwritten | None, now: datetime) -> None:
    """A hostile text and an answer refused twice are settled; everything else that went wrong is tried again."""
    is_refused = isinstance(error, SummaryRejected)
    is_settled = error is None or isinstance(error, HostileText) or (is_refused and paper.summary_tries + 1 >= _MOST_REFUSALS)
    with transaction(engine) as session:
        put_summary(
            session,
            paper.id,
            summary,
            version=None if isinstance(error, ModelFailed) else _version(model),
            error=str(error) if error else None,
            is_refused=is_refused,
            next_try_at=None if is_settled else now + _SECOND_TRY,
        )
    if error:
        log.warning("model summary not taken", paper=paper.id, reason=str(error))


def _write(desk: Desk, paper: Paper) -> tuple[Summary, Unwritten | None]:
    """An answer that was refused is not kept."""
    asked: list[Prompt] = []

    def ask(prompt: Prompt) -> str:
        asked.append(prompt)
        return desk.ask(prompt)

    try:
        summary, error = summarize(paper, ask, tag_paper(paper, _TAGS_OFFERED))
    except StoreFailed as failure:
        return extractive_summary(paper), ModelFailed(str(failure))
    if isinstance(error, SummaryRejected):
        desk.forget(asked)
    return summary, error


def _version(model: LanguageModel) -> str:
    return f"{model.name} {prompt_version()}"
