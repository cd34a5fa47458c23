"""In how many of some 9,000 papers each word stands, as shipped. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from math import log


@dataclass(frozen=True, slots=True)
class Background:
    """In how many of how many papers each root stands."""

    paper_count: int
    counts: Mapping[str, int]

    def inverse_frequency(self, root: str) -> float:
        count = self.counts.get(root, 0)
        return log(1 + (self.paper_count - count + 0.5) / (count + 0.5))


@cache
def shipped_background() -> Background:
    """A root that stands in fewer than five of them is left out."""
    read = json.loads(resources.files("service.shipped").joinpath("background.json").read_text("utf-8"))
    return Background(read["papers"], read["roots"])
