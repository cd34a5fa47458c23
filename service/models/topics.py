"""Topics, their versions, and how well a paper fits one. Touches nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel


class Topic(SQLModel, table=True):
    """What a subscriber chooses and an admin tunes. `position` keeps the catalogue's order.

    Phrases are rules in the language of service/filters.py; `expansion` holds the words that were added to them, each with
    its weight in the score, without those in `struck_words`.
    """

    slug: str = Field(primary_key=True)
    name: str
    description: str = ""
    threshold: float = 0.5
    any_phrases: list[str] = Field(default=[], sa_type=JSON)
    all_phrases: list[str] = Field(default=[], sa_type=JSON)
    none_phrases: list[str] = Field(default=[], sa_type=JSON)
    minimum_upvotes: int = 0
    relevant_ids: list[str] = Field(default=[], sa_type=JSON)  # papers that belong here, by arXiv id
    irrelevant_ids: list[str] = Field(default=[], sa_type=JSON)  # papers that look like it and don't
    expansion: dict[str, float] = Field(default={}, sa_type=JSON)
    struck_words: list[str] = Field(default=[], sa_type=JSON)  # never added, whatever the examples say
    prior: float | None = None  # log-odds learned together with the expansion; None where nothing was learned
    position: int = 0
    version: int = 1


class TopicVersion(SQLModel, table=True):
    """A topic as it was from one change to the next; what a mail of that time is explained by."""

    __table_args__ = (UniqueConstraint("slug", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    slug: str = Field(index=True)
    version: int  # from 1
    made_at: datetime
    author: str
    reason: str
    topic: dict[str, Any] = Field(default={}, sa_type=JSON)  # every field but version and position


@dataclass(frozen=True, slots=True)
class Rule:
    """One phrase of a filter. Without a field it is looked for in title, keywords and abstract."""

    phrase: str
    field: str | None = None
    weight: float = 1.0


class Band(StrEnum):
    CORE = "core"  # surely what the topic is about
    RELATED = "related"


class Support(StrEnum):
    """What speaks for a paper."""

    PHRASE = "phrase"  # of the topic's filter
    EXPANSION = "expansion"  # a word added from description or examples
    EMBEDDING = "embedding"  # its text is like the topic's
    MODEL = "model"  # what a language model quoted


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that was found in a paper, and what it adds to the score, in log-odds."""

    phrase: str
    field: str  # "title", "contribution" (where the authors say what they did), "abstract", "keywords", "author", "org", "text"
    weight: float
    support: Support = Support.PHRASE


@dataclass(frozen=True, slots=True)
class Match:
    """How well a paper fits a topic: the probability that it belongs there, and the computation behind it."""

    slug: str
    score: float  # 0 to 1
    is_above: bool  # of the topic's threshold
    band: Band
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """The computation of one paper's score for one topic: 1 / (1 + exp(-(base + the sum of the weights))), 0 after a veto."""

    slug: str
    base: float
    reasons: tuple[Reason, ...]
    veto: str | None  # why the topic rules the paper out
    score: float
