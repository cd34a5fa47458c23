"""Open the database, bring it to the newest schema, and open transactions on it. Touches the database."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar

import msgspec.json
import stamina
from sqlalchemy import Connection, Engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlmodel import Session, create_engine

from service.errors import StoreFailed

MIGRATIONS = Path(__file__).parent / "migrations"
MOST_VALUES = 1000  # in one statement, which takes some thousands at the most
_BUSY_TIMEOUT = 10  # seconds to wait for another process's transaction
_LONGEST_LOOK = 0.11  # seconds, and some, between two looks of one who waits
_PATIENT = stamina.RetryingCaller(attempts=10, timeout=300).on(StoreFailed)
_Answer = TypeVar("_Answer")


def _written(value: object) -> str:
    return msgspec.json.encode(value).decode()


_JSON: dict[str, Any] = {"json_serializer": _written, "json_deserializer": msgspec.json.decode}  # nine times as fast as json's


def open_database(url: str) -> Engine:
    """An engine on the newest schema. A new database holds the shipped catalogue. Raises StoreFailed."""
    engine = _sqlite_engine(url) if make_url(url).get_backend_name() == "sqlite" else _postgresql_engine(url)
    try:
        with failures(engine):
            if _schema_version(engine) != newest_version():
                from service.store.schema import migrate  # with alembic a tenth of a second to import, and seldom needed

                migrate(engine)
            if engine.dialect.name == "sqlite":
                _switch_to_wal(engine)
    except StoreFailed:
        engine.dispose()
        raise
    return engine


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One unit of work: committed at the end, rolled back on any error. Raises StoreFailed where the database fails."""
    with failures(engine), Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def insisting(work: Callable[[], _Answer]) -> _Answer:
    """Where the database fails, ask it again for a while; `work` is whole transactions, and the first try may have been done."""
    try:
        return work()
    except StoreFailed:
        return _PATIENT(work)


class Stretch:
    """Transactions one after the other, for as long as it takes, on a database that others write to as well.

    SQLite's writers wait by looking again, in the end each tenth of a second (https://www.sqlite.org/c3ref/busy_timeout.html):
    whoever begins the next transaction at once keeps them out until they give up.
    """

    def __init__(self, engine: Engine) -> None:
        self._keeps_out = engine.dialect.name == "sqlite"
        self._begun = time.monotonic()

    def rest(self) -> None:
        """Between two transactions: each second, long enough for others to get in."""
        if self._keeps_out and time.monotonic() - self._begun > 1:
            time.sleep(_LONGEST_LOOK)
            self._begun = time.monotonic()


class KeptConnection:
    """For very many short transactions, one at a time: a new connection from the pool takes longer than what they do.

    On SQLite those of several processes queue at a lock of the operating system, which wakes the next one at once: SQLite's
    own waiting looks again after pauses that grow to a tenth of a second (https://www.sqlite.org/c3ref/busy_timeout.html).
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        file = sqlite_file(engine)
        self._queue = lock_file(file, "queue") if file else None

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """As `transaction`, without a session. After an error the next one opens another connection. Raises StoreFailed."""
        with self._lock, failures(self._engine), self._queued():
            self._connection = self._connection or self._engine.connect()
            try:
                with self._connection.begin():
                    yield self._connection
            except BaseException:
                self._disconnect()
                raise

    @contextmanager
    def _queued(self) -> Iterator[None]:
        if self._queue is None:
            yield
            return
        fcntl.flock(self._queue, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._queue, fcntl.LOCK_UN)

    def close(self) -> None:
        self._disconnect()
        if self._queue is not None:
            self._queue.close()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """For questions only: takes no write lock, and works on a database that can't be written."""
    read_only = engine.execution_options(read_only=True)
    with failures(engine), Session(read_only, expire_on_commit=False) as session:
        yield session


@contextmanager
def session_on(connection: Connection) -> Iterator[Session]:
    """Within the connection's transaction, which goes on after it."""
    with Session(bind=connection, expire_on_commit=False, join_transaction_mode="rollback_only") as session:
        yield session
        session.flush()


@contextmanager
def failures(engine: Engine) -> Iterator[None]:
    """What the database meets is raised as StoreFailed."""
    try:
        yield
    except (DBAPIError, PoolTimeout, engine.dialect.loaded_dbapi.Error) as error:
        said = " ".join(str(getattr(error, "orig", error)).split())
        place = engine.url.set(query={}).render_as_string(hide_password=True)  # a password may stand in the query too
        raise StoreFailed(f"the database {place} can't be used, nothing was changed by this step: {said}") from error


def sqlite_file(engine: Engine) -> str | None:
    """None for PostgreSQL."""
    if engine.dialect.name != "sqlite":
        return None
    return (engine.url.database or "").removeprefix("file:")  # SQLite's form of a name with options


def lock_file(database: str | None, name: str) -> IO[str]:
    """Beside the database's. Raises StoreFailed."""
    path = Path(f"{database}.{name}.lock")
    try:
        return path.open("w")
    except OSError as error:
        raise StoreFailed(f"the file {path} can't be used: {error.strerror}") from error


def _postgresql_engine(url: str) -> Engine:
    """psycopg 3, whichever way the URL is spelled. Raises StoreFailed where the extra isn't installed.

    We speak UTF-8: in the encoding of a server that was set up without one, SQL_ASCII, psycopg reads no text at all, and in a
    DateStyle other than ISO no instant. And who waited for a lock reads what was committed meanwhile, whatever isolation the
    server has as its default.
    """
    psycopg, spoken = make_url(url).set(drivername="postgresql+psycopg"), {"client_encoding": "utf8"}
    try:
        engine = create_engine(psycopg, isolation_level="READ COMMITTED", pool_pre_ping=True, connect_args=spoken, **_JSON)
    except ModuleNotFoundError as error:
        raise StoreFailed("PostgreSQL needs the extra `postgres`: pip install '.[postgres]' in the clone") from error

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.execute("SET DateStyle = ISO")
        connection.commit()

    return engine


def _sqlite_engine(url: str) -> Engine:
    """Full durability, foreign keys; and transactions that take the write lock when they begin.

    sqlite3 begins transactions by itself and late, so that two of them can each read, then write, and one update is lost
    without an error. With autocommit on and BEGIN IMMEDIATE said by us there is none of that
    (https://docs.sqlalchemy.org/en/20/dialects/sqlite.html, "Serializable isolation").
    """

    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT, "check_same_thread": False}, **_JSON)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        read_only = connection.get_execution_options().get("read_only")
        cursor = connection.connection.cursor()  # the driver's own: SQLAlchemy's way takes as long as a short transaction
        cursor.execute("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def _switch_to_wal(engine: Engine) -> None:
    """The file's own mode, and so only where it is known to be ours.

    SQLite waits for nobody where the mode changes, as when several processes open a new file at once.
    """
    end = time.monotonic() + _BUSY_TIMEOUT
    with closing(engine.raw_connection()) as connection:
        cursor = connection.cursor()
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] == "wal":
            return
        while True:
            try:
                cursor.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                    raise
            time.sleep(0.01)


def _schema_version(engine: Engine) -> str | None:
    """As alembic's table has it; none in an empty database."""
    with engine.execution_options(read_only=True).connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def newest_version() -> str:
    """Its file's name begins with it."""
    return max(path.stem for path in (MIGRATIONS / "versions").glob("[0-9]*.py")).partition("_")[0]
