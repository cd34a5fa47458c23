from __future__ import annotations

import pytest

from service.catalogue import format_catalogue, parse_catalogue, shipped_catalogue
from service.errors import WrongUse


def test_the_shipped_catalogue_has_20_topics() -> None:
    topics = shipped_catalogue()
    assert len(topics) == 20
    assert {"agents", "efficiency", "robotics"} < {topic.slug for topic in topics}
    assert all(topic.name and topic.description and topic.any_phrases for topic in topics)


def test_export_and_import_lose_nothing() -> None:
    topics = shipped_catalogue()
    again = parse_catalogue(format_catalogue(topics))
    assert [topic.model_dump() for topic in again] == [topic.model_dump() for topic in topics]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[[topic", "not TOML"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = "x"', "topic 1 any"),
        ('[[topic]]\nslug = "A b"\nname = "A"\nany = ["x"]', "topic 1 slug: write small letters and digits"),
        ('[[topic]]\nslug = "a"\nname = "A\\nB"\nany = ["x"]', "topic 1 name: it holds a line break"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = ["x"]\ndescription = "x\\u0000"', "topic 1 description: it holds a NUL"),
        ('[[topic]]\nslug = "a"\nname = "A"\nrelevant = ["x"]', "topic 1 relevant 1: write an arXiv id, as in 2401.00001"),
        ('[[topic]]\nslug = "a"\nname = "A"\nrelevant = ["2401.00001"]\nirrelevant = ["2401.00001"]', "'a' has 2401.00001 as"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = ["x"]\nthreshold = 2.0', "topic 1 threshold"),
        ('[[topic]]\nslug = "a"\nname = "A"\nanny = ["x"]', "topic 1 anny"),
        ('[[topic]]\nslug = "a"\nname = "A"', "'a' finds nothing"),
        ('[[topic]]\nslug = "a"\nname = "A"\nany = ["x"]\n' * 2, "'a' twice"),
    ],
)
def test_an_error_in_a_catalogue_names_its_place(text: str, reason: str) -> None:
    with pytest.raises(WrongUse, match=reason):
        parse_catalogue(text)
