"""Blocks of the mails' templates as fragments: rendered, cut where something else stands, encoded. Pure.

Templates count as code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Generic, TypeVar

from jinja2.runtime import Context
from markupsafe import escape

from service.render.encoding import encoded
from service.render.sheets import Sheet
from service.render.templates import mail_template
from service.render.words import wrapped

# Private-use characters stand in no text and no link that is shown, so no paper and no person can write a mark.
_MARK = re.compile("\ue000([a-z]+)\ue001")
_MARKUP = re.compile("[&<>\"']")
_Encoded = TypeVar("_Encoded")


@dataclass(slots=True)
class Parts(Generic[_Encoded]):
    """The same of both parts of a mail, encoded."""

    html: _Encoded
    text: _Encoded


NOTHING = Parts(b"", b"")


@dataclass(frozen=True, slots=True)
class Fragment:
    """Encoded bytes, and the names of what stands between them."""

    pieces: list[bytes]  # every other one is empty: what has a name
    names: list[str]

    @property
    def fixed(self) -> list[bytes]:
        return self.pieces[::2]

    def filled(self, own: Mapping[str, bytes]) -> list[bytes]:
        """With what has a name in its place."""
        return self.filled_with(map(own.__getitem__, self.names))

    def filled_with(self, own: Iterable[bytes]) -> list[bytes]:
        """In their order."""
        pieces = self.pieces.copy()
        pieces[1::2] = own
        return pieces


def mark(name: str) -> str:
    """Where what has this name stands; lower-case letters."""
    return f"\ue000{name}\ue001"


@lru_cache(maxsize=1_000)
def slot(words: str) -> Parts[bytes]:
    """What is a person's own, as it stands in a mail."""
    return Parts(html_slot(words), encoded(wrapped(words)))


def token_slot(token: str) -> bytes:
    """A link's token is short, and its letters, figures, `-`, `_` and inner `.` stand for themselves, in html and encoded."""
    return f"{token}=\r\n".encode()


@lru_cache(maxsize=1_000)
def html_slot(words: str) -> bytes:
    """The one place that escapes. Markupsafe takes its time where there is nothing to escape."""
    return encoded(str(escape(words)) if _MARKUP.search(words) else words)


class TemplateBlocks:
    """The blocks of one template of digests."""

    def __init__(self, name: str, frame: Sheet) -> None:
        self._template = mail_template(name)
        self._values = {**self._template.globals, "sheet": frame, "say": frame.language.say}

    def ends(self, frame: Sheet) -> tuple[Fragment, Fragment]:
        """What stands before and behind the jumps, charts, cards and lines of a mail."""
        context = self._context({"jumps": "", "charts": mark("charts")}, {"sheet": frame})
        before, _, behind = "".join(self._template.root_render_func(context)).partition(mark("charts"))
        return cut(before), cut(behind.rstrip() + "\n")

    def fragment(self, block: str, *inner: str, **values: object) -> Fragment:
        """A block, cut at its marks and where its `inner` blocks stand."""
        context = self._context({name: mark(name) for name in inner}, values)
        return cut("".join(self._template.blocks[block](context)))

    def _context(self, inner: Mapping[str, str], values: Mapping[str, object]) -> Context:
        """With what stands instead of `inner` blocks. `Template.new_context` would look through its globals each time."""
        template = self._template
        context = Context(template.environment, {**self._values, **values}, template.name, template.blocks)
        for name, words in inner.items():
            context.blocks[name] = [partial(_only, words)]
        return context


def _only(words: str, _: Context) -> Iterator[str]:
    """As the block of a template that says no more."""
    yield words


def cut(text: str) -> Fragment:
    """Where there are marks."""
    pieces = _MARK.split(text)
    names = pieces[1::2]
    return Fragment([encoded(piece) if place % 2 == 0 else b"" for place, piece in enumerate(pieces)], names)
