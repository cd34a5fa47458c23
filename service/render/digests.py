"""Digest to Email: subject, html and text from the templates. Pure; templates count as code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from service.models import Digest, Email, MailLinks
from service.render.subject import preheader, subject_line
from service.render.templates import mail_template, page_template

LARGEST_HTML = 90_000  # bytes; Gmail clips a mail at about 102 KB and hides its foot


def render_digest(digest: Digest, links: MailLinks, *, sent_on: date) -> Email:
    """The mail for a digest that holds papers; its html is at most 90,000 bytes, whatever the papers hold."""
    html = _html(digest, links, sent_on)
    while len(html.encode()) > LARGEST_HTML and digest.sections:
        digest = _shorter(digest)
        html = _html(digest, links, sent_on)
    text = mail_template("digest.txt").render(_values(digest, links, sent_on))
    return Email(subject_line(digest), html, text.strip() + "\n")


def render_digest_page(digest: Digest, links: MailLinks, *, sent_on: date) -> str:
    """The same digest for a browser, with a line for each paper that the mail only counts."""
    whole = replace(digest, lines=digest.lines + digest.unlisted, unlisted=())
    return page_template("digest.html").render({**_values(whole, links, sent_on), "is_web": True})


def _html(digest: Digest, links: MailLinks, sent_on: date) -> str:
    return mail_template("digest.html").render(_values(digest, links, sent_on))


def _values(digest: Digest, links: MailLinks, sent_on: date) -> Mapping[str, object]:
    return {
        "digest": digest,
        "subject": subject_line(digest),
        "preheader": preheader(digest),
        "links": links,
        "is_web": False,
        "sent_on": sent_on,
        "has_samples": any(pick.paper.is_sample for pick in digest.picks),
    }


def _shorter(digest: Digest) -> Digest:
    """One line or card fewer; what falls out is counted at the mail's end."""
    if digest.lines:
        return replace(digest, lines=digest.lines[:-1], unlisted=(digest.lines[-1], *digest.unlisted))
    *others, last = digest.sections
    kept = [replace(last, picks=last.picks[:-1])] if len(last.picks) > 1 else []
    return replace(digest, sections=(*others, *kept), unlisted=(last.picks[-1], *digest.unlisted))
