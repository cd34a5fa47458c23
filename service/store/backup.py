"""Copy a SQLite database out and in again, whole, while others use it. Touches the database and one file.

SQLite's own backup (https://www.sqlite.org/backup.html): a consistent copy, which a copy of the file is not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Engine

from service.errors import StoreFailed, WrongUse
from service.store.database import newest_version, sqlite_file

_TABLES = {"alembic_version", "paper", "subscriber", "delivery"}


def back_up(engine: Engine, file: Path) -> None:
    """Write the whole database to a file, which appears whole or not at all. Raises StoreFailed, WrongUse."""
    live = sqlite_file(engine)
    if live and file.exists() and file.samefile(live):
        raise WrongUse(f"{file} is the database itself: name another file")
    if file.is_dir():
        raise WrongUse(f"{file} is a folder: name a file in it")
    if file.is_symlink() or (file.exists() and not file.is_file()):
        raise WrongUse(f"{file} is no plain file, and would be replaced: name another one")
    unfinished = file.with_name(f".{file.name}.unfinished")
    try:
        unfinished.touch()
    except OSError as error:
        raise WrongUse(f"{file} can't be written: {error.strerror}") from error
    try:
        with _raw(engine) as source, closing(sqlite3.connect(unfinished)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a -wal beside it
        unfinished.replace(file)
    except (OSError, sqlite3.Error) as error:
        raise StoreFailed(f"{file} can't be written: {error}") from error
    finally:
        with suppress(OSError):
            unfinished.unlink()


def check_backup(file: Path) -> None:
    """Raises WrongUse where the file is no backup of ours, is damaged, or holds a schema that we don't know."""
    with _backup(file) as copy:
        (version,) = copy.execute("SELECT max(version_num) FROM alembic_version").fetchone()
        if version is None:
            raise WrongUse(f"{file} does not tell its schema's version (its table alembic_version is empty)")
        if version > newest_version():
            raise WrongUse(f"{file} was made by a newer Paperround: install that one")
        (found,) = copy.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise WrongUse(f"{file} is damaged: {' '.join(found.split())}")


def restore(engine: Engine, file: Path) -> None:
    """Put a backup in the place of all that the database holds. Raises WrongUse where the file is no backup of ours."""
    with _backup(file) as copy, _raw(engine) as target:
        copy.backup(target)


@contextmanager
def _backup(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as copy:
            if not {name for (name,) in copy.execute("SELECT name FROM sqlite_master")} >= _TABLES:
                raise WrongUse(f"{file} is no backup of Paperround")
            yield copy
    except sqlite3.Error as error:
        raise WrongUse(f"{file} can't be restored: {error}") from error


@contextmanager
def _raw(engine: Engine) -> Iterator[sqlite3.Connection]:
    if engine.dialect.name != "sqlite":
        raise WrongUse("this is PostgreSQL: use its own pg_dump and pg_restore")
    with closing(engine.raw_connection()) as connection:
        raw = connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        yield raw
