"""Digests to encoded mails, joined of fragments that the mails of a wave share. Pure; templates count as code.

The plain path (`render_digest`) renders each mail whole. Here the blocks of the same templates are rendered once a paper, a
reason and a language (see `Edition`), and a mail is one join of finished bytes with the person's own words and links between
them. Both give the same html and the same text.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import chain

from service.models import Digest, EncodedEmail, MailLinks
from service.render.digests import LARGEST_HTML, render_digest
from service.render.edition import Edition, PickCard, Place
from service.render.encoding import encoded
from service.render.fragments import token_slot
from service.render.sheets import grouped_cards, grouped_lines

_PIECES = 4  # of a card: its place, what everybody gets, its note, its end


class Press:
    """What one wave's mails share. It holds on to the digests' papers and matches, so it should end with the wave."""

    def __init__(self, *, postal_line: str | None = None) -> None:
        self._postal_line = postal_line
        self._editions: dict[tuple[str, bool, date, date, str, str], Edition] = {}

    def encoded_email(self, digest: Digest, links: MailLinks, *, sent_on: date) -> EncodedEmail:
        """The plain path's mail. What is too long to be sent whole takes that path, which knows how to shorten."""
        email = _joined(self._edition(digest, links, sent_on), digest, links)
        if len(email.html) <= LARGEST_HTML:  # decoded, it is never longer than encoded
            return email
        plain = render_digest(digest, links, sent_on=sent_on, postal_line=self._postal_line)
        return EncodedEmail(plain.subject, encoded(f"{plain.html}\n"), encoded(plain.text))

    def _edition(self, digest: Digest, links: MailLinks, sent_on: date) -> Edition:
        person = digest.subscriber
        key = (person.language, person.with_abstract, digest.on, sent_on, links.site, links.day)
        edition = self._editions.get(key)
        if edition is None:
            edition = self._editions[key] = Edition(digest, links, sent_on, self._postal_line)
        return edition


def _joined(edition: Edition, digest: Digest, links: MailLinks) -> EncodedEmail:
    html: list[bytes] = []
    text: list[bytes] = []
    has_samples = _add_cards(edition, digest, links, html, text)
    has_samples |= _add_lines(edition, digest, html, text)
    top, end = edition.frame.top(digest, has_samples), edition.frame.end(digest, links)
    return EncodedEmail(top.subject, b"".join([*top.html, *html, *end.html]), b"".join([*top.text, *text, *end.text]))


def _add_cards(edition: Edition, digest: Digest, links: MailLinks, html: list[bytes], text: list[bytes]) -> bool:
    """Answers whether there are samples among them."""
    groups = list(grouped_cards(digest, edition.language))
    cards = edition.cards([pick for _, picks in groups for pick in picks], digest)
    places = edition.places(len(cards))
    jumps, html_cards, text_cards, has_samples = _in_places(places, cards, token_slot(links.marks_token))
    before, *behind = edition.jumps(bool(cards))
    html += (before, *jumps, *behind)
    if digest.week:
        charts = edition.charts(digest.week.days, digest.week.themes)
        html.append(charts.html)
        text.append(charts.text)
    end = 0
    for title, picks in groups:
        around, start, end = edition.group(title), end, end + len(picks)
        html_cards[_PIECES * (end - 1)] = places[end - 1].last_html
        html += (around.html_before, *html_cards[_PIECES * start : _PIECES * end], around.html_behind)
        text += (around.text_before, *text_cards[_PIECES * start : _PIECES * end], around.text_behind)
    return has_samples


def _in_places(
    places: Sequence[Place], cards: Sequence[PickCard], marks: bytes
) -> tuple[list[bytes], list[bytes], list[bytes], bool]:
    """The jumps, the cards' html and their text, each card of as many pieces; and whether there are samples among them."""
    if not cards:
        return [], [], [], False
    jump_places, html_places, _, text_places = zip(*places, strict=True)
    jumps, html, html_notes, html_ends, text, text_notes, text_ends, are_samples, _ = zip(*cards, strict=True)
    return (
        [*_row(zip(jump_places, jumps, strict=True))],
        [*_row(zip(html_places, html, html_notes, map(marks.join, html_ends), strict=True))],
        [*_row(zip(text_places, text, text_notes, map(marks.join, text_ends), strict=True))],
        any(are_samples),
    )


def _add_lines(edition: Edition, digest: Digest, html: list[bytes], text: list[bytes]) -> bool:
    has_samples = False
    for title, picks, has_gist in grouped_lines(digest, digest.lines, edition.language):
        around = edition.part(title)
        html_lines, text_lines, are_samples, _ = zip(*edition.lines(picks, has_gist), strict=True)
        html += (around.html_before, *html_lines, around.html_behind)
        text += (around.text_before, *text_lines, around.text_behind)
        has_samples |= any(are_samples)
    return has_samples


_row = chain.from_iterable
