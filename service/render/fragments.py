"""Blocks of the mails' templates as fragments: rendered, cut where something else stands, and encoded. Pure; templates count
as code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import NamedTuple

from jinja2.runtime import Context
from markupsafe import escape

from service.render.encoding import encoded
from service.render.sheets import Sheet
from service.render.templates import mail_template
from service.render.words import wrapped

# Private-use characters stand in no text and no link that is shown, so no paper and no person can write a mark.
_MARK = re.compile("\ue000([a-z]+)\ue001")
_AS_IT_IS = re.compile("[A-Za-z0-9][A-Za-z0-9/:._~-]{0,71}")  # is one line of quoted-printable, and means nothing in html

Fragment = tuple[bytes | str, ...]  # encoded bytes, and the names of what stands between them


class Parts(NamedTuple):
    """The same of both parts of a mail, encoded."""

    html: bytes
    text: bytes


def mark(name: str) -> str:
    """Where what has this name stands; lower-case letters."""
    return f"\ue000{name}\ue001"


def slot(words: str) -> Parts:
    """What is a person's own, as it stands in a mail: the one place that escapes it."""
    if _AS_IT_IS.fullmatch(words):
        line = words.encode() + b"=\r\n"
        return Parts(line, line)
    return Parts(encoded(str(escape(words))), encoded(wrapped(words)))


class TemplateBlocks:
    """The blocks of one template; `before` and `behind` them is what stands in none."""

    def __init__(self, name: str, frame: Sheet) -> None:
        self._template = mail_template(name)
        self._frame = frame
        outer = [block for block in self._template.blocks if block in ("top", "jumps", "charts", "end")]
        whole = _cut("".join(self._template.root_render_func(self._context(outer, {}))))
        self.before, self.behind = whole[: whole.index("top")], whole[whole.index("end") + 1 :]

    def fragment(self, block: str, *inner: str, **values: object) -> Fragment:
        """A block, cut at its marks and where its `inner` blocks stand."""
        return _cut("".join(self._template.blocks[block](self._context(inner, values))))

    def pieces(self, block: str, *inner: str, **values: object) -> tuple[bytes, ...]:
        """A fragment's bytes, where it is known what stands between them."""
        return tuple(piece for piece in self.fragment(block, *inner, **values) if isinstance(piece, bytes))

    def _context(self, inner: Iterable[str], values: Mapping[str, object]) -> Context:
        context = self._template.new_context({"sheet": self._frame, "say": self._frame.language.say, **values})
        for name in inner:
            context.blocks[name] = [partial(_only, mark(name))]
        return context


def filled(fragment: Fragment, own: Mapping[str, Parts], part: int) -> Iterator[bytes]:
    """With what has a name put in its place, of the html (0) or the text (1)."""
    return (own[piece][part] if isinstance(piece, str) else piece for piece in fragment)


def _only(words: str, _: Context) -> Iterator[str]:
    """As the compiled block of a template that says no more."""
    yield words


def _cut(text: str) -> Fragment:
    return tuple(part if number % 2 else encoded(part) for number, part in enumerate(_MARK.split(text)))
