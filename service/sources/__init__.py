"""Read a page of papers, whatever form it came in. Pure: bytes in, ParsedPage out."""

from __future__ import annotations

from datetime import date

from service.errors import PageChanged
from service.models import ParsedPage
from service.sources import api, cards, hydration, paper_page, plain_text
from service.sources.markup import Markup, read_markup

__all__ = ["parse_page"]


def parse_page(content: bytes, *, asked_on: date | None = None) -> ParsedPage:
    """Choose the parser by what the content is, never by where it came from.

    `asked_on` is the day that was asked for. It only lends its year to a plain-text page, which shows none;
    what a page says of its own day is believed. Raises PageChanged where no parser knows the content.
    """
    text = content.decode("utf-8-sig", errors="replace").lstrip()
    if not text:
        raise PageChanged("the page is empty")
    if text[0] in "[{":
        return api.parse(text)
    if text[0] == "<":
        encoded = text.replace("\x00", "").encode()
        del text  # one copy at a time: pages can be long
        return _parse_markup(read_markup(encoded))
    return plain_text.parse(text, asked_on=asked_on)


def _parse_markup(markup: Markup) -> ParsedPage:
    """A single paper's page, a list by its payload, or else by its cards."""
    if paper_page.TARGET in markup.payloads and hydration.TARGET not in markup.payloads:
        return paper_page.parse(markup)
    try:
        return hydration.parse(markup)
    except PageChanged as error:
        page = cards.parse(markup, instead_of=str(error))
        if page is None:
            raise PageChanged(f"this is no page of papers that we know: {error}, and no cards of papers") from error
        return page
