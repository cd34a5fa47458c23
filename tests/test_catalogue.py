from __future__ import annotations

import pytest

from service.catalogue import format_catalogue, parse_catalogue, shipped_catalogue, with_filter
from service.errors import WrongUse
from tests.builders import topic


def test_the_shipped_catalogue_has_20_topics() -> None:
    topics = shipped_catalogue()
    assert len(topics) == 20
    assert {"agents", "efficiency", "robotics"} < {topic.slug for topic in topics}
    assert all(topic.name and topic.description and topic.any_phrases for topic in topics)


def test_export_and_import_lose_nothing() -> None:
    topics = shipped_catalogue()
    again = parse_catalogue(format_catalogue(topics))
    assert [topic.model_dump() for topic in again] == [topic.model_dump() for topic in topics]


def test_export_and_import_keep_every_field_of_a_topic() -> None:
    written = topic(
        "soup",
        ["soup ^2"],
        description="Hot.\n\nOr cold.",
        threshold=0.7,
        all_phrases=["title: bowl"],
        none_phrases=["salad"],
        minimum_upvotes=5,
        relevant_ids=["2401.00001"],
        irrelevant_ids=["2401.00002"],
        struck_words=["spoon"],
        prior=0.0,  # which is not none: the expansion was learned
        expansion={"broth": 1.5},
        position=0,
    )
    columns = written.model_dump(exclude={"id", "version"})
    assert [name for name, value in columns.items() if value is None or value == []] == []
    (again,) = parse_catalogue(format_catalogue([written]))
    assert again.model_dump(exclude={"id", "version"}) == columns


def test_a_topic_may_ask_for_what_must_all_stand_there_and_for_no_more() -> None:
    (found,) = parse_catalogue('[[topic]]\nslug = "a"\nname = "A"\nall = ["x"]')
    assert (found.any_phrases, found.all_phrases) == ([], ["x"])


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("any: soup\nrelevant: soup", "the filter has an error at relevant 1: write an arXiv id"),
        ("any: soup\nthreshold: 2", "the filter has an error at threshold: "),
        ("upvotes: 5", "'soup' finds nothing"),
        ("any: soup\nrelevant: 2401.00001\nirrelevant: 2401.00001", "'soup' has 2401.00001 as relevant and as irrelevant"),
    ],
)
def test_a_filter_that_its_topic_can_not_have_is_refused(text: str, reason: str) -> None:
    with pytest.raises(WrongUse, match=reason):
        with_filter(topic("soup"), text)


def test_a_filter_that_is_too_long_for_the_form_that_shows_it_is_refused() -> None:
    phrases = [f"{'x' * 95}{number:04d}" for number in range(1000)]
    rules = "".join(f"{clause} = {phrases}\n" for clause in ("any", "all"))
    with pytest.raises(WrongUse, match="the filter of 'a' is longer than 200000 characters: split the topic"):
        parse_catalogue(f'[[topic]]\nslug = "a"\nname = "A"\n{rules}')


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[topic", "not TOML"),
        ('slug = "a"\nname = "A"\nany = ["x"]', r"topic: begin each topic with a line \[\[topic\]\]"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = "x"', "topic 1 any"),
        ('[[topic]]\nslug = "A b"\nname = "A"\nany = ["x"]', "topic 1 slug: write small letters and digits"),
        ('[[topic]]\nslug = "a"\nname = "A\\nB"\nany = ["x"]', "topic 1 name: it holds a line break"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = ["x"]\ndescription = "x\\u0000"', "topic 1 description: it holds a NUL"),
        ('[[topic]]\nslug = "a"\nname = "A"\nrelevant = ["x"]', "topic 1 relevant 1: write an arXiv id, as in 2401.00001"),
        ('[[topic]]\nslug = "a"\nname = "A"\nrelevant = ["2401.00001"]\nirrelevant = ["2401.00001"]', "'a' has 2401.00001 as"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = ["x"]\nthreshold = 2.0', "topic 1 threshold"),
        ('[[topic]]\nslug = "a"\nname = "A"\nanny = ["x"]', "topic 1 anny: there is no such setting; there are slug, "),
        ('[[topic]]\nslug = "a"\nname = "A"', "'a' finds nothing"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = ["x"]\n' * 2, "'a' twice"),
    ],
)
def test_an_error_in_a_catalogue_names_its_place(text: str, reason: str) -> None:
    with pytest.raises(WrongUse, match=reason):
        parse_catalogue(text)
