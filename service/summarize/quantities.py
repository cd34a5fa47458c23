"""The quantities that a text names, in figures or in words, each as a value and a unit. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

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
_WORDS = {
    "zero": 0, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11,
    "twelve": 12, "thirteen": 13, "fourteen": 14, "fifteen": 15, "sixteen": 16, "twenty": 20, "thirty": 30, "forty": 40,
    "fifty": 50,
    "hundred": 100, "dozen": 12, "double": 2, "doubles": 2, "doubling": 2, "twice": 2, "triple": 3, "triples": 3, "thrice": 3,
    "twofold": 2, "threefold": 3, "fourfold": 4, "fivefold": 5, "tenfold": 10, "halves": 0.5, "half": 0.5,
}  # fmt: skip
_FIGURE = re.compile(
    r"(?<![\w.])(?P<value>\d{1,3}(?:,\d{3,})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
    r"(?:\s?(?P<scale>[kKMBT](?![a-zA-Z])|thousand\b|million\b|billion\b|trillion\b|hundred\b))?"
    r"\s?(?P<unit>\\?%|percent(?:age)?\b|pp\b|[x×](?![a-zA-Z])|times\b|-?\s?fold\b)?",
)
_WORD = re.compile(
    rf"\b(?P<word>{'|'.join(_WORDS)})\b(?:[\s-](?P<scale>thousand|million|billion|hundred)\b)?(?:\s(?P<unit>percent))?",
    re.IGNORECASE,
)
# Figures within names and after letters ("GPT-4", "L2", "8B") are values too, of no unit.
_INNER = re.compile(r"(?<=[A-Za-z_^-])\d+(?:\.\d+)?")
_IN_A_ROW = re.compile(r"\s*(?:-|–|—|to|and|or|,|, and|vs\.?|/|\\?%\s*(?:-|–|to|and|,))\s*", re.IGNORECASE)


_COUNTED = re.compile(r"[\s-]([^\W\d_]{3,})")


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
    found |= {Quantity(_word_value(match), "%" if match.group("unit") else "") for match in _WORD.finditer(text)}
    return found | {Quantity(float(inner), "") for inner in _INNER.findall(text)}


def is_named(quantity: Quantity, source: set[Quantity]) -> bool:
    """The same value, and where the quantity has a unit, the same unit; "3 times" may be a 3 of no unit."""
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
            if behind := _COUNTED.match(text, match.end()):
                found.add((value_of(match), stem(behind.group(1))))
    return found


def _of_one_unit(row: list[tuple[float, str]]) -> set[Quantity]:
    last = row[-1][1] if row else ""
    return {Quantity(value, unit or last) for value, unit in row} | {Quantity(value, unit) for value, unit in row}


def _value(match: re.Match[str]) -> float:
    return float(match.group("value").replace(",", "")) * _SCALES.get((match.group("scale") or "").lower(), 1.0)


def _word_value(match: re.Match[str]) -> float:
    return _WORDS[match.group("word").lower()] * _SCALES.get((match.group("scale") or "").lower(), 1.0)


def _unit(written: str | None) -> str:
    said = (written or "").strip("\\- ").lower()
    return "%" if said in ("%", "percent", "percentage", "pp") else "x" if said else ""
