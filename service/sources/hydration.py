"""Read a list page by its hydration payload, the JSON in `data-props` of `[data-target=DailyPapers]`. Pure.

Page form: daily, dated, weekly, monthly and trending pages and search results; in 2024 with `date`, in 2026 with `dateString`,
`periodType`, `isTrending` and `query`. Classes and the order of elements change, `data-target` has not.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from service.errors import PageChanged
from service.models import Doubt, Form, ParsedPage
from service.sources import cards, json_text
from service.sources.fields import clean_text, day, mapping
from service.sources.markup import Markup
from service.sources.records import parse_records

TARGET = "DailyPapers"


def parse(markup: Markup) -> ParsedPage:
    """Raises PageChanged where the payload is missing, broken, or holds no paper beside cards that do."""
    payload = _payload(markup)
    period = _period(payload)
    items = payload.get("searchResults" if period == "search" and "searchResults" in payload else "dailyPapers")
    if not isinstance(items, list):
        raise PageChanged("the payload holds no list of papers (dailyPapers)")
    shown_on = _shown_on(payload) if period == "day" else None
    papers, rejected = parse_records(items, shown_on=shown_on)
    card_ids = cards.ids(markup)
    if not papers and (items or card_ids):
        raise PageChanged(f"none of the payload's {len(items)} records is a paper" + (f"; {rejected[0]}" if rejected else ""))
    is_dayless = period == "day" and shown_on is None
    return ParsedPage(
        form=Form.PAYLOAD,
        period=period,
        date=shown_on,
        papers=tuple(papers),
        rejected=tuple(rejected),
        doubts=(Doubt("no day", "the page does not say which day it shows"),) if is_dayless else (),
        card_ids=card_ids,
    )


def _payload(markup: Markup) -> dict[str, Any]:
    if TARGET not in markup.payloads:
        raise PageChanged("no payload element")
    payload = json_text.load(markup.payloads[TARGET], "the payload")
    if not isinstance(payload, dict):
        raise PageChanged("the payload is not an object")
    return payload


def _period(payload: dict[str, Any]) -> str:
    if clean_text(mapping(payload.get("query")).get("q")):
        return "search"
    if payload.get("isTrending") is True:
        return "trending"
    return clean_text(payload.get("periodType")) or "day"


def _shown_on(payload: dict[str, Any]) -> date | None:
    return day(payload.get("dateString")) or day(payload.get("date"))
