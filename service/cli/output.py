"""What commands share: how they print, read and write; their options. Touches the terminal, files and the database."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text
from sqlalchemy import Engine
from sqlmodel import Session

from service import connections
from service.errors import PaperroundError, WrongUse
from service.settings import Settings, load_settings, setting_warnings
from service.store.database import reading, transaction

LARGEST_NUMBER = 2**31 - 1  # that a column of PostgreSQL holds
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
On = Annotated[
    str | None, typer.Option("--on", metavar="DATE", help="The day, as in 2026-11-20; default: the last complete one.")
]


def say(text: str = "") -> None:
    """The answer, on stdout."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()  # in step with stderr


def tell(text: str) -> None:
    """Progress, warnings and errors, on stderr."""
    sys.stderr.write(text + "\n")


def say_json(value: Any, *, indent: int | None = 2) -> None:
    """As readable as the terminal allows; what it can't show is escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=indent, default=_json_form)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(value, indent=indent, default=_json_form)
    say(text)


def _json_form(value: Any) -> str:
    """Days and instants in ISO 8601."""
    return value.isoformat() if isinstance(value, date) else str(value)


def say_table(rows: Sequence[Sequence[object]]) -> None:
    """Columns two blanks apart; the last one is as wide as it is."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def now() -> datetime:
    return datetime.now(UTC)


def day(text: str | None) -> date | None:
    """Raises WrongUse."""
    if text is None:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError as error:
        raise WrongUse(f"{text!r} is not a day: write it as in 2026-11-20") from error
    if not 2000 <= found.year <= 2100:
        raise WrongUse(f"{text!r} is no day of this source: write one as in 2026-11-20")
    return found


def past_day(text: str | None) -> date | None:
    """Or today. Raises WrongUse."""
    found = day(text)
    if found and found > now().date():
        raise WrongUse(f"{found} has not come yet")
    return found


def settings() -> Settings:
    """The settings, with their warnings told."""
    loaded = load_settings(Settings)
    for warning in setting_warnings(loaded):
        tell(f"warning: {warning}")
    return loaded


@contextmanager
def database() -> Iterator[tuple[Settings, Engine]]:
    """The settings, and the database that they name, on the newest schema."""
    loaded = settings()
    with connections.database(loaded.database_url) as engine:
        yield loaded, engine


@contextmanager
def database_reading() -> Iterator[Session]:
    with database() as (_, engine), reading(engine) as session:
        yield session


@contextmanager
def database_transaction() -> Iterator[Session]:
    with database() as (_, engine), transaction(engine) as session:
        yield session


def read_file(path: Path) -> bytes:
    """A file, or standard input for `-`. Raises WrongUse."""
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise WrongUse(f"{path} can't be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """Raises WrongUse. PostgreSQL keeps no NUL."""
    try:
        text = read_file(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WrongUse(f"{path} is not UTF-8 text") from error
    if "\0" in text:
        raise WrongUse(f"{path} is not text: it holds a NUL")
    return text


def write_file(path: Path, text: str) -> None:
    """A plain file is replaced, once the new one is whole; a link, a pipe or a device is written to.

    Raises WrongUse for a name that can't be used, and PaperroundError where there is no room.
    """
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_text(text, "utf-8", newline="\n")
        else:
            _replace_file(path, text)
    except OSError as error:
        failure = WrongUse if error.filename else PaperroundError
        raise failure(f"{path} can't be written: {error.strerror}") from error


def _replace_file(path: Path, text: str) -> None:
    """A write that fails leaves the old file, and nothing beside it."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_text(text, "utf-8", newline="\n")
        unfinished.replace(path)
    finally:
        with suppress(OSError):
            unfinished.unlink()


def make_folder(path: Path) -> None:
    """Raises WrongUse."""
    if str(path) == "-":
        raise WrongUse("several files are written, none to stdout: name a folder")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WrongUse(f"{path} can't be made: {error.strerror}") from error


def say_export(text: str, rows: Sequence[object], noun: str, *, file: Path | None, as_json: bool) -> None:
    """The text, to the file or to stdout, which `-` names too; or else the same rows as JSON. `noun` names one of them."""
    if file and str(file) != "-":
        write_file(file, text)
        told = f"{counted(len(rows), noun)} written to {file}"
        say_json({"file": file, f"{noun}s": len(rows)}) if as_json else say(told)
    elif as_json:
        say_json(rows)
    else:
        say(text.rstrip())


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.0f}/s" if task.speed else "")


@contextmanager
def stop_signals() -> Iterator[Callable[[], bool]]:
    """The first SIGINT or SIGTERM asks to stop, which the function given tells; a second one ends the process at once."""
    asked = threading.Event()

    def ask(number: int, _frame: object) -> None:
        asked.set()
        signal.signal(number, signal.SIG_DFL)
        tell("stopping after the mails that are being handed over")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def progress(what: str) -> Iterator[Any]:
    """A bar with the rate and the time left on a terminal, and nothing elsewhere. Gives a function of (done, total)."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
