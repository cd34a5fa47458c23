"""Read a page of papers, whatever form it came in. Pure: bytes in, ParsedPage out."""

from __future__ import annotations

from datetime import date

from service.errors import PageChanged
from service.models import ParsedPage
from service.sources import api, hydration, plain_text

__all__ = ["parse_page"]


def parse_page(content: bytes, *, asked_on: date | None = None) -> ParsedPage:
    """Choose the parser by what the content is, never by where it came from.

    `asked_on` is the day that was asked for. It only lends its year to a plain-text page, which shows none;
    what a page says of its own day is believed. Raises PageChanged where no parser knows the content.
    """
    text = content.decode("utf-8-sig", errors="replace")
    start = text.lstrip()[:1]
    if not start:
        raise PageChanged("the page is empty")
    if start in "[{":
        return api.parse(text)
    if start == "<":
        return hydration.parse(text)
    return plain_text.parse(text, asked_on=asked_on)
