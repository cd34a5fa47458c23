"""One completion, or embeddings, from any OpenAI-compatible server. Touches the network. The one module that imports openai."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, cast

import stamina

from service.errors import ModelFailed
from service.models import Budget, Completion, Embeddings, Prompt

_TIMEOUT = 60.0  # seconds; reading counts from one piece to the next
_ATTEMPTS = 3
_LONGEST_WAIT = 60.0  # seconds that a server may ask for; beyond it the next run asks again
_LACKS_SCHEMAS = (400, 404, 415, 422, 501)  # how servers without structured outputs answer a schema
_MOST_TOKENS = 10_000_000  # that one answer may take; a server that counts more has miscounted
_SHORTEST_SECRET = 8  # a server at home takes any key, such as "x", which stands in every other word
_NO_TEXT = re.compile("[\x00\ud800-\udfff]")  # JSON may hold them, a database can't


@dataclass(frozen=True, slots=True)
class Embedder:
    name: str
    embed: Callable[[Sequence[str]], Embeddings]  # raises ModelFailed
    budget: Budget


@dataclass(frozen=True, slots=True)
class LanguageModel:
    name: str
    complete: Callable[[Prompt], Completion]  # may be called from several threads; raises ModelFailed
    budget: Budget
    close: Callable[[], None] = lambda: None  # nothing is asked any more
    deadline: float = 600.0  # seconds for a whole run over new papers
    in_flight: int = 4  # papers at once
    embedder: Embedder | None = None
    tells_fit: bool = False  # whether it is asked which papers fit which topics


def open_language_model(
    api_key: str, base_url: str | None, name: str, budget: Budget, *, embedding: tuple[str, Budget] | None = None
) -> LanguageModel:
    """`embedding` names the model that embeds texts, where one is wanted, and its budget.

    Asks by structured output, and by JSON mode from the first refusal of a schema on.

    429, 5xx, timeouts and broken connections are tried three times with back-off; a Retry-After is obeyed.
    """
    import openai  # half a second to import, and needed only with a key

    client = openai.OpenAI(api_key=api_key, base_url=base_url, timeout=_TIMEOUT, max_retries=0)
    door = _Door(client, name)
    retry = stamina.RetryingCaller(attempts=_ATTEMPTS, timeout=180.0, wait_initial=1.0, wait_max=20.0).on(_wait_or_give_up)

    def asked(question: Callable[[], Any], form: str) -> Any:
        try:
            return retry(question)
        except openai.OpenAIError as error:
            raise ModelFailed(f"the language model did not answer: {_said(error, api_key)}") from error
        except (AttributeError, TypeError, ValueError, ArithmeticError, RuntimeError) as error:  # it trusts the server's form
            raise ModelFailed(f"the language model's answer is {form}: {_said(error, api_key)}") from error

    def complete(prompt: Prompt) -> Completion:
        return cast("Completion", asked(partial(door.ask, prompt), "no chat completion"))

    def embedder(name: str, budget: Budget) -> Embedder:
        def embed(texts: Sequence[str]) -> Embeddings:
            return cast("Embeddings", asked(partial(door.embed, name, texts), "no list of embeddings"))

        return Embedder(name, embed, budget)

    return LanguageModel(name, complete, budget, door.close, embedder=embedder(*embedding) if embedding else None)


class _Door:
    """Remembers what the server can do."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name
        self._knows_schemas = True
        self._is_closed = False

    def close(self) -> None:
        self._is_closed = True
        self._client.close()

    def ask(self, prompt: Prompt) -> Completion:
        import openai

        if self._is_closed:
            raise ModelFailed("broken off: the language model took too long")
        if self._knows_schemas:
            try:
                return self._ask(prompt, {"type": "json_schema", "json_schema": _strict(prompt)})
            except openai.APIStatusError as error:
                if error.status_code not in _LACKS_SCHEMAS:
                    raise
        completion = self._ask(prompt, {"type": "json_object"})
        self._knows_schemas = False  # the same question was taken without the schema
        return completion

    def embed(self, name: str, texts: Sequence[str]) -> Embeddings:
        if self._is_closed:
            raise ModelFailed("broken off: the language model took too long")
        answer = self._client.embeddings.create(model=name, input=list(texts), encoding_format="float")
        rows = sorted(answer.data, key=lambda row: row.index)
        vectors = tuple(tuple(map(float, row.embedding)) for row in rows)
        if [row.index for row in rows] != list(range(len(texts))) or len({len(vector) for vector in vectors}) > 1:
            raise ModelFailed("the language model answered with embeddings of other texts than it was given")
        if not all(math.isfinite(number) for vector in vectors for number in vector):
            raise ModelFailed("the language model answered with an embedding that is no list of numbers")
        return Embeddings(vectors, _count(answer.usage, "prompt_tokens"))

    def _ask(self, prompt: Prompt, form: dict[str, Any]) -> Completion:
        answer = self._client.chat.completions.create(
            model=self._name, messages=[{"role": "user", "content": prompt.text}], response_format=form, temperature=0
        )
        message = answer.choices[0].message if answer.choices else None
        if refusal := getattr(message, "refusal", None):
            raise ModelFailed(f"the language model refused: {_plain(refusal)[:200]}")
        if message is None or not isinstance(message.content, str) or not message.content:
            raise ModelFailed("the language model answered nothing")
        text, usage = _NO_TEXT.sub("\ufffd", message.content), answer.usage
        return Completion(text, _count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))


def _strict(prompt: Prompt) -> dict[str, Any]:
    return {"name": prompt.name, "strict": True, "schema": prompt.schema}


def _count(usage: Any, name: str) -> int | None:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and 0 <= value <= _MOST_TOKENS else None


def _wait_or_give_up(error: Exception) -> bool | float:
    """Whether to try again: as soon as the server asks to, else after a growing pause."""
    import openai

    if isinstance(error, openai.APIStatusError):
        if error.status_code != 429 and error.status_code < 500:
            return False
        asked = _retry_after(error.response.headers.get("retry-after"))
        return True if asked is None else asked <= _LONGEST_WAIT and asked
    return isinstance(error, openai.APIConnectionError)


def _retry_after(written: str | None) -> float | None:
    """Seconds (RFC 9110, 10.2.3: a number of them, or a date)."""
    if not written:
        return None
    try:
        return max(0.0, float(written))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(written) - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, OverflowError):
        return None


def _said(error: Exception, key: str) -> str:
    """Without the key: some servers repeat what they were sent."""
    said = _plain(error)
    if len(key) >= _SHORTEST_SECRET:
        said = said.replace(key, "(the key)")
    return said[:300] or type(error).__name__


def _plain(said: object) -> str:
    return " ".join(_NO_TEXT.sub("\ufffd", str(said)).split())
