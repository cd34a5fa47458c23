"""Rows read as values, by whom changes none of them. Touches nothing.

The ORM keeps books on each row that it loads, to know what to write back; for a mail's rows that takes longer than to read
them. A value is an object of the same class that no session knows: its columns are read like any row's. To change one raises
AttributeError; to read one that was not asked for, UnmappedInstanceError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Column
from sqlmodel import SQLModel

_Row = TypeVar("_Row", bound=SQLModel)


class Values(Generic[_Row]):
    """Of one table, with the columns named, or else all."""

    def __init__(self, table: type[_Row], *names: str) -> None:
        self._table = table
        self._names = names or tuple(table.model_fields)
        self.columns: list[Column[Any]] = [_columns(table)[name] for name in self._names]

    def value(self, columns: Sequence[Any]) -> _Row:
        """Of what a query for `columns` answered."""
        value: _Row = object.__new__(self._table)  # pydantic's own attributes, for rows that change, are left out
        vars(value).update(zip(self._names, columns, strict=True))
        return value


def _columns(table: Any) -> Any:
    return table.__table__.c
