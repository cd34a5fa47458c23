"""Read the source's record of one paper; pages and the JSON API share it. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Any

from service.models import ParsedPaper
from service.sources.fields import clean_text, count, day, mapping, paper_id, sequence, url

# Far beyond real ones (arXiv: 1,920 characters of abstract); what is longer is no paper's.
LONGEST_TITLE = 3_000
LONGEST_ABSTRACT = 20_000


def parse_records(items: Iterable[Any], *, shown_on: date | None) -> tuple[list[ParsedPaper], list[str]]:
    """Papers in the page's order, and for each record that can't be read its place and the reason.

    A paper is featured on the day its record says, else on the day the page shows.
    """
    papers: list[ParsedPaper] = []
    rejected: list[str] = []
    for place, item in enumerate(items, start=1):
        paper = parse_record(item)
        if isinstance(paper, str):
            rejected.append(f"record {place}: {paper}")
        else:
            papers.append(replace(paper, featured_on=paper.featured_on or shown_on))
    return papers, rejected


def parse_record(item: Any) -> ParsedPaper | str:
    """One paper, or the reason why the record is none.

    Lists wrap it in `paper`; the API's answer for one paper, and its search of 2024, do not. `publishedAt` beside `paper` is
    shifted to New York time, so only the one inside is read.
    """
    if not isinstance(item, dict):
        return "not an object"
    paper = mapping(item["paper"]) if "paper" in item else item
    identity = paper_id(paper.get("id"))
    title = clean_text(paper.get("title")) or clean_text(item.get("title"))
    if identity is None:
        return f"no arXiv id ({(clean_text(paper.get('id')) or 'none given')[:60]})"
    if title is None:
        return f"{identity} has no title"
    authors = _authors(paper.get("authors"))
    abstract = clean_text(paper.get("summary")) or clean_text(item.get("summary"))
    return ParsedPaper(
        id=identity,
        title=title[:LONGEST_TITLE],
        abstract=abstract[:LONGEST_ABSTRACT] if abstract else None,
        authors=authors,
        author_count=None if authors is None else len(authors),
        organization=_organization(item.get("organization")) or _organization(paper.get("organization")),
        published_on=day(paper.get("publishedAt")),
        featured_on=day(paper.get("submittedOnDailyAt")),
        upvotes=count(paper.get("upvotes")),
        comments=count(item.get("numComments")),
        code_url=url(paper.get("githubRepo")),
        code_stars=count(paper.get("githubStars")),
        project_url=url(paper.get("projectPage")),
        thumbnail_url=url(item.get("thumbnail")) or url(item.get("thumbnailUrl")),
        source_keywords=_keywords(paper.get("ai_keywords")),
        source_summary=clean_text(paper.get("ai_summary")),
    )


def _authors(value: Any) -> tuple[str, ...] | None:
    if not isinstance(value, list):
        return None
    shown = [author for author in map(mapping, value) if author.get("hidden") is not True]
    return tuple(name for author in shown if (name := clean_text(author.get("name"))))


def _organization(value: Any) -> str | None:
    organization = mapping(value)
    return clean_text(organization.get("fullname")) or clean_text(organization.get("name"))


def _keywords(value: Any) -> tuple[str, ...] | None:
    return tuple(word for word in map(clean_text, sequence(value)) if word) or None
