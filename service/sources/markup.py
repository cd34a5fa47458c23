"""Read what the parsers need of an HTML page in one pass, without building a tree. Pure.

The pass holds nothing but what it was asked for, so a page of any nesting costs no more than its bytes. `huge_tree` is
needed for long payloads: without it libxml2 drops an attribute over 10 MB without a word. Attributes come unescaped:
doing it again would corrupt entities in text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from service.errors import PageChanged

# A page of 100 papers has 9,000 tags with a dozen attributes at most, and 105 cards are the most seen. Memory and time are
# spent on each, so what goes far beyond is refused.
_MOST_TAGS = 300_000
_MOST_ATTRIBUTES = 20_000
_MOST_CARDS = 2_000
_ATTRIBUTE = rb"""[\s/]*+[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s>"'][^\s>]*+)?+)?+"""
_FLOOD = re.compile(rb"<[a-zA-Z][^\s/>]*+(?:%b){0,%d}+(?P<more>%b)?" % (_ATTRIBUTE, _MOST_ATTRIBUTES, _ATTRIBUTE))
_PIECE = 65_536


@dataclass(slots=True)
class Card:
    """The raw parts of one paper's card, with the texts of its links by where they lead."""

    href: str = ""  # of the title's link
    title: list[str] = field(default_factory=list)
    abstract: list[str] = field(default_factory=list)
    links: dict[str, list[str]] = field(default_factory=dict)
    images: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Markup:
    payloads: dict[str, str] = field(default_factory=dict)  # data-props of the first element of each data-target
    cards: list[Card] = field(default_factory=list)
    canonical: str = ""  # the page's address by its own words
    times: list[str] = field(default_factory=list)  # of the `time` elements outside cards


def read_markup(content: bytes) -> Markup:
    """Raises PageChanged for a page that no browser's server would make."""
    if content.count(b"<") > _MOST_TAGS:
        raise PageChanged(f"the page has more than {_MOST_TAGS:,} tags")
    if any(tag["more"] for tag in _FLOOD.finditer(content)):
        raise PageChanged(f"an element of the page has more than {_MOST_ATTRIBUTES:,} attributes")
    from lxml import etree  # 4 MB that who only sends does not need

    target = _Target()
    parser = etree.HTMLParser(target=target, huge_tree=True, encoding="utf-8", recover=True)
    try:
        for start in range(0, len(content), _PIECE):
            parser.feed(content[start : start + _PIECE])
        parser.close()
    except etree.LxmlError as error:
        raise PageChanged(f"the page is no HTML: {error}") from error
    return target.markup


class _Target:
    """What lxml calls for each tag and text, in the page's order.

    A card is an `article`, or what follows an `h3` outside of one.
    """

    def __init__(self) -> None:
        self.markup = Markup()
        self._card: Card | None = None
        self._href: str | None = None
        self._is_heading = self._is_abstract = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "article" or (tag == "h3" and (self._card is None or self._card.href)):
            self._card = Card()
            self.markup.cards.append(self._card)
            self._is_abstract = False
            if len(self.markup.cards) > _MOST_CARDS:
                raise PageChanged(f"the page has more than {_MOST_CARDS:,} cards")
        if self._card is not None:
            self._start_in(self._card, tag, attributes)
        if (name := attributes.get("data-target")) and (props := attributes.get("data-props")):
            self.markup.payloads.setdefault(name, props)
        elif tag == "link" and attributes.get("rel") == "canonical":
            self.markup.canonical = attributes.get("href", "")
        elif tag == "time" and self._card is None:
            self.markup.times.append(attributes.get("datetime", ""))

    def _start_in(self, card: Card, tag: str, attributes: dict[str, str]) -> None:
        if tag == "h3":
            self._is_heading = True
        elif tag == "p":
            self._is_abstract = True
        elif tag == "img":
            card.images.append(attributes.get("src", ""))
        elif tag == "a":
            self._href = attributes.get("href", "")
            if self._is_heading and not card.href:
                card.href = self._href

    def end(self, tag: str) -> None:
        if tag == "article":
            self._card = None
        elif tag == "h3":
            self._is_heading = False
        elif tag == "p":
            self._is_abstract = False
        elif tag == "a":
            self._href = None

    def data(self, text: str) -> None:
        if self._card is None:
            return
        if self._is_heading:
            self._card.title.append(text)
        elif self._is_abstract:
            self._card.abstract.append(text)
        elif self._href is not None:
            self._card.links.setdefault(self._href, []).append(text)

    def close(self) -> None:
        pass
