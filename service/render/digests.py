"""Digest to Email: subject, html and text from the templates. Pure; templates count as code."""

from __future__ import annotations

from bisect import bisect_left
from datetime import date

from service.models import Digest, Email, MailLinks
from service.render.encoding import encoded
from service.render.sheets import Sheet, ever_shorter, sheet
from service.render.templates import mail_template, page_template

# Gmail cuts a mail off at about 102 KB, measured by some as decoded html and by others as encoded, and hides its foot.
LARGEST_HTML = 90_000  # bytes
LARGEST_ENCODED = 99_000  # bytes of the html as quoted-printable, with the line breaks that it has on the wire


def render_digest(digest: Digest, links: MailLinks, *, sent_on: date, postal_line: str | None = None) -> Email:
    """The mail for a digest that is mailed; whatever papers hold, its html stays within both bounds.

    What doesn't fit is counted, and stands in the web version.
    """
    whole = sheet(digest, links, sent_on=sent_on, postal_line=postal_line, is_web=False)
    said = _longest_that_fits(whole)
    text = mail_template("digest.txt").render(sheet=said, say=said.language.say)
    return Email(said.subject, _html(said), text.strip() + "\n")


def render_digest_page(digest: Digest, links: MailLinks, *, sent_on: date, postal_line: str | None = None) -> str:
    """The same digest for a browser, with a line for each paper that the mail only counts."""
    said = sheet(digest, links, sent_on=sent_on, postal_line=postal_line, is_web=True)
    return page_template("digest.html").render(sheet=said, say=said.language.say)


def _html(said: Sheet) -> str:
    return mail_template("digest.html").render(sheet=said, say=said.language.say)


def _longest_that_fits(whole: Sheet) -> Sheet:
    if _fits(whole):
        return whole
    sheets = list(ever_shorter(whole))
    return sheets[bisect_left(sheets[:-1], True, key=_fits)]


def _fits(said: Sheet) -> bool:
    html = _html(said)
    return len(html.encode()) <= LARGEST_HTML and len(encoded(f"{html}\n")) <= LARGEST_ENCODED
