"""Rows read as values, by whom changes none of them. Touches nothing.

The ORM keeps books on each row that it loads, to know what to write back, and asks them at each reading of a column; for a
mail's rows all that takes longer than to read them. A value is a plain object that has the row's columns and what its table
works out of them. To change one raises AttributeError, and so does to read a column that was not asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Generic, Never, TypeVar

from sqlalchemy import Column
from sqlmodel import SQLModel

_Row = TypeVar("_Row", bound=SQLModel)


class Values(Generic[_Row]):
    """Of one table, with the columns named, or else all."""

    def __init__(self, table: type[_Row], *names: str) -> None:
        self._kind = _plain(table)
        self._names = names or tuple(table.model_fields)
        self.columns: list[Column[Any]] = [_columns(table)[name] for name in self._names]

    def value(self, columns: Sequence[Any]) -> _Row:
        """Of what a query for `columns` answered. It reads like a row, and is of no class that sessions know."""
        value: _Row = self._kind()
        vars(value).update(zip(self._names, columns, strict=True))
        return value


@cache
def _plain(table: type[SQLModel]) -> Any:
    """A class with the table's properties and class variables."""
    worked_out = {name: member for name, member in vars(table).items() if isinstance(member, property)}
    told = {name: getattr(table, name) for name in table.__class_vars__ if not name.startswith("_")}
    return type(table.__name__, (), {"__slots__": ("__dict__",), "__setattr__": _refuse, **worked_out, **told})


def _refuse(value: object, name: str, _: object) -> Never:
    raise AttributeError(f"{name}: a {type(value).__name__} that was read as a value is not changed")


def _columns(table: Any) -> Any:
    return table.__table__.c
