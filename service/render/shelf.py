"""What was worked out once, kept for the next who needs it. Pure."""

from __future__ import annotations

from collections.abc import Hashable
from typing import TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Shelf(dict[_Key, _Value]):
    """At most so many values; a full one is emptied, which costs less than knowing which of them is the oldest."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def put(self, key: _Key, value: _Value) -> _Value:
        if len(self) >= self._most:
            self.clear()
        self[key] = value
        return value
