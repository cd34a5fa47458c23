"""Figures of matching against labels, beside a model that counts them one by one."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

from service.match import match_paper, phrasebook
from service.match.measure import Label, Rate, TopicFigures, measure
from tests.builders import paper, topic

BOOK = phrasebook([topic("soup", ["soup", "broth ^3"]), topic("salad", ["salad ^2"], threshold=0.8), topic("bread")])
SLUGS = ("soup", "salad", "bread")
DAYS = ("2026-10-01", "2026-10-02", "2026-10-05")


def label(number: int, title: str, yes: Sequence[str] = (), maybe: Sequence[str] = (), day: str = DAYS[0]) -> Label:
    one: Any = paper(f"2610.{number:05d}", title, abstract=None)
    return Label(one.id, day, one, frozenset(yes), frozenset(maybe))


def labels_of(count: int) -> list[Label]:
    """Papers of some days; of each topic a reader says yes, maybe or no."""
    chance, found = random.Random(count), []
    for number in range(count):
        title = " ".join(chance.choices(["soup", "broth", "salad", "salads and a salad", "tea"], k=2))
        said = {slug: chance.choice(["yes", "yes", "maybe", "no"]) for slug in SLUGS}
        yes, maybe = ([slug for slug in SLUGS if said[slug] == kind] for kind in ("yes", "maybe"))
        found.append(label(99 - number, title, yes, maybe, chance.choice(DAYS)))
    return found


def shares(hit: int, wrong: int, missed: int) -> tuple[float, float, float]:
    precision, recall = hit / (hit + wrong or 1), hit / (hit + missed or 1)
    return precision, recall, 2 * precision * recall / (precision + recall or 1)


def values(figures: TopicFigures) -> tuple[float, float, float]:
    return figures.precision.value, figures.recall.value, figures.f1.value


@pytest.mark.parametrize(("count", "other_count"), [(0, 9), (1, 4), (6, 3), (60, 0)])
def test_figures_are_what_counting_one_by_one_gives(count: int, other_count: int) -> None:
    """What readers disagree on counts neither way. Of no papers all of them are 0: every label may be of a day set aside."""
    labels, others = labels_of(count), labels_of(other_count)
    above = {one.id: {m.slug: m.score for m in match_paper(one.paper, BOOK) if m.is_above} for one in labels}
    counts = {
        slug: (
            sum(slug in one.yes and slug in above[one.id] for one in labels),
            sum(slug not in one.yes | one.maybe and slug in above[one.id] for one in labels),
            sum(slug in one.yes and slug not in above[one.id] for one in labels),
        )
        for slug in SLUGS
    }
    found = measure(labels, BOOK, all_labels=[*labels, *others])
    assert found.paper_count == len(labels)
    for told in found.topics:
        hit, wrong, missed = counts[told.slug]
        assert (told.positives, told.found) == (hit + missed, hit + wrong)
        assert values(told) == pytest.approx(shares(hit, wrong, missed), abs=1e-4)
    assert values(found.micro) == pytest.approx(shares(*map(sum, zip(*counts.values(), strict=True))), abs=1e-4)

    common = [slug for slug in SLUGS if sum(slug in one.yes for one in [*labels, *others]) >= 5]
    assert list(found.macro_topics) == [slug for slug in common if counts[slug][0] + counts[slug][2]]
    f1s = [shares(*counts[slug])[2] for slug in found.macro_topics]
    assert found.macro_f1.value == pytest.approx(sum(f1s) / (len(f1s) or 1), abs=1e-4)

    first: list[bool] = []
    for day in {one.day for one in labels}:
        for slug in SLUGS:
            shown = sorted((-above[one.id][slug], one.id, one) for one in labels if one.day == day and slug in above[one.id])
            first += [slug in one.yes for *_, one in shown[:5] if slug not in one.maybe]
    assert found.first_places_count == len(first)
    assert found.first_places == (sum(first) / len(first) if first else None)


def test_a_share_of_half_of_100_papers_lies_between_two_and_three_fifths_with_a_chance_of_95_percent() -> None:
    """0.5 +- 1.96 * sqrt(0.25 / 100); of two topics, one of which is never found, half of it, and so the mean of the F1s."""
    labels = [label(number, "Soup" if number % 2 else "Tea", ["soup", "bread"]) for number in range(100)]
    found = measure(labels, BOOK, all_labels=labels)
    soup = found.topics[0]
    assert (soup.precision, soup.recall.value) == (Rate(1.0, 1.0, 1.0), 0.5)
    assert (soup.recall.low, soup.recall.high) == pytest.approx((0.4, 0.6), abs=0.015)
    assert (found.micro.recall.low, found.micro.recall.high) == pytest.approx((0.2, 0.3), abs=0.008)
    assert (found.macro_f1.low, found.macro_f1.high) == pytest.approx((0.4 / 1.4, 0.6 / 1.6), abs=0.01)
    assert measure(labels, BOOK, all_labels=labels) == found
