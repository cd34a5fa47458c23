"""Digests and notices to Emails. Pure; templates count as code."""

from __future__ import annotations

from service.render.cards import IMAGE_HOST
from service.render.digests import LARGEST_HTML, render_digest, render_digest_page
from service.render.notices import render_notice
from service.render.press import Press
from service.render.subject import subject_line
from service.render.templates import mail_style

__all__ = [
    "IMAGE_HOST",
    "LARGEST_HTML",
    "Press",
    "mail_style",
    "render_digest",
    "render_digest_page",
    "render_notice",
    "subject_line",
]
