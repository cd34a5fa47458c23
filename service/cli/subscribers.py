"""`subscribers`: add, set, list, show, import, export, remove. Touches the database and files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session

from service.cadence import why_no_mail
from service.cli.listing import Listing
from service.cli.output import (
    Json,
    counted,
    database,
    database_reading,
    database_transaction,
    now,
    read_text,
    say,
    say_export,
    say_json,
    say_table,
    tell,
)
from service.csv_lists import read_subscribers, write_subscribers
from service.errors import PaperroundError, WrongUse
from service.models import Subscriber, SubscriberState
from service.pipeline.roll import refuse_unsubscribed, take_in, take_in_lines
from service.pipeline.subscriptions import ask_to_confirm, check_pause
from service.pipeline.subscriptions import change as set_settings
from service.store.database import reading, transaction
from service.store.subscribers import all_subscribers, erase_subscriber, subscriber
from service.store.topics import all_topics
from service.subscribers import (
    COLUMNS,
    PARSERS,
    SubscriberSettings,
    changed_columns,
    in_text,
    parse_address,
    parse_topics,
)

app = typer.Typer(cls=Listing, rich_markup_mode=None)

Email = Annotated[str, typer.Argument(metavar="EMAIL")]
Zone = Annotated[str | None, typer.Option(metavar="ZONE", help="Their time zone, as in Europe/Berlin.")]
Hour = Annotated[str | None, typer.Option(metavar="0-23", help="The local hour of the mail.")]
Cadence = Annotated[str | None, typer.Option(metavar="CADENCE", help="daily, weekdays, weekly, or weekly:mon to weekly:sun.")]
Length = Annotated[
    str | None, typer.Option(metavar="LENGTH", help="minutes:3 to minutes:30 of reading, or papers:5 to papers:50.")
]
MinimumScore = Annotated[str | None, typer.Option(metavar="0-1", help="How well a paper must fit, beside its topic's own bar.")]
Followed = Annotated[
    str | None, typer.Option(metavar="NAME,NAME", help="Authors and organisations whose papers are always in; no: none.")
]
Muted = Annotated[str | None, typer.Option(metavar="PHRASE,PHRASE", help="What no paper may hold; no: nothing.")]
Language = Annotated[str | None, typer.Option(metavar="en|de", help="The language of what we say.")]
WithAbstract = Annotated[str | None, typer.Option(metavar="yes|no", help="The abstract beside the summary.")]
WithOutside = Annotated[str | None, typer.Option(metavar="yes|no", help="One paper outside their topics.")]
WithNote = Annotated[str | None, typer.Option(metavar="yes|no", help="A short mail when nothing passes.")]
Resubscribe = Annotated[bool, typer.Option("--resubscribe", help="Take in an address that unsubscribed.")]


@app.command("add")
def add(
    email: Email,
    topics: Annotated[
        list[str], typer.Option(metavar="SLUG,SLUG", help="What they want to read about; `topics list` tells the slugs.")
    ],
    zone: Zone = None,
    hour: Hour = None,
    cadence: Cadence = None,
    length: Length = None,
    minimum_score: MinimumScore = None,
    followed: Followed = None,
    muted: Muted = None,
    language: Language = None,
    with_abstract: WithAbstract = None,
    with_outside: WithOutside = None,
    with_note: WithNote = None,
    ask: Annotated[bool, typer.Option("--confirm", help="Ask them by mail first; `serve` sends it.")] = False,
    resubscribe: Resubscribe = False,
    as_json: Json = False,
) -> None:
    """Take somebody in. They are active at once, you vouch that they want the mail; or pending, with --confirm.

    Where nothing else is said, the mail comes daily at 8:00, UTC; to one who had it before, as it came then.
    """
    given = _given(locals())
    state = SubscriberState.PENDING if ask else SubscriberState.ACTIVE
    with database_transaction() as session:
        chosen, own = parse_topics(",".join(topics), _slugs(session)), {name: PARSERS[name](text) for name, text in given.items()}
        settings = SubscriberSettings(parse_address(email), chosen, state=state, **own)
        known = subscriber(session, settings.email)
        if known is not None and known.state == SubscriberState.ACTIVE:
            raise PaperroundError(f"{settings.email} is a subscriber already: change them with `subscribers set`")
        person = take_in(session, settings, {"topics", *own}, now(), resubscribe=resubscribe)
        if ask:
            ask_to_confirm(session, person, now())
    _say_person(person, as_json)
    if ask:
        tell(f"{person.email} gets no digest until they confirm; `paperround serve` mails them the question.")


@app.command("set")
def change(
    email: Email,
    topics: Annotated[list[str] | None, typer.Option(metavar="SLUG,SLUG", help="All that they want to read about.")] = None,
    zone: Zone = None,
    hour: Hour = None,
    cadence: Cadence = None,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="active or unsubscribed.")] = None,
    paused_until: Annotated[
        str | None, typer.Option(metavar="DATE", help="No mail before this day of theirs; no: end the pause.")
    ] = None,
    length: Length = None,
    minimum_score: MinimumScore = None,
    followed: Followed = None,
    muted: Muted = None,
    language: Language = None,
    with_abstract: WithAbstract = None,
    with_outside: WithOutside = None,
    with_note: WithNote = None,
    resubscribe: Resubscribe = False,
    as_json: Json = False,
) -> None:
    """Change somebody's settings; those not named stay."""
    given = _given(locals())
    with database_transaction() as session:
        person = person_named(session, email)
        changes = changed_columns(given)
        if topics:
            changes["topics"] = list(parse_topics(",".join(topics), _slugs(session)))
        if changes.get("state") == SubscriberState.PENDING:
            raise WrongUse("ask them with `subscribers add EMAIL --topics ... --confirm`")
        if not changes:
            raise WrongUse("nothing to change: name a setting, as in --hour 7")
        if changes.get("state") == SubscriberState.ACTIVE:
            refuse_unsubscribed(session, person.email, resubscribe=resubscribe)
        check_pause(person, changes.get("paused_until"), now())
        set_settings(session, person, changes, now())
    _say_person(person, as_json)


def _given(options: Mapping[str, Any]) -> dict[str, str]:
    """The settings among a command's options that were named."""
    return {name: value for name, value in options.items() if name in PARSERS and value is not None}


@app.command("list")
def list_subscribers(as_json: Json = False) -> None:
    """Everybody, with their settings."""
    with database_reading() as session:
        people = all_subscribers(session)
    if as_json:
        say_json([_as_json(person) for person in people])
    elif people:
        moment = now()
        say_table([_row(person, moment) for person in people])
    else:
        say("There are no subscribers: add one with `paperround subscribers add EMAIL --topics SLUG,SLUG`.")


def _row(person: Subscriber, moment: datetime) -> tuple[str, ...]:
    state = why_no_mail(person, moment) or person.state
    return (person.email, state, person.cadence, f"{person.hour:02d}:00", person.zone, ",".join(person.topics))


@app.command("show")
def show(email: Email, as_json: Json = False) -> None:
    """One subscriber's settings."""
    with database_reading() as session:
        person = person_named(session, email)
    _say_person(person, as_json)


@app.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="- is standard input.")],
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Import the good lines beside bad ones.")] = False,
    resubscribe: Resubscribe = False,
    as_json: Json = False,
) -> None:
    """Take in subscribers from CSV, by its header: email,topics and, if they stand there, the settings of `subscribers set`.

    Topics stand in one quoted cell with commas between, names and phrases with semicolons. Known subscribers get what their
    line tells.
    """
    text = read_text(file)
    with database() as (_, engine):
        with reading(engine) as session:
            slugs = _slugs(session)
        roll = read_subscribers(text, slugs)
        for problem in roll.bad:
            _refuse(problem)
        if roll.bad and not skip_bad:
            raise WrongUse(
                f"nothing imported: mend {counted(len(roll.bad), 'bad line')}, or import the good ones with --skip-bad"
            )
        counts = Counter(added=0, changed=0, unchanged=0, refused=len(roll.bad))
        with transaction(engine) as session:
            counts.update(take_in_lines(session, roll.good, now(), resubscribe=resubscribe, refuse=_refuse))
    say_json(counts) if as_json else say(", ".join(f"{count} {name}" for name, count in counts.items()))
    if counts["refused"]:
        raise typer.Exit(1)


def _refuse(problem: str) -> None:
    tell(f"error: {problem}")


@app.command("export")
def export_csv(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.csv", help="Default: stdout.")] = None, as_json: Json = False
) -> None:
    """Write all subscribers as CSV, to a file or to stdout; `import` reads it back."""
    with database_reading() as session:
        people = all_subscribers(session)
    say_export(write_subscribers(people), [_as_json(person) for person in people], "subscriber", file=file, as_json=as_json)


@app.command("remove")
def remove(email: Email, as_json: Json = False) -> None:
    """Erase somebody and all that is stored of them. Of one who had unsubscribed, a hash of the address stays."""
    with database_transaction() as session:
        person = person_named(session, email)
        erase_subscriber(session, person, now())
    say_json({"removed": person.email}) if as_json else say(
        f"{person.email} and all that was stored of them is erased here; mails that were sent stay where they are."
    )


def person_named(session: Session, email: str) -> Subscriber:
    """Raises WrongUse."""
    person = subscriber(session, parse_address(email))
    if person is None:
        raise WrongUse(f"{email}: no such subscriber")
    return person


def _slugs(session: Session) -> list[str]:
    return [topic.slug for topic in all_topics(session)]


def _as_json(person: Subscriber) -> dict[str, Any]:
    return {name: getattr(person, name) for name in (*COLUMNS, "added_at")}


def _say_person(person: Subscriber, as_json: bool) -> None:
    if as_json:
        say_json(_as_json(person))
    else:
        told = {name: in_text(getattr(person, name)) for name in COLUMNS}
        say_table([*told.items(), ("added_at", f"{person.added_at:%Y-%m-%d %H:%M} UTC")])
