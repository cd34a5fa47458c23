"""Fixtures: databases on the newest schema, the real data where it is at hand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
import stamina
import trustme
from hypothesis import HealthCheck, settings
from sqlalchemy import URL, Engine, create_engine, event, make_url

from service.models import metadata, new_key
from service.store.database import open_database
from tests import programs

REAL = Path(__file__).parents[2] / "shared" / "real"

settings.register_profile("paperround", deadline=None, suppress_health_check=[HealthCheck.too_slow])  # no test fails by time
settings.load_profile("paperround")

_NUMBERS = "SELECT sequencename, coalesce(last_value, 1) AS last, last_value IS NOT NULL AS is_used FROM pg_sequences"
# As in a new database. To make one for each test, and connect to it, took longer than most tests.
_RENEWAL = "; ".join(
    (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle'"
        " AND pid <> pg_backend_pid()",
        *(f"DELETE FROM {table.name}" for table in reversed(metadata.sorted_tables)),
        *(f"INSERT INTO {table.name} SELECT * FROM kept.{table.name}" for table in metadata.sorted_tables),
        "SELECT setval(sequencename::regclass, last, is_used) FROM kept.numbers",
    )
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """On PostgreSQL the store's tests run by default, what is built on the store among the slow ones.

    The longest first: begun last, one of them would keep one core busy for minutes beside an idle one.
    """
    for item in items:
        if isinstance(item, pytest.Function) and "store" not in item.path.parts and _is_on_postgresql(item):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.name != "test_month.py")


def _is_on_postgresql(item: pytest.Function) -> bool:
    chosen = item.callspec.params.values() if hasattr(item, "callspec") else ()
    return "postgresql" in chosen or not {"postgresql", "postgresql_server"}.isdisjoint(item.fixturenames)


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    """Requests are tried again, without the pauses between them."""
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


@pytest.fixture(scope="session", autouse=True)
def one_authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The only one that is trusted: to read those of the whole world takes each of very many clients 20 ms."""
    path = tmp_path_factory.mktemp("authority") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SSL_CERT_FILE", str(path))
        yield


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("database") / "new.db"
    open_database(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture(scope="session")
def sqlite_engine(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """One that outlives its databases, as it keeps the statements that it has compiled."""
    path = tmp_path_factory.mktemp("sqlite") / "paperround.db"
    shutil.copy(migrated_file, path)
    engine = open_database(f"sqlite:///{path}")
    event.listen(engine, "connect", lambda raw, _record: raw.execute("PRAGMA synchronous=OFF"))  # no waiting for the disk
    engine.dispose()
    return engine


@pytest.fixture
def sqlite(sqlite_engine: Engine, migrated_file: Path) -> Iterator[Engine]:
    file = Path(sqlite_engine.url.database or "")
    shutil.copy(migrated_file, file)
    yield sqlite_engine
    sqlite_engine.dispose()
    for left in file.parent.iterdir():  # its log, its locks, its workers
        shutil.rmtree(left) if left.is_dir() else left.unlink()


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[URL]:
    """A real server: the one of TEST_DATABASE_URL, or one of our own that also runs as root."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield make_url(given)
        _administrator(make_url(given)).dispose()
        return
    with programs.postgresql_server() as server:
        url = make_url(server.get_uri())
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # else each new database waits for the disk
            administer(url, f"ALTER SYSTEM SET {setting} = off")
        administer(url, "SELECT pg_reload_conf()")
        yield url
        _administrator(url).dispose()


@pytest.fixture(scope="session")
def postgresql_engine(postgresql_server: URL) -> Iterator[Engine]:
    """One database for all tests. The schema `kept` keeps the rows that a new one has."""
    name = f"test_{new_key()}"
    administer(postgresql_server, f"CREATE DATABASE {name}")
    engine = open_database(_url_of(postgresql_server, name))
    with engine.begin() as connection:
        copies = (f"CREATE TABLE kept.{table} AS TABLE {table}" for table in metadata.tables)
        connection.exec_driver_sql("; ".join(("CREATE SCHEMA kept", *copies, f"CREATE TABLE kept.numbers AS {_NUMBERS}")))
    yield engine
    engine.dispose()
    administer(postgresql_server, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def postgresql(postgresql_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.chdir(tmp_path)  # the folder of workers is made where the process runs
    yield postgresql_engine
    with postgresql_engine.begin() as connection:
        connection.exec_driver_sql(_RENEWAL)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each test that takes it runs on both databases."""
    engine = request.getfixturevalue(request.param)
    assert isinstance(engine, Engine)
    return engine


@pytest.fixture(params=["sqlite", "postgresql"])
def new_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    server, name = request.getfixturevalue("postgresql_server"), f"new_{new_key()}"
    administer(server, f"CREATE DATABASE {name}")
    yield _url_of(server, name)
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def _url_of(server: URL, database: str) -> str:
    return server.set(database=database).render_as_string(hide_password=False)


def administer(server: URL, statement: str) -> None:
    with _administrator(server).connect() as connection:
        connection.exec_driver_sql(statement)


@cache
def _administrator(server: URL) -> Engine:
    return create_engine(server.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")


@pytest.fixture(scope="session")
def real() -> Path:
    """Real pages and records: third-party data that is not part of the project."""
    if not REAL.is_dir():
        pytest.skip("the real pages (../shared/real) are not at hand")
    return REAL
