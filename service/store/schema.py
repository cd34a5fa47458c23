"""Bring a database to the newest schema, by the migrations beside this. Touches the database."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlmodel import Session

from service.catalogue import shipped_catalogue
from service.errors import StoreFailed
from service.store import database
from service.store.locks import take_lock
from service.store.topics import SHIPPED_BY, put_topics


def migrate(engine: Engine) -> None:
    """Bring the schema up in one transaction, whose lock keeps a second process waiting; a failure leaves nothing."""
    with engine.connect() as connection, foreign_keys_off(connection), connection.begin():
        take_lock(connection, "migrate")
        before = MigrationContext.configure(connection).get_current_revision()
        if before == database.newest_version():
            return  # another process was faster
        if before is None:
            _check_is_new(connection)
        if before is not None and before not in _known_versions():
            raise StoreFailed("the database was made by a newer Paperround: install that one")
        command.upgrade(alembic_config(connection), "head")
        if before is None:
            with Session(bind=connection, join_transaction_mode="rollback_only") as session:
                put_topics(session, shipped_catalogue(), author=SHIPPED_BY, reason="shipped", now=datetime.now(UTC))
                session.commit()  # of the session; the transaction ends with `connection.begin()`


def _check_is_new(connection: Connection) -> None:
    """A file belongs to one program; a PostgreSQL database may hold the tables of several. Raises StoreFailed."""
    tables = inspect(connection).get_table_names()
    if "subscriber" in tables:
        raise StoreFailed(
            "the database has tables, but does not tell its schema's version (its table alembic_version is empty or gone):"
            " move it away, and restore a backup"
        )
    if tables and connection.dialect.name == "sqlite":
        raise StoreFailed(f"{connection.engine.url.database} is the database of another program: name another file")


@contextmanager
def foreign_keys_off(connection: Connection) -> Iterator[None]:
    """SQLite changes a constraint by making the table anew; with its keys on, dropping the old one empties what refers to it.

    The pragma does nothing within a transaction (https://www.sqlite.org/lang_altertable.html, section 7).
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _known_versions() -> set[str]:
    return {script.revision for script in ScriptDirectory(str(database.MIGRATIONS)).walk_revisions()}


def alembic_config(connection: Connection | None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(database.MIGRATIONS))
    config.attributes["connection"] = connection
    return config
