"""Who lives: by files that the operating system keeps locked."""

from __future__ import annotations

import fcntl
import threading
from pathlib import Path

from service.store.workers import hold_worker, seen_workers


def test_one_that_lives_is_not_dead_and_one_whose_file_is_left_is(tmp_path: Path) -> None:
    (tmp_path / "left.lock").touch()
    with hold_worker(tmp_path) as worker:
        with seen_workers(tmp_path) as seen:
            assert (seen.dead, seen.living) == (["left"], [worker])
        assert [path.stem for path in tmp_path.glob("*.lock")] == [worker]
    assert not list(tmp_path.glob("*.lock"))


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
