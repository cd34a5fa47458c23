"""What the checks on a model's text reject: corrupted summaries, right ones, and the corpus' own model-made ones.

    .venv/bin/python -m tests.benchmarks.checks [--show COUNT]   # --show prints rejected `ai_summary` fields to read by eye

"Rejected" means not shown as it stands: the model is asked once more, with the reasons. Corruptions are made from people's
summaries of SciTLDR train that pass all checks, except for swaps, which set another paper's summary against the abstract.
Bars: 96 % of altered numbers, 95 % of random swaps, 80 % of nearest-paper swaps; at most 5 % of the abstracts' own sentences.
"""

from __future__ import annotations

import math
import random
import re
import sys
from collections import Counter
from typing import NamedTuple

from service.summarize.abstracts import rouge_words
from service.summarize.checks import CONTAINMENT, CONTAINMENT_RETRIED, failures
from service.summarize.sentences import split_sentences
from service.summarize.source import Source
from tests.benchmarks.abstracts import corpus, say, scitldr
from tests.benchmarks.machine import machine

SEED = 5
_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w.]*\w|\))")  # no mark of an enumeration
_NAME = re.compile(r"\b(?:[A-Z][a-z]*[A-Z]\w*|[A-Z]{3,}\w*)\b")
_VERB = re.compile(r"\b(improves?|outperforms?|achieves?|reduces?|shows?|leads?|works?|is|are|can)\b")
_NEGATIONS = {"is": "is not", "are": "are not", "can": "cannot"}
_WIDENINGS = ("the first ", "the best ", "always ", "state-of-the-art ", "a proven, ", "a universal ")


class Case(NamedTuple):
    kind: str
    text: str
    source: Source


def main() -> None:
    chance = random.Random(SEED)
    papers = scitldr("train")
    sources = [Source(paper["title"], paper["abstract"]) for paper in papers]
    summaries = [" ".join(paper["targets"][0].split()) for paper in papers]
    cases = [*corrupted(summaries, sources, chance), *swapped(summaries, sources, chance)]
    cases += numbers_of_sentences(sources, chance)
    say(machine())
    say(f"{len(cases)} corrupted summaries                 made  rejected at {CONTAINMENT}  at {CONTAINMENT_RETRIED}")
    for kind in dict.fromkeys(case.kind for case in cases):
        line(kind, [case for case in cases if case.kind == kind])
    own = [
        Case("", s.text, source) for source in sources for s in split_sentences(source.abstract) if 5 <= len(s.text.split()) <= 30
    ]
    line("abstracts' own sentences (bar: 5 %)", own)
    line("people's summaries", [Case("", text, source) for text, source in zip(summaries, sources, strict=True)])
    model_made("--show" in sys.argv)


def line(name: str, cases: list[Case]) -> None:
    shares = [
        sum(bool(failures(text, source, bound)) for _, text, source in cases) / len(cases)
        for bound in (CONTAINMENT, CONTAINMENT_RETRIED)
    ]
    say(f"  {name:42} {len(cases):5}  {'  '.join(f'{100 * share:12.1f} %' for share in shares)}")


def corrupted(summaries: list[str], sources: list[Source], chance: random.Random) -> list[Case]:
    """From right summaries that pass, so that each is rejected for its corruption alone."""
    names = [name for text in summaries for name in _NAME.findall(text)]
    found = []
    for text, source in zip(summaries, sources, strict=True):
        if failures(text, source):
            continue
        if _NUMBER.search(text):
            found.append(Case("altered number (bar: 96 %)", altered(text, chance), source))
        if name := _NAME.search(text):
            found.append(Case("swapped name", text.replace(name.group(), chance.choice(names)), source))
        if verb := _VERB.search(text):
            found.append(Case("negated", _negate(text, verb), source))
        article = re.search(r"\b(?:an?|the) ", text)
        if article:
            found.append(
                Case("widened scope", text[: article.start()] + chance.choice(_WIDENINGS) + text[article.end() :], source)
            )
    return [case for case in found if case.text not in summaries]


def numbers_of_sentences(sources: list[Source], chance: random.Random) -> list[Case]:
    """Few of people's summaries hold a number, so most altered ones are made from the abstracts' own sentences."""
    sentences = [(s.text, source) for source in sources for s in split_sentences(source.abstract) if _NUMBER.search(s.text)]
    sound = [(text, source) for text, source in sentences if not failures(text, source)]
    return [Case("altered number in a sentence (bar: 96 %)", altered(text, chance), source) for text, source in sound]


def altered(text: str, chance: random.Random) -> str:
    """One number changed: by a little, by a digit, or by its size."""
    found = chance.choice(list(_NUMBER.finditer(text)))
    value = found.group()
    changes = [
        str(int(value) + chance.choice([-2, -1, 1, 2, 5, 10]))
        if value.isdigit()
        else f"{float(value) + chance.choice([-1, 0.1, 1]):.1f}",
        value[:-1] + str((int(value[-1]) + chance.randint(1, 9)) % 10),
        value + "0" if "." not in value else value.replace(".", ""),
    ]
    return text[: found.start()] + next(c for c in chance.sample(changes, 3) if c != value) + text[found.end() :]


def swapped(summaries: list[str], sources: list[Source], chance: random.Random) -> list[Case]:
    others = [chance.choice([m for m in range(len(sources)) if m != n]) for n in range(len(sources))]
    random_swaps = [Case("random paper's summary (bar: 95 %)", summaries[m], sources[n]) for n, m in enumerate(others)]
    near = nearest(sources)
    return random_swaps + [Case("nearest paper's summary (bar: 80 %)", summaries[m], sources[n]) for n, m in enumerate(near)]


def nearest(sources: list[Source]) -> list[int]:
    """By the cosine of TF-IDF vectors of the abstracts."""
    counts = [Counter(rouge_words(source.abstract)) for source in sources]
    seen = Counter(word for count in counts for word in count)
    postings: dict[str, list[tuple[int, float]]] = {}
    for n, count in enumerate(counts):
        weights = {word: (1 + math.log(times)) * math.log(len(sources) / seen[word]) for word, times in count.items()}
        length = math.sqrt(sum(weight * weight for weight in weights.values())) or 1.0
        for word, weight in weights.items():
            if seen[word] <= len(sources) / 10:
                postings.setdefault(word, []).append((n, weight / length))
    scores: list[Counter[int]] = [Counter() for _ in sources]
    for entries in postings.values():
        for n, left in entries:
            for m, right in entries:
                if n != m:
                    scores[n][m] += left * right  # type: ignore[assignment]
    return [score.most_common(1)[0][0] if score else (n + 1) % len(sources) for n, score in enumerate(scores)]


def model_made(shows: bool) -> None:
    papers = [paper for paper in corpus() if paper["ai_summary"]]
    rejected: Counter[str] = Counter()
    shown = []
    for paper in papers:
        source = Source(paper["title"], paper["abstract"], tuple(paper["ai_keywords"] or ()))
        text = " ".join(paper["ai_summary"].split())
        if wrong := failures(text, source):
            rejected["any"] += 1
            rejected.update({reason.split(":")[0] for reason in wrong})
            rejected["any but length"] += any(not reason.startswith("length") for reason in wrong)
            shown.append((text, wrong))
    accepted, fitting = (1 - rejected[name] / len(papers) for name in ("any", "any but length"))
    say(f"  the corpus' `ai_summary`: {len(papers)}, accepted {accepted:.1%}, with any length {fitting:.1%}")
    say(f"    rejected by check: {dict(rejected.most_common())}")
    for text, wrong in random.Random(SEED).sample(shown, int(sys.argv[-1])) if shows else ():
        say(f"- {text}\n    {wrong}")


def _negate(text: str, verb: re.Match[str]) -> str:
    word = verb.group()
    return text[: verb.start()] + _NEGATIONS.get(word, f"does not {word.removesuffix('s')}") + text[verb.end() :]


if __name__ == "__main__":
    main()
