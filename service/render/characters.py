"""Text from papers, models and people as one line of characters that show. Pure.

What does not show can lie: a right-to-left override turns the rest of a subject round, a zero-width character parts a word
that a filter looks for, a line break ends a header. Letters that are written from right to left stay as they are.
"""

from __future__ import annotations

# Those of Unicode's Default_Ignorable_Code_Point that str.isprintable() lets pass; emoji keep U+FE0F.
_IGNORABLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0")
_VARIATION_SELECTORS = range(0xE0100, 0xE01F0)  # 17 to 256


def one_line(text: str) -> str:
    """Without control, format (bidirectional, zero-width), private and lone surrogate characters; blanks are single."""
    if not (text.isascii() and text.isprintable()):  # most do not take looking at each character
        text = "".join(c for c in text if _shows(c) or c.isspace())
    return " ".join(text.split())


def _shows(character: str) -> bool:
    return character.isprintable() and character not in _IGNORABLE and ord(character) not in _VARIATION_SELECTORS
