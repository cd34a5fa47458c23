"""Locks by name, within a transaction or for as long as a process works. Touches the database, and files beside SQLite's."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO

from sqlalchemy import Connection, Engine, text

from service.errors import StoreFailed
from service.store.database import failures, lock_file, sqlite_file


def take_lock(connection: Connection, name: str) -> None:
    """Until the transaction ends, be the only one who works under this name.

    On SQLite a writing transaction is alone anyway; on PostgreSQL it is an advisory lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": f"paperround {name}"})


@contextmanager
def hold_alone(engine: Engine, name: str, *, patience: timedelta = timedelta()) -> Iterator[Callable[[], bool]]:
    """Be the only process that holds this name on this database. Raises StoreFailed where another does, after `patience`.

    A lock of the operating system beside the SQLite file, or a session's advisory lock on PostgreSQL: both end with the
    process, however it ends. PostgreSQL's ends with its server as well: the function given answers whether we hold the name,
    and takes it again where nobody does. It raises StoreFailed when it finds the session gone.
    """
    end = time.monotonic() + patience.total_seconds()
    with _taker(engine, name) as take:
        while not take():
            if time.monotonic() >= end:
                raise StoreFailed(f"another `{name}` runs on this database: stop that one first")
            time.sleep(0.2)
        yield take


@contextmanager
def _taker(engine: Engine, name: str) -> Iterator[Callable[[], bool]]:
    """A function that tries to take the lock, which ends with this block."""
    if engine.dialect.name == "postgresql":
        question = text("SELECT pg_try_advisory_lock(hashtext(:name))").bindparams(name=f"paperround alone {name}")
        with failures(engine), engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:

            def take() -> bool:
                with failures(engine):
                    connection.rollback()  # of a session that is gone, whereupon the next question begins another
                    is_ours = bool(connection.execute(question).scalar())
                    connection.detach()  # so that the lock ends when this block closes it, and doesn't wait in the pool
                return is_ours

            yield take
        return
    with lock_file(sqlite_file(engine), name) as file:
        yield lambda: _is_locked_by_us(file)


def _is_locked_by_us(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
