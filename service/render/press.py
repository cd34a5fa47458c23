"""Digests to encoded mails, joined of fragments that the mails of a wave share. Pure; templates count as code.

The plain path (`render_digest`) renders each mail whole. Here the blocks of the same templates are rendered once a paper, a
reason and a language (see `Edition`), and a mail is one join of finished bytes with the person's own words and links between
them. Both give the same html and the same text.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from service.models import Digest, EncodedEmail, MailLinks
from service.render.digests import LARGEST_HTML, render_digest
from service.render.edition import Edition
from service.render.encoding import encoded
from service.render.fragments import html_slot, slot, token_slot
from service.render.language import Language
from service.render.sheets import grouped_cards, grouped_lines, heading, is_weekly, lead_of, reason_of, schedule_of
from service.render.subject import preheader, subject_line


class Press:
    """What one wave's mails share. It holds on to the digests' papers and matches, so it should end with the wave."""

    def __init__(self, *, postal_line: str | None = None) -> None:
        self._postal_line = postal_line
        self._editions: dict[tuple[str, bool, date, date, str, str], Edition] = {}

    def encoded_email(self, digest: Digest, links: MailLinks, *, sent_on: date) -> EncodedEmail:
        """The plain path's mail. What is too long to be sent whole takes that path, which knows how to shorten."""
        email = _joined(self._edition(digest, links, sent_on), digest, links)
        if sum(map(len, email.html)) <= LARGEST_HTML:  # decoded, it is never longer than encoded
            return email
        plain = render_digest(digest, links, sent_on=sent_on, postal_line=self._postal_line)
        return EncodedEmail(plain.subject, [encoded(f"{plain.html}\n")], [encoded(plain.text)])

    def _edition(self, digest: Digest, links: MailLinks, sent_on: date) -> Edition:
        person = digest.subscriber
        key = (person.language, person.with_abstract, digest.on, sent_on, links.site, links.day)
        edition = self._editions.get(key)
        if edition is None:
            edition = self._editions[key] = Edition(digest, links, sent_on, self._postal_line)
        return edition


def _joined(edition: Edition, digest: Digest, links: MailLinks) -> EncodedEmail:
    subject = subject_line(digest)
    own = _own(digest, subject, links, edition.language)
    html: list[bytes] = []
    text: list[bytes] = []
    has_samples = _add_cards(edition, digest, own["marks"], html, text)
    has_samples |= _add_lines(edition, digest, html, text)
    top = edition.top(has_samples)
    end = edition.end(len(digest.unlisted), is_weekly(digest), bool(digest.lines or digest.picks))
    return EncodedEmail(
        subject,
        [*top.html.filled(own, 0), *html, *end.html.filled(own, 0)],
        [*top.text.filled(own, 1), *text, *end.text.filled(own, 1)],
    )


def _own(digest: Digest, subject: str, links: MailLinks, spoken: Language) -> dict[str, tuple[bytes, bytes]]:
    """What stands between the fragments, by its name; the text has no subject. Many people's mails say the same words."""
    return {
        "subject": (_html_slot(subject), b""),
        "preheader": (_html_slot(preheader(digest)), b""),
        "heading": _slot(heading(digest.kind, digest.passed_count, digest.looked_at_count, spoken)),
        "lead": _slot(lead_of(digest, spoken)),
        "reason": _slot(reason_of(digest, spoken)),
        "schedule": _slot(schedule_of(digest, spoken)),
        "unsubscribe": token_slot(links.unsubscribe_token),
        "settings": token_slot(links.settings_token),
        "pause": token_slot(links.pause_token),
        "web": token_slot(links.web_token),
        "marks": token_slot(links.marks_token),
    }


def _add_cards(edition: Edition, digest: Digest, marks: tuple[bytes, bytes], html: list[bytes], text: list[bytes]) -> bool:
    """Answers whether there are samples among them."""
    number, has_samples = 0, False
    jumps: list[bytes] = []
    cards: list[bytes] = []
    html_mark, text_mark = marks
    for title, picks in grouped_cards(digest, edition.language):
        around, last = edition.group(title), picks[-1]
        cards.append(around.html_before)
        text.append(around.text_before)
        for pick in picks:
            number += 1
            numbered_jump, html_place, text_place = edition.place(number)
            jump, html_body, html_note, html_end, text_body, text_note, text_end, is_sample, _ = edition.card(pick, digest)
            jumps += (numbered_jump, jump)
            cards += (html_place[pick is last], html_body, html_note, html_mark.join(html_end))
            text += (text_place, text_body, text_note, text_mark.join(text_end))
            has_samples |= is_sample
        cards.append(around.html_behind)
        text.append(around.text_behind)
    before, *behind = edition.jumps(number > 0)
    html += (before, *jumps, *behind)
    if digest.week:
        charts = edition.charts(digest.week.days, digest.week.themes)
        html.append(charts.html)
        text.insert(0, charts.text)
    html += cards
    return has_samples


def _add_lines(edition: Edition, digest: Digest, html: list[bytes], text: list[bytes]) -> bool:
    has_samples = False
    for title, picks, has_gist in grouped_lines(digest, digest.lines, edition.language):
        around = edition.part(title)
        html_lines, text_lines, are_samples, _ = zip(*edition.lines(picks, has_gist), strict=True)
        html += (around.html_before, *html_lines, around.html_behind)
        text += (around.text_before, *text_lines, around.text_behind)
        has_samples |= any(are_samples)
    return has_samples


_slot, _html_slot = lru_cache(maxsize=10_000)(slot), lru_cache(maxsize=10_000)(html_slot)
