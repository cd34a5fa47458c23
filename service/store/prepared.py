"""Statements that are written out once and run very many times. Touches the connection it is given.

SQLAlchemy works out anew, for each row of each execution, what its parameters are and how each is stored; for an update by
primary key that takes longer than SQLite does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import Connection, Dialect, Insert, Update

_Values = Mapping[str, Any]


class Prepared:
    """An insert or update, written out in one dialect, to be run by the driver itself."""

    def __init__(self, statement: Insert | Update, dialect: Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        kinds = {name: parameter.type.dialect_impl(dialect) for parameter, name in compiled.bind_names.items()}
        stores = {name: kind.bind_processor(dialect) for name, kind in kinds.items()}
        self._sql = str(compiled)
        self._stores: dict[str, Callable[[Any], Any]] = {name: store for name, store in stores.items() if store}
        self._constants = self._stored(compiled.params)
        order: list[str] | None = getattr(compiled, "positiontup", None)  # None: parameters go by name
        self._arranged: Callable[[_Values], Any] = itemgetter(*order) if order else dict

    def run(self, connection: Connection, rows: Iterable[_Values], shared: _Values = MappingProxyType({})) -> int:
        """For each of these rows of parameters, and what they share; answers how many rows of the table changed.

        Raises the driver's own errors.
        """
        alike = {**self._constants, **self._stored(shared)}
        cursor = connection.connection.cursor()
        try:
            cursor.executemany(self._sql, [self._arranged({**alike, **self._stored(row)}) for row in rows])
            return cursor.rowcount
        finally:
            cursor.close()

    def _stored(self, values: _Values) -> _Values:
        changed = {name: store(values[name]) for name, store in self._stores.items() if values.get(name) is not None}
        return {**values, **changed} if changed else values


@lru_cache(maxsize=32)
def prepared(statement: Insert | Update, dialect: Dialect) -> Prepared:
    return Prepared(statement, dialect)
