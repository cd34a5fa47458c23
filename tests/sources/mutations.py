"""Pages changed at random, and the bounds that no parser may leave: what it raises, how long and how much memory it takes."""

from __future__ import annotations

import json
import random
import time
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from service.errors import PageChanged
from service.sources import parse_page
from tests.builders import DAY, record
from tests.source_pages import list_page, paper_page

LONGEST = 2.0  # seconds of CPU, and as many again for each MB
MOST_MEMORY = 20 * 2**20  # bytes, beside ten times the input

_MARKS = (
    "<",
    ">",
    '"',
    "'",
    "&",
    "&quot;",
    "&#0;",
    "&#x110000;",
    "\\",
    "\\u0000",
    "\\ud800",
    "\x00",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
)
_VALUES = (
    "null",
    "-1",
    "1e999",
    "NaN",
    "9" * 5000,
    "true",
    '""',
    "[" * 2000,
    '{"a":' * 500,
    "2610.00001",
    "\n",
    "  ",
    "\u202e",
    "·\n",
)
_TAGS = (
    "<article>",
    "</article>",
    "<h3>",
    '<a href="/papers/2610.00001">',
    "<!--",
    "-->",
    "<script>",
    "<![CDATA[",
    "<?xml",
    "<p>",
)
_ODD = ('data-target="DailyPapers"', "data-props=", "<plaintext>", "<svg><style>", "<table><select>", "<div " * 50)
PIECES = (*(piece.encode() for piece in _MARKS + _VALUES + _TAGS + _ODD), b"\xff", b"\xed\xa0\x80")


def composed_pages() -> tuple[bytes, ...]:
    """One page in each form."""
    records = [record(f"2610.{number:05d}", f"Title {number} of \\alpha & <b>") for number in range(1, 4)]
    text = "new\nSubscribe\nDaily Papers\nOct 1\n" + "A title\nAn abstract.\nLab The Lab\n·\nSep 30 4\n  • 8 authors\n" * 3
    pages = [list_page(records, DAY), list_page(records, DAY, year=2024), list_page(records, DAY, has_payload=False)]
    return (*pages, paper_page(records[0]), json.dumps(records).encode(), text.encode())


def real_pages(real: Path) -> tuple[bytes, ...]:
    return tuple(path.read_bytes() for folder in ("html", "text") for path in sorted((real / folder).iterdir()))


def mutated(pages: tuple[bytes, ...], seed: int) -> bytes:
    """A page with one to six pieces cut, doubled, replaced, or taken from another page; or only its beginning."""
    chance = random.Random(seed)
    changed = bytearray(chance.choice(pages))
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(changed) + 1)
        end = min(len(changed), place + int(chance.expovariate(1 / 200)))
        other = chance.choice(pages)
        start = chance.randrange(len(other) + 1)
        byte = bytes([chance.randrange(256)])
        changed[place:end] = chance.choice((b"", byte, chance.choice(PIECES), changed[place:end] * 2, other[start : start + 500]))
    return bytes(changed[: chance.randrange(len(changed) + 1)] if chance.random() < 0.1 else changed)


def check_bounds(content: bytes) -> None:
    """Any other error than PageChanged goes through. Raises AssertionError for one that takes long."""
    begun = time.process_time()
    with suppress(PageChanged):
        parse_page(content)
    taken = time.process_time() - begun
    assert taken < LONGEST * (1 + len(content) / 2**20), f"{taken:.1f} s for {len(content)} bytes"


def check_memory(content: bytes) -> None:
    """What Python allocates, the strings that lxml hands over included; tests/benchmarks/parse_pages.py sees the process."""
    tracemalloc.start()
    try:
        with suppress(PageChanged):
            parse_page(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_MEMORY + 10 * len(content), f"{peak / 2**20:.0f} MB for {len(content) / 2**20:.1f} MB"


_PAYLOAD = b'<div data-target="DailyPapers" data-props="%b">'
_SMALL = b"{&quot;id&quot;:&quot;2610.00001&quot;,&quot;title&quot;:&quot;a&quot;},"

# Inputs of about so many bytes that make a parser spend much for little, by what they are.
HOSTILE: dict[str, Callable[[int], bytes]] = {
    "elements": lambda size: b"<b>" * (size // 3),
    "nested elements": lambda size: b"<div><ul><li>" * (size // 13),
    "cards": lambda size: b"<article>" * (size // 9),
    "titles": lambda size: b'<h3><a href="/papers/2610.00001">x' * (size // 34),
    "attributes": lambda size: b"<a " + b" ".join(b"%x" % number for number in range(size // 7)) + b">",
    "quoted attributes": lambda size: b"<a " + b"".join(b'%x="1"' % number for number in range(size // 10)) + b">",
    "slashed attributes": lambda size: b"<a " + b"/".join(b"%x" % number for number in range(size // 7)) + b">",
    "open quotes": lambda size: b'<a b="' * (size // 6),
    "entities": lambda size: b"<h3>" + b"&amp;" * (size // 5),
    "blanks in a tag": lambda size: b"<a" + b" " * size,
    "no UTF-8": lambda size: b"<" + b"\xff" * size,
    "nulls": lambda size: b"<p>" + b"\x00" * size,
    "comments": lambda size: b"<!--" * (size // 4),
    "a payload of small records": lambda size: (
        _PAYLOAD % (b"{&quot;dailyPapers&quot;:[" + _SMALL * (size // len(_SMALL)) + b"1]}")
    ),
    "a payload of one long title": lambda size: _PAYLOAD % (b"[&quot;\xf0\x9f\x98\x80" + b"a" * size + b"&quot;]"),
    "lists": lambda size: b"[" + b"[]," * (size // 3) + b"1]",
    "objects": lambda size: b"[" + b'{"a":1},' * (size // 8) + b"1]",
    "numbers": lambda size: b"[" + b"-6," * (size // 3) + b"1]",
    "short texts": lambda size: b"[" + b'"ab",' * (size // 5) + b"1]",
    "nested lists": lambda size: b"[" * size,
    "keys": lambda size: b"{" + b",".join(b'"%x":1' % number for number in range(size // 11)) + b"}",
    "a long number": lambda size: b"[" + b"9" * size + b"]",
    "one long title": lambda size: b'[{"id": "2610.00001", "title": "\xf0\x9f\x98\x80' + b"a" * size + b'"}]',
    "invisible characters": lambda size: b'[{"id": "2610.00001", "title": "' + b"\xe2\x80\x8b" * (size // 3) + b'"}]',
    "an id of digits": lambda size: b'[{"id": "' + b"1111.1" * (size // 6) + b'", "title": "a"}]',
    "lines": lambda size: b"new\nSubscribe\n" + b"title\nabstract\n" * (size // 15),
    "dots": lambda size: b"new\nSubscribe\ntitle\nabstract\n" + "·\n".encode() * (size // 3),
    "a long line": lambda size: b"new\nSubscribe\n" + b"a " * (size // 2),
    "other line ends": lambda size: b"new\nSubscribe\n" + b"\r\x0b\x0c" * (size // 3),
}
