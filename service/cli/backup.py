"""`backup` and `restore`. Touches the database and one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service import connections
from service.cli.output import Json, counted, database, say, say_json
from service.errors import WrongUse
from service.store.backup import back_up, check_backup
from service.store.backup import restore as restore_database
from service.store.database import reading
from service.store.locks import hold_alone
from service.store.subscribers import all_subscribers


def backup(file: Annotated[Path, typer.Argument(metavar="FILE")], as_json: Json = False) -> None:
    """Copy the whole database to a file, while others use it.

    SQLite only; PostgreSQL has pg_dump.
    """
    if str(file) == "-":
        raise WrongUse("a backup is written as a file, not to stdout: name one")
    with database() as (_, engine):
        back_up(engine, file)
    say_json({"file": file, "bytes": file.stat().st_size}) if as_json else say(f"The database is copied to {file}.")


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace a database that has subscribers.")] = False,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database.

    All that the database holds now is replaced, so `serve` must be stopped first. A backup of an older version is brought
    to the newest schema.
    """
    if not file.is_file():
        raise WrongUse(f"{file} is no file")
    check_backup(file)
    with database() as (settings, engine), hold_alone(engine, "serve"):
        with reading(engine) as session:
            people = len(all_subscribers(session))
        if people and not yes:
            raise WrongUse(f"the database has {counted(people, 'subscriber')} already: to replace it all, say --yes")
        restore_database(engine, file)
    with connections.database(settings.database_url) as engine, reading(engine) as session:
        people = len(all_subscribers(session))
    if as_json:
        say_json({"file": file, "subscribers": people})
        return
    say(f"Restored, with {counted(people, 'subscriber')}.")
    say("What came after the backup was made is forgotten: mails sent since may go out again, and who unsubscribed is back.")
