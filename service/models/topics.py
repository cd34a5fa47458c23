"""Topics, and how well a paper fits one. Touches nothing."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel


class Topic(SQLModel, table=True):
    """What a subscriber chooses and an admin tunes. `position` keeps the catalogue's order."""

    slug: str = Field(primary_key=True)
    name: str
    description: str = ""
    threshold: float = 0.5
    any_phrases: list[str] = Field(default_factory=list, sa_type=JSON)
    all_phrases: list[str] = Field(default_factory=list, sa_type=JSON)
    none_phrases: list[str] = Field(default_factory=list, sa_type=JSON)
    position: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """One phrase of a topic's filter, found in one field of a paper."""

    phrase: str
    field: str  # "title", "keywords" or "abstract"
    weight: float


@dataclass(frozen=True, slots=True)
class Match:
    """How well a paper fits a topic (0 to 1), and the computation behind it."""

    slug: str
    score: float
    is_above: bool  # of the topic's threshold
    reasons: tuple[Reason, ...]
