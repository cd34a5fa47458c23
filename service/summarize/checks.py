"""What a model's text must pass before anybody sees it: each field against the paper's own texts. Pure.

Bounds were measured on SciTLDR's human summaries: a containment of 0.5 keeps 72 % of them and rejects 99 % of another paper's.
Names come from there too: an entity that the source has not is the slip that models make most (Nan et al., arXiv 2102.09130).
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable

from service.summarize.claims import direction, hedges, negation, scope
from service.summarize.hostile import instruction_in
from service.summarize.quantities import MEASURES, OPPOSITES, counted, is_named, negatives, quantities
from service.summarize.source import NAME, Source, content_share, light_stem, squeezed
from service.summarize.trim import LONGEST
from service.words import stem

CONTAINMENT = 0.5  # the share of a field's content words that the source must hold
CONTAINMENT_RETRIED = 0.4  # of a second answer, to a question that named what was wrong
_LONGEST_TEXT = 300  # characters
_MOST_READ = 1_000  # characters; a model that repeats a letter for ever would keep some patterns busy for as long

_IS_NAME = re.compile(r"[A-Za-z][\w.-]*(?:[a-z0-9-][A-Z]|\d)|^[A-Z]{2,}|^\d+[A-Z]\w*|^[a-z]+[A-Z]")
_JOINING = ("based", "driven", "powered", "style")  # behind a name, they add nothing to it
_FIGURE = re.compile(r"\d+(?:[.,]\d+)*")
_MARKUP = re.compile(r"https?:|www\.|\S@\S+\.\w|[<>{}`|]|\*\*|\]\(|^#|\\[a-zA-Z]+|&\w+;|\b\w+\.(?:com|org|net|io|ai/|dev)\b")


def failures(text: str, source: Source, containment: float = CONTAINMENT) -> list[str]:
    """What is wrong with a field, each in words that a model or a person can act on; the check's name stands before the colon."""
    if len(text) > _MOST_READ:
        return [f"length: {_length(text, source)}"]
    found = ((name, check(text, source)) for name, check in _CHECKS.items())
    wrong = [f"{name}: {reason}" for name, reason in found if reason]
    share = content_share(text, source)
    if share < containment:
        wrong.append(f"containment: only {share:.0%} of its words stand in the abstract, {containment:.0%} must")
    return wrong


def check_names() -> tuple[str, ...]:
    return (*_CHECKS, "containment")


def _length(text: str, _: Source) -> str | None:
    count = len(text.split())
    if count > LONGEST or len(text) > _LONGEST_TEXT:
        return f"it has {count} words and {len(text)} characters, more than {LONGEST} and {_LONGEST_TEXT}"
    return "it has less than three words" if count < 3 else None


def _plain(text: str, _: Source) -> str | None:
    if found := _MARKUP.search(text):
        return f"it holds a link or markup ({found.group()[:20]!r})"
    hidden = next((c for c in text if unicodedata.category(c) in ("Cf", "Cc", "Co", "Cn", "Cs") or c == "\ufffd"), None)
    return f"it holds a hidden character (U+{ord(hidden):04X})" if hidden else None


def _language(text: str, source: Source) -> str | None:
    strange = sum(c.isalpha() and not _is_latin_or_greek(c) and c not in source.text for c in text)
    return "it is not in the abstract's script" if strange else None


def _is_latin_or_greek(character: str) -> bool:
    return character.isascii() or unicodedata.name(character, "").startswith(("LATIN", "GREEK", "MICRO", "MATHEMATICAL"))


def _no_instruction(text: str, _: Source) -> str | None:
    found = instruction_in(text)
    return f"it tells the reader or a model what to do ({found!r})" if found else None


def _numbers(text: str, source: Source) -> str | None:
    if sign := next((c for c in text if unicodedata.category(c) in ("No", "Nl") and not _is_there(c, source)), None):
        return f"the abstract has no {sign}"
    known = quantities(source.text)
    strange = next((quantity for quantity in sorted(quantities(text)) if not is_named(quantity, known)), None)
    if strange:
        return f"the abstract has no {strange.value:g}{strange.unit}"
    said, there = counted(text), counted(source.text)
    nouns = {noun for _, noun in there}
    other = next(((value, noun) for value, noun in sorted(said - there) if noun in nouns | MEASURES), None)
    if other:
        return f"the abstract has another number of {other[1]!r} than {other[0]:g}"
    if turned := next((noun for value, noun in sorted(said - there) if (value, OPPOSITES.get(noun)) in there), None):
        return f"the abstract says {OPPOSITES[turned]!r}, not {turned!r}"
    if minus := negatives(text) - negatives(source.text):
        return f"the abstract has no -{min(minus)}"
    more = Counter(_FIGURE.findall(text)) - Counter(_FIGURE.findall(source.text))
    return f"it says {next(iter(more))} more often than the abstract" if more else None


def _is_there(sign: str, source: Source) -> bool:
    """A figure of its own form, as it is or plain: the abstract may write "L^2" for "L²"."""
    return sign in source.text or unicodedata.normalize("NFKC", sign) in source.text


def _names(text: str, source: Source) -> str | None:
    for name in (found.rstrip(".-") for found in NAME.findall(text)):
        if _IS_NAME.search(name) and not _is_known(name, source):
            return f"the paper's texts do not name {name!r}"
    return None


def _is_known(name: str, source: Source) -> bool:
    folded = name.casefold()
    if re.search(r"[a-z][-_.]?\d", folded) and squeezed(folded) not in source.squeezed:
        return False
    if (
        folded in source.names
        or stem(folded) in source.names
        or (folded.isalpha() and stem(folded) in source.initials and len(folded) > 2)
    ):
        return True
    if name[:-1].isupper() and name.endswith("s") and folded[:-1] in source.initials and len(name) > 2:
        return True
    parts = [part for part in re.split(r"[-_./]", folded) if part]
    return len(parts) > 1 and all(part in _JOINING or _is_known_part(part, source) for part in parts)


def _is_known_part(part: str, source: Source) -> bool:
    is_short_form = len(part) > 2 and stem(part) in source.initials
    return part in source.names or stem(part) in source.names or light_stem(part) in source.words or is_short_form


_CHECKS: dict[str, Callable[[str, Source], str | None]] = {
    "length": _length,
    "plain text": _plain,
    "language": _language,
    "no instruction": _no_instruction,
    "numbers": _numbers,
    "names": _names,
    "scope": scope,
    "hedges": hedges,
    "negation": negation,
    "direction": direction,
}
