"""Read a page of papers, whatever form it came in. Pure: bytes in, ParsedPage out."""

from __future__ import annotations

from datetime import date

from service.errors import PageChanged
from service.models import ParsedPage
from service.sources import api, cards, hydration, paper_page, plain_text
from service.sources.markup import Markup, read_markup

__all__ = ["parse_page"]

_HEAD = 2048  # bytes in which a page names its encoding
_SAVED_AS = {"utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "windows-1252": "cp1252", "iso-8859-1": "cp1252"}


def parse_page(content: bytes, *, asked_on: date | None = None) -> ParsedPage:
    """Choose the parser by what the content is, never by where it came from.

    `asked_on` is the day that was asked for. It only lends its year to a plain-text page, which shows none;
    what a page says of its own day is believed. Raises PageChanged where no parser knows the content.
    """
    text = _decoded(content).lstrip()
    if not text:
        raise PageChanged("the page is empty")
    if text[0] in "[{":
        return api.parse(text)
    if text[0] == "<":
        encoded = text.replace("\x00", "").encode()
        del text  # one copy at a time: pages can be long
        return _parse_markup(read_markup(encoded))
    return plain_text.parse(text, asked_on=asked_on)


def _decoded(content: bytes) -> str:
    """The source sends UTF-8; a page that somebody saved may be otherwise, which its byte order mark or its head tells.

    WHATWG HTML, 13.2.3.2; the first label that is not one of those known here is taken for UTF-8.
    """
    from bs4.dammit import EncodingDetector  # a fifth of a second to import, and needed where pages are read only

    content, marked = EncodingDetector.strip_byte_order_mark(content)
    named = marked or EncodingDetector.find_declared_encoding(content[:_HEAD], is_html=True)
    return content.decode(_SAVED_AS.get(named or "", "utf-8"), errors="replace")


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
