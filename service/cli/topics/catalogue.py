"""`topics list`, `show`, `filter`, `import`, `export`. Touches the database and files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from service.catalogue import filter_text, format_catalogue, parse_catalogue, shipped_catalogue, with_filter
from service.cli.output import (
    Json,
    counted,
    database_reading,
    database_transaction,
    now,
    read_text,
    say,
    say_export,
    say_json,
    say_table,
)
from service.cli.topics.named import By, Reason, Slug, author, known_topic
from service.errors import WrongUse
from service.models import Topic
from service.pipeline.topics import save_topics
from service.store.topics import all_topics


def list_topics(as_json: Json = False) -> None:
    """The topics that subscribers can choose."""
    with database_reading() as session:
        topics = all_topics(session)
    if as_json:
        say_json(list(map(_as_json, topics)))
    elif topics:
        say_table([(found.slug, found.name) for found in topics])
    else:
        say("There are no topics: import some with `paperround topics import FILE`.")


def show_topic(slug: Slug, as_json: Json = False) -> None:
    """One topic, whole, with the words that were added to its phrases."""
    with database_reading() as session:
        found = known_topic(session, slug)
    say_json(_as_json(found)) if as_json else say(format_catalogue([found]).strip())


def show_or_set_filter(
    slug: Slug,
    file: Annotated[Path | None, typer.Option("--set", metavar="FILE", help="The new filter; - is standard input.")] = None,
    reason: Reason = "filter set",
    by: By = None,
    as_json: Json = False,
) -> None:
    """A topic's filter as a form shows it, or a new one for it.

    One setting a line: `any: world model`, `any: title: "tool use" ^2`, `all: ...`, `none: ...`, `upvotes: 5`,
    `relevant: 2401.00001`, `irrelevant: 2401.00002`, `strike: WORD`, `threshold: 0.5`.
    """
    if file is None:
        with database_reading() as session:
            text = filter_text(known_topic(session, slug))
        say_json({"slug": slug, "filter": text}) if as_json else say(text.rstrip())
        return
    text = read_text(file)
    with database_transaction() as session:
        changed = with_filter(known_topic(session, slug), text)
        counts = save_topics(session, [changed], author=author(by), reason=reason, now=now())
    say_json(counts) if as_json else say(f"{slug}: {'changed' if counts['changed'] else 'as it was'}")


def import_topics(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.toml", help="- is standard input.")] = None,
    shipped: Annotated[bool, typer.Option("--shipped", help="Instead of a file: the topics that ship with Paperround.")] = False,
    reason: Reason = "import",
    by: By = None,
    as_json: Json = False,
) -> None:
    """Add the topics of a TOML catalogue, and change those known by the same slug; no topic is removed."""
    if (file is None) != shipped:
        raise WrongUse("name a FILE.toml, or say --shipped")
    topics = parse_catalogue(read_text(file)) if file else shipped_catalogue()
    with database_transaction() as session:
        counts = save_topics(session, topics, author=author(by), reason=reason, now=now())
    say_json(counts) if as_json else say(
        f"{counted(len(topics), 'topic')}: " + ", ".join(f"{n} {name}" for name, n in counts.items())
    )


def export_topics(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.toml", help="Default: stdout.")] = None, as_json: Json = False
) -> None:
    """Write all topics as a TOML catalogue, to a file or to stdout."""
    with database_reading() as session:
        topics = all_topics(session)
    say_export(format_catalogue(topics), list(map(_as_json, topics)), "topic", file=file, as_json=as_json)


def _as_json(topic: Topic) -> dict[str, Any]:
    return topic.model_dump(mode="json", exclude={"position"})
