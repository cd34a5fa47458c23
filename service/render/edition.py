"""What all mails of one language and day share: fragments of their templates, each made when it is first needed. Pure;
templates count as code.

Papers and matches are known by their identities, as comparing what they hold would take longer than all the rest of a mail.
So what is kept of them holds on to them, and it is of use where people's digests are of the same ones.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from datetime import date
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import NamedTuple, TypeVar

from service.models import Digest, MailLinks, Paper, Pick, Theme
from service.render.cards import Reader, card, line, note
from service.render.encoding import encoded
from service.render.fragments import Fragment, Parts, TemplateBlocks, mark
from service.render.sheets import charts_of, foot_links, sheet

LINKS = ("unsubscribe", "settings", "pause", "web", "marks")
_MARKED_LINKS = MailLinks(**{name: mark(name) for name in LINKS})
_MOST_PAPERS = 2_000
_MOST_NOTES = 10_000

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
    """What a card's number writes: in the list at the top, and where the card begins."""

    jump: bytes
    html: bytes
    text: bytes


class PaperCard(NamedTuple):
    """A card as everybody gets it: its place, this much, its note, its end.

    Between the pieces of an end stands where the person's marks go to.
    """

    paper: Paper
    is_sample: bool
    jump: bytes
    html: bytes
    html_end: list[bytes]
    text: bytes
    text_end: list[bytes]


class PickNote(NamedTuple):
    pick: Pick
    html: bytes
    text: bytes


class PaperLine(NamedTuple):
    paper: Paper
    is_sample: bool
    html: bytes
    text: bytes


class Edition:
    """Of the digest's language and day, with abstracts or without."""

    def __init__(self, digest: Digest, sent_on: date, postal_line: str | None) -> None:
        whole = sheet(digest, _MARKED_LINKS, sent_on=sent_on, postal_line=postal_line, is_web=False)
        self._frame = replace(
            whole,
            subject=mark("subject"),
            preheader=mark("preheader"),
            heading=mark("heading"),
            lead=mark("lead"),
            reason=mark("reason"),
            charts=(),
            groups=(),
            lines=(),
        )
        self._html, self._text = TemplateBlocks("digest.html", self._frame), TemplateBlocks("digest.txt", self._frame)
        self._on, self._with_abstract = digest.on, digest.subscriber.with_abstract
        self._cards: dict[int, PaperCard] = {}
        self._notes: dict[Hashable, PickNote] = {}
        self._lines: dict[tuple[int, bool], PaperLine] = {}
        self.language = whole.language
        self.top, self.end, self.jumps, self.place = cache(self._top), cache(self._end), cache(self._jumps), cache(self._place)
        self.group, self.part = lru_cache(_MOST_PAPERS)(self._group), cache(self._part)
        self.charts = lru_cache(_MOST_PAPERS)(self._charts)

    def card(self, pick: Pick) -> PaperCard:
        key = id(pick.paper)
        return self._cards.get(key) or _kept(self._cards, key, self._card(pick), _MOST_PAPERS)

    def note(self, pick: Pick, digest: Digest) -> PickNote:
        """The matches are among the digest's topics."""
        liking = pick.liking and pick.liking.lift and (pick.liking.lift > 0, len(pick.liking.like_ids))
        key = (id(pick.paper), tuple(map(id, pick.matches)), pick.entry, pick.followed, liking, pick.second_look)
        return self._notes.get(key) or _kept(self._notes, key, self._note(pick, digest), _MOST_NOTES)

    def line(self, pick: Pick, has_gist: bool) -> PaperLine:
        key = (id(pick.paper), has_gist)
        return self._lines.get(key) or _kept(self._lines, key, self._line(pick, has_gist), _MOST_PAPERS)

    def _top(self, has_samples: bool) -> Outer:
        frame = replace(self._frame, has_samples=has_samples)
        return Outer(*(part.before + part.fragment("top", sheet=frame) for part in (self._html, self._text)))

    def _end(self, more_count: int, is_weekly: bool, has_web: bool) -> Outer:
        links = tuple(foot_links(_MARKED_LINKS, self.language, is_weekly=is_weekly, has_web=has_web))
        frame = replace(self._frame, more_count=more_count, links=links)
        html, text = (part.fragment("end", sheet=frame) + part.behind for part in (self._html, self._text))
        return Outer((*html, encoded("\n")), text)  # the template's own last line break is dropped

    def _jumps(self, has_cards: bool) -> tuple[bytes, ...]:
        return self._html.pieces("jumps", "jump", sheet=SimpleNamespace(cards=[None] * has_cards))

    def _group(self, heading: str) -> Around:
        group = SimpleNamespace(heading=heading, cards=[None])
        return Around(*self._html.pieces("group", "card", group=group), *self._text.pieces("group", "card", group=group))

    def _part(self, heading: str) -> Around:
        part = SimpleNamespace(heading=heading, lines=[None])
        return Around(*self._html.pieces("part", "line", part=part), *self._text.pieces("part", "line", part=part))

    def _charts(self, days: tuple[date, ...], themes: tuple[Theme, ...]) -> Parts:
        frame = replace(self._frame, charts=charts_of(days, themes, self.language))
        return self._both("charts", sheet=frame)

    def _place(self, number: int, is_last: bool) -> Place:
        values = {"card": SimpleNamespace(number=f"{number}"), "loop": SimpleNamespace(last=is_last)}
        (jump,) = self._html.pieces("rank", **values)
        return Place(jump, *self._both("place", **values))

    def _card(self, pick: Pick) -> PaperCard:
        shown = card(pick, "", Reader(self.language, _MARKED_LINKS, {}, self._on, with_abstract=self._with_abstract))
        _, jump = self._html.pieces("jump", "rank", card=shown)
        _, html, *html_end = self._html.pieces("card", "place", "note", card=shown)
        _, text, *text_end = self._text.pieces("card", "place", "note", card=shown)
        return PaperCard(pick.paper, pick.paper.is_sample, jump, html, html_end, text, text_end)

    def _note(self, pick: Pick, digest: Digest) -> PickNote:
        topics = {topic.slug: topic for topic in digest.topics}
        shown = SimpleNamespace(note=note(pick, Reader(self.language, _MARKED_LINKS, topics, self._on)))
        return PickNote(pick, *self._both("note", card=shown))

    def _line(self, pick: Pick, has_gist: bool) -> PaperLine:
        shown = line(pick, self.language, has_gist=has_gist)
        return PaperLine(pick.paper, pick.paper.is_sample, *self._both("line", line=shown))

    def _both(self, block: str, **values: object) -> Parts:
        """Of a block that holds nothing that is the person's own."""
        return Parts(*self._html.pieces(block, **values), *self._text.pieces(block, **values))


def _kept(kept: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> _Value:
    if len(kept) >= most:
        kept.clear()
    kept[key] = value
    return value
