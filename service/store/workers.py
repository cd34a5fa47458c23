"""Which senders live: each holds a file that the operating system keeps locked for it. Touches the file system.

The lock ends with the process, however it ends, so an unlocked file tells of a dead worker at once, and a locked one of a
living worker, however long the machine slept meanwhile. A worker whose file is not here, on another machine say, or is another
user's, is dead when its leases run out.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import Engine

from service.errors import StoreFailed
from service.models import new_key
from service.store.database import sqlite_file


class Workers(NamedTuple):
    """By their ids."""

    dead: list[str]
    living: list[str]


def worker_folder(engine: Engine) -> Path:
    """Beside the SQLite file, or where the process runs."""
    file = sqlite_file(engine)
    return Path(f"{file}.workers" if file else "paperround.workers")


@contextmanager
def hold_worker(folder: Path) -> Iterator[str]:
    """Be a worker of a new random id. Its file goes only at a clean end: after an error others see to what it had claimed.

    Raises StoreFailed where the folder can't be used.
    """
    try:
        file = _locked_file(folder)
    except OSError as error:
        raise StoreFailed(f"the folder of workers {folder} can't be used: {error.strerror}") from error
    with file:
        yield Path(file.name).stem
        Path(file.name).unlink(missing_ok=True)


@contextmanager
def seen_workers(folder: Path) -> Iterator[Workers]:
    """Those whose file is here. Once the block has freed what the dead ones had claimed, they are forgotten.

    Until then their files are locked by us: one who was about to lock the file that they had just made waits, and finds it gone.
    """
    with ExitStack() as held:
        locked = {path: _is_locked_by_us(path, held) for path in sorted(folder.glob("*.lock"))}
        dead = [path for path, is_ours in locked.items() if is_ours]
        yield Workers([path.stem for path in dead], [path.stem for path, is_ours in locked.items() if is_ours is False])
        for path in dead:
            path.unlink(missing_ok=True)


def dead_workers(folder: Path) -> list[str]:
    """Those whose file is here; nothing is freed or forgotten."""
    with ExitStack() as held:
        return [path.stem for path in sorted(folder.glob("*.lock")) if _is_locked_by_us(path, held)]


def _locked_file(folder: Path) -> IO[str]:
    """In the instant before it is locked, another process may take a file for a dead worker's, and remove it."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        file = (folder / f"{new_key()}.lock").open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        if Path(file.name).exists():
            return file
        file.close()


def _is_locked_by_us(path: Path, held: ExitStack) -> bool | None:
    """None where that can't be told: its worker ended cleanly just now, or is another user's."""
    try:
        fcntl.flock(held.enter_context(path.open()), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (FileNotFoundError, PermissionError):
        return None
    return True
