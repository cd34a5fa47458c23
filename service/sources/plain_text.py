"""Read the page as reader mode or copy-and-paste gives it. Pure.

Page form: banner lines and perhaps the page's day, then a title line and an abstract line a paper. The newer form adds an
organisation or a count of authors, a dot, and a date with the count of comments behind it; any of these can be missing.
"""

from __future__ import annotations

import re
from collections import deque
from dataclasses import replace
from datetime import date

from service.errors import PageChanged
from service.models import Doubt, Form, ParsedPage, ParsedPaper
from service.sources.fields import clean_text
from service.sources.records import LONGEST_ABSTRACT, LONGEST_TITLE

_BANNER = ("new", "get trending papers in your email inbox", "subscribe", "daily papers", "byak and the research community")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DATE = re.compile(
    rf"(?P<month>{'|'.join(_MONTHS)}) (?P<day>\d{{1,2}})(?:, (?P<year>\d{{4}}))?"
    r"(?: (?P<comments>\d{1,6}))?",
    re.ASCII,
)
_AUTHORS = re.compile(r"[•·] ?(\d{1,6}) authors?", re.ASCII)
_DOT = "·"
_MOST_LINES = 20_000  # a page of 101 papers has 600


def parse(text: str, *, asked_on: date | None) -> ParsedPage:
    """Raises PageChanged."""
    if text.count("\n") > _MOST_LINES:
        raise PageChanged(f"the text has more than {_MOST_LINES:,} lines")
    lines = deque(line for raw in text.split("\n") if (line := clean_text(raw)))
    shown = _take_banner(lines)
    shown_on = _date(shown, asked_on.year if asked_on else None) if shown else None
    year = shown_on.year if shown_on else None
    papers: list[ParsedPaper] = []
    while lines:
        papers.append(replace(_take_paper(lines, year), featured_on=shown_on))
    told = f"the page shows {shown[0]!r} without a year" if shown else "the page shows no day"
    return ParsedPage(
        form=Form.TEXT,
        period="day" if shown else None,
        date=shown_on,
        papers=tuple(papers),
        doubts=() if shown_on else (Doubt("no day", told),),
    )


def _take_banner(lines: deque[str]) -> re.Match[str] | None:
    """Consume the banner and the day shown at its end; answers that day."""
    count = 0
    while lines and lines[0].rstrip("!").lower() in _BANNER:
        lines.popleft()
        count += 1
    if count < 2:
        raise PageChanged("neither HTML, nor JSON, nor the text of a papers page (its banner is missing)")
    shown = _DATE.fullmatch(lines[0]) if lines else None
    if shown:
        lines.popleft()
    return shown


def _take_paper(lines: deque[str], year: int | None) -> ParsedPaper:
    title = lines.popleft()
    if not lines:
        raise PageChanged(f"the text ends in a title without an abstract: {title[:60]!r}")
    abstract = lines.popleft()
    if _is_meta(title) or _is_meta(abstract):
        raise PageChanged(f"the text of the page is out of step at {title[:60]!r}")
    paper = ParsedPaper(id=None, title=title[:LONGEST_TITLE], abstract=abstract[:LONGEST_ABSTRACT])
    return _with_meta(paper, lines, year)


def _with_meta(paper: ParsedPaper, lines: deque[str], year: int | None) -> ParsedPaper:
    """Consume the lines below an abstract that are not the next paper's title."""
    while lines:
        line = lines[0]
        if authors := _AUTHORS.fullmatch(line):
            paper = replace(paper, author_count=int(authors.group(1)))
        elif found := _DATE.fullmatch(line):
            comments = found.group("comments")
            paper = replace(paper, published_on=_date(found, year), comments=int(comments) if comments else None)
        elif len(lines) > 1 and lines[1] == _DOT:
            paper = replace(paper, organization=_organization(line))
        elif line != _DOT:
            break
        lines.popleft()
    return paper


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
