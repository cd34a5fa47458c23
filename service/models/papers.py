"""Papers: what is stored of them, and what one page says. Touches nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

from sqlalchemy import JSON, ForeignKey
from sqlmodel import Field, SQLModel


class Paper(SQLModel, table=True):
    """A paper as the source last told of it, with its summary. Its identity is the arXiv id without version."""

    id: str = Field(primary_key=True)
    title: str
    abstract: str | None = None
    authors: list[str] | None = Field(default=None, sa_type=JSON)
    author_count: int | None = None
    organization: str | None = None
    published_on: date | None = None
    featured_on: date = Field(index=True)  # the first day it stood on the page
    upvotes: int | None = None
    comments: int | None = None
    code_url: str | None = None
    code_stars: int | None = None
    project_url: str | None = None
    thumbnail_url: str | None = None
    source_keywords: list[str] | None = Field(default=None, sa_type=JSON)
    source_summary: str | None = None
    first_seen_at: datetime
    seen_at: datetime
    told_by: dict[str, str] = Field(default={}, sa_type=JSON)  # by field, the form where it is of less than full trust
    velocity: float | None = None  # upvotes a day, lately

    tldr: str | None = None
    problem: str | None = None
    result: str | None = None
    tags: list[str] = Field(default=[], sa_type=JSON)
    written_by: str | None = None  # "authors" or "model"
    evidence: dict[str, Any] | None = Field(default=None, sa_type=JSON)  # by field: where the abstract says it, who wrote it
    checks: list[str] | None = Field(default=None, sa_type=JSON)  # which a model's text passed
    summary_version: str | None = None  # the model and prompt that wrote or last failed it
    summary_tries: int = 0  # answers of a model that were refused, since the text last changed
    summary_error: str | None = None  # why a model's summary was not taken
    summary_next_try_at: datetime | None = None

    opinions: dict[str, Any] | None = Field(default=None, sa_type=JSON)  # by topic (match/opinions.py); None: not asked

    @property
    def is_sample(self) -> bool:
        """arXiv has no month 00, so a sample paper can never pass for a real one."""
        return self.id.startswith("2600.")


class Observation(SQLModel, table=True):
    """A paper's counts at an instant at which one of them had changed."""

    paper_id: str = Field(sa_column_args=[ForeignKey("paper.id", ondelete="CASCADE")], primary_key=True)
    observed_at: datetime = Field(primary_key=True)
    upvotes: int | None = None
    comments: int | None = None
    code_stars: int | None = None


@dataclass(frozen=True, slots=True)
class ParsedPaper:
    """What one page says of one paper; None where it does not tell."""

    id: str | None  # arXiv id without version
    title: str
    abstract: str | None = None
    authors: tuple[str, ...] | None = None  # without hidden ones
    author_count: int | None = None
    organization: str | None = None
    published_on: date | None = None  # on arXiv
    featured_on: date | None = None  # on the source's page
    upvotes: int | None = None
    comments: int | None = None
    code_url: str | None = None
    code_stars: int | None = None
    project_url: str | None = None
    thumbnail_url: str | None = None
    source_keywords: tuple[str, ...] | None = None
    source_summary: str | None = None


class Evidence(NamedTuple):
    """The abstract's [start:end] that supports a field of a summary, and who wrote the field."""

    start: int
    end: int
    written_by: str  # "authors" or "model"


@dataclass(frozen=True, slots=True)
class Summary:
    tldr: str | None
    problem: str | None
    result: str | None
    written_by: str  # "authors" or "model": who wrote the tldr
    evidence: dict[str, Evidence] = field(default_factory=dict)  # by field
    checks: tuple[str, ...] = ()  # which a model's text passed
    tags: tuple[str, ...] = ()  # which a model chose of those offered
