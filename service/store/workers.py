"""Which senders live: each holds a file that the operating system keeps locked for it. Touches the file system.

The lock ends with the process, however it ends, so an unlocked file tells of a dead worker at once. A worker whose file is
not here, on another machine say, or is another user's, is dead when its leases run out.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from sqlalchemy import Engine

from service.errors import StoreFailed
from service.models import new_key
from service.store.database import sqlite_file


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
def dead_workers(folder: Path) -> Iterator[list[str]]:
    """Those whose file is here and unlocked. Once the block has freed what they had claimed, they are forgotten.

    Until then their files are locked by us: one who was about to lock the file that they had just made waits, and finds it gone.
    """
    with ExitStack() as held:
        paths = [path for path in sorted(folder.glob("*.lock")) if _is_locked_by_us(path, held)]
        yield [path.stem for path in paths]
        for path in paths:
            path.unlink(missing_ok=True)


def _locked_file(folder: Path) -> IO[str]:
    """In the instant before it is locked, another process may take a file for a dead worker's, and remove it."""
    folder.mkdir(parents=True, exist_ok=True)
    while True:
        file = (folder / f"{new_key()}.lock").open("w")
        fcntl.flock(file, fcntl.LOCK_EX)
        if Path(file.name).exists():
            return file
        file.close()


def _is_locked_by_us(path: Path, held: ExitStack) -> bool:
    try:
        fcntl.flock(held.enter_context(path.open()), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, FileNotFoundError, PermissionError):  # it lives, ended cleanly just now, or is another user's
        return False
    return True
