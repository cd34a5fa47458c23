"""The authors' summaries against people's, on SciTLDR-A dev by google's rouge-score without stemming. To be looked at once.

    .venv/bin/python -m tests.benchmarks.scitldr_dev

Best reference by ROUGE-1 for each paper. Nothing is trained or chosen on this part: for that there is the cross-validation
of `train_picker`. Bar: ROUGE-1 38.5 within 30 words. Needs the extra `benchmarks`.
"""

from __future__ import annotations

from collections.abc import Sequence

from rouge_score.rouge_scorer import RougeScorer

from service.models import ParsedPaper
from service.summarize.extractive import extractive_summary
from service.summarize.sentences import split_sentences
from tests.benchmarks.abstracts import say, scitldr
from tests.benchmarks.machine import machine

KINDS = ("rouge1", "rouge2", "rougeL")


def main() -> None:
    papers = scitldr("dev")
    leads = [split_sentences(paper["abstract"])[0].text for paper in papers]
    ours = [_summary(paper["title"], paper["abstract"]) for paper in papers]
    references = [paper["targets"] for paper in papers]
    say(f"{machine()}\nSciTLDR-A dev, {len(papers)} papers       R-1   R-2   R-L   words (mean, most)")
    for name, texts in (("first sentence", leads), ("ours", ours)):
        scores = rouge(texts, references)
        words = [len(text.split()) for text in texts]
        say(f"  {name:30} {'  '.join(f'{score:.1f}' for score in scores)}  {sum(words) / len(words):.1f}, {max(words)}")
    say("  bar                            38.5                30")


def rouge(texts: Sequence[str], references: Sequence[Sequence[str]]) -> list[float]:
    scorer = RougeScorer(list(KINDS), use_stemmer=False)
    sums = dict.fromkeys(KINDS, 0.0)
    for text, targets in zip(texts, references, strict=True):
        best = max((scorer.score(target, text) for target in targets), key=lambda score: score["rouge1"].fmeasure)
        for kind in KINDS:
            sums[kind] += best[kind].fmeasure
    return [100 * sums[kind] / len(texts) for kind in KINDS]


def _summary(title: str, abstract: str) -> str:
    return extractive_summary(ParsedPaper(id=None, title=title, abstract=abstract)).tldr or ""


if __name__ == "__main__":
    main()
