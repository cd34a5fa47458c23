"""What every stored row shares: named constraints, random keys. Touches nothing."""

from __future__ import annotations

import uuid
from enum import StrEnum

from sqlalchemy import MetaData
from sqlmodel import SQLModel

# Named constraints from the first migration on: SQLite can only change what has a name.
metadata: MetaData = SQLModel.metadata
metadata.naming_convention = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def new_key() -> str:
    """A random name that stays valid when rows move to another database, unlike a row number."""
    return uuid.uuid4().hex


def one_of(values: type[StrEnum], column: str = "state") -> str:
    """A constraint on a column. Not by IN, for which SQLite builds a table of the values at each update."""
    return " OR ".join(f"{column} = '{value}'" for value in values)
