"""Faults of the authors' summaries over papers of the corpus, the length of what is kept, and the speed.

    .venv/bin/python -m tests.benchmarks.readability [--show COUNT]   # --show prints that many summaries to read by eye

Bar: 60 abstracts a CPU-second. A fault is what `service/summarize/faults.py` names.
"""

from __future__ import annotations

import random
import sys
import time
from collections import Counter

from service.models import ParsedPaper, Summary
from service.summarize.extractive import extractive_summary
from service.summarize.faults import faults
from tests.benchmarks.abstracts import corpus, say
from tests.benchmarks.machine import machine

PAPERS = 1_000
SEED = 20


def main() -> None:
    chosen = random.Random(SEED).sample(corpus(), PAPERS)
    papers = [ParsedPaper(id=one["id"], title=one["title"], abstract=one["abstract"]) for one in chosen]
    extractive_summary(papers[0])  # the weights are read once a process
    started = time.process_time()
    summaries = [extractive_summary(paper) for paper in papers]
    seconds = time.process_time() - started
    if "--show" in sys.argv:
        show(papers, summaries, int(sys.argv[sys.argv.index("--show") + 1]))
        return
    found = Counter(fault for summary in summaries for fault in faults(summary.tldr or ""))
    faulty = sum(bool(faults(summary.tldr or "")) for summary in summaries)
    words = [len((summary.tldr or "").split()) for summary in summaries]
    say(machine())
    say(f"{PAPERS} papers of the corpus, {PAPERS / seconds:.0f} abstracts a CPU-second (bar: 60)")
    say(f"tldr: {sum(words) / PAPERS:.1f} words in the mean, {max(words)} at most")
    say(f"      {faulty} of them with a fault: {dict(found.most_common())}")
    for name in ("problem", "result"):
        say(f"{name}: {sum(getattr(summary, name) is not None for summary in summaries)} papers have one")


def show(papers: list[ParsedPaper], summaries: list[Summary], count: int) -> None:
    for number in range(count):
        summary = summaries[number]
        say(f"\n{number + 1}. {papers[number].title}\n   {summary.tldr}  {list(faults(summary.tldr or '')) or ''}")
        say(f"   problem: {summary.problem}\n   result: {summary.result}")


if __name__ == "__main__":
    main()
