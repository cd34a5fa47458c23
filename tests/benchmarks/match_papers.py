"""Matching, in CPU time: `python -m tests.benchmarks.match_papers`.

Bars: 200 papers against 2,000 topics of 6 phrases in 150 ms by phrase rules alone and in 400 ms by the whole offline score; the
shipped catalogue with what it learned in 15 ms a paper; 100,000 subscribers of 5 topics to their best 10 in 500 ms, as
`topics test` works them out, growing linearly in bounded memory.
"""

from __future__ import annotations

import random
import tracemalloc

import numpy as np

from service.catalogue import shipped_catalogue
from service.frequencies import shipped_background
from service.match.best import best_papers
from service.match.expansion import made_expansion, saturated
from service.match.phrases import found_rules
from service.match.score import match_papers, phrasebook, rule_evidence, score_papers
from service.match.text import _text, first_places, text_of
from service.models import ParsedPaper, Topic
from service.words import root
from tests.benchmarks.machine import cpu_milliseconds, machine

PAPERS, TOPICS, PHRASES = 200, 2_000, 6
SUBSCRIBERS = 100_000


def papers(chance: random.Random) -> list[ParsedPaper]:
    """Of words as frequent as they are in abstracts: a title of 10, and 180 in sentences of 20."""
    background = shipped_background()
    words, counts = zip(*background.counts.items(), strict=True)

    def some(count: int) -> str:
        return " ".join(chance.choices(words, counts, k=count))

    return [ParsedPaper(None, some(10), ". ".join(f"We propose {some(18)}" for _ in range(9)) + ".") for _ in range(PAPERS)]


def topics(chance: random.Random, read: list[ParsedPaper]) -> list[Topic]:
    """Phrases of 1 to 3 words, most as they stand in some paper; described in 12 words."""
    found = []
    for number in range(TOPICS):
        words = [word for word in chance.choice(read).abstract.replace(".", "").split() if is_telling(word)]
        starts = [chance.randrange(len(words) - 3) for _ in range(PHRASES)]
        phrases = [" ".join(words[start : start + chance.randint(1, 3)]) for start in starts]
        found.append(Topic(slug=f"t{number}", name=f"T{number}", description=" ".join(words[:12]), any_phrases=phrases))
    return found


def is_telling(word: str) -> bool:
    """Nobody's filter says "the": a phrase's words stand in one paper of 30 at most."""
    background = shipped_background()
    return 30 * background.counts.get(root(word), 0) < background.paper_count and word not in ("We", "propose")


def forget() -> None:
    _text.cache_clear()
    saturated.cache_clear()
    first_places.cache_clear()


def matching() -> None:
    chance = random.Random(1)
    read = papers(chance)
    many = topics(chance, read)
    for topic in many:
        topic.expansion = dict(list(made_expansion(topic, [], [], shipped_background()).items())[:20])
    book, shipped = phrasebook(many), phrasebook(shipped_catalogue())

    def rules() -> None:
        forget()
        texts = [text_of(paper) for paper in read]
        rule_evidence(found_rules(texts, book.rules), book.rules, (len(texts), len(many)))

    def whole() -> None:
        forget()
        score_papers(read, book)

    def traced() -> None:
        forget()
        match_papers(read, book)

    def learned() -> None:
        forget()
        match_papers(read, shipped)

    print(f"\n{PAPERS} papers, {TOPICS} topics of {PHRASES} phrases and {len(many[0].expansion)} added words; CPU, median")
    say("phrase rules alone", cpu_milliseconds(rules), 150)
    say("the whole offline score", cpu_milliseconds(whole), 400)
    found = sum(match.is_above for matches in match_papers(read, book) for match in matches)
    print(f"  {'the same, with traces':<44}{cpu_milliseconds(traced, times=3):8.1f} ms  {found} pairs above threshold")
    print(f"\nthe shipped catalogue with what it learned, {PAPERS} papers")
    say("score and traces, a paper", cpu_milliseconds(learned) / PAPERS, 15)


def choosing() -> None:
    chance = np.random.default_rng(1)
    scores = np.where(chance.random((PAPERS, TOPICS)) < 0.05, chance.random((PAPERS, TOPICS)), 0)
    print("\nsubscribers of 5 topics to their best 10")
    for count in (SUBSCRIBERS // 4, SUBSCRIBERS // 2, SUBSCRIBERS):
        choices = chance.integers(0, TOPICS, (count, 5))
        taken = cpu_milliseconds(lambda choices=choices: [None for _ in best_papers(scores, choices)], times=5)
        tracemalloc.start()
        for _ in best_papers(scores, choices):
            pass
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        say(f"{count:,} subscribers, at most {peak:.0f} MB", taken, 500)


def say(name: str, taken: float, bar: float) -> None:
    print(f"  {name:<44}{taken:8.1f} ms  (bar {bar:g}): {'held' if taken <= bar else 'NOT HELD'}")


def main() -> None:
    print(machine())
    matching()
    choosing()


if __name__ == "__main__":
    main()
