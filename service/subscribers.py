"""What a subscriber's settings may be, from commands and CSV alike. Pure."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from types import MappingProxyType
from typing import Any
from zoneinfo import available_timezones

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

from service.errors import WrongUse
from service.models import LANGUAGES, WEEKDAYS, Subscriber, SubscriberState

# A mail server of one's own may well serve .local, .test or localhost.
SPECIAL_USE_DOMAIN_NAMES.clear()

MINUTES, PAPERS = range(3, 31), range(5, 51)  # what a length may be
_LONGEST_NAME = 100
_MOST_NAMES = 100


@dataclass(frozen=True, slots=True)
class SubscriberSettings:
    """Settings that were checked; the defaults are those of a new subscriber."""

    email: str
    topics: tuple[str, ...]
    zone: str = "UTC"
    hour: int = 8
    cadence: str = "daily"
    state: SubscriberState = SubscriberState.ACTIVE
    paused_until: date | None = None  # local
    length: str = "minutes:6"
    minimum_score: float = 0.0
    followed: tuple[str, ...] = ()
    muted: tuple[str, ...] = ()
    language: str = "en"
    with_abstract: bool = False
    with_outside: bool = True
    with_note: bool = False


def parse_address(text: str) -> str:
    """The one spelling of an e-mail address, in lower case. Raises WrongUse."""
    try:
        checked = validate_email(text.strip(), check_deliverability=False, globally_deliverable=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise WrongUse(f"{text.strip()!r} is not an e-mail address: {error}") from error
    if "." not in checked.ascii_domain and checked.ascii_domain != "localhost":
        raise WrongUse(f"{text.strip()!r} is not an e-mail address: {checked.domain!r} is not a whole domain")
    return f"{checked.ascii_local_part}@{checked.ascii_domain}".lower()


def domain_of(address: str) -> str:
    return address.rpartition("@")[2].lower()


def address_hash(email: str) -> str:
    """What is kept of an address whose owner unsubscribed and was erased."""
    return sha256(email.encode()).hexdigest()


def parse_topics(text: str, known: Collection[str]) -> tuple[str, ...]:
    """Slugs with commas or semicolons between. Raises WrongUse, telling which topic was meant, or all that there are."""
    slugs = tuple(dict.fromkeys(slug for part in re.split("[,;]", text) if (slug := part.strip())))
    if not slugs:
        raise WrongUse("no topics: name at least one")
    if unknown := next((slug for slug in slugs if slug not in known), None):
        close = get_close_matches(unknown, known, 1)
        meant = f": did you mean {close[0]!r}?" if close else f"; there are {', '.join(known) or 'none'}"
        raise WrongUse(f"there is no topic {unknown!r}{meant}")
    return slugs


def parse_hour(text: str) -> int:
    """A local hour from 0 to 23. Raises WrongUse."""
    if text.strip().isdecimal() and len(text.strip()) < 3 and int(text) < 24:
        return int(text)
    raise WrongUse(f"{text!r} is not an hour: say 0 to 23")


def parse_state(text: str) -> SubscriberState:
    try:
        return SubscriberState(text.strip().lower())
    except ValueError as error:
        raise WrongUse(f"{text!r} is not a state: say {' or '.join(SubscriberState)}") from error


def parse_cadence(text: str) -> str:
    """The one spelling of a cadence; "weekly" alone is on Mondays. Raises WrongUse."""
    word = text.strip().lower()
    if word == "weekly":
        return "weekly:mon"
    rhythm, _, day = word.partition(":")
    if word in ("daily", "weekdays") or (rhythm == "weekly" and day in WEEKDAYS):
        return word
    raise WrongUse(f"{text!r} is not a cadence: say daily, weekdays, weekly or weekly:mon to weekly:sun")


def parse_zone(text: str) -> str:
    """An IANA time zone's name. Raises WrongUse."""
    if text.strip() in _zones():
        return text.strip()
    raise WrongUse(f"{text!r} is not a time zone: name one as in Europe/Berlin")


def parse_pause(text: str) -> date | None:
    """The local day on which mail begins again, or "no" for no pause. Raises WrongUse."""
    if text.strip().lower() == "no":
        return None
    try:
        day = date.fromisoformat(text.strip())
    except ValueError:
        day = date.min
    if not 2000 <= day.year <= 2100:
        raise WrongUse(f"{text!r} is no end of a pause: say a day, as in 2026-12-01, or no")
    return day


def parse_length(text: str) -> str:
    """The one spelling of a length: minutes of reading, or a count of papers. Raises WrongUse."""
    unit, _, number = text.strip().lower().partition(":")
    allowed = {"minutes": MINUTES, "papers": PAPERS}.get(unit, ())
    if number.isdecimal() and len(number) < 3 and int(number) in allowed:
        return f"{unit}:{int(number)}"
    raise WrongUse(f"{text!r} is not a length: say minutes:3 to minutes:30, or papers:5 to papers:50")


def parse_score(text: str) -> float:
    """The least score, from 0 to 1. Raises WrongUse."""
    if re.fullmatch(r"0?\.[0-9]{1,4}|[01](\.0{1,4})?", text.strip()):
        return float(text)
    raise WrongUse(f"{text!r} is not a score: say 0 to 1, as in 0.6")


def parse_names(text: str) -> tuple[str, ...]:
    """Names or phrases with commas, semicolons or line ends between; "no" for none. Raises WrongUse."""
    names = tuple(dict.fromkeys(name for part in re.split(r"[,;\r\n]", text) if (name := " ".join(part.split()))))
    if bad := next((name for name in names if len(name) > _LONGEST_NAME or not name.isprintable()), None):
        raise WrongUse(f"{bad[:40]!r} is no name or phrase: at most {_LONGEST_NAME} characters that can be printed")
    if wordless := next((name for name in names if not any(map(str.isalnum, name))), None):
        raise WrongUse(f"{wordless!r} holds no word")
    if len(names) > _MOST_NAMES:
        raise WrongUse(f"{len(names)} names or phrases are too many: at most {_MOST_NAMES}")
    return () if [name.lower() for name in names] == ["no"] else names


def parse_language(text: str) -> str:
    """Raises WrongUse."""
    if text.strip().lower() in LANGUAGES:
        return text.strip().lower()
    raise WrongUse(f"{text!r} is not a language that mails are written in: say {' or '.join(LANGUAGES)}")


def parse_yes_or_no(text: str) -> bool:
    """Raises WrongUse."""
    if text.strip().lower() in ("yes", "no"):
        return text.strip().lower() == "yes"
    raise WrongUse(f"{text!r} is neither yes nor no")


# Every setting but the address and the topics, each read from text by one function.
PARSERS: Mapping[str, Callable[[str], Any]] = MappingProxyType(
    {
        "zone": parse_zone,
        "hour": parse_hour,
        "cadence": parse_cadence,
        "state": parse_state,
        "paused_until": parse_pause,
        "length": parse_length,
        "minimum_score": parse_score,
        "followed": parse_names,
        "muted": parse_names,
        "language": parse_language,
        "with_abstract": parse_yes_or_no,
        "with_outside": parse_yes_or_no,
        "with_note": parse_yes_or_no,
    }
)
COLUMNS = ("email", "topics", *PARSERS)


def changed_columns(written: Mapping[str, str]) -> dict[str, Any]:
    """Settings by name, read from text, as a row holds them. Raises WrongUse."""
    values = {name: PARSERS[name](text) for name, text in written.items()}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def in_text(value: Any) -> str:
    """A setting as its parser reads it back."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "; ".join(value)
    return "" if value is None else f"{value}"


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


@cache
def _zones() -> frozenset[str]:
    """Looking them up takes some milliseconds; two of the names mean no place."""
    return frozenset(available_timezones() - {"Factory", "localtime"})


def read_csv(text: str, known_topics: Collection[str]) -> Roll:
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


def write_csv(subscribers: Iterable[Subscriber]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for person in subscribers:
        cells = {name: in_text(getattr(person, name)) for name in COLUMNS} | {"topics": ",".join(person.topics)}
        writer.writerow([escape_cell(cell) for cell in cells.values()])
    return out.getvalue()


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
        raise WrongUse("more cells than the header has columns (put topics in one quoted cell)")
    cells = {name.strip().lower(): unescape_cell(value.strip()) for name, value in row.items()}
    told = {name: parse(cells[name]) for name, parse in PARSERS.items() if cells.get(name)}
    return SubscriberSettings(parse_address(cells["email"]), parse_topics(cells["topics"], known_topics), **told)


_NEEDS_QUOTE = ("=", "+", "-", "@", "'")


def escape_cell(cell: str) -> str:
    """A spreadsheet runs a cell that starts so as a formula (OWASP, CSV injection); a quote before it stops that."""
    return f"'{cell}" if cell.startswith(_NEEDS_QUOTE) else cell


def unescape_cell(cell: str) -> str:
    """What `escape_cell` was given."""
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_NEEDS_QUOTE) else cell
