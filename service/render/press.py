"""Digests to encoded mails, joined of fragments that the mails of a wave share. Pure; templates count as code.

The plain path (`render_digest`) renders each mail whole. Here the blocks of the same templates are rendered once a paper, a
reason and a language (see `Edition`), and a mail is one join of finished bytes with the person's own words and links between
them. Both give the same html and the same text.
"""

from __future__ import annotations

from datetime import date

from service.models import Digest, EncodedEmail, MailLinks
from service.render.digests import LARGEST_HTML, render_digest
from service.render.edition import Edition
from service.render.encoding import encoded
from service.render.fragments import NOTHING, token_slot
from service.render.language import Language
from service.render.sheets import grouped_cards, grouped_lines


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
    html: list[bytes] = []
    text: list[bytes] = []
    jumps = _add_cards(edition, digest, token_slot(links.marks_token), html, text)
    _add_lines(edition, digest, html, text)
    charts = edition.charts(digest.week.days, digest.week.themes) if digest.week else NOTHING
    top = edition.frame.top(digest, edition.has_shown_samples and _has_samples(digest, edition.language))
    end = edition.frame.end(digest, links)
    return EncodedEmail(
        top.subject,
        b"".join([*top.html, *jumps, charts.html, *html, *end.html]),
        b"".join([*top.text, charts.text, *text, *end.text]),
    )


def _add_cards(edition: Edition, digest: Digest, marks: bytes, html: list[bytes], text: list[bytes]) -> list[bytes]:
    """Answers the list of them that stands at the top."""
    jumps: list[bytes] = []
    first = 1
    groups, cards = edition.groups, edition.cards
    for topic, picks in grouped_cards(digest, edition.language):
        around = groups.get(id(topic)) or edition.group(topic)
        html.append(around.html_before)
        text.append(around.text_before)
        begin = len(html)
        for number, pick in enumerate(picks, first):
            place = edition.place(number)
            card = cards.get(id(pick)) or edition.card(pick, digest)
            jumps += place.jump, card.jump
            html += place.html, card.html, card.html_note, marks.join(card.html_end)
            text += place.text, card.text, card.text_note, marks.join(card.text_end)
        html[begin] = edition.place(first).first_html
        first += len(picks)
        html.append(around.html_behind)
        text.append(around.text_behind)
    before, *behind = edition.jumps(bool(jumps))
    return [before, *jumps, *behind]


def _add_lines(edition: Edition, digest: Digest, html: list[bytes], text: list[bytes]) -> None:
    for heading, picks, has_gist in grouped_lines(digest, digest.lines, edition.language):
        around, lines = edition.part(heading), edition.lines[has_gist]
        html.append(around.html_before)
        text.append(around.text_before)
        for pick in picks:
            line = lines.get(id(pick.paper)) or edition.line(pick, has_gist)
            html.append(line.html)
            text.append(line.text)
        html.append(around.html_behind)
        text.append(around.text_behind)


def _has_samples(digest: Digest, spoken: Language) -> bool:
    shown = [picks for _, picks in grouped_cards(digest, spoken)]
    shown += [picks for _, picks, _ in grouped_lines(digest, digest.lines, spoken)]
    return any(pick.paper.is_sample for picks in shown for pick in picks)
