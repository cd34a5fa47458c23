"""Read a list page by its cards, where its payload is gone. Pure.

Page form: an `article` a paper, its title in `h3 > a[href="/papers/<id>"]`, its upvotes in the link to the login, its comments
in the link to `#community`, either the chip of an organisation or up to five authors and their number. Daily cards show no
abstract; trending ones do, in a `p`. The page's day stands in the canonical link (2026) or in the header's `time` (2024).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from service.models import Doubt, Form, ParsedPage, ParsedPaper
from service.sources.fields import clean_text, day, paper_id, url
from service.sources.markup import Card, Markup
from service.sources.records import LONGEST_ABSTRACT, LONGEST_TITLE

_PAPER = "/papers/"
_COUNT = re.compile(r"\d{1,7}", re.ASCII)
_AUTHORS = re.compile(r"\b(\d{1,6}) authors?\b", re.ASCII)
_ORGANIZATION = re.compile(r"/[^/#?]+")
_PERIOD = re.compile(r"/papers/(date|week|month|trending)(?:/([\d-]{10})$)?", re.ASCII)


def parse(markup: Markup, *, instead_of: str) -> ParsedPage | None:
    """None where the page has no card of a paper. `instead_of` says in words what is wrong with the payload."""
    papers = [paper for card in markup.cards if (paper := _paper(card))]
    if not papers:
        return None
    period, shown_on = _shown(markup)
    return ParsedPage(
        form=Form.CARDS,
        period=period,
        date=shown_on,
        papers=tuple(papers),
        doubts=(Doubt("payload", f"{instead_of}; {len(papers)} cards read instead"),),
    )


def ids(markup: Markup) -> tuple[str, ...]:
    return tuple(found for card in markup.cards if (found := _id(card)))


def _id(card: Card) -> str | None:
    return paper_id(card.href) if _PAPER in card.href else None


def _paper(card: Card) -> ParsedPaper | None:
    identity, title = _id(card), clean_text("".join(card.title))
    if identity is None or title is None:
        return None
    texts = {href: clean_text("".join(pieces)) or "" for href, pieces in card.links.items()}
    abstract = clean_text("".join(card.abstract))
    authors = _AUTHORS.search(" ".join(texts.values()))
    return ParsedPaper(
        id=identity,
        title=title[:LONGEST_TITLE],
        abstract=abstract[:LONGEST_ABSTRACT] if abstract else None,
        author_count=int(authors.group(1)) if authors else None,
        organization=next((text for href, text in texts.items() if text and _ORGANIZATION.fullmatch(href)), None),
        upvotes=_number(text for href, text in texts.items() if href.startswith("/login?")),
        comments=_number(text for href, text in texts.items() if href.endswith("#community")),
        thumbnail_url=next((url(image) for image in card.images if "/social-thumbnails/" in image), None),
    )


def _number(texts: Iterable[str]) -> int | None:
    """The first text that is a count and nothing else; a large one may be cut short (1.2k), which is none."""
    return next((int(text) for text in texts if _COUNT.fullmatch(text)), None)


def _shown(markup: Markup) -> tuple[str, date | None]:
    found = _PERIOD.search(markup.canonical)
    if found and found.group(1) != "date":
        return found.group(1), None
    told = day(found.group(2)) if found else day(next(iter(markup.times), None))
    return "day", told
