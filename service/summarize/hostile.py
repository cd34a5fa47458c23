"""Signs that a text tries to steer a language model or its reader, each in words for the admin. Pure.

A paper with a sign is summarised by the authors' sentence only. A paper that quotes an attack shows the sign as well: it
loses the model's summary, and nothing else.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import html
import re
import tomllib
import unicodedata
from functools import cache
from importlib import resources

_SECOND_PERSON = re.compile(
    r"(?<!-)\b(?:you|your|yours|please|dear reader|click|subscribe|must[- ]read|don't miss|note that you)\b", re.IGNORECASE
)

_LOOKALIKES = str.maketrans(
    "аеорсухіјѕһԁкмтвнАВЕКМНОРСТУХІЈЅοανικρυτεΑΒΕΖΗΙΚΜΝΟΡΤΥΧօոսցⅰⅼɡıǃ",
    "aeopcyxijshdkmtbhABEKMHOPCTYXIJSoavikputeABEZHIKMNOPTYXouugilgi!",
)
_LEET = str.maketrans("013457@$", "oieastas")
_HIDDEN = re.compile(
    "[\u200b\u200c\u200d\u200e\u200f\u2060-\u2064\u202a-\u202e\u2066-\u2069\ufeff\u180e\U000e0000-\U000e007f\ufe00-\ufe0d]"
)
_MIXED_WORD = re.compile(
    r"[a-zA-Z]+[\u0400-\u04ff\u0530-\u058f]|[\u0400-\u04ff\u0530-\u058f]+[a-zA-Z]|"
    r"[a-zA-Z][ονικρυτΑΒΕΖΗΙΚΜΝΟΡΤΥΧ]+[a-zA-Z]"
)
_STYLED_WORD = re.compile(r"[\U0001d400-\U0001d7ff\uff21-\uff5a\u24b6-\u24e9]{4,}")
_SPACED_WORD = re.compile(r"\b(?:[a-zA-Z][ ._*-]){5,}[a-zA-Z]\b")
_ENCODED = re.compile(r"(?:[A-Za-z0-9+/]{4}){6,}(?:[A-Za-z0-9+/]{2,3}={0,2})?|(?:[0-9a-f]{2}){16,}")


def hostile_signs(text: str) -> list[str]:
    """Nothing for an ordinary text."""
    signs = []
    if found := _HIDDEN.search(text):
        signs.append(f"a hidden character (U+{ord(found.group()):04X})")
    if found := _MIXED_WORD.search(text):
        signs.append("letters of another script within a Latin word")
    if found := _STYLED_WORD.search(text):
        signs.append("a word in styled letters")
    if steering := _steering_in(text):
        signs.append(f"an instruction ({steering!r})")
    return signs


def instruction_in(text: str) -> str | None:
    """What in a summary speaks to its reader, or to a model."""
    found = _SECOND_PERSON.search(text)
    return found.group() if found else _steering_in(text)


def _steering_in(text: str) -> str | None:
    """The first words that give an order, however they are disguised."""
    for reading in _readings(text):
        for pattern in _patterns():
            if found := pattern.search(reading):
                return found.group().strip()[:60]
    return None


@cache
def _patterns() -> list[re.Pattern[str]]:
    """A word in capitals stands for its list."""
    stored = tomllib.loads(resources.files("service.shipped").joinpath("steering.toml").read_text("utf-8"))
    words: dict[str, str] = stored["words"]
    listed = re.compile("|".join(words))
    return [
        re.compile(listed.sub(lambda found: words[found.group()], text), re.IGNORECASE) for text in stored["patterns"].values()
    ]


def _readings(text: str) -> list[str]:
    """The text folded, and what it may hide: written backwards, by ROT13, in figures for letters, with gaps, or encoded."""
    folded = _folded(text)
    readings = [folded, text.casefold()]
    if re.search(r"\w[013457@$]\w|\b[1!]\w", folded):
        readings.append(folded.translate(_LEET))
    if re.search(r"\b(?:snoitcurtsni|erongi|suoiverp|drawrof)\b|\b(?:vtaber|cerivbhf|vafgehpgvbaf)\b", folded):
        readings += [folded[::-1], codecs.decode(folded, "rot13")]
    if _SPACED_WORD.search(folded):
        readings.append(_SPACED_WORD.sub(lambda found: re.sub(r"[ ._*-]", "", found.group()), folded.replace("  ", " | ")))
    readings += [_folded(decoded) for piece in _ENCODED.findall(text) if (decoded := _decoded(piece))]
    return readings


def _folded(text: str) -> str:
    """One case and script, without marks, hidden characters and escapes; a run of blanks is one."""
    text = html.unescape(re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found.group(1), 16)), text))
    tags = "".join(chr(ord(c) - 0xE0000) if 0xE0020 <= ord(c) < 0xE007F else c for c in text)
    plain = unicodedata.normalize("NFKC", _HIDDEN.sub("", tags)).translate(_LOOKALIKES)
    plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return re.sub(r"\s", " ", plain).replace("’", "'").casefold()


def _decoded(piece: str) -> str | None:
    try:
        raw = bytes.fromhex(piece) if re.fullmatch(r"[0-9a-f]+", piece) else base64.b64decode(piece + "=" * (-len(piece) % 4))
        return raw.decode("ascii")
    except (ValueError, binascii.Error):
        return None
