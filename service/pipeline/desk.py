"""Where a run's questions to models go through. Touches the database, and the network through `model`.

Answers are kept, so that no question is paid for twice; the day's cap holds for all models together; a model that is down is left
alone; and what was spent is written down.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import Engine

from service.errors import ModelFailed
from service.language_model import LanguageModel
from service.models import Budget, Completion, Embeddings, Prompt
from service.store.costs import add_spending, drop_completion, keep_completion, kept_completion, microdollars_spent
from service.store.database import reading, transaction

_MOST_FAILURES = 3  # in a row, then the model is left alone until the next run
_CHARACTERS_A_TOKEN = 4  # where the server doesn't count
_TYPICAL_ANSWER = 250  # tokens, to reckon with before the answer is there

_Answer = TypeVar("_Answer")


class Desk:
    """May be used from several threads."""

    def __init__(self, engine: Engine, model: LanguageModel, now: datetime) -> None:
        self._engine, self._model, self._now = engine, model, now
        self._lock = threading.Lock()
        self._failures_in_a_row = 0
        self._promised = 0  # microdollars of questions that are not answered yet

    def ask(self, prompt: Prompt) -> str:
        """Raises ModelFailed, also where the model is not to be asked; StoreFailed."""
        key = _key(self._model, prompt)
        with reading(self._engine) as session:
            kept = kept_completion(session, key)
        if kept is not None:
            with transaction(self._engine) as session:
                add_spending(session, self._now.date(), self._model.name, cached=1)
            return kept

        def complete() -> Completion:
            completion = self._model.complete(prompt)
            self._record(prompt, completion, key)
            return completion

        estimate = self._model.budget.microdollars(len(prompt.text) // _CHARACTERS_A_TOKEN, _TYPICAL_ANSWER)
        return self._within(self._model.budget, estimate, complete).text

    def forget(self, prompts: Iterable[Prompt]) -> None:
        """Answers that were refused would be refused again."""
        with transaction(self._engine) as session:
            for prompt in prompts:
                drop_completion(session, _key(self._model, prompt))

    def embed(self, texts: Sequence[str]) -> Embeddings:
        """Raises ModelFailed, also where there is no embedding model; StoreFailed."""
        embedder = self._model.embedder
        if embedder is None:
            raise ModelFailed("no embedding model is set")
        reckoned = sum(map(len, texts)) // _CHARACTERS_A_TOKEN

        def embed() -> Embeddings:
            found = embedder.embed(texts)
            tokens = found.tokens or reckoned
            cost = embedder.budget.microdollars(tokens, 0)
            with transaction(self._engine) as session:
                add_spending(session, self._now.date(), embedder.name, calls=1, tokens=(tokens, 0), microdollars=cost)
            return found

        return self._within(embedder.budget, embedder.budget.microdollars(reckoned, 0), embed)

    def _within(self, budget: Budget, estimate: int, question: Callable[[], _Answer]) -> _Answer:
        """The answer, while it fits under the day's cap; the promise ends when what was spent is written down."""
        self._promise(budget, estimate)
        has_failed = True
        try:
            answer = question()
            has_failed = False
        finally:
            self._settle(estimate, failed=has_failed)
        return answer

    def _promise(self, budget: Budget, estimate: int) -> None:
        """Raises ModelFailed where the model is not to be asked."""
        with self._lock:
            if self._failures_in_a_row >= _MOST_FAILURES:
                raise ModelFailed("not asked: the language model did not answer before")
            with reading(self._engine) as session:
                spent = microdollars_spent(session, self._now.date())
            if spent + self._promised + estimate > budget.daily_cap * 1_000_000:
                raise ModelFailed(f"not asked: the cap of ${budget.daily_cap:g} a day is reached")
            self._promised += estimate

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


def _key(model: LanguageModel, prompt: Prompt) -> str:
    """Of the model, and of the question: the paper's text, the prompt's wording, the tags to choose from."""
    return hashlib.sha256(f"{model.name}\0{prompt.text}".encode()).hexdigest()
