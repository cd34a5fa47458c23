"""Digest to Email: subject, html and text from the templates. Pure; templates count as code."""

from __future__ import annotations

from binascii import b2a_qp
from datetime import date

from service.models import Digest, Email, MailLinks
from service.render.sheets import Sheet, sheet, shorter
from service.render.templates import mail_template, page_template

# Gmail cuts a mail off at about 102 KB, measured by some as decoded html and by others as encoded, and hides its foot.
LARGEST_HTML = 90_000  # bytes
LARGEST_ENCODED = 99_000  # bytes of the html as quoted-printable


def render_digest(digest: Digest, links: MailLinks, *, sent_on: date, postal_line: str | None = None) -> Email:
    """The mail for a digest that is mailed; whatever papers hold, its html stays within both bounds.

    What doesn't fit is counted, and stands in the web version.
    """
    said = sheet(digest, links, sent_on=sent_on, postal_line=postal_line, is_web=False)
    html = _html(said)
    while _is_too_large(html) and said.groups:
        said = shorter(said)
        html = _html(said)
    text = mail_template("digest.txt").render(sheet=said, say=said.language.say)
    return Email(said.subject, html, text.strip() + "\n")


def render_digest_page(digest: Digest, links: MailLinks, *, sent_on: date, postal_line: str | None = None) -> str:
    """The same digest for a browser, with a line for each paper that the mail only counts."""
    said = sheet(digest, links, sent_on=sent_on, postal_line=postal_line, is_web=True)
    return page_template("digest.html").render(sheet=said, say=said.language.say)


def _html(said: Sheet) -> str:
    return mail_template("digest.html").render(sheet=said, say=said.language.say)


def _is_too_large(html: str) -> bool:
    content = html.encode()
    return len(content) > LARGEST_HTML or len(b2a_qp(content)) > LARGEST_ENCODED
