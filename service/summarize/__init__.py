"""Abstract to Summary: the authors' own sentences, or a model's once it has been checked. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from service.errors import HostileText, ModelFailed, SummaryRejected
from service.models import Evidence, Paper, ParsedPaper, Prompt, Summary
from service.summarize.answer import MOST_TAGS, TEXT_FIELDS, answer_fields, prompt_version, summary_prompt
from service.summarize.checks import CONTAINMENT, CONTAINMENT_RETRIED, check_names, failures
from service.summarize.extractive import extractive_summary
from service.summarize.hostile import hostile_signs
from service.summarize.source import Source, source_of, support

__all__ = ["Ask", "extractive_summary", "prompt_version", "summarize"]

Ask = Callable[[Prompt], str]  # the model's text; raises ModelFailed
Unwritten = HostileText | ModelFailed | SummaryRejected  # why a model's summary was not taken


def summarize(paper: Paper | ParsedPaper, ask: Ask | None, tags: Sequence[str] = ()) -> tuple[Summary, Unwritten | None]:
    """A model's summary if there is a model and its answer can be trusted; else the authors' own, and why.

    `tags` are those that the model may choose from.
    """
    if ask is None or not paper.abstract:
        return extractive_summary(paper), None
    if signs := hostile_signs(f"{paper.title}. {paper.abstract}"):
        return extractive_summary(paper), HostileText(f"the paper's text holds {signs[0]}: no model was asked")
    try:
        return _model_summary(paper, ask, tags)
    except (ModelFailed, SummaryRejected) as error:
        return extractive_summary(paper), error


def _model_summary(paper: Paper | ParsedPaper, ask: Ask, tags: Sequence[str]) -> tuple[Summary, Unwritten | None]:
    """Ask; ask once more, with the reasons, where a field fails; take for a field that fails again the authors' own sentence."""
    source = source_of(paper)
    try:
        fields = answer_fields(ask(summary_prompt(paper, tags)), paper.id)
        refused = _refused(fields, source, CONTAINMENT)
    except SummaryRejected as error:
        fields, refused = {}, {"summaries": [str(error)]}
    if refused:
        second = answer_fields(ask(summary_prompt(paper, tags, refused)), paper.id)
        kept = {name: text for name, text in fields.items() if name not in refused}
        fields = {**second, **kept}
        refused = {
            name: why
            for name, why in _refused(second, source, CONTAINMENT_RETRIED).items()
            if name in TEXT_FIELDS and name not in kept
        }
    return _put_together(paper, fields, refused, source, tags)


def _refused(fields: Mapping[str, Any], source: Source, containment: float) -> dict[str, list[str]]:
    found = {name: failures(fields[name], source, containment) for name in TEXT_FIELDS if fields[name] is not None}
    return {name: reasons for name, reasons in found.items() if reasons}


def _put_together(
    paper: Paper | ParsedPaper, fields: Mapping[str, Any], refused: Mapping[str, list[str]], source: Source, tags: Sequence[str]
) -> tuple[Summary, Unwritten | None]:
    """Without a tldr of the model's there is none of it: a summary has one writer, and what stands below adds to it."""
    own = extractive_summary(paper)
    error = SummaryRejected("; ".join(f"{name} {reasons[0]}" for name, reasons in refused.items())) if refused else None
    if "tldr" in refused:
        return own, error
    texts: dict[str, str | None] = {name: getattr(own, name) if name in refused else fields[name] for name in TEXT_FIELDS}
    evidence: dict[str, Evidence] = {
        name: own.evidence[name] if name in refused else support(text, source, "model") for name, text in texts.items() if text
    }
    chosen = tuple(dict.fromkeys(tag for tag in fields["tags"] if tag in tags))[:MOST_TAGS]
    return Summary(texts["tldr"], texts["problem"], texts["result"], "model", evidence, check_names(), chosen), error
