"""Blocks of the mails' templates as fragments: rendered, cut at marks, and encoded. Pure; templates count as code."""

from __future__ import annotations

import re
from collections.abc import Mapping

from service.render.encoding import encoded
from service.render.sheets import Sheet
from service.render.templates import mail_template

# Private-use characters stand in no text and no link that is shown, so no paper and no person can write a mark.
_MARK = re.compile("\ue000([a-z]+)\ue001")
Fragment = tuple[bytes | str, ...]  # encoded bytes, and the names of what stands between them


def mark(name: str) -> str:
    """Where what has this name stands; lower-case letters."""
    return f"\ue000{name}\ue001"


class TemplateBlocks:
    """The blocks of one template."""

    def __init__(self, name: str, frame: Sheet) -> None:
        self._template = mail_template(name)
        self._frame = frame
        everything = self._template.render(sheet=frame, say=frame.language.say)
        self.before = everything.partition(self.rendered("top"))[0]
        self.behind = everything.rpartition(self.rendered("end"))[2]

    def rendered(self, block: str, **values: object) -> str:
        shown = {"sheet": self._frame, "say": self._frame.language.say, **values}
        return "".join(self._template.blocks[block](self._template.new_context(shown)))

    def around(self, block: str, inner: str, **values: object) -> tuple[bytes, bytes]:
        """What a block of several puts before and behind those that it holds; `values` has one of them."""
        before, _, behind = self.rendered(block, **values).partition(self.rendered(inner, **values))
        return encoded(before), encoded(behind)


def cut(text: str) -> Fragment:
    """At its marks."""
    return tuple(part if number % 2 else encoded(part) for number, part in enumerate(_MARK.split(text)))


def filled(fragment: Fragment, own: Mapping[str, bytes]) -> list[bytes]:
    """With what is the person's own, encoded, by its name."""
    return [own[piece] if isinstance(piece, str) else piece for piece in fragment]


def numbered(fragment: Fragment, number: int) -> list[bytes]:
    """With the number filled in: pieces between which the other mark stands."""
    pieces = [b""]
    for piece in fragment:
        if piece == "number":
            pieces[-1] += encoded(f"{number}")
        elif isinstance(piece, str):
            pieces.append(b"")
        else:
            pieces[-1] += piece
    return pieces
