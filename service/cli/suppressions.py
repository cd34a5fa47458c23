"""`suppressions`: list, add, remove, import, export. Touches the database and files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.listing import Listing
from service.cli.output import (
    Json,
    database_reading,
    database_transaction,
    now,
    read_text,
    say,
    say_export,
    say_json,
    say_table,
)
from service.csv_lists import read_suppressions, write_suppressions
from service.errors import PaperroundError
from service.models import Suppression
from service.store.suppressions import add_suppression, add_suppressions, remove_suppression, suppressions
from service.subscribers import address_hash, parse_address

app = typer.Typer(cls=Listing, rich_markup_mode=None)

Email = Annotated[str, typer.Argument(metavar="EMAIL")]


@app.command("list")
def list_suppressions(as_json: Json = False) -> None:
    """Every address that gets no mail, and why; a hash where no subscriber has it."""
    with database_reading() as session:
        rows = suppressions(session)
    if as_json:
        say_json(list(map(_as_json, rows)))
    elif rows:
        say_table([(email or row.address_hash, f"{row.added_at:%Y-%m-%d}", row.reason) for row, email in rows])
    else:
        say("No address is suppressed.")


@app.command("add")
def add(
    email: Email,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why it gets no mail.")] = "by hand",
    as_json: Json = False,
) -> None:
    """Send no more mail to an address, whatever is planned for it."""
    address = parse_address(email)
    with database_transaction() as session:
        is_new = add_suppression(session, address_hash(address), reason, now())
    if as_json:
        say_json({"added": is_new})
    else:
        say(f"{address} gets no more mail." if is_new else f"{address} was suppressed before.")


@app.command("remove")
def remove(email: Email, as_json: Json = False) -> None:
    """Let an address get mail again."""
    address = parse_address(email)
    with database_transaction() as session:
        if not remove_suppression(session, address_hash(address)):
            raise PaperroundError(f"{address} is not suppressed")
    say_json({"removed": address}) if as_json else say(f"{address} may get mail again.")


@app.command("import")
def import_csv(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="- is standard input.")], as_json: Json = False
) -> None:
    """Suppress the addresses of a CSV with a column email or address_hash, and perhaps reason."""
    told = read_suppressions(read_text(file))
    with database_transaction() as session:
        added = add_suppressions(session, told, now())
    if as_json:
        say_json({"added": added, "unchanged": len(told) - added})
    else:
        say(f"{added} added, {len(told) - added} suppressed before")


@app.command("export")
def export_csv(
    file: Annotated[Path | None, typer.Argument(metavar="FILE.csv", help="Default: stdout.")] = None, as_json: Json = False
) -> None:
    """Write all suppressions as CSV, to a file or to stdout; `import` reads it back."""
    with database_reading() as session:
        rows = suppressions(session)
    say_export(write_suppressions(rows), list(map(_as_json, rows)), "suppression", file=file, as_json=as_json)


def _as_json(row: tuple[Suppression, str | None]) -> dict[str, Any]:
    suppression, email = row
    return {"email": email, **suppression.model_dump()}
