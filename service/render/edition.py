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
from typing import NamedTuple, TypeVar

from service.models import Digest, MailLinks, Paper, Pick, Theme, Topic
from service.render.cards import Reader, card, line, note
from service.render.fragments import Fragment, Parts, TemplateBlocks, mark
from service.render.sheets import charts_of, foot_links, sheet

_MOST_PAPERS = 2_000
_MOST_CARDS = 10_000

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class Outer(NamedTuple):
    """One end of a mail; the person's own words and links are to be filled in."""

    html: Fragment
    text: Fragment


class Around(NamedTuple):
    """What stands before and behind the cards or lines under one heading."""

    html_before: bytes
    html_behind: bytes
    text_before: bytes
    text_behind: bytes


class Place(NamedTuple):
    """What a card's number writes: in the list at the top, and where the card begins, the last one of its group or not."""

    jump: bytes
    html: tuple[bytes, bytes]
    text: bytes


class Body(NamedTuple):
    """A card as everybody gets it."""

    paper: Paper
    jump: bytes
    html: bytes
    html_end: list[bytes]
    text: bytes
    text_end: list[bytes]


class PickCard(NamedTuple):
    """After its place comes its body, then its note, then its end, between whose pieces stands where the person's marks go to."""

    jump: bytes
    html_body: bytes
    html_note: bytes
    html_end: list[bytes]
    text_body: bytes
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
        self._frame = replace(
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
        self._html, self._text = TemplateBlocks("digest.html", self._frame), TemplateBlocks("digest.txt", self._frame)
        self._on, self._with_abstract = digest.on, digest.subscriber.with_abstract
        self._bodies: dict[int, Body] = {}
        self._cards: dict[Hashable, PickCard] = {}  # by what they tell
        self._by_matches: dict[tuple[int, int, int], PickCard] = {}
        self._lines: dict[bool, dict[int, PaperLine]] = {True: {}, False: {}}
        self.language = whole.language
        self.top, self.end, self.jumps = cache(self._top), cache(self._end), cache(self._jumps)
        self.place, self.part = cache(self._place), cache(self._part)
        self.group, self.charts = lru_cache(_MOST_PAPERS)(self._group), lru_cache(_MOST_PAPERS)(self._charts)

    def card(self, pick: Pick, digest: Digest) -> PickCard:
        """The matches are among the digest's topics. Who chose the same of a paper's topics mostly shares its matches."""
        if pick.followed or pick.liking or pick.second_look:
            return self._card_of(pick, digest)
        key = (id(pick.paper), id(pick.matches), id(pick.entry))
        return self._by_matches.get(key) or _kept(self._by_matches, key, self._card_of(pick, digest), _MOST_CARDS)

    def lines(self, picks: Iterable[Pick], has_gist: bool) -> list[PaperLine]:
        kept = self._lines[has_gist]
        return [
            kept.get(id(pick.paper)) or _kept(kept, id(pick.paper), self._line(pick, has_gist), _MOST_PAPERS) for pick in picks
        ]

    def _top(self, has_samples: bool) -> Outer:
        frame = replace(self._frame, has_samples=has_samples)
        return Outer(self._html.ends(frame)[0], self._text.ends(frame)[0])

    def _end(self, more_count: int, is_weekly: bool, has_web: bool) -> Outer:
        links = tuple(foot_links(self._links, self.language, is_weekly=is_weekly, has_web=has_web))
        frame = replace(self._frame, more_count=more_count, links=links)
        return Outer(self._html.ends(frame)[1], self._text.ends(frame)[1])

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

    def _charts(self, days: tuple[date, ...], themes: tuple[Theme, ...]) -> Parts:
        frame = replace(self._frame, charts=charts_of(days, themes, self.language))
        return self._both("charts", sheet=frame)

    def _place(self, number: int) -> Place:
        shown = SimpleNamespace(number=f"{number}")
        html, last = (self._both("place", card=shown, loop=SimpleNamespace(last=is_last)) for is_last in (False, True))
        (jump,) = self._html.fragment("rank", card=shown).fixed
        return Place(jump, (html.html, last.html), html.text)

    def _card_of(self, pick: Pick, digest: Digest) -> PickCard:
        """For a pick not seen before: what it tells may be known."""
        liking = pick.liking and pick.liking.lift and (pick.liking.lift > 0, len(pick.liking.like_ids))
        key = (id(pick.paper), *map(id, pick.matches), pick.entry, pick.followed, liking, pick.second_look)
        card = self._cards.get(key) or _kept(self._cards, key, self._card(pick, digest), _MOST_CARDS)
        return card._replace(pick=pick)

    def _card(self, pick: Pick, digest: Digest) -> PickCard:
        key, topics = id(pick.paper), {topic.slug: topic for topic in digest.topics}
        body = self._bodies.get(key) or _kept(self._bodies, key, self._body(pick), _MOST_PAPERS)
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

    def _both(self, block: str, **values: object) -> Parts:
        """Of a block that holds nothing that is the person's own."""
        (html,), (text,) = self._html.fragment(block, **values).fixed, self._text.fragment(block, **values).fixed
        return Parts(html, text)


def _kept(kept: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> _Value:
    if len(kept) >= most:
        kept.clear()
    kept[key] = value
    return value
