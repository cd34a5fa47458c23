"""What a model is asked, and its answer as fields. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.errors import SummaryRejected
from service.models import Paper, ParsedPaper, Prompt
from service.summarize.trim import LONGEST
from service.template_files import TEMPLATES

TEXT_FIELDS = ("tldr", "problem", "result")
MOST_TAGS = 6

# A prompt is plain text; what comes from a paper goes in as JSON.
_PROMPTS = Environment(loader=FileSystemLoader(TEMPLATES / "prompts"), undefined=StrictUndefined, trim_blocks=True)  # noqa: S701
_TEMPLATE = "summary.txt"


@cache
def prompt_version() -> str:
    """Another one for another wording."""
    return hashlib.sha256((TEMPLATES / "prompts" / _TEMPLATE).read_bytes()).hexdigest()[:12]


def summary_prompt(paper: Paper | ParsedPaper, tags: Sequence[str], refused: Mapping[str, Sequence[str]] | None = None) -> Prompt:
    """`tags` are those to choose from; `refused` tells what was wrong with each field of the last answer."""
    text = _PROMPTS.get_template(_TEMPLATE).render(
        paper={"id": paper.id, "title": paper.title, "abstract": paper.abstract},
        longest=LONGEST,
        tags=list(tags),
        refused=refused,
    )
    return Prompt(text, "summaries", _schema(paper.id, tags))


def answer_fields(answer: str, paper_id: str | None) -> dict[str, Any]:
    """The paper's own entry: each text field's text or None, and `tags`. Others' entries are left aside.

    Raises SummaryRejected with the reason, which a person and a model can read.
    """
    try:
        answered = json.loads(answer[answer.find("{") : answer.rfind("}") + 1])  # some models fence it, or think aloud before
    except (ValueError, RecursionError) as error:
        raise SummaryRejected("the answer is not JSON") from error
    entries = answered.get("summaries")
    if not isinstance(entries, list):
        raise SummaryRejected('the answer is not a JSON object with a list "summaries"')
    mine = [entry for entry in entries if isinstance(entry, dict) and entry.get("id") == paper_id]
    if len(mine) != 1:
        raise SummaryRejected(f"the answer has {len(mine)} summaries of id {paper_id}, not one")
    fields = {name: mine[0].get(name) for name in TEXT_FIELDS}
    if not all(text is None or isinstance(text, str) for text in fields.values()):
        raise SummaryRejected("a field of the answer is not text")
    tags = mine[0].get("tags")
    texts = {name: " ".join(text.split()) or None if text else None for name, text in fields.items()}
    if texts["tldr"] is None:
        raise SummaryRejected("the answer has no tldr")
    return {**texts, "tags": [tag for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []}


def _schema(paper_id: str | None, tags: Sequence[str]) -> dict[str, Any]:
    """Strict: every property is required, and no other is allowed."""
    line = {"type": ["string", "null"]}
    properties: dict[str, Any] = {
        "id": {"type": "string", "enum": [paper_id]},
        "tldr": {"type": "string"},
        "problem": line,
        "result": line,
    }
    if tags:
        properties["tags"] = {"type": "array", "items": {"type": "string", "enum": list(tags)}}
    entry = _closed(properties)
    return _closed({"summaries": {"type": "array", "items": entry}})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
