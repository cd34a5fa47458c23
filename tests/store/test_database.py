from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from service.catalogue import shipped_catalogue
from service.errors import StoreFailed
from service.models import Page, Paper, Subscriber, metadata
from service.store import database
from service.store.database import open_database, reading, transaction
from service.store.topics import all_topics
from tests.builders import NOW, subscriber


def test_migrating_an_empty_database_gives_the_models_schema(engine: Engine) -> None:
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection, opts={"compare_type": True}), metadata) == []
        checks = {check["name"] for table in metadata.tables for check in inspect(connection).get_check_constraints(table)}
    assert checks == {"ck_subscriber_state", "ck_subscriber_hour", "ck_delivery_state"}


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


def test_the_upgrade_for_the_source_keeps_the_rows_there_are(
    new_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = tmp_path / "migrations"
    original = Path(database.__file__).parent / "migrations"
    (first / "versions").mkdir(parents=True)
    (first / "env.py").write_text((original / "env.py").read_text())
    (first / "versions" / "0001.py").write_text((original / "versions" / "0001_the_line.py").read_text())
    monkeypatch.setattr(database, "MIGRATIONS", first)
    old = open_database(new_database)
    with old.begin() as connection:
        at = {"at": datetime(2026, 10, 2, tzinfo=UTC)}
        columns = "address, fetched_at, new_count, known_count, changed_count, rejected, warnings"
        connection.execute(text(f"INSERT INTO page ({columns}) VALUES ('x', :at, 1, 0, 0, '[]', '[]')"), at)
        columns = "id, title, featured_on, first_seen_at, seen_at, tags"
        connection.execute(text(f"INSERT INTO paper ({columns}) VALUES ('2610.00001', 'T', '2026-10-01', :at, :at, '[]')"), at)
    old.dispose()
    monkeypatch.undo()
    engine = open_database(new_database)
    with reading(engine) as session:
        page, paper = session.get_one(Page, 1), session.get_one(Paper, "2610.00001")
        assert (page.new_count, page.causes, page.field_counts, page.part, page.goes_on) == (1, [], {}, 0, False)
        assert (paper.title, paper.told_by, paper.velocity) == ("T", {}, None)
    engine.dispose()


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


def test_the_database_is_durable_and_checks_its_keys(sqlite: Engine) -> None:
    with sqlite.connect() as connection:
        pragmas = [
            connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]
    assert pragmas == ["wal", 2, 1]
