"""Read an answer of the JSON API `/api/daily_papers`: a bare array of records. Pure."""

from __future__ import annotations

import json

from service.errors import PageChanged
from service.models import ParsedPage
from service.sources.records import parse_records

FORM = "JSON API"


def parse(text: str) -> ParsedPage:
    """The array tells no day of its own: it is the one day on which all its papers were featured, if there is one."""
    try:
        items = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PageChanged(f"the answer is not whole JSON: {error}") from error
    if not isinstance(items, list):
        raise PageChanged("the JSON answer is not a list of papers")
    papers, rejected = parse_records(items, shown_on=None)
    if items and not papers:
        raise PageChanged(f"none of the {len(items)} JSON records is a paper; {rejected[0]}")
    days = {paper.featured_on for paper in papers}
    shown_on = days.pop() if len(days) == 1 else None
    return ParsedPage(
        form=FORM,
        period="day" if shown_on else None,
        date=shown_on,
        papers=tuple(papers),
        rejected=tuple(rejected),
    )
