"""What all mails of one language and day share: fragments of their templates, made when they are first needed. Pure.

Papers and matches are known by their identities, as comparing what they hold would take longer than all the rest of a mail.
So what is kept of them holds on to them, and it is of use where people's digests are of the same ones.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import NamedTuple

from service.models import Digest, MailLinks, Paper, Pick, Theme, Topic
from service.render.cards import Reader, card, line, note
from service.render.fragments import Parts, TemplateBlocks, mark
from service.render.frame import Frame
from service.render.sheets import charts_of, sheet
from service.render.shelf import Shelf

_MOST_PAPERS = 2_000
_MOST_CARDS = 10_000


class Around(NamedTuple):
    """What stands before and behind the cards or lines under one heading."""

    html_before: bytes
    html_behind: bytes
    text_before: bytes
    text_behind: bytes


class Place(NamedTuple):
    """What a card's number writes: in the list at the top, and where the card begins, the last one of its group or not."""

    jump: bytes
    html: bytes
    last_html: bytes
    text: bytes


class Body(NamedTuple):
    """A card as everybody gets it: its beginning, and its end, between whose pieces stands the token of the person's marks."""

    paper: Paper
    jump: bytes
    html: bytes
    html_end: list[bytes]
    text: bytes
    text_end: list[bytes]


class PickCard(NamedTuple):
    """A card: its body, with its note before the end. Bodies are large and shared, so that they stay in a CPU's reach."""

    jump: bytes
    html: bytes
    html_note: bytes
    html_end: list[bytes]
    text: bytes
    text_note: bytes
    text_end: list[bytes]
    is_sample: bool
    pick: Pick


class PaperLine(NamedTuple):
    html: bytes
    text: bytes
    is_sample: bool
    paper: Paper


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
        self._cards = Shelf[Hashable, PickCard](_MOST_CARDS)  # by what they tell
        self._by_matches = Shelf[tuple[int, int, int], PickCard](_MOST_CARDS)
        self._lines = {has_gist: Shelf[int, PaperLine](_MOST_PAPERS) for has_gist in (True, False)}
        self.language = whole.language
        self.frame = Frame(self._sheet, self._links, self._html, self._text)
        self.jumps, self.part, self.places = cache(self._jumps), cache(self._part), cache(self._places)
        self.group, self.charts = lru_cache(_MOST_PAPERS)(self._group), lru_cache(_MOST_PAPERS)(self._charts)

    def cards(self, picks: Iterable[Pick], digest: Digest) -> list[PickCard]:
        """The matches are among the digest's topics. Who chose the same of a paper's topics mostly shares its matches."""
        kept = self._by_matches
        return [
            self._card_of(pick, digest)
            if pick.followed or pick.liking or pick.second_look
            else kept.get(key := (id(pick.paper), id(pick.matches), id(pick.entry))) or kept.put(key, self._card_of(pick, digest))
            for pick in picks
        ]

    def lines(self, picks: Iterable[Pick], has_gist: bool) -> list[PaperLine]:
        kept = self._lines[has_gist]
        return [kept.get(id(pick.paper)) or kept.put(id(pick.paper), self._line(pick, has_gist)) for pick in picks]

    def _jumps(self, has_cards: bool) -> list[bytes]:
        return self._html.fragment("jumps", "jump", sheet=SimpleNamespace(cards=[None] * has_cards)).fixed

    def _group(self, heading: str) -> Around:
        group = SimpleNamespace(heading=heading, cards=[None])
        html, text = (part.fragment("group", "card", group=group) for part in (self._html, self._text))
        return Around(*html.fixed, *text.fixed)

    def _part(self, heading: str) -> Around:
        part = SimpleNamespace(heading=heading, lines=[None])
        html, text = (one.fragment("part", "line", part=part) for one in (self._html, self._text))
        return Around(*html.fixed, *text.fixed)

    def _charts(self, days: tuple[date, ...], themes: tuple[Theme, ...]) -> Parts[bytes]:
        return self._both("charts", sheet=replace(self._sheet, charts=charts_of(days, themes, self.language)))

    def _places(self, count: int) -> list[Place]:
        return [self._place(f"{number}") for number in range(1, count + 1)]

    def _place(self, number: str) -> Place:
        shown = SimpleNamespace(number=number)
        html, last = (self._both("place", card=shown, loop=SimpleNamespace(last=is_last)) for is_last in (False, True))
        (jump,) = self._html.fragment("rank", card=shown).fixed
        return Place(jump, html.html, last.html, html.text)

    def _card_of(self, pick: Pick, digest: Digest) -> PickCard:
        """For a pick not seen before: what it tells may be known."""
        liking = pick.liking and pick.liking.lift and (pick.liking.lift > 0, len(pick.liking.like_ids))
        key = (id(pick.paper), *map(id, pick.matches), pick.entry, pick.followed, liking, pick.second_look)
        card = self._cards.get(key) or self._cards.put(key, self._card(pick, digest))
        return card._replace(pick=pick)

    def _card(self, pick: Pick, digest: Digest) -> PickCard:
        topics = {topic.slug: topic for topic in digest.topics}
        body = self._bodies.get(id(pick.paper)) or self._bodies.put(id(pick.paper), self._body(pick))
        shown = SimpleNamespace(note=note(pick, self._reader(topics)))
        html_note, text_note = self._both("note", card=shown)
        paper, jump, html, html_end, text, text_end = body
        return PickCard(jump, html, html_note, html_end, text, text_note, text_end, paper.is_sample, pick)

    def _body(self, pick: Pick) -> Body:
        shown = card(pick, "", self._reader({}))
        _, jump = self._html.fragment("jump", "rank", card=shown).fixed
        _, html, *html_end = self._html.fragment("card", "place", "note", card=shown).fixed
        _, text, *text_end = self._text.fragment("card", "place", "note", card=shown).fixed
        return Body(pick.paper, jump, html, html_end, text, text_end)

    def _reader(self, topics: Mapping[str, Topic]) -> Reader:
        return Reader(self.language, self._links, topics, self._on, with_abstract=self._with_abstract)

    def _line(self, pick: Pick, has_gist: bool) -> PaperLine:
        shown = line(pick, self.language, has_gist=has_gist)
        return PaperLine(*self._both("line", line=shown), pick.paper.is_sample, pick.paper)

    def _both(self, block: str, **values: object) -> Parts[bytes]:
        """Of a block that holds nothing that is the person's own."""
        (html,), (text,) = self._html.fragment(block, **values).fixed, self._text.fragment(block, **values).fixed
        return Parts(html, text)
