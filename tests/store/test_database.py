from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack, closing, contextmanager
from datetime import date
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import URL, Engine, inspect, text

from service.catalogue import shipped_catalogue
from service.errors import StoreFailed
from service.models import Delivery, Issue, Page, Paper, Plan, Subscriber, metadata, new_key
from service.store import database, schema
from service.store.database import Stretch, open_database, reading, transaction
from service.store.planning import lock_planning
from service.store.topics import all_topics
from tests.builders import NOW, free_port, subscriber
from tests.conftest import administer
from tests.kills import plan


def test_migrating_an_empty_database_gives_the_models_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
        checks = {check["name"] for table in metadata.tables for check in inspect(connection).get_check_constraints(table)}
    assert checks == {
        "ck_subscriber_state",
        "ck_subscriber_hour",
        "ck_subscriber_language",
        "ck_delivery_state",
        "ck_delivery_bounce",
        "ck_notice_state",
        "ck_notice_kind",
        "ck_notice_bounce",
        "ck_mark_kind",
    }


@contextmanager
def own_database(server: URL, creation: str = "", setting: str | None = None) -> Iterator[Engine]:
    name = f"own_{new_key()}"
    administer(server, f"CREATE DATABASE {name} {creation}")
    if setting:
        administer(server, f"ALTER DATABASE {name} SET {setting}")
    engine = open_database(server.set(database=name).render_as_string(hide_password=False))
    yield engine
    engine.dispose()
    administer(server, f"DROP DATABASE {name} WITH (FORCE)")


def test_a_postgresql_that_was_set_up_without_an_encoding_keeps_what_is_written(postgresql_server: URL) -> None:
    """As `initdb` does it where the machine has no locale: the server converts nothing, and tells nothing."""
    with own_database(postgresql_server, "TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'") as engine:
        with transaction(engine) as session:
            session.add(subscriber(followed=["Zoë Müller"], email="zoë@example.org"))
        with reading(engine) as session:
            person = session.get_one(Subscriber, 1)
    assert (person.email, person.followed) == ("zoë@example.org", ["Zoë Müller"])


def test_dates_are_read_whatever_style_the_database_has_for_people(postgresql_server: URL) -> None:
    with own_database(postgresql_server, setting="DateStyle = 'German'") as engine:
        with transaction(engine) as session:
            session.add(subscriber(paused_until=date(2026, 12, 3)))
        with reading(engine) as session:
            person = session.get_one(Subscriber, 1)
    assert (person.added_at, person.paused_until) == (NOW, date(2026, 12, 3))


def test_who_waited_for_a_lock_sees_what_was_done_meanwhile(postgresql_server: URL) -> None:
    """Whatever the server's default isolation. On SQLite writers are alone anyway."""
    with own_database(postgresql_server, setting="default_transaction_isolation = 'repeatable read'") as engine:

        def has_ada() -> bool:
            with transaction(engine) as session:
                lock_planning(session)
                return session.get(Subscriber, 1) is not None

        with ThreadPoolExecutor(1) as other:
            with transaction(engine) as session:
                lock_planning(session)
                answer = other.submit(has_ada)
                wait([answer], 0.5)
                session.add(subscriber())
            assert answer.result()


@pytest.mark.parametrize(("column", "value"), [("state", "sent"), ("bounce", "high")])
def test_a_mail_can_not_be_what_there_is_no_word_for(engine: Engine, column: str, value: str) -> None:
    plan(engine, 1)
    with pytest.raises(StoreFailed, match=f"ck_delivery_{column}"), transaction(engine) as session:
        session.get_one(Delivery, 1).sqlmodel_update({column: value})


def test_a_new_database_holds_the_shipped_catalogue(engine: Engine) -> None:
    with reading(engine) as session:
        assert [topic.slug for topic in all_topics(session)] == [topic.slug for topic in shipped_catalogue()]


def test_opening_again_keeps_what_is_stored(engine: Engine) -> None:
    with transaction(engine) as session:
        session.add(subscriber())
        session.delete(all_topics(session)[0])
    again = open_database(str(engine.url))
    with reading(again) as session:
        assert len(all_topics(session)) == len(shipped_catalogue()) - 1
        assert session.get_one(Subscriber, 1).added_at == NOW
    again.dispose()


# One row that others refer to, or that a later step makes anew, stored at that step.
ROWS = {
    "0001": {
        "page": "(id, address, fetched_at, new_count, known_count, changed_count, rejected, warnings)"
        " VALUES (1, 'x', '2026-10-02 06:00:00', 1, 0, 0, '[]', '[]')",
        "paper": "(id, title, featured_on, first_seen_at, seen_at, tags)"
        " VALUES ('2610.00001', 'T', '2026-10-01', '2026-10-02 06:00:00', '2026-10-02 06:00:00', '[]')",
        "subscriber": "(id, key, email, state, topics, zone, hour, cadence, added_at)"
        " VALUES (1, 'k', 'ada@example.org', 'active', '[]', 'UTC', 8, 'daily', '2026-10-02 06:00:00')",
        "issue": "(id, started_by, planned_at) VALUES (1, 'serve', '2026-10-02 06:00:00')",
        "delivery": "(id, key, issue_id, subscriber_id, digest_on, since_on, state, topics, paper_ids, looked_at_count, attempts,"
        " planned_at) VALUES (1, 'd', 1, 1, '2026-10-01', '2026-10-01', 'accepted', '[]', '[]', 0, 1, '2026-10-02 06:00:00')",
    },
    "0002": {
        "notice": "(id, key, subscriber_id, kind, email, before, after, state, attempts, planned_at)"
        " VALUES (1, 'n', 1, 'account', 'ada@example.org', '{}', '{}', 'accepted', 1, '2026-10-02 06:00:00')",
    },
}


def test_each_upgrade_keeps_the_rows_of_the_steps_before(bare_database: Engine) -> None:
    stored: list[str] = []
    for script in reversed(list(ScriptDirectory.from_config(schema.alembic_config(None)).walk_revisions())):
        upgrade(bare_database, script.revision)
        with bare_database.begin() as connection:
            assert [connection.execute(text(f"SELECT count(*) FROM {table}")).scalar() for table in stored] == [1] * len(stored)
            for table, row in ROWS.get(script.revision, {}).items():
                connection.execute(text(f"INSERT INTO {table} {row}"))
                stored.append(table)
    with reading(bare_database) as session:
        page, paper = session.get_one(Page, 1), session.get_one(Paper, "2610.00001")
        assert (page.new_count, page.causes, page.field_counts, page.part, page.goes_on) == (1, [], {}, 0, False)
        assert (paper.title, paper.told_by, paper.velocity, paper.summary_tries) == ("T", {}, None, 0)
        assert (session.get_one(Issue, 1).candidate_count, session.get_one(Delivery, 1).uncertain_count) == (1, 0)
        person = session.get_one(Subscriber, 1)
        assert (person.length, person.minimum_score, person.followed, person.muted) == ("minutes:6", 0, [], [])
        assert (person.language, person.with_abstract, person.with_outside, person.with_note) == ("en", False, True, False)
        assert session.get_one(Delivery, 1).plan == Plan()
    with bare_database.connect() as connection:
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def test_the_newest_version_is_the_last_of_the_migrations() -> None:
    assert database.newest_version() == ScriptDirectory.from_config(schema.alembic_config(None)).get_current_head()


@pytest.fixture
def bare_database(new_database: str) -> Iterator[Engine]:
    is_sqlite = new_database.startswith("sqlite")
    engine = database._sqlite_engine(new_database) if is_sqlite else database._postgresql_engine(new_database)
    yield engine
    engine.dispose()


def upgrade(engine: Engine, revision: str) -> None:
    with engine.connect() as connection, schema.foreign_keys_off(connection), connection.begin():
        command.upgrade(schema.alembic_config(connection), revision)


def test_a_failing_migration_leaves_nothing_behind(new_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "migrations"
    original = Path(database.__file__).parent / "migrations"
    (broken / "versions").mkdir(parents=True)
    (broken / "env.py").write_text((original / "env.py").read_text())
    (broken / "versions" / "0001.py").write_text((original / "versions" / "0001_the_line.py").read_text())
    (broken / "versions" / "0002.py").write_text(
        'revision = "0002"\ndown_revision = "0001"\ndef upgrade():\n    from alembic import op\n'
        '    op.execute("CREATE TABLE half (id INTEGER)")\n    op.execute("no sql")\n'
    )
    monkeypatch.setattr(database, "MIGRATIONS", broken)
    with pytest.raises(StoreFailed, match="syntax error"):
        open_database(new_database)
    monkeypatch.undo()
    engine = open_database(new_database)
    with engine.connect() as connection:
        assert "half" not in inspect(connection).get_table_names()
        assert "paper" in inspect(connection).get_table_names()
    engine.dispose()


def test_a_new_file_that_another_process_writes_to_is_waited_for(tmp_path: Path) -> None:
    """SQLite itself waits for nobody where it changes the journal's mode."""
    other = sqlite3.connect(tmp_path / "new.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    release = threading.Timer(0.5, other.rollback)
    release.start()
    open_database(f"sqlite:///{tmp_path}/new.db").dispose()
    assert time.monotonic() - begun > 0.4
    release.join()
    other.close()


def test_two_processes_may_open_a_new_database_at_once(new_database: str) -> None:
    failures: list[Exception] = []

    def open_it() -> None:
        try:
            open_database(new_database).dispose()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    engine = open_database(new_database)
    with reading(engine) as session:
        assert len(all_topics(session)) == 20
    engine.dispose()


def test_no_update_is_lost_between_two_writers(sqlite: Engine) -> None:
    with transaction(sqlite) as session:
        session.add(subscriber(hour=0))

    def add_one_hour() -> None:
        for _ in range(5):
            with transaction(sqlite) as session:
                person = session.get_one(Subscriber, 1)
                person.hour += 1

    threads = [threading.Thread(target=add_one_hour) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(sqlite) as session:
        assert session.get_one(Subscriber, 1).hour == 20


def test_who_waits_gets_in_between_the_transactions_of_a_long_work(sqlite: Engine) -> None:
    is_done, is_busy = threading.Event(), threading.Event()

    def plan_very_many() -> None:
        stretch = Stretch(sqlite)
        while not is_done.is_set():
            with transaction(sqlite) as session:
                session.connection()
                is_busy.set()
                time.sleep(0.15)  # just as another looks a little earlier or later
            stretch.rest()

    other = sqlite3.connect(sqlite.url.database or "", timeout=60, isolation_level=None)
    other.execute("SELECT count(*) FROM subscriber")
    work = threading.Thread(target=plan_very_many)
    work.start()
    is_busy.wait()
    begun = time.monotonic()
    try:
        other.execute("BEGIN IMMEDIATE")
        waited = time.monotonic() - begun
    finally:
        is_done.set()
        other.close()
        work.join()
    assert waited < 30


def test_a_failed_unit_of_work_changes_nothing(engine: Engine) -> None:
    def add_one_good_and_one_bad() -> None:
        with transaction(engine) as session:
            session.add(subscriber(hour=8))
            session.flush()
            session.add(subscriber("ben@example.org", id=2, key="b", hour=24))

    with pytest.raises(StoreFailed, match="ck_subscriber_hour"):
        add_one_good_and_one_bad()
    with reading(engine) as session:
        assert session.get(Subscriber, 1) is None


@pytest.mark.parametrize(
    "account", ["paperround:s3cret@127.0.0.1:{port}/paperround", "127.0.0.1:{port}/paperround?password=s3cret"]
)
def test_a_database_that_can_not_be_reached_is_told_without_its_password(account: str) -> None:
    with pytest.raises(StoreFailed, match=r"127\.0\.0\.1.*can't be used") as failure:
        open_database("postgresql://" + account.format(port=free_port()))
    assert "s3cret" not in str(failure.value)


@pytest.mark.slow
def test_a_database_whose_connections_all_hang_has_failed(sqlite: Engine) -> None:
    with ExitStack() as held:
        for _ in range(15):
            held.enter_context(reading(sqlite)).connection()
        with pytest.raises(StoreFailed, match="timeout"), reading(sqlite) as session:
            all_topics(session)


def test_a_database_opened_for_reading_answers_questions_and_refuses_changes(sqlite: Engine) -> None:
    path = sqlite.url.database
    sqlite.dispose()
    read_only = open_database(f"sqlite:///file:{path}?mode=ro&uri=true")
    with reading(read_only) as session:
        assert len(all_topics(session)) == 20
    with pytest.raises(StoreFailed, match="readonly"), transaction(read_only) as session:
        session.add(subscriber())
    read_only.dispose()


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like a file of some kind" * 20, None])
def test_what_is_no_database_is_told_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "no" / "paperround.db" if content is None else tmp_path / "paperround.db"
    if content:
        path.write_bytes(content)
    with pytest.raises(StoreFailed) as failure:
        open_database(f"sqlite:///{path}")
    assert str(path) in str(failure.value)
    assert "\n" not in str(failure.value)


def test_a_file_of_another_program_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(file)) as other:
        other.execute("CREATE TABLE bookmark (id INTEGER PRIMARY KEY)")
    before = file.read_bytes()
    with pytest.raises(StoreFailed, match="another program"):
        open_database(f"sqlite:///{file}")
    assert file.read_bytes() == before
    assert list(tmp_path.iterdir()) == [file]


def test_the_database_is_durable_and_checks_its_keys(tmp_path: Path) -> None:
    engine = open_database(f"sqlite:///{tmp_path / 'new.db'}")
    with engine.connect() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    engine.dispose()
    assert pragmas == ["wal", 2, 1]
