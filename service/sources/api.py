"""Read an answer of the JSON API: `/api/daily_papers` and searches, a bare array, or `/api/papers/<id>`, one object. Pure."""

from __future__ import annotations

from typing import Any

from service.errors import PageChanged
from service.models import Form, ParsedPage
from service.sources import json_text
from service.sources.fields import clean_text
from service.sources.records import parse_record, parse_records


def parse(text: str) -> ParsedPage:
    """Raises PageChanged."""
    answer = json_text.load(text, "the answer")
    return _list(answer) if isinstance(answer, list) else _paper(answer)


def _list(items: list[Any]) -> ParsedPage:
    """The array tells no day of its own: it is the one day on which all its papers that tell theirs were featured."""
    papers, rejected = parse_records(items, shown_on=None)
    if items and not papers:
        raise PageChanged(f"none of the {len(items)} JSON records is a paper; {rejected[0]}")
    days = {paper.featured_on for paper in papers if paper.featured_on}
    shown_on = days.pop() if len(days) == 1 else None
    return ParsedPage(
        form=Form.API,
        period="day" if shown_on else None,
        date=shown_on,
        papers=tuple(papers),
        rejected=tuple(rejected),
    )


def _paper(item: Any) -> ParsedPage:
    paper = parse_record(item)
    if isinstance(paper, str):
        said = clean_text(item.get("error")) if isinstance(item, dict) else None
        raise PageChanged(f"the JSON answer is neither a list of papers nor a paper: {said or paper}"[:300])
    return ParsedPage(form=Form.API, period="paper", date=None, papers=(paper,))
