"""What a model is asked about a batch of papers and all topics, and its answer once every quote was found. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.errors import ModelFailed
from service.match.opinions import Quote
from service.models import Paper, Prompt, Topic
from service.template_files import TEMPLATES

PAPERS_A_CALL = 8
_GRADES = (1, 2, 3)
_SHORTEST, _LONGEST = 8, 300  # characters of a quote

# A prompt is plain text; what comes from a paper or a topic goes in as JSON.
_PROMPTS = Environment(loader=FileSystemLoader(TEMPLATES / "prompts"), undefined=StrictUndefined, trim_blocks=True)  # noqa: S701


def fit_prompt(papers: Sequence[Paper], topics: Sequence[Topic]) -> Prompt:
    text = _PROMPTS.get_template("fit.txt").render(
        topics=[{"slug": topic.slug, "name": topic.name, "about": topic.description} for topic in topics],
        papers=[{"id": paper.id, "title": paper.title, "abstract": paper.abstract} for paper in papers],
    )
    return Prompt(text, "papers", _schema([paper.id for paper in papers], [topic.slug for topic in topics]))


def checked_quotes(answer: str, papers: Sequence[Paper], topics: Iterable[Topic]) -> dict[tuple[str, str], Quote]:
    """By paper and topic, what the model quoted; what it made up, or said of others, is left out.

    Raises ModelFailed where the answer is not of the form that was asked for.
    """
    try:
        answered = json.loads(answer[answer.find("{") : answer.rfind("}") + 1])  # some models fence it, or think aloud before
    except (ValueError, RecursionError) as error:
        raise ModelFailed("the language model's answer is not JSON") from error
    entries = answered.get("papers")
    if not isinstance(entries, list):
        raise ModelFailed('the language model\'s answer is not a JSON object with a list "papers"')
    known, slugs = {paper.id: paper for paper in papers}, {topic.slug for topic in topics}
    found: dict[tuple[str, str], Quote] = {}
    for paper, told in _told(entries, known):
        quote = _quote(paper, told)
        if quote and told.get("slug") in slugs:
            found.setdefault((paper.id, told["slug"]), quote)
    return found


def _told(entries: Iterable[object], known: Mapping[str, Paper]) -> Iterator[tuple[Paper, Mapping[str, Any]]]:
    for entry in (entry for entry in entries if isinstance(entry, dict)):
        paper, told = known.get(str(entry.get("id"))), entry.get("topics")
        if paper and isinstance(told, list):
            yield from ((paper, one) for one in told if isinstance(one, dict))


def _quote(paper: Paper, told: Mapping[str, Any]) -> Quote | None:
    """None where the words don't stand in the paper."""
    grade, evidence = told.get("grade"), told.get("evidence")
    if not isinstance(evidence, str) or not isinstance(told.get("slug"), str) or type(grade) is not int or grade not in _GRADES:
        return None
    words = " ".join(evidence.split())
    if not _SHORTEST <= len(words) <= _LONGEST:
        return None
    places = (("title", paper.title), ("abstract", paper.abstract or ""))
    field = next((name for name, text in places if words in " ".join(text.split())), None)
    return Quote(grade, words, field) if field else None


def _schema(ids: Sequence[str], slugs: Sequence[str]) -> dict[str, Any]:
    """Strict: every property is required, and no other is allowed."""
    topic = _closed(
        {
            "slug": {"type": "string", "enum": list(slugs)},
            "grade": {"type": "integer", "enum": list(_GRADES)},
            "evidence": {"type": "string"},
        }
    )
    paper = _closed({"id": {"type": "string", "enum": list(ids)}, "topics": {"type": "array", "items": topic}})
    return _closed({"papers": {"type": "array", "items": paper}})


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
