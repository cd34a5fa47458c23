"""Digests to encoded mails, joined of fragments that the mails of a wave share. Pure; templates count as code.

The plain path (`render_digest`) renders each mail whole. Here the blocks of the same templates are rendered once a paper,
language and reason, with marks where a person's own words and links stand, cut at the marks, and encoded; a mail is then
one join of finished bytes. Both give the same html and the same text.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from datetime import date
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from markupsafe import escape

from service.models import Digest, EncodedEmail, MailLinks, Pick
from service.render.cards import Reader, card, line
from service.render.digests import LARGEST_HTML, render_digest
from service.render.encoding import encoded
from service.render.fragments import Fragment, TemplateBlocks, cut, filled, mark, numbered
from service.render.sheets import (
    Group,
    Lines,
    charts_of,
    foot_links,
    grouped_cards,
    grouped_lines,
    heading_of,
    lead_of,
    reason_of,
    sheet,
)
from service.render.subject import preheader, subject_line
from service.render.words import wrapped

_MOST_KEPT = 50_000  # fragments of one part: a wave of any size stays in bounds

_LINKS = ("unsubscribe", "settings", "pause", "web", "marks")
_WORDS = ("heading", "lead", "reason", "subject", "preheader")


_MARKED_LINKS = MailLinks(**{name: mark(name) for name in _LINKS})

_Value = TypeVar("_Value")


class Press:
    """What one wave's mails share. It holds on to the digests' papers and matches, so it should end with the wave."""

    def __init__(self, *, postal_line: str | None = None) -> None:
        self._postal_line = postal_line
        self._editions: dict[tuple[str, bool, date, date], _Edition] = {}

    def encoded_email(self, digest: Digest, links: MailLinks, *, sent_on: date) -> EncodedEmail:
        """The plain path's mail. What is too long to be sent whole takes that path, which knows how to shorten."""
        person = digest.subscriber
        key = (person.language, person.with_abstract, digest.on, sent_on)
        edition = self._editions.get(key)
        if edition is None:
            edition = self._editions[key] = _Edition(digest, sent_on, self._postal_line)
        email = edition.email(digest, links)
        if len(email.html) <= LARGEST_HTML:  # decoded, it is never longer than encoded
            return email
        plain = render_digest(digest, links, sent_on=sent_on, postal_line=self._postal_line)
        return EncodedEmail(plain.subject, encoded(f"{plain.html}\n"), encoded(plain.text))


class _Both(NamedTuple):
    """The same of both parts."""

    html: Fragment
    text: Fragment


class _Around(NamedTuple):
    """What stands before and behind the cards or lines under one heading."""

    html_before: bytes
    html_behind: bytes
    text_before: bytes
    text_behind: bytes


class _Card(NamedTuple):
    jump: Fragment
    html: Fragment
    text: Fragment


class _PlacedCard(NamedTuple):
    """A card at its number: pieces between which stands where the person's marks go to."""

    is_sample: bool
    jump: bytes
    html: list[bytes]
    text: list[bytes]


class _Line(NamedTuple):
    is_sample: bool
    html: bytes
    text: bytes


class _Edition:
    """The fragments of all mails of one language and day, each made when it is first needed."""

    def __init__(self, digest: Digest, sent_on: date, postal_line: str | None) -> None:
        self._frame = replace(
            sheet(digest, _MARKED_LINKS, sent_on=sent_on, postal_line=postal_line, is_web=False),
            subject=mark("subject"),
            preheader=mark("preheader"),
            heading=mark("heading"),
            lead=mark("lead"),
            reason=mark("reason"),
            charts=(),
            groups=(),
            lines=(),
        )
        self._html = TemplateBlocks("digest.html", self._frame)
        self._text = TemplateBlocks("digest.txt", self._frame)
        self._kept: dict[Hashable, tuple[object, Any]] = {}

    def email(self, digest: Digest, links: MailLinks) -> EncodedEmail:
        spoken = self._frame.language
        subject = subject_line(digest)
        words = (heading_of(digest, spoken), lead_of(digest, spoken), reason_of(digest, spoken))
        own_links = {name: encoded(getattr(links, name)) for name in _LINKS}
        own_html = own_links | dict(zip(_WORDS, map(_escaped, (*words, subject, preheader(digest))), strict=True))
        own_text = own_links | dict(zip(_WORDS, map(_wrapped, words), strict=False))
        html: list[bytes] = []
        text: list[bytes] = []
        has_samples = self._add_cards(digest, own_links["marks"], html, text)
        has_samples |= self._add_lines(digest, html, text)
        top, end = self._top(has_samples), self._end(digest)
        return EncodedEmail(
            subject,
            b"".join((*filled(top.html, own_html), *html, *filled(end.html, own_html))),
            b"".join((*filled(top.text, own_text), *text, *filled(end.text, own_text))),
        )

    def _top(self, has_samples: bool) -> _Both:
        def make() -> _Both:
            frame = replace(self._frame, has_samples=has_samples)
            return _Both(*(cut(part.before + part.rendered("top", sheet=frame)) for part in (self._html, self._text)))

        return self._once(("top", has_samples), make)

    def _end(self, digest: Digest) -> _Both:
        more_count, is_weekly = len(digest.unlisted), digest.subscriber.cadence.startswith("weekly")
        has_web = bool(digest.sections or digest.slots or digest.lines)

        def make() -> _Both:
            frame = replace(
                self._frame, more_count=more_count, links=tuple(foot_links(digest, _MARKED_LINKS, self._frame.language))
            )
            html, text = (part.rendered("end", sheet=frame) + part.behind for part in (self._html, self._text))
            return _Both(cut(html + "\n"), cut(text.rstrip() + "\n"))

        return self._once(("end", more_count, is_weekly, has_web), make)

    def _add_cards(self, digest: Digest, marks: bytes, html: list[bytes], text: list[bytes]) -> bool:
        """Answers whether there are samples among them."""
        number = 0
        groups: list[tuple[_Around, list[_PlacedCard]]] = []
        for heading, picks in grouped_cards(digest, self._frame.language):
            around = self._once(("group", heading), partial(self._around_cards, heading, picks[0], digest))
            cards = [self._card(pick, number + place, pick is picks[-1], digest) for place, pick in enumerate(picks, 1)]
            groups.append((around, cards))
            number += len(picks)
        before, behind = self._once(("jumps", number > 0), partial(self._jump_list, digest))
        html += (before, *(card.jump for _, cards in groups for card in cards), behind)
        if digest.week:
            charts = self._once(("charts", id(digest.week)), partial(self._charts, digest), digest.week)
            html.append(charts[0])
            text.append(charts[1])
        for around, cards in groups:
            html += (around.html_before, *(marks.join(card.html) for card in cards), around.html_behind)
            text += (around.text_before, *(marks.join(card.text) for card in cards), around.text_behind)
        return any(card.is_sample for _, cards in groups for card in cards)

    def _add_lines(self, digest: Digest, html: list[bytes], text: list[bytes]) -> bool:
        has_samples = False
        for heading, picks, has_gist in grouped_lines(digest, digest.lines, self._frame.language):
            around = self._once(("part", heading), partial(self._around_lines, heading, picks[0]))
            lines = [self._line(pick, has_gist) for pick in picks]
            html += (around.html_before, *(line.html for line in lines), around.html_behind)
            text += (around.text_before, *(line.text for line in lines), around.text_behind)
            has_samples |= any(line.is_sample for line in lines)
        return has_samples

    def _card(self, pick: Pick, number: int, is_last: bool, digest: Digest) -> _PlacedCard:
        liking = pick.liking and pick.liking.lift and (pick.liking.lift > 0, len(pick.liking.like_ids))
        key = (is_last, id(pick.paper), *map(id, pick.matches), pick.entry, pick.followed, liking, pick.second_look)

        def place() -> _PlacedCard:
            card = self._once(("card", key), partial(self._made_card, pick, is_last, digest), pick)
            jump, *others = (numbered(fragment, number) for fragment in card)
            return _PlacedCard(pick.paper.is_sample, jump[0], *others)

        return self._once((number, key), place, pick)

    def _made_card(self, pick: Pick, is_last: bool, digest: Digest) -> _Card:
        shown = card(pick, mark("number"), self._reader(digest))
        return _Card(
            cut(self._html.rendered("jump", card=shown)),
            cut(self._html.rendered("card", card=shown, loop=SimpleNamespace(last=is_last))),
            cut(self._text.rendered("card", card=shown)),
        )

    def _line(self, pick: Pick, has_gist: bool) -> _Line:
        def make() -> _Line:
            shown = line(pick, self._frame.language, has_gist=has_gist)
            html, text = (encoded(part.rendered("line", line=shown)) for part in (self._html, self._text))
            return _Line(pick.paper.is_sample, html, text)

        return self._once((has_gist, id(pick.paper)), make, pick)

    def _around_cards(self, heading: str, pick: Pick, digest: Digest) -> _Around:
        one = card(pick, "1", self._reader(digest))
        values = {"group": Group(heading, (one,)), "card": one, "loop": SimpleNamespace(last=True)}
        return _Around(*self._html.around("group", "card", **values), *self._text.around("group", "card", **values))

    def _around_lines(self, heading: str, pick: Pick) -> _Around:
        one = line(pick, self._frame.language)
        values = {"part": Lines(heading, (one,)), "line": one}
        return _Around(*self._html.around("part", "line", **values), *self._text.around("part", "line", **values))

    def _jump_list(self, digest: Digest) -> tuple[bytes, bytes]:
        pick = next((pick for _, picks in grouped_cards(digest, self._frame.language) for pick in picks), None)
        if pick is None:
            return encoded(self._html.rendered("jumps")), b""
        one = card(pick, "1", self._reader(digest))
        return self._html.around("jumps", "jump", sheet=replace(self._frame, groups=(Group("", (one,)),)), card=one)

    def _charts(self, digest: Digest) -> tuple[bytes, bytes]:
        frame = replace(self._frame, charts=charts_of(digest, self._frame.language))
        return encoded(self._html.rendered("charts", sheet=frame)), encoded(self._text.rendered("charts", sheet=frame))

    def _reader(self, digest: Digest) -> Reader:
        topics = {topic.slug: topic for topic in digest.topics}
        return Reader(self._frame.language, _MARKED_LINKS, topics, digest.on, with_abstract=digest.subscriber.with_abstract)

    def _once(self, key: Hashable, make: Callable[[], _Value], held: object = None) -> _Value:
        """`held` is what the key has identities of, so that no other object gets them."""
        kept = self._kept.get(key)
        if kept is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            kept = self._kept[key] = held, make()
        value: _Value = kept[1]
        return value


@lru_cache(maxsize=10_000)
def _escaped(words: str) -> bytes:
    return encoded(str(escape(words)))


@lru_cache(maxsize=10_000)
def _wrapped(words: str) -> bytes:
    return encoded(wrapped(words))
