"""Digest to Email: subject, html and text from the templates. Pure; templates count as code.

Styles are inlined by premailer once a template, not once a mail: Jinja's tags are hidden behind words and comments, the
template is inlined, the tags are put back, and the result is compiled.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from math import ceil

import premailer
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from service.models import Digest, Email, Match, Paper, Subscriber
from service.template_files import TEMPLATES

LARGEST_HTML = 90_000  # bytes; Gmail clips a mail at about 102 KB and hides its foot
SOURCE = "https://huggingface.co/papers"

_JINJA_TAG = re.compile(r"{%.*?%}|{{.*?}}|{#.*?#}", re.DOTALL)
_DOCTYPE = "<!doctype html>\n"
_SECONDS_A_CARD = 40
_SECONDS_A_LINE = 8
_LONGEST_SUBJECT = 110


def render_digest(digest: Digest, *, unsubscribe_link: str, sent_on: date) -> Email:
    """The mail for a digest that holds papers; its html is at most 90,000 bytes, whatever the papers hold."""
    html = _html(digest, unsubscribe_link, sent_on)
    while len(html.encode()) > LARGEST_HTML and digest.sections:
        digest = _shorter(digest)
        html = _html(digest, unsubscribe_link, sent_on)
    text = _template("digest.txt").render(_values(digest, unsubscribe_link, sent_on))
    return Email(subject_line(digest), html, text.strip() + "\n")


def subject_line(digest: Digest) -> str:
    """`3 papers: Agents & tool use, Code · Title of the first`."""
    names = [section.topic.name for section in digest.sections if section.topic]
    count = f"{len(digest.picks)} {'paper' if len(digest.picks) == 1 else 'papers'}"
    topics = f": {', '.join(names[:2])}{f' and {len(names) - 2} more' if len(names) > 2 else ''}" if names else ""
    whole = f"{count}{topics} · {digest.picks[0].paper.title}"
    return shortened(" ".join("".join(c if c.isprintable() else " " for c in whole).split()), _LONGEST_SUBJECT)


def paper_link(paper: Paper) -> str:
    return f"{SOURCE}/{paper.id}"


def shortened(text: str, longest: int) -> str:
    """Cut at a word where it can be."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 2]
    return (cut[: cut.rfind(" ")] if " " in cut[longest // 2 :] else cut) + " …"


def authors_line(paper: Paper) -> str:
    """`A. Okafor, L. Brandt, M. Sato and 6 more`."""
    names = [shortened(name, 60) for name in (paper.authors or [])[:3]]
    rest = (paper.author_count or 0) - len(names)
    if not names:
        return f"{rest} authors" if rest > 0 else ""
    return ", ".join(names) + (f" and {rest} more" if rest > 0 else "")


def why_parts(matches: Sequence[Match]) -> list[tuple[str, str]]:
    """The phrases that brought a paper in, each with the field it stands in; at most four."""
    seen = {reason.phrase.casefold(): reason for match in matches if match.is_above for reason in reversed(match.reasons)}
    reasons = sorted(seen.values(), key=lambda reason: (-reason.weight, reason.phrase))
    return [(reason.phrase, reason.field) for reason in reasons[:4]]


def cadence_in_words(person: Subscriber) -> str:
    """`daily at 08:00, Berlin time`."""
    rhythm, _, day = person.cadence.partition(":")
    when = {"daily": "daily", "weekdays": "on weekdays", "weekly": f"weekly on {_DAYS.get(day, day)}"}[rhythm]
    place = "UTC" if person.zone == "UTC" else person.zone.rpartition("/")[2].replace("_", " ") + " time"
    return f"{when} at {person.hour:02d}:00, {place}"


_DAYS = {
    "mon": "Monday",
    "tue": "Tuesday",
    "wed": "Wednesday",
    "thu": "Thursday",
    "fri": "Friday",
    "sat": "Saturday",
    "sun": "Sunday",
}
_SMALL_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


def count_in_words(count: int, noun: str) -> str:
    """`seven papers`; figures from 13 on."""
    number = _SMALL_NUMBERS[count] if count < len(_SMALL_NUMBERS) else str(count)
    return f"{number} {noun}{'' if count == 1 else 's'}"


def _html(digest: Digest, unsubscribe_link: str, sent_on: date) -> str:
    return _template("digest.html").render(_values(digest, unsubscribe_link, sent_on))


def _values(digest: Digest, unsubscribe_link: str, sent_on: date) -> Mapping[str, object]:
    seconds = len(digest.cards) * _SECONDS_A_CARD + len(digest.lines) * _SECONDS_A_LINE
    return {
        "digest": digest,
        "subject": subject_line(digest),
        "minutes": ceil(seconds / 60),
        "unsubscribe_link": unsubscribe_link,
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


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B %Y}"


def _short_day(day: date) -> str:
    return f"{day.day} {day:%b %Y}".replace(" ", "\u00a0")


def _web_link(url: str | None) -> str | None:
    """A link that a mail may carry, or None: pages can say `javascript:` as well."""
    return url if url and len(url) < 500 and re.match(r"https?://[^\s\"'<>\\]+$", url) else None


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / "mail"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        authors_line=authors_line,
        cadence_in_words=cadence_in_words,
        count_in_words=count_in_words,
        day=_day,
        paper_link=paper_link,
        short_day=_short_day,
        cut=shortened,
        web_link=_web_link,
        why=why_parts,
    )
    return environment


@cache
def _template(name: str) -> Template:
    environment = _environment()
    if not name.endswith(".html"):
        return environment.get_template(name)
    assert environment.loader is not None
    source, _, _ = environment.loader.get_source(environment, name)
    code = environment.compile(_inlined(source), name=name)
    return Template.from_code(environment, code, environment.make_globals(None))


def _inlined(source: str) -> str:
    """The template with its styles inlined and its doctype put back, which premailer drops (its issue 156)."""
    tags: list[str] = []

    def hide(tag: re.Match[str]) -> str:
        tags.append(tag.group())
        word = f"jinja{len(tags) - 1}tag"
        return f"<!--{word}-->" if tag.group().startswith("{%") and _is_between_elements(source, tag.start()) else word

    inlined = premailer.transform(
        _JINJA_TAG.sub(hide, source),
        allow_network=False,
        strip_important=False,
        keep_style_tags=True,
        remove_classes=False,
        disable_validation=True,
        cssutils_logging_level=logging.CRITICAL,
        pretty_print=False,
    )
    shown = re.sub(r"<!--jinja(\d+)tag-->|jinja(\d+)tag", lambda word: tags[int(word.group(1) or word.group(2))], inlined)
    return _DOCTYPE + shown


def _is_between_elements(source: str, place: int) -> bool:
    return source.rfind("<", 0, place) <= source.rfind(">", 0, place)
