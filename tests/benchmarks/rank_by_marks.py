"""Ranking by three marks, against no marks and against TF-IDF with a linear SVM on the same marks (arxiv-sanity's method).

Run: .venv/bin/python -m tests.benchmarks.rank_by_marks
Needs the extra `benchmarks`, and the labelled papers. Each reader chose every topic of the catalogue and is truly after one,
which nobody knows. They mark three papers of it among the labelled days up to a split; every later labelled day is ranked whole.
Gain: 1 where both labellers say that a paper is of the topic, 0.5 where one does. Mean nDCG@10 over days, draws and topics;
a topic counts that has three papers before the split and one after. Bar: above both others, for every split.
"""

from __future__ import annotations

import json
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from math import log2
from statistics import mean
from typing import Any

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.svm import LinearSVC

from service.compose.candidates import in_order
from service.compose.passing import Passing
from service.compose.pool import Pool
from service.compose.strength import ranked
from service.compose.taste import Taste
from service.models import Mark, MarkKind, Paper, Subscriber
from tests.benchmarks.machine import machine
from tests.benchmarks.real_days import NOON, days_of, matches_of, topics
from tests.conftest import REAL

DRAWS, SPLITS = 10, (2, 3, 4)
Ranker = Callable[[Sequence[Paper], Sequence[Paper], Sequence[Paper]], list[str]]  # of the day, marked, all before


def main() -> None:
    labelled = labelled_days()
    background = [paper for papers in days_of(REAL, 2025).values() for paper in papers]
    rankers: dict[str, Ranker] = {
        "no marks": by_topics,
        "three marks": by_marks,
        "TF-IDF + linear SVM": Svm(labelled, background),
    }
    print(machine())
    print(f"{sum(map(len, labelled.values()))} labelled papers of {len(labelled)} days, {DRAWS} draws of three marks a topic")
    print(f"{'days with marks':16}{'readers':>8}" + "".join(f"{name:>22}" for name in rankers))
    for split in SPLITS:
        found = {name: list(scores(labelled, split, rank)) for name, rank in rankers.items()}
        count = len(next(iter(found.values())))
        print(f"{split:<16}{count:>8}" + "".join(f"{mean(values):>22.3f}" for values in found.values()))
    print(
        "by topic, split at 3: " + ", ".join(f"{slug} {a:.2f} {b:.2f} {c:.2f}" for slug, a, b, c in by_topic(labelled, rankers))
    )


def labelled_days() -> dict[date, list[tuple[Paper, dict[str, float]]]]:
    days: dict[date, list[tuple[Paper, dict[str, float]]]] = {}
    with (REAL.parent / "topics" / "labelled_papers.jsonl").open(encoding="utf-8") as file:
        for told in map(json.loads, file):
            on = date.fromisoformat(told["day"])
            paper = Paper(
                id=told["id"], title=told["title"], abstract=told["abstract"], featured_on=on, first_seen_at=NOON, seen_at=NOON
            )
            gains = dict.fromkeys(told["maybe"], 0.5) | dict.fromkeys(told["yes"], 1.0)
            days.setdefault(on, []).append((paper, gains))
    return dict(sorted(days.items()))


def scores(labelled: dict[date, list[Any]], split: int, rank: Ranker, only: str | None = None) -> Iterator[float]:
    """One reader's mean nDCG@10 after another's."""
    days = list(labelled.values())
    before, after = [one for day in days[:split] for one in day], days[split:]
    for topic in topics():
        liked = [paper for paper, gains in before if gains.get(topic.slug) == 1.0]
        later = [day for day in after if any(topic.slug in gains for _, gains in day)]
        if len(liked) < 3 or not later or only not in (None, topic.slug):
            continue
        chance = random.Random(f"{topic.slug} {split}")
        for _ in range(DRAWS):
            marked = chance.sample(liked, 3)
            known = [paper for paper, _ in before]
            yield mean(ndcg(day, rank([paper for paper, _ in day], marked, known), topic.slug) for day in later)


def ndcg(day: Sequence[tuple[Paper, dict[str, float]]], ranking: list[str], slug: str) -> float:
    gains = {paper.id: told.get(slug, 0.0) for paper, told in day}
    best = sorted(gains.values(), reverse=True)
    return _discounted([gains[key] for key in ranking]) / _discounted(best)


def _discounted(gains: Sequence[float]) -> float:
    return sum(gain / log2(place + 2) for place, gain in enumerate(gains[:10]))


def by_topics(day: Sequence[Paper], _marked: Sequence[Paper], before: Sequence[Paper]) -> list[str]:
    return _ranked(day, [], before)


def by_marks(day: Sequence[Paper], marked: Sequence[Paper], before: Sequence[Paper]) -> list[str]:
    return _ranked(day, marked, before)


def _ranked(day: Sequence[Paper], marked: Sequence[Paper], before: Sequence[Paper]) -> list[str]:
    """The order of a digest that leaves nothing out; `before` only tells which words are common, as a window does."""
    catalogue = topics()
    papers = [*before, *day]
    matches = _MATCHES | matches_of([paper for paper in papers if paper.id not in _MATCHES], catalogue)
    _MATCHES.update(matches)
    pool = Pool(catalogue, papers, matches, on=day[0].featured_on, marked=marked)
    person = Subscriber(email="reader@example.org", topics=[topic.slug for topic in catalogue], added_at=NOON)
    marks = [Mark(subscriber_id=1, paper_id=paper.id, kind=MarkKind.MORE, marked_at=NOON) for paper in marked]
    taste = Taste(marks, pool.likeness) if marks else None
    shown = frozenset(paper.id for paper in day)
    found = sorted(pool.candidates(shown, pool.choice(person.topics).mask), key=in_order)
    return [one.pick.paper.id for one in ranked(pool, Passing(shown, found, (), 0, {}, frozenset()), taste)]


_MATCHES: dict[str, Any] = {}


class Svm:
    """With the settings of karpathy/arxiv-sanity-lite, compute.py and serve.py."""

    def __init__(self, labelled: dict[date, list[Any]], background: Sequence[Paper]) -> None:
        papers = [*background, *(paper for day in labelled.values() for paper, _ in day)]
        vectorizer = TfidfVectorizer(
            strip_accents="unicode", stop_words="english", token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",
            ngram_range=(1, 2), max_features=20_000, sublinear_tf=True, max_df=0.1, min_df=5,
        )  # fmt: skip
        self.vectors = vectorizer.fit_transform([f"{paper.title} {paper.abstract}" for paper in papers])
        self.rows = {paper.id: row for row, paper in enumerate(papers)}
        self.background = list(range(len(background)))
        self._fitted: dict[frozenset[str], Any] = {}

    def __call__(self, day: Sequence[Paper], marked: Sequence[Paper], before: Sequence[Paper]) -> list[str]:
        wanted = frozenset(paper.id for paper in marked)
        if wanted not in self._fitted:
            rows = [*self.background, *(self.rows[paper.id] for paper in before)]
            model = LinearSVC(class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01)
            marked_rows = {self.rows[key] for key in wanted}
            with warnings.catch_warnings(action="ignore"):
                self._fitted[wanted] = model.fit(self.vectors[rows], [row in marked_rows for row in rows])
        values = self._fitted[wanted].decision_function(self.vectors[[self.rows[paper.id] for paper in day]])
        return [key for _, key in sorted((-value, paper.id) for value, paper in zip(values, day, strict=True))]


def by_topic(labelled: dict[date, list[Any]], rankers: dict[str, Ranker]) -> Iterator[tuple[Any, ...]]:
    for topic in topics():
        means = [list(scores(labelled, 3, rank, topic.slug)) for rank in rankers.values()]
        if means[0]:
            yield (topic.slug, *map(mean, means))


if __name__ == "__main__":
    main()
