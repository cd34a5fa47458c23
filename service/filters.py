"""The language of filters: rules of one phrase each, alone and as the text of a form. Pure.

A rule is a phrase, with a field before it and a weight behind it where they are wanted:

    world model
    title: "tool use" ^2
    org: Mila

A filter's text has one setting a line, `any: RULE`, `all: RULE`, `none: RULE` or one of those in SETTINGS. There are no
regular expressions; how a phrase meets text is told in service/words.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import lru_cache

from service.errors import WrongUse
from service.models import Rule
from service.words import tokens

FIELDS = ("title", "abstract", "keyword", "author", "org")
CLAUSES = ("any", "all", "none")
SETTINGS = ("upvotes", "relevant", "irrelevant", "strike", "threshold")  # the settings of a filter's text besides its rules

LONGEST_PHRASE = 100  # characters
MOST_WORDS = 10  # in a phrase
MOST_RULES = 1_000  # in a clause
LARGEST_TEXT = 200_000  # characters
HEAVIEST = 10.0

_FIELD = re.compile(r"\s*([A-Za-z]+)\s*:(?=\s|\"|\w|$)")
_WEIGHT = re.compile(r"\^(?P<weight>-?\d{1,3}(?:\.\d{1,4})?)\s*$")


class BadRule(ValueError):
    """What is wrong with one rule, and at which of its characters (from 1)."""

    def __init__(self, at: int, message: str) -> None:
        super().__init__(f"character {at}: {message}")
        self.at = at


@lru_cache(maxsize=50_000)
def parse_rule(text: str) -> Rule:
    """Raises BadRule."""
    if len(text) > LONGEST_PHRASE + 40:
        raise BadRule(LONGEST_PHRASE, f"a phrase has at most {LONGEST_PHRASE} characters")
    if unprintable := next((n for n, c in enumerate(text, 1) if not c.isprintable()), None):
        raise BadRule(unprintable, "a line break or another control character")
    field, start = _field_of(text)
    written, weight = _weight_of(text, start)
    phrase = _unquoted(written, start)
    _check_phrase(phrase, start)
    return Rule(phrase, field, weight)


def format_rule(rule: Rule) -> str:
    """The text that parse_rule reads back to the same rule."""
    field = f"{rule.field}: " if rule.field else ""
    weight = f" ^{rule.weight:g}" if rule.weight != 1 else ""
    is_plain = not _FIELD.match(f"{rule.phrase} ") and "^" not in rule.phrase  # a weight may stand behind it
    return field + (rule.phrase if is_plain else f'"{rule.phrase}"') + weight


def parse_filter(text: str) -> dict[str, object]:
    """The settings of a filter's text, named as in a TOML catalogue. Raises WrongUse with line and character."""
    if len(text) > LARGEST_TEXT:
        raise WrongUse(f"the filter is longer than {LARGEST_TEXT} characters: split the topic")
    found: dict[str, list[str]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            name, value = _setting(line, number)
            found.setdefault(name, []).append(value)
    return {name: _value(name, values) for name, values in found.items()}


def format_filter(settings: Mapping[str, object]) -> str:
    """The text that parse_filter reads back to the same settings; what is empty or as usual is left out."""
    lines = [f"{name}: {value}" for name in (*CLAUSES, *SETTINGS) for value in _listed(settings.get(name))]
    return "".join(f"{line}\n" for line in lines)


def _field_of(text: str) -> tuple[str | None, int]:
    """The field before the phrase, and where the phrase starts."""
    found = _FIELD.match(text)
    if found is None:
        return None, len(text) - len(text.lstrip())
    name = found[1].lower()
    if name not in FIELDS:
        raise BadRule(
            found.start(1) + 1, f"there is no field {found[1]!r}{_meant(name, FIELDS)}; quote a phrase that holds a colon"
        )
    return name, found.end()


def _weight_of(text: str, start: int) -> tuple[str, float]:
    """The phrase as written, and the weight behind it."""
    found = _WEIGHT.search(text, start)
    if found is None:
        caret = text.rfind("^")
        if caret >= start and text.count('"', caret) == 0:
            raise BadRule(caret + 1, "after ^ stands a weight, as in ^2 or ^0.5")
        return text[start:], 1.0
    weight = float(found["weight"])
    if not 0 < abs(weight) <= HEAVIEST:
        raise BadRule(found.start() + 1, f"a weight is at most {HEAVIEST:g}, at least -{HEAVIEST:g} and not 0")
    return text[start : found.start()], weight


def _unquoted(written: str, start: int) -> str:
    phrase = written.strip()
    if '"' not in phrase:
        if "^" in phrase:
            raise BadRule(start + written.index("^") + 1, "one weight a phrase, at its end")
        return " ".join(phrase.split())
    at = start + written.index('"') + 1
    if not phrase.startswith('"') or not phrase.endswith('"') or len(phrase) < 2:
        raise BadRule(at, 'a quoted phrase starts and ends with ", and nothing stands beside it')
    if '"' in phrase[1:-1]:
        raise BadRule(start + written.index('"', written.index('"') + 1) + 1, 'a phrase holds no "; write a rule for each')
    return " ".join(phrase[1:-1].split())


def _check_phrase(phrase: str, start: int) -> None:
    if len(phrase) > LONGEST_PHRASE:
        raise BadRule(start + LONGEST_PHRASE, f"a phrase has at most {LONGEST_PHRASE} characters")
    words = tokens(phrase)
    if not words:
        raise BadRule(start + 1, "there is no word to look for")
    if len(words) > MOST_WORDS:
        raise BadRule(start + 1, f"a phrase has at most {MOST_WORDS} words, this one {len(words)}")


def _setting(line: str, number: int) -> tuple[str, str]:
    written, colon, rest = line.partition(":")
    name, value = written.strip().lower(), rest.strip()
    if not colon or not name.isalpha():
        raise WrongUse(f"line {number}: write what the line is, as in `any: world model`")
    if name not in CLAUSES + SETTINGS:
        known = CLAUSES + SETTINGS
        hint = f"; did you mean `any: {line.strip()}`?" if name in FIELDS else _meant(name, known)
        raise WrongUse(f"line {number}, character {line.index(written.strip()) + 1}: there is no {written.strip()!r}{hint}")
    if name in CLAUSES:
        try:
            value = format_rule(parse_rule(value))
        except BadRule as error:
            at = line.index(value, len(written) + 1) + error.at
            raise WrongUse(f"line {number}, character {at}: {str(error).partition(': ')[2]}") from error
    if not value:
        raise WrongUse(f"line {number}: nothing stands behind `{name}:`")
    return name, value


def _value(name: str, values: list[str]) -> object:
    """Lists for what may stand several times, a number for what stands once."""
    if name not in ("upvotes", "threshold"):
        return values
    if len(values) > 1:
        raise WrongUse(f"`{name}:` stands {len(values)} times: write it once")
    try:
        return int(values[0]) if name == "upvotes" else float(values[0])
    except ValueError as error:
        example = "upvotes: 5" if name == "upvotes" else "threshold: 0.5"
        raise WrongUse(f"`{name}: {values[0][:20]}`: write a number, as in `{example}`") from error


def _listed(value: object) -> Iterable[object]:
    if isinstance(value, list | tuple):
        return value
    return () if value in (None, 0) and not isinstance(value, float) else (value,)


def _meant(written: str, known: Iterable[str]) -> str:
    close = get_close_matches(written, known, 1)
    return f", did you mean {close[0]!r}?" if close else f": there are {', '.join(known)}"
