"""Give a paper tags from the shipped vocabulary. Pure."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources

from service.models import Paper, ParsedPaper
from service.words import runs, tokens

MOST = 6


def tag_paper(paper: Paper | ParsedPaper, most: int = MOST) -> list[str]:
    """At most `most` tags: those named in the title first, then by how often the paper names them."""
    terms, longest = _vocabulary()
    weights: dict[str, int] = {}
    for text, weight in [(paper.title, 10), (paper.abstract or "", 1), *((word, 3) for word in paper.source_keywords or ())]:
        for run in runs(tokens(text), longest):
            if tag := terms.get(run):
                weights[tag] = weights.get(tag, 0) + weight
    return sorted(weights, key=lambda tag: (-weights[tag], tag))[:most]


@cache
def _vocabulary() -> tuple[dict[tuple[str, ...], str], int]:
    """Each way of writing a term, as words, with the tag that stands for it; and the longest of them."""
    written = tomllib.loads(resources.files("service.shipped").joinpath("tags.toml").read_text("utf-8"))["tags"]
    terms = {tokens(term): tag for tag, synonyms in written.items() for term in (tag, *synonyms)}
    return terms, max(map(len, terms))
