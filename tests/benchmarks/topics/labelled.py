"""Labelled papers and the corpus, without the days that are set aside: whatever is learned or looked at comes through here."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.models import ParsedPaper
from tests.conftest import REAL

SET_ASIDE = frozenset({"2024-07-10", "2025-08-13", "2026-06-17"})
LABELLED = REAL.parent / "topics" / "labelled_papers.jsonl"
_OURS = Path(__file__).parent / "labels.tsv"  # what we read and labelled ourselves: id, yes, maybe


class Labelled(NamedTuple):
    id: str
    day: str
    paper: ParsedPaper
    yes: frozenset[str]
    maybe: frozenset[str]


def tuning_papers() -> list[Labelled]:
    """The labelled papers that may be looked at."""
    return [one for one in _all_labelled() if one.day not in SET_ASIDE]


def corpus() -> dict[str, ParsedPaper]:
    """Unlabelled papers by id, and those of SciTLDR (2017 to 2019); none of a day that is set aside."""
    hidden = {one.id for one in _all_labelled()}
    found: dict[str, ParsedPaper] = {}
    for day, item in _records():
        told = item | item.get("paper", {})
        identity, title, abstract = told.get("id"), told.get("title"), told.get("summary") or told.get("abstract")
        if day in SET_ASIDE:
            hidden.add(identity)
        elif identity and title and abstract:
            found.setdefault(identity, _paper(title, abstract))
    found |= {f"s:{r['paper_id']}": _paper(r["title"], " ".join(r["source"])) for r in _lines(REAL / "scitldr")}
    return {identity: paper for identity, paper in found.items() if identity not in hidden}


def our_labels(papers: dict[str, ParsedPaper]) -> list[Labelled]:
    """Papers of the corpus that we labelled; `day` parts them into folds."""
    found = []
    for number, line in enumerate(_OURS.read_text("utf-8").splitlines()):
        identity, yes, maybe = line.split("\t")
        if identity in papers:
            fold = f"ours {number % 9}"
            found.append(Labelled(identity, fold, papers[identity], frozenset(yes.split()), frozenset(maybe.split())))
    return found


def targets(papers: list[Labelled], slugs: list[str]) -> NDArray[np.float64]:
    """(papers, topics): 1 for yes, 0 for no, nan for maybe."""
    return np.array([[1.0 if slug in p.yes else np.nan if slug in p.maybe else 0.0 for slug in slugs] for p in papers])


def _all_labelled() -> list[Labelled]:
    rows = [json.loads(line) for line in LABELLED.read_text("utf-8").splitlines()]
    return [
        Labelled(r["id"], r["day"], _paper(r["title"], r["abstract"]), frozenset(r["yes"]), frozenset(r["maybe"])) for r in rows
    ]


def _records() -> Iterator[tuple[str, dict[str, Any]]]:
    for line in _lines(REAL / "corpus"):
        if line["item"]:
            yield line["feed_date"], line["item"]


def _lines(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)


def _paper(title: str, abstract: str) -> ParsedPaper:
    return ParsedPaper(id=None, title=" ".join(title.split()), abstract=" ".join(abstract.split()))
