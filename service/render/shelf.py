"""What was worked out once, kept for the next who needs it. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Shelf(dict[_Key, _Value]):
    """At most so many values; a full one is emptied, which costs less than knowing which of them is the oldest.

    Keys may be made of identities, where comparing what things hold would take longer than all the rest: the shelf then holds
    on to these things, as another one could get the identity of one that is gone. No value may be false.
    """

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._held: list[object] = []

    def put(self, key: _Key, value: _Value, held: object = None) -> _Value:
        """`held` is what the key's identities are of."""
        if len(self) >= self._most:
            self.clear()
            self._held.clear()
        self[key] = value
        if held is not None:
            self._held.append(held)
        return value
