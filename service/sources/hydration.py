"""Read a page by its hydration payload, the JSON in `data-props` of `[data-target=DailyPapers]`. Pure.

Page form: 2024 with `date`, 2026 with `dateString` and `periodType`; classes and the order of elements change,
`data-target` has not. The parser has unescaped the attribute already: doing it again would corrupt entities in text.
"""

from __future__ import annotations

import json
from typing import Any

from bs4 import BeautifulSoup
from bs4.filter import SoupStrainer

from service.errors import PageChanged
from service.models import ParsedPage
from service.sources.fields import clean_text, day
from service.sources.records import parse_records

FORM = "hydration payload"


def parse(text: str) -> ParsedPage:
    payload = _payload(text)
    items = payload.get("dailyPapers")
    if not isinstance(items, list):
        raise PageChanged("the page's payload holds no list of papers (dailyPapers)")
    shown_on = day(payload.get("dateString")) or day(payload.get("date"))
    papers, rejected = parse_records(items, shown_on=shown_on)
    if items and not papers:
        raise PageChanged(f"none of the page's {len(items)} records is a paper; {rejected[0]}")
    return ParsedPage(
        form=FORM,
        period=clean_text(payload.get("periodType")) or "day",
        date=shown_on,
        papers=tuple(papers),
        rejected=tuple(rejected),
        warnings=() if shown_on else ("the page does not say which day it shows",),
    )


def _payload(text: str) -> dict[str, Any]:
    only = SoupStrainer(attrs={"data-target": "DailyPapers"})
    element = BeautifulSoup(text, "lxml", parse_only=only).select_one("[data-target=DailyPapers]")
    if element is None:
        raise PageChanged("the page has no papers payload (no element with data-target DailyPapers)")
    try:
        payload = json.loads(str(element.get("data-props", "")))
    except (ValueError, RecursionError) as error:
        raise PageChanged(f"the page's papers payload is not JSON: {error}") from error
    if not isinstance(payload, dict):
        raise PageChanged("the page's papers payload is not an object")
    return payload
