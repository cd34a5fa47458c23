"""Abstract to Summary: the authors' own sentences, or a model's once it has been checked. Pure.

Without a model the summary is the sentence in which the authors say what they did (a cue phrase such as "we propose"),
with its boilerplate cut off. First cue sentence, SciTLDR-A dev: ROUGE-1 35.6, against 27.2 for the first sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from service.errors import ModelFailed, SummaryRejected
from service.models import Paper, ParsedPaper, Summary
from service.template_files import TEMPLATES
from service.words import tokens

LONGEST_TLDR = 30  # words
_LONGEST_TEXT = 400  # characters, for texts whose words aren't parted by blanks
# The share of a summary's words that must stand in the title or abstract. On SciTLDR-A 0.5 keeps 72 % of human summaries
# and rejects 99 % of another paper's.
CONTAINMENT = 0.5

Complete = Callable[[str], str]  # a prompt -> the model's text; raises ModelFailed

# A prompt is plain text; what comes from a paper goes in as JSON.
_PROMPT = Environment(loader=FileSystemLoader(TEMPLATES / "prompts"), undefined=StrictUndefined)  # noqa: S701

_SENTENCE_END = re.compile(r"(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]?[A-Z0-9$\\])")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|et al|etc|cf|vs|resp|Fig|Eq|Sec|Tab|approx|w\.r\.t|No)|\b[A-Z])\.$")
_STRONG_CUE = re.compile(
    r"\b(?:we|this (?:paper|work|article|study|report))\b[^.]{0,60}?\b"
    r"(?:propose|present|introduce|develop|describe|design|build|contribute)s?\b",
    re.IGNORECASE,
)
_WEAK_CUE = re.compile(
    r"\b(?:we|this (?:paper|work|article|study|report))\b[^.]{0,60}?\b(?:show|study|find|investigate|explore|demonstrate)s?\b",
    re.IGNORECASE,
)
_PLAIN_CUE = re.compile(r"^We (?!release|open|hope|thank|also)")
_RESULT = re.compile(
    r"\b(?:outperform|achiev|improv|reduc|surpass|exceed|speedup|state-of-the-art|gain)\w*\b.*?\d|\d.*?\b(?:outperform|achiev|improv|reduc)",
    re.IGNORECASE,
)
_PROBLEM = re.compile(r"^(?:However|Yet|But|Despite|Unfortunately)\b|\b(?:remains?|struggles?|suffers?|fails?|limited by)\b")
_LEAD_IN = re.compile(
    r"^(?:(?:In (?:this|our) (?:paper|work|article|study|report)|To (?:this|that) end|Here|Specifically|In particular|"
    r"To (?:address|tackle|solve|overcome|bridge|fill)[^,]{0,80}),\s*)",
    re.IGNORECASE,
)
_PARENTHESIS = re.compile(r"\s*\([^()]*\)")
_CLAUSE = re.compile(r"[,;:]\s")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")


def sentences(text: str) -> list[str]:
    """Split at sentence ends; abbreviations, initials and decimals don't end one."""
    found: list[list[str]] = []
    for piece in _SENTENCE_END.split(text.strip()):
        if found and _ABBREVIATION.search(found[-1][-1][-20:]):
            found[-1].append(piece)
        elif piece:
            found.append([piece])
    return [" ".join(pieces) for pieces in found]


def summarize(paper: Paper | ParsedPaper, complete: Complete | None) -> tuple[Summary, ModelFailed | SummaryRejected | None]:
    """A model's summary if there is a model and its answer can be trusted; else the authors' own, and why."""
    if complete is None or not paper.abstract:
        return extractive_summary(paper), None
    try:
        prompt = _PROMPT.get_template("summary.txt").render(paper=paper, longest=LONGEST_TLDR)
        return model_summary(paper, complete(prompt)), None
    except (ModelFailed, SummaryRejected) as error:
        return extractive_summary(paper), error


def extractive_summary(paper: Paper | ParsedPaper) -> Summary:
    """The authors' own words. Without an abstract every field is None."""
    said = sentences(paper.abstract or "")
    if not said:
        return Summary(None, None, None, "authors")
    main = _main_sentence(said, paper.title)
    problem = next((text for text in said if text != main and _PROBLEM.search(text) and _is_short(text)), None)
    result = next((text for text in reversed(said) if text != main and _RESULT.search(text) and _is_short(text)), None)
    return Summary(_shorten(main), problem if problem != result else None, result, "authors")


def model_summary(paper: Paper | ParsedPaper, answer: str) -> Summary:
    """Read and check a model's JSON answer. Raises SummaryRejected with the reason, which a person can read."""
    fields = _answer_fields(answer)
    tldr = fields["tldr"]
    if tldr is None:
        raise SummaryRejected("the answer has no tldr")
    if len(tldr.split()) > LONGEST_TLDR:
        raise SummaryRejected(f"the tldr has {len(tldr.split())} words, more than {LONGEST_TLDR}")
    for name, text in fields.items():
        if text is not None:
            _check_field(name, text, f"{paper.title}. {paper.abstract or ''}")
    return Summary(tldr, fields["problem"], fields["result"], "model")


def _answer_fields(answer: str) -> dict[str, str | None]:
    try:
        answered = json.loads(answer)
    except (ValueError, RecursionError) as error:
        raise SummaryRejected("the answer is not JSON") from error
    if not isinstance(answered, dict):
        raise SummaryRejected("the answer is not a JSON object")
    fields = {name: answered.get(name) for name in ("tldr", "problem", "result")}
    if not all(text is None or isinstance(text, str) for text in fields.values()):
        raise SummaryRejected("a field of the answer is not text")
    return {name: " ".join(text.split()) or None if text else None for name, text in fields.items()}


def _check_field(name: str, text: str, source: str) -> None:
    """Every number, and at least half of the words, must stand in the source; no links, no markup."""
    if re.search(r"https?:|www\.|[<>{}]", text):
        raise SummaryRejected(f"{name} holds a link or markup")
    invented = set(_NUMBER.findall(text)) - set(_NUMBER.findall(source))
    if invented:
        raise SummaryRejected(f"{name} has a number that the abstract has not: {sorted(invented)[0]}")
    words = [word for word in tokens(text) if len(word) > 3]
    known = set(tokens(source))
    if words and sum(word in known for word in words) / len(words) < CONTAINMENT:
        raise SummaryRejected(f"less than half of {name} stands in the abstract")


def _main_sentence(said: list[str], title: str) -> str:
    """The first that proposes something, else that says what the title's own name is, else that says "we"."""
    name = re.compile(rf"^{re.escape(title.partition(':')[0])}\b" if ":" in title else r"(?!)")
    for cue in (_STRONG_CUE, name, _WEAK_CUE, _PLAIN_CUE):
        if found := next((text for text in said if cue.search(text)), None):
            return found
    wanted = set(tokens(title))
    return max(said, key=lambda text: len(wanted & set(tokens(text))))


def _is_short(text: str) -> bool:
    return len(text.split()) <= LONGEST_TLDR and len(text) <= _LONGEST_TEXT


def _shorten(text: str) -> str:
    """Cut the lead-in and parentheses; past 30 words end at the last clause that fits, else mark the cut."""
    text = _LEAD_IN.sub("", _PARENTHESIS.sub("", text))
    text = text[:1].upper() + text[1:]
    if _is_short(text):
        return text
    ends = [found.start() for found in _CLAUSE.finditer(text) if 10 <= len(text[: found.start()].split()) <= LONGEST_TLDR]
    if ends and ends[-1] < _LONGEST_TEXT:
        return text[: ends[-1]] + "."
    return " ".join(text.split()[:LONGEST_TLDR])[:_LONGEST_TEXT] + " …"
