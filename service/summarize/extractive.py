"""The authors' own words as a summary: what is new, the problem, the result, each with its place in the abstract. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from service.models import Evidence, Paper, ParsedPaper, Summary
from service.summarize.abstracts import CUES, Abstract, rouge_words
from service.summarize.clean import clean
from service.summarize.faults import faults
from service.summarize.features import expected_overlap
from service.summarize.picker import Candidate, best, shipped_picker
from service.summarize.sentences import Sentence, split_sentences
from service.summarize.trim import hard_cut, variants, without_lead_in

_LONGEST_ABSTRACT = 8_000  # characters; what stands behind them is not read
_RESULT = re.compile(
    r"\b(?:outperform|achiev|improv|reduc|surpass|exceed|speed-?up|faster|state-of-the-art|gain|increas|attain|reach|"
    r"accura|score|higher|"
    r"lower|cuts?|deliver|obtain|win)\w*\b",
    re.IGNORECASE,
)
_STRONG_RESULT = re.compile(r"\b(?:outperform|achiev|surpass|exceed|improve[sd]?|reduce[sd]?|speeds?)\w*\b", re.IGNORECASE)
_PROBLEM = re.compile(
    r"^(?:However|Yet|But|Despite|Unfortunately|While|Although)\b|\b(?:remains?|struggles?|suffers?|fails?|limited|"
    r"lacks?|bottlenecks?|"
    r"challeng\w+|costly|expensive|difficult|insufficient|inefficient|prone|overlooks?|hinders?|unclear|poorly|unexplored)\b"
)
_MEASURED = re.compile(r"\d+(?:\.\d+)?\s?(?:%|x\b|×|points?|times|pp\b)|\b(?:to|of|by|over|than|at)\s+\d")
# What a line says without: a word that leans on the sentence before, the label of a structured abstract.
_LEANING = re.compile(
    r"^(?:Yet|But) (?!(?:it|what|how|can|is)\b)|^(?:Background|Motivation|Problem|Results?|Findings?|Conclusions?): "
)
_PROPOSAL = re.compile(
    r"^(?:We|I) (?:\w+ )?(?:propose|present|introduce|develop|design|devise|construct|build|release|recommend)\b"
)
# A line below the summary may speak of "our method": the summary names it.
_HARMLESS_IN_RESULT = ("subject without a name",)
_HARMLESS_IN_PROBLEM = ("background",)


def extractive_summary(paper: Paper | ParsedPaper) -> Summary:
    """Without an abstract every field is None."""
    sentences = split_sentences((paper.abstract or "")[:_LONGEST_ABSTRACT])
    if not sentences:
        return Summary(None, None, None, "authors")
    picker = shipped_picker()
    abstract = picker.read(paper.title, sentences)
    keeping = picker.keeping(abstract)
    main = best(picker.candidates(abstract, keeping)) or _cut_to_fit(abstract, keeping)
    result = _result(abstract, keeping, main.number)
    taken = {main.number} | ({result.number} if result else set())
    problem = _problem(abstract, keeping, main.number, taken)
    said = {"tldr": main, "problem": problem, "result": result}
    evidence = {name: _place(sentences[found.number]) for name, found in said.items() if found}
    texts = {name: found.text if found else None for name, found in said.items()}
    return Summary(texts["tldr"], texts["problem"], texts["result"], "authors", evidence)


def _cut_to_fit(abstract: Abstract, keeping: Mapping[str, float]) -> Candidate:
    """Where no sentence can be said in 30 words: the beginning of the best one."""
    number = max(range(abstract.length), key=lambda n: expected_overlap(abstract.words[n], keeping))
    return Candidate(hard_cut(without_lead_in(clean(abstract.sentences[number].text))), number, (), 0.0)


def _result(abstract: Abstract, keeping: Mapping[str, float], main: int) -> Candidate | None:
    """What was measured, with its number if there is one; else what it outperforms."""
    numbers = [n for n, sentence in enumerate(abstract.sentences) if n != main and _RESULT.search(sentence.text)]
    measured = [n for n in numbers if _MEASURED.search(abstract.sentences[n].text)]
    found = _line(abstract, keeping, measured, _HARMLESS_IN_RESULT, must=_MEASURED)
    claimed = [n for n in numbers if n > main and not _PROPOSAL.match(without_lead_in(abstract.sentences[n].text))]
    return found or _line(abstract, keeping, claimed, _HARMLESS_IN_RESULT, must=_STRONG_RESULT)


def _problem(abstract: Abstract, keeping: Mapping[str, float], main: int, taken: Collection[int]) -> Candidate | None:
    """What was wrong before: a sentence ahead of the one that says what is new."""
    proposes = list(CUES).index("proposes")
    numbers = [n for n in range(main) if n not in taken and not abstract.cues[n][proposes]]
    return _line(abstract, keeping, numbers, _HARMLESS_IN_PROBLEM, must=_PROBLEM)


def _line(
    abstract: Abstract, keeping: Mapping[str, float], numbers: Sequence[int], but: Collection[str], *, must: re.Pattern[str]
) -> Candidate | None:
    """Of these sentences' fullest readable texts that hold what they `must`, the one likeliest to be kept by a person."""
    found = []
    for number in numbers:
        whole = variants(_LEANING.sub("", abstract.sentences[number].text), surely_whole=True)
        texts = [text for text in whole if not faults(text, but=but)]
        if texts and (must.search(texts[0]) or must.search(abstract.sentences[number].text[:12])):
            words = rouge_words(texts[0])
            found.append(Candidate(texts[0], number, (), expected_overlap(words, keeping) / (len(words) + 10)))
    return max(found, key=lambda candidate: candidate.score, default=None)


def _place(sentence: Sentence) -> Evidence:
    return Evidence(sentence.start, sentence.end, "authors")
