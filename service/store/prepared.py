"""Statements that are written out once and run very many times. Touches the connection it is given.

SQLAlchemy works out anew, for each row of each execution, what its parameters are and how each is stored; for an update by
primary key that takes longer than SQLite does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Update

_Store = Callable[[Any], Any]


class Prepared:
    """An update, written out in one dialect."""

    def __init__(self, statement: Update, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        self._sql = str(compiled)
        self._constants: Mapping[str, Any] = compiled.params
        self._order: list[str] | None = getattr(compiled, "positiontup", None)  # None: parameters go by name
        names = {name: parameter.type for parameter, name in compiled.bind_names.items()}
        stores = {name: kind.dialect_impl(dialect).bind_processor(dialect) for name, kind in names.items()}
        self._stores: list[tuple[str, _Store | None]] = [(name, stores[name]) for name in self._order or names]

    def run(self, connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int:
        """For each of these rows of parameters; answers how many rows of the table changed."""
        return connection.exec_driver_sql(self._sql, [self._stored(row) for row in rows]).rowcount

    def _stored(self, row: Mapping[str, Any]) -> Any:
        full = {**self._constants, **row}
        if self._order is None:
            return {name: store(full[name]) if store else full[name] for name, store in self._stores}
        return tuple([store(full[name]) if store else full[name] for name, store in self._stores])


@lru_cache(maxsize=32)
def prepared(statement: Update, dialect: Dialect) -> Prepared:
    return Prepared(statement, dialect)
