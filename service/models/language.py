"""What is asked of a language model, what it answers, and what that costs. Touches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question to a language model, and the form of its answer."""

    text: str
    name: str  # of the answer's form
    schema: dict[str, Any]  # JSON Schema, strict


@dataclass(frozen=True, slots=True)
class Completion:
    """A language model's answer, and what it took. Tokens are None where the server doesn't count them."""

    text: str
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Embeddings:
    """A vector for each text that was given, in order, and the tokens read; None where the server doesn't count them."""

    vectors: tuple[tuple[float, ...], ...]
    tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """Prices in dollars for a million tokens, and how many dollars may be spent in a day (UTC)."""

    input_price: float = 0.0
    output_price: float = 0.0
    daily_cap: float = 1.0

    def microdollars(self, prompt_tokens: int, completion_tokens: int) -> int:
        return round(prompt_tokens * self.input_price + completion_tokens * self.output_price)


class KeptCompletion(SQLModel, table=True):
    """A language model's answer, kept so that the same question is never paid for twice."""

    key: str = Field(primary_key=True)  # a hash of the model and the question
    text: str
    made_at: datetime


class Spending(SQLModel, table=True):
    """What one model took on one day, in UTC. Money is in millionths of a dollar."""

    spent_on: date = Field(primary_key=True)
    model: str = Field(primary_key=True)
    calls: int = 0
    cached_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    microdollars: int = Field(default=0, sa_type=BigInteger)
