"""What all mails of one language and day share: fragments of their templates, made when they are first needed. Pure.

Picks, papers and matches are known by their identities, so what is kept of them is of use where people's digests share them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, lru_cache
from types import SimpleNamespace

from service.models import Digest, MailLinks, Pick, Theme, Topic
from service.render.cards import Reader, card, line, note
from service.render.fragments import Parts, TemplateBlocks, mark
from service.render.frame import Frame
from service.render.sheets import charts_of, sheet
from service.render.shelf import Shelf
from service.render.words import topic_name

_MOST_PAPERS = 2_000
_MOST_CARDS = 10_000


@dataclass(frozen=True, slots=True)
class Around:
    """What stands before and behind the cards or lines under one heading."""

    html_before: bytes
    html_behind: bytes
    text_before: bytes
    text_behind: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """What a card's number writes: in the list at the top, and where the card begins, the first one of its group or not."""

    jump: bytes
    html: bytes
    first_html: bytes
    text: bytes


@dataclass(frozen=True, slots=True)
class Body:
    """A card as everybody gets it: its beginning, and its end, between whose pieces stands the token of the person's marks."""

    jump: bytes
    html: bytes
    html_end: list[bytes]
    text: bytes
    text_end: list[bytes]


@dataclass(frozen=True, slots=True)
class PickCard:
    """A card: its body, with its note before the end. Bodies are large and shared, so that they stay in a CPU's reach."""

    jump: bytes
    html: bytes
    html_note: bytes
    html_end: list[bytes]
    text: bytes
    text_note: bytes
    text_end: list[bytes]


class Edition:
    """Of the digest's language and day, with abstracts or without, and of its links' site."""

    def __init__(self, digest: Digest, links: MailLinks, sent_on: date, postal_line: str | None) -> None:
        tokens = {name: mark(name.removesuffix("_token")) for name in links._fields if name.endswith("_token")}
        self._links = links._replace(**tokens)
        whole = sheet(digest, self._links, sent_on=sent_on, postal_line=postal_line, is_web=False)
        self._sheet = replace(
            whole,
            subject=mark("subject"),
            preheader=mark("preheader"),
            heading=mark("heading"),
            lead=mark("lead"),
            reason=mark("reason"),
            schedule=mark("schedule"),
            charts=(),
            groups=(),
            lines=(),
        )
        self._html, self._text = TemplateBlocks("digest.html", self._sheet), TemplateBlocks("digest.txt", self._sheet)
        self._on, self._with_abstract = digest.on, digest.subscriber.with_abstract
        self._bodies = Shelf[int, Body](_MOST_PAPERS)
        self.cards = Shelf[int, PickCard](_MOST_CARDS)  # by the pick
        self._told = Shelf[Hashable, PickCard](_MOST_CARDS)  # by what they tell
        self.lines = {has_gist: Shelf[int, Parts[bytes]](_MOST_PAPERS) for has_gist in (True, False)}
        self.groups = Shelf[int | str, Around](_MOST_PAPERS)  # by the topic, or another heading
        self.language = whole.language
        self.has_shown_samples = False
        self.frame = Frame(self._sheet, self._links, self._html, self._text)
        self.jumps, self.part, self.place = cache(self._jumps), cache(self._part), cache(self._place)
        self.charts = lru_cache(_MOST_PAPERS)(self._charts)

    def group(self, topic: Topic | str) -> Around:
        """Of cards, under a topic or another heading."""
        key = topic if isinstance(topic, str) else id(topic)
        return self.groups.get(key) or self.groups.put(key, self._group(topic), topic)

    def _jumps(self, has_cards: bool) -> list[bytes]:
        return self._html.fragment("jumps", "jump", sheet=SimpleNamespace(cards=[None] * has_cards)).fixed

    def _group(self, topic: Topic | str) -> Around:
        group = SimpleNamespace(heading=topic if isinstance(topic, str) else topic_name(topic), cards=[None])
        html, text = (part.fragment("group", "card", group=group) for part in (self._html, self._text))
        return Around(*html.fixed, *text.fixed)

    def _part(self, heading: str) -> Around:
        part = SimpleNamespace(heading=heading, lines=[None])
        html, text = (one.fragment("part", "line", part=part) for one in (self._html, self._text))
        return Around(*html.fixed, *text.fixed)

    def _charts(self, days: tuple[date, ...], themes: tuple[Theme, ...]) -> Parts[bytes]:
        return self._both("charts", sheet=replace(self._sheet, charts=charts_of(days, themes, self.language)))

    def _place(self, number: int) -> Place:
        shown = SimpleNamespace(number=f"{number}")
        html, first = (self._both("place", card=shown, loop=SimpleNamespace(first=is_first)) for is_first in (False, True))
        (jump,) = self._html.fragment("rank", card=shown).fixed
        return Place(jump, html.html, first.html, html.text)

    def card(self, pick: Pick, digest: Digest) -> PickCard:
        """For a pick not seen before: what it tells may be known. The matches are among the digest's topics."""
        liking = pick.liking and pick.liking.lift and (pick.liking.lift > 0, len(pick.liking.like_ids))
        own = (pick.followed, liking, pick.second_look)
        key = (id(pick.paper), *map(id, pick.matches), pick.entry, *own)
        card = self._told.get(key) or self._told.put(key, self._card(pick, digest), (pick.paper, pick.matches))
        return card if any(own) else self.cards.put(id(pick), card, pick)

    def _card(self, pick: Pick, digest: Digest) -> PickCard:
        topics = {topic.slug: topic for topic in digest.topics}
        body = self._bodies.get(id(pick.paper)) or self._bodies.put(id(pick.paper), self._body(pick), pick.paper)
        own = self._both("note", card=SimpleNamespace(note=note(pick, self._reader(topics))))
        return PickCard(body.jump, body.html, own.html, body.html_end, body.text, own.text, body.text_end)

    def _body(self, pick: Pick) -> Body:
        shown = card(pick, "", self._reader({}))
        _, jump = self._html.fragment("jump", "rank", card=shown).fixed
        _, html, *html_end = self._html.fragment("card", "place", "note", card=shown).fixed
        _, text, *text_end = self._text.fragment("card", "place", "note", card=shown).fixed
        self.has_shown_samples |= pick.paper.is_sample
        return Body(jump, html, html_end, text, text_end)

    def _reader(self, topics: Mapping[str, Topic]) -> Reader:
        return Reader(self.language, self._links, topics, self._on, with_abstract=self._with_abstract)

    def line(self, pick: Pick, has_gist: bool) -> Parts[bytes]:
        """For a paper not seen before."""
        self.has_shown_samples |= pick.paper.is_sample
        told = self._both("line", line=line(pick, self.language, has_gist=has_gist))
        return self.lines[has_gist].put(id(pick.paper), told, pick.paper)

    def _both(self, block: str, **values: object) -> Parts[bytes]:
        """Of a block that holds nothing that is the person's own."""
        (html,), (text,) = self._html.fragment(block, **values).fixed, self._text.fragment(block, **values).fixed
        return Parts(html, text)
