"""What a person said of a paper by a mail's links. Touches nothing."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey
from sqlmodel import Field, SQLModel

from service.models.rows import one_of


class MarkKind(StrEnum):
    MORE = "more"  # more like this
    LESS = "less"
    SAVED = "saved"


class Mark(SQLModel, table=True):
    """More and less exclude each other; saving goes with either."""

    __table_args__ = (CheckConstraint(one_of(MarkKind, "kind"), name="kind"),)

    subscriber_id: int = Field(sa_column_args=[ForeignKey("subscriber.id", ondelete="CASCADE")], primary_key=True)
    paper_id: str = Field(sa_column_args=[ForeignKey("paper.id", ondelete="CASCADE")], primary_key=True)
    kind: str = Field(primary_key=True)
    marked_at: datetime
