"""What a subscriber's settings may be, from commands, pages and CSV alike. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
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
from service.models import LANGUAGES, WEEKDAYS, SubscriberState

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
        raise WrongUse(f"{text.strip()!r} is not an e-mail address: its domain is not a whole one")
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
        if close := get_close_matches(unknown, known, 1):
            raise WrongUse("there is no topic %(slug)s: did you mean %(close)s?", slug=repr(unknown), close=repr(close[0]))
        raise WrongUse("there is no topic %(slug)s; there are %(topics)s", slug=repr(unknown), topics=", ".join(known) or "none")
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


@cache
def _zones() -> frozenset[str]:
    """Looking them up takes some milliseconds; two of the names mean no place."""
    return frozenset(available_timezones() - {"Factory", "localtime"})


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
        raise WrongUse(
            "%(name)s is no name or phrase: at most %(most)s characters that can be printed",
            name=repr(bad[:40]),
            most=_LONGEST_NAME,
        )
    if wordless := next((name for name in names if not any(map(str.isalnum, name))), None):
        raise WrongUse("%(name)s holds no word", name=repr(wordless))
    if len(names) > _MOST_NAMES:
        raise WrongUse("%(count)s names or phrases are too many: at most %(most)s", count=len(names), most=_MOST_NAMES)
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
