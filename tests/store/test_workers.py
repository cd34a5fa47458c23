"""Who lives: by files that the operating system keeps locked."""

from __future__ import annotations

import fcntl
import os
import pwd
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.errors import StoreFailed
from service.store.workers import dead_workers, hold_worker, seen_workers
from tests.programs import service_folder


def test_one_that_lives_is_not_dead_and_one_whose_file_is_left_is(tmp_path: Path) -> None:
    (tmp_path / "left.lock").touch()
    with hold_worker(tmp_path) as worker:
        assert dead_workers(tmp_path) == ["left"]
        with seen_workers(tmp_path) as seen:
            assert (seen.dead, seen.living) == (["left"], [worker])
        assert [path.stem for path in tmp_path.glob("*.lock")] == [worker]
    assert not list(tmp_path.glob("*.lock"))


def test_a_folder_of_workers_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = r"the folder of workers .*/file/workers can't be used: Not a directory"
    with pytest.raises(StoreFailed, match=told), hold_worker(tmp_path / "file" / "workers"):
        pass


def test_one_of_another_user_is_left_until_its_leases_run_out() -> None:
    """As where the administrator sent by hand as root, and was killed, in the folder of a service with a user of its own."""
    with service_folder() as folder:
        folder.chmod(0o777)
        (folder / "theirs.lock").touch(mode=0o000)
        (folder / "left.lock").touch(mode=0o666)
        with _as_nobody(), seen_workers(folder) as seen:
            assert (seen.dead, seen.living) == (["left"], [])
        assert [path.name for path in folder.iterdir()] == ["theirs.lock"]


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Root may open every file."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(before)


def test_one_who_has_not_locked_the_file_just_made_waits_until_it_is_forgotten(tmp_path: Path) -> None:
    found: list[bool] = []

    def lock_it() -> None:
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)
            found.append(Path(file.name).exists())

    file = (tmp_path / "new.lock").open("w")
    worker = threading.Thread(target=lock_it)
    with seen_workers(tmp_path) as seen:
        assert seen.dead == ["new"]
        worker.start()
        worker.join(0.1)
        assert found == []
    worker.join()
    assert found == [False]
