"""`topics`: list, show, import, export. Touches the database and files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from service.catalogue import format_catalogue, parse_catalogue
from service.cli.output import (
    Json,
    counted,
    database_reading,
    database_transaction,
    read_text,
    say,
    say_json,
    say_table,
    write_file,
)
from service.errors import WrongUse
from service.store.topics import all_topics, put_topics, topic

app = typer.Typer(rich_markup_mode=None)


@app.command("list")
def list_topics(as_json: Json = False) -> None:
    """The topics that subscribers can choose."""
    with database_reading() as session:
        topics = all_topics(session)
    if as_json:
        say_json([found.model_dump(mode="json", exclude={"position"}) for found in topics])
    elif topics:
        say_table([(found.slug, found.name) for found in topics])
    else:
        say("There are no topics: import some with `paperround topics import FILE`.")


@app.command("show")
def show_topic(slug: str, as_json: Json = False) -> None:
    """One topic, whole."""
    with database_reading() as session:
        found = topic(session, slug)
    if found is None:
        raise WrongUse(f"there is no topic {slug!r}: `paperround topics list` tells them")
    say_json(found.model_dump(mode="json", exclude={"position"})) if as_json else say(format_catalogue([found]).strip())


@app.command("import")
def import_topics(file: Annotated[Path, typer.Argument(metavar="FILE.toml")], as_json: Json = False) -> None:
    """Add the topics of a TOML catalogue, and change those known by the same slug; no topic is removed."""
    topics = parse_catalogue(read_text(file))
    with database_transaction() as session:
        counts = put_topics(session, topics)
    say_json(counts) if as_json else say(
        f"{counted(len(topics), 'topic')}: " + ", ".join(f"{n} {name}" for name, n in counts.items())
    )


@app.command("export")
def export_topics(file: Annotated[Path | None, typer.Argument(metavar="[FILE.toml]")] = None, as_json: Json = False) -> None:
    """Write all topics as a TOML catalogue, to a file or to stdout."""
    with database_reading() as session:
        topics = all_topics(session)
    text = format_catalogue(topics)
    if file:
        write_file(file, text)
        say_json({"file": file, "topics": len(topics)}) if as_json else say(f"{counted(len(topics), 'topic')} written to {file}")
    elif as_json:
        say_json([found.model_dump(mode="json", exclude={"position"}) for found in topics])
    else:
        say(text.rstrip())
