"""`topics why`, `test` and `score`: what a topic finds, and how well. Touches the database and files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from math import ceil
from pathlib import Path
from typing import Annotated, Any

import typer

from service.catalogue import with_filter
from service.cli.output import LARGEST_NUMBER, Json, counted, database_reading, read_text, say, say_json, say_table
from service.cli.topics.named import Slug, known_topic
from service.errors import WrongUse
from service.match import phrasebook
from service.match.measure import Figures, Label, Rate, TopicFigures, measure
from service.models import ParsedPaper, Topic, Trace
from service.pipeline.topics import Changed, Replay, example_labels, expand, explain, known_version, replay
from service.portions import portions
from service.sources.fields import clean_text
from service.store.papers import papers_by_id
from service.store.topics import all_topics

_BAR = 24  # characters of the chart's longest bar
_MOST_ROWS = 30  # of the chart
_MOST_TITLE = 60


def why(
    slug: Slug,
    paper: Annotated[str, typer.Argument(metavar="PAPER", help="Its arXiv id.")],
    version: Annotated[
        int | None,
        typer.Option("--version", metavar="VERSION", min=1, max=LARGEST_NUMBER, help="Of the topic; default: the newest."),
    ] = None,
    as_json: Json = False,
) -> None:
    """The whole computation of a stored paper's score for a topic."""
    with database_reading() as session:
        topic = known_topic(session, slug) if version is None else known_version(session, slug, version)
        found = papers_by_id(session, [paper])
    if not found:
        raise WrongUse(f"there is no paper {paper} here: write its arXiv id, as in 2401.00001")
    trace = explain(found[0], topic)
    if as_json:
        say_json({**asdict(trace), "paper": paper, "threshold": topic.threshold, "version": topic.version})
        return
    say(f"{paper}  {found[0].title}")
    _say_trace(trace, topic)


def try_filter(
    slug: Slug,
    file: Annotated[Path | None, typer.Option("--filter", metavar="FILE", help="A filter to try; - is standard input.")] = None,
    days: Annotated[int, typer.Option("--days", metavar="DAYS", min=1, max=3650, help="How many days of stored papers.")] = 90,
    as_json: Json = False,
) -> None:
    """Replay stored papers with another filter: gained, lost, unchanged, and the rule responsible. Nothing is changed.

    Without --filter the topic is compared with its version before.
    """
    with database_reading() as session:
        topic = known_topic(session, slug)
        if file is None:
            before, after = known_version(session, slug, max(1, topic.version - 1)), topic
        else:
            before, after = topic, with_filter(topic, read_text(file))
            expand(session, [after])
        found = replay(session, before, after, days=days)
    say_json(_replay_json(slug, found)) if as_json else _say_replay(found)


def score(
    labels: Annotated[
        Path | None,
        typer.Option("--labels", metavar="FILE.jsonl", help='Lines of {"id", "day", "title", "abstract", "yes", "maybe"}.'),
    ] = None,
    aside: Annotated[
        str | None, typer.Option("--aside", metavar="DAY,DAY", help="Days to measure apart, as those not tuned on.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Precision, recall and F1 of every topic against labelled papers, with 95 % intervals.

    Without --labels the topics' own example papers are the labels.
    """
    with database_reading() as session:
        topics = all_topics(session)
        known = _read_labels(labels) if labels else example_labels(session, topics)
    if not known:
        raise WrongUse("there are no labels: name some with --labels FILE.jsonl, or give topics example papers")
    book = phrasebook(topics)
    figures = {name: measure(some, book, all_labels=known) for name, some in _parts(known, aside)}
    if as_json:
        say_json({name: asdict(found) for name, found in figures.items()})
        return
    for name, found in figures.items():
        _say_figures(name, found)


def _say_trace(trace: Trace, topic: Topic) -> None:
    rows = [("", "where every paper starts", "", f"{trace.base:+.2f}")]
    rows += [(str(r.support), r.phrase, r.field, f"{r.weight:+.2f}") for r in trace.reasons]
    say_table(rows)
    total = trace.base + sum(reason.weight for reason in trace.reasons)
    if trace.veto:
        say(f"{trace.slug} {trace.score:.4f}: {trace.veto}")
        return
    verdict = "in" if trace.score >= topic.threshold else "below the bar"
    say(f"{trace.slug} {trace.score:.4f}, {verdict} (threshold {topic.threshold:g}): 1 / (1 + exp(-({total:.2f})))")


def _say_replay(found: Replay) -> None:
    counts = f"{len(found.gained)} gained, {len(found.lost)} lost, {len(found.unchanged)} unchanged"
    day_count = max(1, len(found.days))
    before, after = (sum(pair[n] for pair in found.days.values()) / day_count for n in (0, 1))
    say(f"{found.since} to {found.until}, {counted(len(found.days), 'day')} with papers: {counts}")
    say(f"volume: {before:.1f} papers a day before, {after:.1f} after")
    readers = found.readers
    say(f"readers: {readers.changed} of {readers.all} would see other papers among their best ten of {found.until}\n")
    rows = [_change_row(sign, changed) for sign, changed in _changes(found)]
    if rows:
        say_table([("", "paper", "before", "after", "because of", "title"), *rows])
        say("")
    say_table(list(_chart(found.days)))


def _change_row(sign: str, changed: Changed) -> tuple[str, ...]:
    scores = f"{changed.before.score:.2f}", f"{changed.after.score:.2f}"
    return (sign, changed.paper.id, *scores, changed.because, changed.paper.title[:_MOST_TITLE])


def _changes(found: Replay) -> Iterable[tuple[str, Changed]]:
    yield from (("+", changed) for changed in found.gained)
    yield from (("-", changed) for changed in found.lost)


def _chart(days: dict[date, tuple[int, int]]) -> Iterable[tuple[str, str, str, str]]:
    """A bar for each day, or for each run of days where there are many: found after, and before beside it."""
    known = sorted(days)
    step = max(1, ceil(len(known) / _MOST_ROWS))
    runs = list(portions(known, step))
    sums = [(sum(days[day][0] for day in run) / len(run), sum(days[day][1] for day in run) / len(run)) for run in runs]
    most = max((max(pair) for pair in sums), default=0) or 1
    for run, (before, after) in zip(runs, sums, strict=True):
        yield f"{run[0]}", "█" * round(_BAR * after / most), f"{after:.1f}", f"(before {before:.1f})"


def _replay_json(slug: str, found: Replay) -> dict[str, Any]:
    def listed(changes: Sequence[Changed]) -> list[dict[str, Any]]:
        return [
            {"id": c.paper.id, "title": c.paper.title, "before": c.before.score, "after": c.after.score, "because": c.because}
            for c in changes
        ]

    return {
        "slug": slug,
        "since": found.since,
        "until": found.until,
        "gained": listed(found.gained),
        "lost": listed(found.lost),
        "unchanged": [paper.id for paper in found.unchanged],
        "readers": found.readers._asdict(),
        "days": {f"{day}": {"before": before, "after": after} for day, (before, after) in found.days.items()},
    }


def _parts(known: list[Label], aside: str | None) -> Iterable[tuple[str, list[Label]]]:
    """The labels apart by day; without days named, all of them. Raises WrongUse for a day without labels."""
    days = {day.strip() for day in (aside or "").split(",") if day.strip()}
    if missing := days - {label.day for label in known}:
        raise WrongUse(f"no label is of {', '.join(sorted(missing))}")
    if not days:
        return [("all labels", known)]
    return [
        ("other days", [label for label in known if label.day not in days]),
        ("days set aside", [label for label in known if label.day in days]),
    ]


def _say_figures(name: str, found: Figures) -> None:
    say(f"{name}: {counted(found.paper_count, 'paper')}")
    rows = [_figures_row(one) for one in found.topics if one.positives or one.found]
    say_table([("topic", "yes", "precision", "recall", "F1", "95 %"), *rows, _figures_row(found.micro)])
    say(f"micro-F1 {_rate(found.micro.f1)}")
    say(f"macro-F1 {_rate(found.macro_f1)} over {counted(len(found.macro_topics), 'topic')}")
    if found.first_places is not None:
        say(f"precision in the first 5 places of a day and topic {found.first_places:.3f} ({found.first_places_count} shown)\n")


def _figures_row(one: TopicFigures) -> tuple[object, ...]:
    span = f"{one.f1.low:.2f} to {one.f1.high:.2f}"
    return one.slug, one.positives, f"{one.precision.value:.2f}", f"{one.recall.value:.2f}", f"{one.f1.value:.2f}", span


def _rate(rate: Rate) -> str:
    return f"{rate.value:.3f} (95 % {rate.low:.3f} to {rate.high:.3f})"


def _read_labels(file: Path) -> list[Label]:
    """Raises WrongUse naming the line."""
    lines = read_text(file).split("\n")  # not splitlines: JSON may hold other separators as they are
    return [_label(line, number) for number, line in enumerate(lines, 1) if line.strip()]


def _label(line: str, number: int) -> Label:
    try:
        row = json.loads(line)
        title, abstract = clean_text(row["title"]) or "", clean_text(row.get("abstract"))
        slugs = [_slugs(row.get(name) or []) for name in ("yes", "maybe")]
        return Label(str(row["id"]), str(row.get("day", "")), ParsedPaper(id=None, title=title, abstract=abstract), *slugs)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WrongUse(f'line {number} of the labels: write {{"id", "day", "title", "abstract", "yes", "maybe"}}') from error


def _slugs(told: object) -> frozenset[str]:
    """Raises ValueError."""
    if not isinstance(told, list):
        raise ValueError("no list of slugs")
    return frozenset(map(str, told))
