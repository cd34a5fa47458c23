"""Summarise the papers that have no summary yet. Touches the database, and the network through `model`.

Each paper has the authors' own sentences at once, so no digest ever waits for a model; what the model writes in time, and
passes its checks, replaces them.
"""

from __future__ import annotations

import hashlib
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
from service.models import Completion, Paper, Prompt, Summary
from service.store.costs import add_spending, drop_completion, keep_completion, kept_completion, microdollars_spent
from service.store.database import reading, transaction
from service.store.papers import ask_again, papers_to_summarize, put_summary
from service.summarize import Unwritten, extractive_summary, prompt_version, summarize
from service.tag import tag_paper

log = structlog.get_logger(__name__)

_SECOND_TRY = timedelta(minutes=30)  # so that the next run, an hour later, tries again
_MOST_REFUSALS = 2  # answers of a model to one paper that were not taken; then the authors' sentences stay
_MOST_FAILURES = 3  # in a row, then the model is left alone until the next run
_TAGS_OFFERED = 12
_CHARACTERS_A_TOKEN = 4  # where the server doesn't count
_TYPICAL_ANSWER = 250  # tokens, to reckon with before the answer is there


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
    written = _write_side_by_side(_Desk(engine, model, now), papers, model.in_flight)
    for number in range(len(papers)):
        try:
            paper, summary, error = written.get(timeout=max(0.0, end - time.monotonic()))
        except queue.Empty:
            log.warning("summaries broken off at their deadline", open=len(papers) - number)
            model.close()
            return
        _store(engine, model, paper, summary, error, now)
        yield paper, summary, error


def _write_side_by_side(desk: _Desk, papers: Sequence[Paper], threads: int) -> queue.SimpleQueue[_Outcome]:
    """Daemon threads: one that waits for a server which never ends its answer keeps no process from ending."""
    waiting: queue.SimpleQueue[Paper] = queue.SimpleQueue()
    written: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()
    for paper in papers:
        waiting.put(paper)

    def work() -> None:
        with suppress(queue.Empty):
            while True:
                paper = waiting.get_nowait()
                written.put((paper, *desk.write(paper)))

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


class _Desk:
    """Where a run's questions go through: answers kept from before, the day's cap, and a model that is down is left alone."""

    def __init__(self, engine: Engine, model: LanguageModel, now: datetime) -> None:
        self._engine, self._model, self._now = engine, model, now
        self._lock = threading.Lock()
        self._failures_in_a_row = 0
        self._promised = 0  # microdollars of questions that are not answered yet

    def write(self, paper: Paper) -> tuple[Summary, Unwritten | None]:
        asked: list[str] = []

        def ask(prompt: Prompt) -> str:
            asked.append(_key(self._model, prompt))
            return self._ask(prompt, asked[-1])

        try:
            summary, error = summarize(paper, ask, tag_paper(paper, _TAGS_OFFERED))
        except StoreFailed as failure:
            return extractive_summary(paper), ModelFailed(str(failure))
        if isinstance(error, SummaryRejected):
            with transaction(self._engine) as session:
                for key in asked:
                    drop_completion(session, key)
        return summary, error

    def _ask(self, prompt: Prompt, key: str) -> str:
        with reading(self._engine) as session:
            kept = kept_completion(session, key)
        if kept is not None:
            with transaction(self._engine) as session:
                add_spending(session, self._now.date(), self._model.name, cached=1)
            return kept
        estimate = self._promise(prompt)
        has_failed = True
        try:
            completion = self._model.complete(prompt)
            has_failed = False
            self._record(prompt, completion, key)
        finally:  # the promise ends when what was spent is written down
            self._settle(estimate, failed=has_failed)
        return completion.text

    def _promise(self, prompt: Prompt) -> int:
        """Raises ModelFailed where the model is not to be asked."""
        budget = self._model.budget
        estimate = budget.microdollars(len(prompt.text) // _CHARACTERS_A_TOKEN, _TYPICAL_ANSWER)
        with self._lock:
            if self._failures_in_a_row >= _MOST_FAILURES:
                raise ModelFailed("not asked: the language model did not answer before")
            with reading(self._engine) as session:
                spent = microdollars_spent(session, self._now.date())
            if spent + self._promised + estimate > budget.daily_cap * 1_000_000:
                raise ModelFailed(f"not asked: the cap of ${budget.daily_cap:g} a day is reached")
            self._promised += estimate
        return estimate

    def _settle(self, estimate: int, *, failed: bool) -> None:
        with self._lock:
            self._promised -= estimate
            self._failures_in_a_row = self._failures_in_a_row + 1 if failed else 0

    def _record(self, prompt: Prompt, completion: Completion, key: str) -> None:
        tokens = (
            completion.prompt_tokens or len(prompt.text) // _CHARACTERS_A_TOKEN,
            completion.completion_tokens or len(completion.text) // _CHARACTERS_A_TOKEN + 1,
        )
        cost = self._model.budget.microdollars(*tokens)
        with transaction(self._engine) as session:
            keep_completion(session, key, completion.text, self._now)
            add_spending(session, self._now.date(), self._model.name, calls=1, tokens=tokens, microdollars=cost)


def _version(model: LanguageModel) -> str:
    return f"{model.name} {prompt_version()}"


def _key(model: LanguageModel, prompt: Prompt) -> str:
    """Of the model, and of the question: the paper's text, the prompt's wording, the tags to choose from."""
    return hashlib.sha256(f"{model.name}\0{prompt.text}".encode()).hexdigest()
