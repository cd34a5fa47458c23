"""Read the page as reader mode or copy-and-paste gives it. Pure.

Page form: banner lines and perhaps the page's day, then a title line and an abstract line a paper. The newer form adds an
organisation or a count of authors, a dot, and a date with the count of comments behind it; any of these can be missing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date

from service.errors import PageChanged
from service.models import ParsedPage, ParsedPaper
from service.sources.fields import clean_text

FORM = "plain text"

_BANNER = ("new", "get trending papers in your email inbox", "subscribe", "daily papers", "byak and the research community")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"(?P<month>{'|'.join(_MONTHS)}) (?P<day>\d{{1,2}})(?:, (?P<year>\d{{4}}))?"
    r"(?: (?P<comments>\d{1,6}))?"
)
_AUTHORS = re.compile(r"[•·] ?(\d{1,6}) authors?")
_DOT = "·"


def parse(text: str, *, asked_on: date | None) -> ParsedPage:
    lines = [line for raw in text.splitlines() if (line := clean_text(raw))]
    lines, shown = _split_banner(lines)
    shown_on = _shown_on(shown, asked_on)
    year = shown_on.year if shown_on else None
    papers: list[ParsedPaper] = []
    while lines:
        paper, lines = _take_paper(lines, year)
        papers.append(paper)
    warnings = () if shown_on else (f"the page shows {shown[0]!r} without a year" if shown else "the page shows no day",)
    return ParsedPage(
        form=FORM,
        period="day" if shown else None,
        date=shown_on,
        papers=tuple(replace(paper, featured_on=shown_on) for paper in papers),
        warnings=warnings,
    )


def _split_banner(lines: list[str]) -> tuple[list[str], re.Match[str] | None]:
    """What follows the banner, and the day shown at its end."""
    end = 0
    while end < len(lines) and lines[end].rstrip("!").lower() in _BANNER:
        end += 1
    if end < 2:
        raise PageChanged("neither HTML, nor JSON, nor the text of a papers page (its banner is missing)")
    shown = _DATE.fullmatch(lines[end]) if end < len(lines) else None
    return lines[end + (shown is not None) :], shown


def _shown_on(shown: re.Match[str] | None, asked_on: date | None) -> date | None:
    if shown is None:
        return None
    return _date(shown, asked_on.year if asked_on else None)


def _take_paper(lines: list[str], year: int | None) -> tuple[ParsedPaper, list[str]]:
    if len(lines) < 2:
        raise PageChanged(f"the text ends in a title without an abstract: {lines[0][:60]!r}")
    title, abstract, rest = lines[0], lines[1], lines[2:]
    if _is_meta(title) or _is_meta(abstract):
        raise PageChanged(f"the text of the page is out of step at {title[:60]!r}")
    meta, rest = _take_meta(rest, year)
    return (
        ParsedPaper(
            id=None,
            title=title,
            abstract=abstract,
            author_count=meta.author_count,
            organization=meta.organization,
            published_on=meta.published_on,
            comments=meta.comments,
        ),
        rest,
    )


@dataclass(frozen=True, slots=True)
class _Meta:
    author_count: int | None = None
    organization: str | None = None
    published_on: date | None = None
    comments: int | None = None


def _take_meta(lines: list[str], year: int | None) -> tuple[_Meta, list[str]]:
    """Consume the lines below an abstract that are not the next paper's title."""
    meta = _Meta()
    while lines:
        line, after = lines[0], lines[1:]
        if authors := _AUTHORS.fullmatch(line):
            meta = replace(meta, author_count=int(authors.group(1)))
        elif found := _DATE.fullmatch(line):
            comments = found.group("comments")
            meta = replace(meta, published_on=_date(found, year), comments=int(comments) if comments else None)
        elif after and after[0] == _DOT:
            meta = replace(meta, organization=_organization(line))
        elif line != _DOT:
            break
        lines = after
    return meta, lines


def _is_meta(line: str) -> bool:
    return line == _DOT or _AUTHORS.fullmatch(line) is not None


def _organization(line: str) -> str:
    """The chip's text is the account, which has no blank in it, and then the full name."""
    account, _, name = line.partition(" ")
    return name or account


def _date(found: re.Match[str], year: int | None) -> date | None:
    told = int(found.group("year")) if found.group("year") else year
    if told is None:
        return None
    try:
        return date(int(told), _MONTHS.index(found.group("month")) + 1, int(found.group("day")))
    except ValueError:
        return None
