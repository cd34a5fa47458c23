"""Digests to encoded mails, joined of fragments that the mails of a wave share. Pure; templates count as code.

The plain path (`render_digest`) renders each mail whole. Here the blocks of the same templates are rendered once a paper, a
reason and a language (see `Edition`), and a mail is one join of finished bytes with the person's own words and links between
them. Both give the same html and the same text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from service.models import Digest, EncodedEmail, MailLinks
from service.render.digests import LARGEST_HTML, render_digest
from service.render.edition import Around, Edition, PaperLine, PickCard
from service.render.encoding import encoded
from service.render.fragments import NOTHING, token_slot
from service.render.sheets import grouped_cards, grouped_lines

_PIECES = 4  # of a card: its place, what everybody gets, its note, its end
_Groups = Sequence[tuple[Around, Sequence[PickCard]]]
_Parts = Sequence[tuple[Around, Sequence[PaperLine]]]


class Press:
    """What one wave's mails share. It holds on to the digests' picks and papers, so it should end with the wave."""

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
    spoken, frame = edition.language, edition.frame
    groups = [
        (edition.group(title), edition.cards(picks, digest)) for title, picks in grouped_cards(digest, spoken, frame.name_of)
    ]
    parts = [
        (edition.part(title), edition.lines(picks, has_gist))
        for title, picks, has_gist in grouped_lines(digest, digest.lines, spoken)
    ]
    html: list[bytes] = []
    text: list[bytes] = []
    jumps = _add_cards(edition, groups, token_slot(links.marks_token), html, text)
    _add_lines(parts, html, text)
    charts = edition.charts(digest.week.days, digest.week.themes) if digest.week else NOTHING
    has_samples = edition.has_shown_samples and (_any_sample(groups) or _any_sample(parts))
    top, end = frame.top(digest, has_samples), frame.end(digest, links)
    return EncodedEmail(
        top.subject,
        b"".join([*top.html, *jumps, charts.html, *html, *end.html]),
        b"".join([*top.text, charts.text, *text, *end.text]),
    )


def _add_cards(edition: Edition, groups: _Groups, marks: bytes, html: list[bytes], text: list[bytes]) -> list[bytes]:
    """Answers the list of them that stands at the top."""
    before, *behind = edition.jumps(bool(groups))
    jumps, places = [before], iter(edition.places(sum([len(cards) for _, cards in groups])))
    for around, cards in groups:
        html.append(around.html_before)
        text.append(around.text_before)
        for card, place in zip(cards, places):  # noqa: B905 - what is left of the places is the next group's
            jumps += place.jump, card.jump
            html += place.html, card.html, card.html_note, marks.join(card.html_end)
            text += place.text, card.text, card.text_note, marks.join(card.text_end)
        html[-_PIECES] = place.last_html
        html.append(around.html_behind)
        text.append(around.text_behind)
    return [*jumps, *behind]


def _add_lines(parts: _Parts, html: list[bytes], text: list[bytes]) -> None:
    for around, lines in parts:
        html += (around.html_before, *[line.html for line in lines], around.html_behind)
        text += (around.text_before, *[line.text for line in lines], around.text_behind)


def _any_sample(shown: Iterable[tuple[Around, Sequence[PickCard | PaperLine]]]) -> bool:
    return any(one.is_sample for _, those in shown for one in those)
