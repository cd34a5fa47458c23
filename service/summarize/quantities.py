"""The quantities that a text names, in figures or in words, each as a value and a unit. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

from service.summarize.source import STOP_WORDS
from service.words import stem

_SCALES = {
    "k": 1e3,
    "m": 1e6,
    "b": 1e9,
    "t": 1e12,
    "thousand": 1e3,
    "million": 1e6,
    "billion": 1e9,
    "trillion": 1e12,
    "hundred": 1e2,
}
_TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}
_ONES = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9}
_WORDS = {
    **{word: value for word, value in _ONES.items() if value > 1},
    **_TENS,
    **{f"{ten}-{one}": value + more for ten, value in _TENS.items() for one, more in _ONES.items()},
    **{f"{word}fold": value for word, value in (*_ONES.items(), ("ten", 10), ("hundred", 100), ("thousand", 1000)) if value > 1},
    "zero": 0, "ten": 10, "eleven": 11, "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16,
    "seventeen": 17, "eighteen": 18, "nineteen": 19, "hundred": 100, "dozen": 12, "twice": 2, "thrice": 3,
    "double": 2, "doubles": 2, "doubled": 2, "doubling": 2, "triple": 3, "triples": 3, "tripled": 3, "tripling": 3,
    "quadruple": 4, "quadruples": 4, "quadrupled": 4, "quadrupling": 4, "half": 0.5, "halves": 0.5, "halved": 0.5, "halving": 0.5,
}  # fmt: skip
_FIGURE = re.compile(
    r"(?<![\w.])(?P<value>\d{1,3}(?:,\d{3,})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:[\s-]?(?P<scale>[kKMBT](?![a-zA-Z])|(?i:thousand|million|billion|trillion|hundred)\b))?"
    r"(?:[\s-]?(?P<unit>\\?%|(?i:per[\s-]?cent(?:age)?|pp|times|fold)\b|[x×](?![a-zA-Z])|\$?\\times\b))?",
)
_WORD = re.compile(
    rf"\b(?P<word>{'|'.join(sorted(_WORDS, reverse=True))})\b(?:[\s-](?P<scale>thousand|million|billion|trillion|hundred)\b)?"
    r"(?:[\s-]?(?P<unit>%|(?:per[\s-]?cent(?:age)?|times|fold)\b))?",
    re.IGNORECASE,
)
# Figures within names and after letters ("GPT-4", "L2", "8B") are values too, of no unit.
_INNER = re.compile(r"(?<=[A-Za-z_^-])\d+(?:\.\d+)?")
_IN_A_ROW = re.compile(r"\s*(?:-|–|—|to|and|or|,|, and|vs\.?|/|\\?%\s*(?:-|–|to|and|,))\s*", re.IGNORECASE)


_SHORT_FORMS = {
    "ms": "millisecond", "s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour",
    "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte",
    "hz": "hertz", "khz": "kilohertz", "mhz": "megahertz", "ghz": "gigahertz",
    "mm": "millimeter", "cm": "centimeter", "km": "kilometer",
}  # fmt: skip
# What a number of them is can't be said otherwise: not minutes for seconds, as one may say benchmarks for datasets.
MEASURES = frozenset((*_SHORT_FORMS.values(), "day", "week", "month", "year"))
_COUNTED = re.compile(rf"[\s-]?({'|'.join(_SHORT_FORMS)})\b|[\s-]([^\W\d_]{{3,}})", re.IGNORECASE)
_NEGATIVE = re.compile(r"(?<![\w.)\]%])[-−–](\d+(?:\.\d+)?)")
_OPPOSITES = (("faster", "slower"), ("higher", "lower"), ("larger", "smaller"), ("longer", "shorter"), ("better", "worse"))
OPPOSITES = {**dict(_OPPOSITES), **{less: more for more, less in _OPPOSITES}}


class Quantity(NamedTuple):
    value: float
    unit: str  # "%", "x" or nothing


def quantities(text: str) -> set[Quantity]:
    """A range's or list's unit at its end counts for each of its values: "3 to 5%" holds 3 % and 5 %."""
    found: set[Quantity] = set()
    row: list[tuple[float, str]] = []
    last_end = -1
    for match in _FIGURE.finditer(text):
        if row and not _IN_A_ROW.fullmatch(text[last_end : match.start()]):
            found |= _of_one_unit(row)
            row = []
        row.append((_value(match), _unit(match.group("unit"))))
        last_end = match.end()
    found |= _of_one_unit(row)
    found |= {Quantity(_word_value(match), _unit(match.group("unit"))) for match in _WORD.finditer(text)}
    return found | {Quantity(float(inner), "") for inner in _INNER.findall(text)}


def is_named(quantity: Quantity, source: set[Quantity]) -> bool:
    """The same value, and where the quantity has a unit, the same unit; "3 times" may be the 3 of "by a factor of 3"."""
    for other in source:
        is_same = abs(other.value - quantity.value) <= 1e-9 * max(1.0, abs(quantity.value))
        if is_same and (quantity.unit in ("", other.unit) or (quantity.unit == "x" and not other.unit)):
            return True
    return False


def counted(text: str) -> set[tuple[float, str]]:
    """Each value with the word right behind it: what there are so many of."""
    found = set()
    for pattern, value_of in ((_FIGURE, _value), (_WORD, _word_value)):
        for match in pattern.finditer(text):
            if (behind := _COUNTED.match(text, match.end())) and behind.group(2) not in STOP_WORDS:
                short, written = behind.groups()
                found.add((value_of(match), _SHORT_FORMS[short.lower()] if short else stem(written)))
    return found


def negatives(text: str) -> set[str]:
    """The figures that have a minus; no range, no hyphen of a name."""
    return set(_NEGATIVE.findall(text))


def _of_one_unit(row: list[tuple[float, str]]) -> set[Quantity]:
    last = row[-1][1] if row else ""
    return {Quantity(value, unit or last) for value, unit in row} | {Quantity(value, unit) for value, unit in row}


def _value(match: re.Match[str]) -> float:
    return float(match.group("value").replace(",", "")) * _SCALES.get((match.group("scale") or "").lower(), 1.0)


def _word_value(match: re.Match[str]) -> float:
    return _WORDS[match.group("word").lower()] * _SCALES.get((match.group("scale") or "").lower(), 1.0)


def _unit(written: str | None) -> str:
    said = (written or "").lower()
    return "%" if said.startswith(("per", "pp")) or said.endswith("%") else "x" if said else ""
