"""`topics versions`, `diff`, `rollback`. Touches the database."""

from __future__ import annotations

from difflib import unified_diff
from functools import partial
from typing import Annotated

import typer
from sqlmodel import Session

from service.catalogue import format_catalogue
from service.cli.output import LARGEST_NUMBER, Json, database_reading, database_transaction, now, say, say_json, say_table
from service.cli.topics.named import By, Slug, author, known_topic
from service.models import Topic
from service.pipeline.topics import known_version, roll_back
from service.store.topics import topic_versions

_Number = partial(typer.Argument, min=1, max=LARGEST_NUMBER)

Earlier = Annotated[int | None, _Number(metavar="VERSION", help="Default: the one before the newest.")]
Later = Annotated[int | None, _Number(metavar="VERSION", help="Default: the newest.")]


def list_versions(slug: Slug, as_json: Json = False) -> None:
    """Every version of a topic, the newest first: when, by whom and why."""
    with database_reading() as session:
        known_topic(session, slug)
        rows = topic_versions(session, slug)
    if as_json:
        say_json([row.model_dump(mode="json", exclude={"id"}) for row in rows])
    else:
        say_table([(row.version, f"{row.made_at:%Y-%m-%d %H:%M}", row.author, row.reason) for row in rows])


def diff(slug: Slug, earlier: Earlier = None, later: Later = None, as_json: Json = False) -> None:
    """What changed between two versions of a topic, line by line."""
    with database_reading() as session:
        newest = known_topic(session, slug).version
        last = newest if later is None else later
        first = max(1, last - 1) if earlier is None else earlier
        lines = _differences(session, slug, first, last)
    if as_json:
        say_json({"slug": slug, "from": first, "to": last, "lines": lines})
    else:
        say("\n".join(lines) or f"versions {first} and {last} of {slug} are the same")


def rollback(
    slug: Slug,
    version: Annotated[int, _Number(metavar="VERSION")],
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why; kept with the version.")] = None,
    by: By = None,
    as_json: Json = False,
) -> None:
    """Make an earlier version the newest again. Nothing is lost: it becomes a version of its own."""
    told = reason or f"back to version {version}"
    with database_transaction() as session:
        known_topic(session, slug)
        changed = roll_back(session, slug, version, author=author(by), reason=told, now=now())
        newest = topic_versions(session, slug)[0].version
    if as_json:
        say_json({"slug": slug, "version": newest, "changed": changed})
    else:
        say(f"{slug} is as version {version} was" + (f": version {newest}" if changed else " already"))


def _differences(session: Session, slug: str, first: int, last: int) -> list[str]:
    before, after = (_lines(known_version(session, slug, number)) for number in (first, last))
    return list(unified_diff(before, after, f"{slug} version {first}", f"{slug} version {last}", lineterm="", n=1))


def _lines(topic: Topic) -> list[str]:
    return format_catalogue([topic]).splitlines()
