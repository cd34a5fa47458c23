"""A long sequence, one portion of it at a time. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeVar

_Value = TypeVar("_Value")


def portions(values: Sequence[_Value], size: int) -> Iterator[Sequence[_Value]]:
    """Neighbours together, in their order; the last portion may be smaller."""
    return (values[start : start + size] for start in range(0, len(values), size))
