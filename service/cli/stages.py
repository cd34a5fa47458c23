"""`parse`, `summarize` and `match`: one stage each, on files, or on an answer kept in the database. Touches both."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from service import connections
from service.catalogue import parse_catalogue, shipped_catalogue
from service.cli.output import LARGEST_NUMBER, Json, database_reading, read_file, read_text, say_json, tell
from service.errors import PageChanged, WrongUse
from service.match import match_paper, phrasebook
from service.models import Match, ParsedPaper
from service.settings import ModelSettings, load_settings
from service.sources import parse_page
from service.sources.fields import clean_text, sequence
from service.store.answers import kept_answer
from service.summarize import summarize as summarize_paper
from service.tag import tag_paper

Papers = Annotated[
    Path, typer.Option("--papers", metavar="FILE.jsonl", help='Lines of {"id", "title", "abstract"}; - is standard input.')
]


def parse(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="A saved page: HTML, the API's JSON, or plain text; - is standard input."),
    ] = None,
    fetch: Annotated[
        int | None,
        typer.Option(
            "--fetch", metavar="N", min=1, max=LARGEST_NUMBER, help="Instead: the kept answer of that fetch (`fetch log`)."
        ),
    ] = None,
    _json: Json = False,
) -> None:
    """Read a saved page, or a kept answer of the source, and print it as JSON."""
    if (file is None) == (fetch is None):
        raise WrongUse("name a FILE, or a fetch with --fetch N")
    place, content = (str(file), read_file(file)) if file else (f"fetch {fetch}", _kept(fetch or 0))
    try:
        page = parse_page(content)
    except PageChanged as error:
        raise PageChanged(f"{place}: {error}") from error
    say_json(
        {
            "page": {"form": page.form, "period": page.period, "date": page.date},
            "papers": [asdict(paper) for paper in page.papers],
            "warnings": [*(doubt.words for doubt in page.doubts), *(f"left out: {reason}" for reason in page.rejected)],
        }
    )


def _kept(number: int) -> bytes:
    with database_reading() as session:
        content = kept_answer(session, number)
    if content is None:
        raise WrongUse(f"the answer of fetch {number} is not kept: `paperround fetch log` marks those that are")
    return content


def summarize(papers: Papers, _json: Json = False) -> None:
    """Summarise and tag papers, line by line.

    One JSON line for each line read.
    """
    with connections.language_model(load_settings(ModelSettings)) as model:

        def answer(paper: ParsedPaper) -> dict[str, Any]:
            ask = None if model is None else lambda prompt: model.complete(prompt).text
            summary, error = summarize_paper(paper, ask, tag_paper(paper))
            if error:
                tell(f"warning: a model's summary was not taken: {error}")
            evidence = {name: place._asdict() for name, place in summary.evidence.items()}
            return {**asdict(summary), "evidence": evidence, "tags": list(summary.tags) or tag_paper(paper)}

        _each_line(papers, answer)


def match(
    papers: Papers,
    catalogue: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Topics to match with; default: those shipped.")
    ] = None,
    _json: Json = False,
) -> None:
    """Find the topics of papers, line by line, with the reasons.

    One JSON line for each line read.
    """
    topics = parse_catalogue(read_text(catalogue)) if catalogue else shipped_catalogue()
    book = phrasebook(topics)

    def answer(paper: ParsedPaper) -> dict[str, Any]:
        found = [found for found in match_paper(paper, book) if found.is_above]
        return {"topics": [_match_json(match) for match in found]}

    _each_line(papers, answer)


def _match_json(match: Match) -> dict[str, Any]:
    why = [asdict(reason) for reason in match.reasons]
    return {"slug": match.slug, "score": match.score, "band": match.band, "why": why}


def _each_line(file: Path, answer: Callable[[ParsedPaper], dict[str, Any]]) -> None:
    """A line that can't be read gets an error in its place, and exit status 1 at the end; the rest go on."""
    bad = 0
    for number, line in _lines(file):
        try:
            identity, paper = _read_paper(line)
        except WrongUse as error:
            bad += 1
            tell(f"error: line {number}: {error}")
            say_json({"id": None, "error": f"line {number}: {error}"}, indent=None)
        else:
            say_json({"id": identity, **answer(paper)}, indent=None)
    if bad:
        raise typer.Exit(1)


def _lines(file: Path) -> Iterable[tuple[int, str]]:
    text = read_file(file).decode("utf-8-sig", "replace")
    return enumerate(text.removesuffix("\n").split("\n") if text.strip() else [], start=1)


def _read_paper(line: str) -> tuple[Any, ParsedPaper]:
    """The id as it stands, and the paper. Raises WrongUse."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise WrongUse("not JSON") from error
    if not isinstance(record, dict):
        raise WrongUse("not a JSON object")
    title, abstract = clean_text(record.get("title")), clean_text(record.get("abstract"))
    keywords = tuple(word for word in map(clean_text, sequence(record.get("source_keywords"))) if word)
    return record.get("id"), ParsedPaper(id=None, title=title or "", abstract=abstract, source_keywords=keywords or None)
