from __future__ import annotations

import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine

from service.store.database import open_database
from service.store.locks import hold_alone
from tests.cli.conftest import Beginning, Paperround


@pytest.fixture
def filled(beginning: Beginning, paperround: Paperround, page_file: Path) -> None:
    def fill() -> None:
        paperround("fetch", "--from", page_file)
        paperround("subscribers", "add", "ada@example.org", "--topics", "agents")
        assert paperround("send-now", "--on", "2026-10-01", "--json").json["accepted"] == 1

    beginning(fill)


@pytest.mark.usefixtures("filled")
def test_a_restored_database_is_the_one_backed_up(paperround: Paperround, folder: Path) -> None:
    before = paperround("subscribers", "list", "--json").json
    assert paperround("backup", "kept.db").status == 0
    assert [path.name for path in folder.glob("*kept*")] == ["kept.db"]
    paperround("subscribers", "remove", "ada@example.org")
    ran = paperround("restore", "kept.db")
    assert (ran.status, ran.out.splitlines()[0]) == (0, "Restored, with 1 subscriber.")
    assert paperround("subscribers", "list", "--json").json == before
    again = paperround("send-now", "--on", "2026-10-01", "--json").json
    assert (again["accepted"], again["skipped"]) == (0, 1)


@pytest.mark.parametrize("name", ["paperround.db", "./paperround.db", "."])
@pytest.mark.usefixtures("filled")
def test_a_backup_never_takes_the_place_of_the_database(paperround: Paperround, folder: Path, name: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    ran = paperround("backup", name)
    assert ran.status == 2
    assert ran.err.startswith(f"error: {Path(name)} is ")
    assert ran.err.count("\n") == 1
    assert sorted(path.name for path in folder.iterdir()) == before
    assert len(paperround("subscribers", "list", "--json").json) == 1


@pytest.mark.usefixtures("filled")
def test_a_backup_never_takes_the_place_of_what_is_no_plain_file(paperround: Paperround, folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("elsewhere.db")
    for name in ("pipe", "link"):
        ran = paperround("backup", name)
        assert (ran.status, ran.err) == (2, f"error: {name} is no plain file, and would be replaced: name another one\n")
    assert (folder / "pipe").is_fifo()
    assert (folder / "link").is_symlink()


@pytest.mark.usefixtures("filled")
def test_a_backup_that_has_no_room_leaves_nothing_behind(paperround: Paperround, folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    with files_of_at_most(100_000):
        ran = paperround("backup", "kept.db")
    assert ran.status == 1
    assert ran.err.startswith("error: kept.db can't be written: ")
    assert sorted(path.name for path in folder.iterdir()) == before


def test_a_file_that_has_no_room_leaves_nothing_behind(paperround: Paperround, folder: Path) -> None:
    paperround("topics", "export", "kept.toml")
    kept, before = (folder / "kept.toml").read_text(), sorted(path.name for path in folder.iterdir())
    with files_of_at_most(100_000):
        ran = paperround("topics", "export", "kept.toml")
    assert (ran.status, ran.err) == (1, "error: kept.toml can't be written: File too large\n")
    assert ((folder / "kept.toml").read_text(), sorted(path.name for path in folder.iterdir())) == (kept, before)


@pytest.mark.parametrize("command", [["backup"], ["topics", "export"]], ids=" ".join)
def test_a_file_for_which_there_is_no_folder_is_wrong_use(paperround: Paperround, folder: Path, command: list[str]) -> None:
    (folder / "file").touch()
    ran = paperround(*command, "file/kept")
    assert (ran.status, ran.err) == (2, "error: file/kept can't be written: Not a directory\n")
    ran = paperround(*command, "nowhere/kept")
    assert (ran.status, ran.err) == (2, "error: nowhere/kept can't be written: No such file or directory\n")


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """In bytes; as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.slow
@pytest.mark.usefixtures("filled")
def test_what_the_command_writes_is_for_its_owner_alone(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", "from service.cli import main; main()", "backup", "kept.db"], check=True, cwd=folder)
    assert stat.filemode((folder / "kept.db").stat().st_mode) == "-rw-------"


@pytest.mark.usefixtures("filled")
def test_a_database_with_subscribers_is_replaced_only_when_asked(paperround: Paperround) -> None:
    paperround("backup", "kept.db")
    paperround("subscribers", "add", "ben@example.org", "--topics", "code")
    refused = paperround("restore", "kept.db")
    assert (refused.status, refused.err) == (
        2,
        "error: the database has 2 subscribers already: to replace it all, say --yes\n",
    )
    assert paperround("restore", "kept.db", "--yes", "--json").json["subscribers"] == 1


@pytest.mark.usefixtures("filled")
def test_nothing_is_restored_under_a_running_serve(paperround: Paperround, folder: Path) -> None:
    paperround("backup", "kept.db")
    engine = open_database(f"sqlite:///{folder / 'paperround.db'}")
    with hold_alone(engine, "serve"):
        ran = paperround("restore", "kept.db", "--yes")
    engine.dispose()
    assert (ran.status, ran.err) == (1, "error: another `serve` runs on this database: stop that one first\n")
    assert paperround("restore", "kept.db", "--yes").status == 0


@pytest.mark.usefixtures("filled")
def test_a_backup_is_whole_while_another_writes(paperround: Paperround, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "paperround.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("DELETE FROM paper")
        assert paperround("backup", "kept.db").status == 0
        other.execute("ROLLBACK")
    with closing(sqlite3.connect(folder / "kept.db")) as kept:
        assert kept.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert kept.execute("SELECT count(*) FROM paper").fetchone() == (3,)


@pytest.mark.usefixtures("filled")
def test_a_backup_that_tells_no_version_is_refused(paperround: Paperround, folder: Path) -> None:
    paperround("backup", "kept.db")
    with closing(sqlite3.connect(folder / "kept.db")) as kept:
        kept.execute("DELETE FROM alembic_version")
        kept.commit()
    ran = paperround("restore", "kept.db", "--yes")
    assert (ran.status, ran.err) == (
        2,
        "error: kept.db does not tell its schema's version (its table alembic_version is empty)\n",
    )


@pytest.mark.usefixtures("filled")
def test_a_database_that_tells_no_version_is_told_as_that(paperround: Paperround, folder: Path) -> None:
    with closing(sqlite3.connect(folder / "paperround.db")) as ours:
        ours.execute("DELETE FROM alembic_version")
        ours.commit()
    ran = paperround("status")
    assert (ran.status, ran.err) == (
        1,
        "error: the database has tables, but does not tell its schema's version (its table alembic_version is empty or gone):"
        " move it away, and restore a backup\n",
    )


@pytest.mark.parametrize("content", [b"no database at all, only some words" * 50, b"", None])
def test_what_is_no_backup_is_refused_and_nothing_is_lost(paperround: Paperround, folder: Path, content: bytes | None) -> None:
    paperround("subscribers", "add", "ada@example.org", "--topics", "agents")  # whom nobody shall be told to replace
    if content is not None:
        (folder / "other.db").write_bytes(content)
    ran = paperround("restore", "other.db")
    assert ran.status == 2
    assert ran.err.startswith("error: other.db ")
    assert ran.err.count("\n") == 1
    assert len(paperround("topics", "list", "--json").json) == 20


def damage(kept: Path) -> None:
    content = kept.read_bytes()
    kept.write_bytes(content[: len(content) // 2] + bytes(len(content) // 2))


def make_newer(kept: Path) -> None:
    with closing(sqlite3.connect(kept)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")


@pytest.mark.parametrize(("spoil", "words"), [(damage, "is damaged"), (make_newer, "was made by a newer Paperround")])
@pytest.mark.usefixtures("filled")
def test_a_backup_that_can_not_be_used_takes_the_place_of_nothing(
    paperround: Paperround, folder: Path, spoil: Callable[[Path], None], words: str
) -> None:
    paperround("backup", "kept.db")
    spoil(folder / "kept.db")
    ran = paperround("restore", "kept.db", "--yes")
    assert ran.status == 2
    assert ran.err.startswith(f"error: kept.db {words}")
    assert ran.err.count("\n") == 1
    assert len(paperround("subscribers", "list", "--json").json) == 1


def test_postgresql_is_pointed_to_its_own_tools(
    paperround: Paperround, postgresql: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", postgresql.url.render_as_string(hide_password=False))
    ran = paperround("backup", "kept.db")
    assert (ran.status, ran.err) == (2, "error: this is PostgreSQL: use its own pg_dump and pg_restore\n")
