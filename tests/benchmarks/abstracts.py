"""The real abstracts that the benchmarks read: SciTLDR's and the corpus'. Third-party data, beside the project."""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.conftest import REAL


def scitldr(part: str) -> list[dict[str, Any]]:
    """Papers with `title`, `abstract` and `targets`, people's summaries."""
    papers = []
    for line in _lines(REAL / "scitldr" / f"{part}.jsonl.gz"):
        abstract = " ".join(" ".join(line["source"]).split())
        papers.append({"title": line["title"] or "", "abstract": abstract, "targets": line["target"]})
    return papers


def corpus() -> list[dict[str, Any]]:
    """Each paper of the corpus once, as it was last seen: `id`, `title`, `abstract`, and `ai_keywords`, `ai_summary` or None."""
    papers: dict[str, dict[str, Any]] = {}
    for file in sorted((REAL / "corpus").glob("*.jsonl.gz")):
        for line in _lines(file):
            item = line["item"] or {}
            record = item.get("paper") or item
            identity, abstract = record.get("id") or record.get("paper_id"), record.get("summary") or record.get("abstract")
            if not identity or not abstract:
                continue
            paper = papers.setdefault(identity, {"id": identity, "ai_keywords": None, "ai_summary": None})
            paper["title"] = " ".join((record.get("title") or item.get("title") or "").split())
            paper["abstract"] = " ".join(abstract.split())
            for name in ("ai_keywords", "ai_summary"):
                paper[name] = record.get(name) or paper[name]
    return list(papers.values())


def say(text: str = "") -> None:
    print(text)
    sys.stdout.flush()


def _lines(path: Path) -> Iterator[Any]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)
