"""What every stored row shares: named constraints, random keys, columns of JSON. Touches nothing."""

from __future__ import annotations

import uuid
from enum import StrEnum
from typing import Any

import msgspec
from sqlalchemy import JSON, Dialect, MetaData, TypeDecorator
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


class Json(TypeDecorator[Any]):
    """JSON that is read as values of one kind, at once: SQLAlchemy's own takes longer for its steps than the reading takes.

    For the rows that a wave reads by the thousand. What is not of that kind is read as `otherwise`, lest one row stop the
    others; where there is none, reading raises msgspec.DecodeError.
    """

    impl = JSON
    cache_ok = True

    def __init__(self, kind: Any, otherwise: Any = None) -> None:
        super().__init__()
        self.kind = kind
        self.otherwise = otherwise

    def bind_processor(self, dialect: Dialect) -> Any:
        if dialect.name == "postgresql":
            return super().bind_processor(dialect)  # psycopg writes it out
        return lambda value: msgspec.json.encode(value).decode()

    def result_processor(self, dialect: Dialect, _coltype: object) -> Any:
        decode, otherwise = msgspec.json.Decoder(self.kind).decode, self.otherwise

        def read(value: str | bytes) -> Any:
            try:
                return decode(value)
            except msgspec.DecodeError:
                if otherwise is None:
                    raise
                return otherwise

        if dialect.name == "postgresql":
            return lambda value: read(msgspec.json.encode(value))  # psycopg has read it already
        return read


def new_key() -> str:
    """A random name that stays valid when rows move to another database, unlike a row number."""
    return uuid.uuid4().hex


def one_of(values: type[StrEnum], column: str = "state") -> str:
    """A constraint on a column. Not by IN, for which SQLite builds a table of the values at each update."""
    return " OR ".join(f"{column} = '{value}'" for value in values)
