"""Subscribers and suppressions as CSV, in and out. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from service.errors import WrongUse
from service.models import Subscriber, Suppression
from service.subscribers import COLUMNS, PARSERS, SubscriberSettings, address_hash, in_text, parse_address, parse_topics

_SUPPRESSION_COLUMNS = ("email", "address_hash", "reason", "added_at")


@dataclass(frozen=True, slots=True)
class RollLine:
    number: int
    settings: SubscriberSettings
    told: frozenset[str]  # the columns with something in them; the others are defaults


@dataclass(frozen=True, slots=True)
class Roll:
    """A CSV of subscribers, read."""

    good: tuple[RollLine, ...]
    bad: tuple[str, ...]  # one sentence a line, with its number


def read_subscribers(text: str, known_topics: Collection[str]) -> Roll:
    """A missing column or an empty cell means the default. Raises WrongUse for a header that can't be used."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff")), restval="", strict=True)
    try:
        return _read_rows(reader, known_topics)
    except csv.Error as error:
        raise WrongUse(f"line {reader.line_num + 1}: not CSV: {error}") from error  # line_num is of the last whole row


def _read_rows(reader: csv.DictReader[str], known_topics: Collection[str]) -> Roll:
    _check_header(reader.fieldnames or ())
    good: list[RollLine] = []
    bad: list[str] = []
    lines: dict[str, int] = {}
    for row in reader:
        try:
            settings = _read_row(row, known_topics)
            if settings.email in lines:
                raise WrongUse(f"{settings.email} stands on line {lines[settings.email]} already")
        except WrongUse as error:
            bad.append(f"line {reader.line_num}: {error}")
        else:
            lines[settings.email] = reader.line_num
            told = frozenset(name.strip().lower() for name, cell in row.items() if cell.strip())
            good.append(RollLine(reader.line_num, settings, told))
    return Roll(tuple(good), tuple(bad))


def _check_header(given: Iterable[str]) -> None:
    names = tuple(name.strip().lower() for name in given)
    if unknown := next((name for name in names if name not in COLUMNS), None):
        raise WrongUse(
            f"line 1: there is no column {unknown!r}; it names the columns, with commas between, out of {', '.join(COLUMNS)}"
        )
    if missing := next((name for name in ("email", "topics") if name not in names), None):
        raise WrongUse(f"line 1: the column {missing!r} is missing")
    if repeated := next((name for name in names if names.count(name) > 1), None):
        raise WrongUse(f"line 1: the column {repeated!r} stands there twice")


def _read_row(row: dict[str, str], known_topics: Collection[str]) -> SubscriberSettings:
    if None in row:  # csv.DictReader's name for what stands past the last column
        raise WrongUse(f"more cells than the header's {len(row) - 1} columns (put topics in one quoted cell)")
    cells = {name.strip().lower(): _unescaped(value.strip()) for name, value in row.items()}
    told = {name: parse(cells[name]) for name, parse in PARSERS.items() if cells.get(name)}
    return SubscriberSettings(parse_address(cells["email"]), parse_topics(cells["topics"], known_topics), **told)


def write_subscribers(subscribers: Iterable[Subscriber]) -> str:
    return _written(COLUMNS, map(_cells, subscribers))


def _cells(person: Subscriber) -> Iterable[str]:
    return (",".join(person.topics) if name == "topics" else in_text(getattr(person, name)) for name in COLUMNS)


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
        raise WrongUse(f"line {reader.line_num or 1}: {error}") from error  # 0: nothing was there


def _suppression(row: dict[str, str]) -> tuple[str, str]:
    cells = {(name or "").strip().lower(): _unescaped((cell or "").strip()) for name, cell in row.items() if name}
    reason = cells.get("reason") or "imported"
    if cells.get("email"):
        return address_hash(parse_address(cells["email"])), reason
    if not re.fullmatch("[0-9a-f]{64}", cells.get("address_hash", "")):
        raise WrongUse("neither an e-mail address nor a SHA-256 in hexadecimal digits")
    return cells["address_hash"], reason


def write_suppressions(rows: Iterable[tuple[Suppression, str | None]]) -> str:
    """With the address where it is known; else its hash tells enough for `read_suppressions`."""
    told = ((email or "", row.address_hash, row.reason, row.added_at.isoformat()) for row, email in rows)
    return _written(_SUPPRESSION_COLUMNS, told)


def _written(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_escaped(cell) for cell in row] for row in rows)
    return out.getvalue()


_NEEDS_QUOTE = ("=", "+", "-", "@", "'")


def _escaped(cell: str) -> str:
    """A spreadsheet runs a cell that starts so as a formula (OWASP, CSV injection); a quote before it stops that."""
    return f"'{cell}" if cell.startswith(_NEEDS_QUOTE) else cell


def _unescaped(cell: str) -> str:
    """What `_escaped` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_NEEDS_QUOTE) else cell
