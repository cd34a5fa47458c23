"""Suppressions as CSV, in and out. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable

from service.errors import WrongUse
from service.models import Suppression
from service.subscribers import address_hash, escape_cell, parse_address, unescape_cell

COLUMNS = ("email", "address_hash", "reason", "added_at")


def write_suppressions(rows: Iterable[tuple[Suppression, str | None]]) -> str:
    """With the address where it is known; else its hash tells enough for `read_suppressions`."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row, email in rows:
        cells = (email or "", row.address_hash, row.reason, row.added_at.isoformat())
        writer.writerow([escape_cell(cell) for cell in cells])
    return out.getvalue()


def read_suppressions(text: str) -> dict[str, str]:
    """Each address's hash with its reason, from lines with an email or an address_hash. Raises WrongUse, naming the line."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
    try:
        if not {name.strip().lower() for name in reader.fieldnames or ()} & {"email", "address_hash"}:
            raise WrongUse("there is no column email or address_hash")
        return dict(_suppression(row) for row in reader)
    except csv.Error as error:
        raise WrongUse(f"line {reader.line_num + 1}: not CSV: {error}") from error  # line_num is of the last whole row
    except WrongUse as error:
        raise WrongUse(f"line {reader.line_num}: {error}") from error


def _suppression(row: dict[str, str]) -> tuple[str, str]:
    cells = {(name or "").strip().lower(): unescape_cell((cell or "").strip()) for name, cell in row.items() if name}
    reason = cells.get("reason") or "imported"
    if cells.get("email"):
        return address_hash(parse_address(cells["email"])), reason
    if not re.fullmatch("[0-9a-f]{64}", cells.get("address_hash", "")):
        raise WrongUse("neither an e-mail address nor a SHA-256 in hexadecimal digits")
    return cells["address_hash"], reason
