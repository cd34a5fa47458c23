"""A server that follows a script: after each command it says the next line, or None to close the connection."""

from __future__ import annotations

import socket
import threading
import time
from typing import Any


def scripted(*conversations: list[str | None], pause: float = 0.0) -> int:
    """Serve the conversations one after another, each on a connection of its own. With a pause, byte by byte."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        with listener:
            for lines in conversations:
                connection, _ = listener.accept()
                with connection, connection.makefile("rb") as commands:
                    converse(connection, commands, lines, pause)

    threading.Thread(target=run, daemon=True).start()
    return int(listener.getsockname()[1])


def converse(connection: socket.socket, commands: Any, lines: list[str | None], pause: float) -> None:
    for number, line in enumerate(lines):
        if number and not heard(commands, lines[number - 1]):
            return
        if line is None:
            return
        said = line.encode() + b"\r\n"
        for piece in [said[n : n + 1] for n in range(len(said))] if pause else [said]:
            connection.sendall(piece)
            time.sleep(pause)
    while commands.readline():
        pass


def heard(commands: Any, before: str | None) -> bool:
    """Read one command, or the whole content after a 354."""
    line = commands.readline()
    while before and before.startswith("354") and line not in (b".\r\n", b""):
        line = commands.readline()
    return bool(line)


UP_TO_DATA = ["220 hello", "250 hello", "250 sender", "250 recipient", "354 go on"]
