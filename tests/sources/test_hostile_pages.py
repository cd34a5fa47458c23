"""Whatever comes in, a parser answers or raises PageChanged, soon and with little memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.errors import PageChanged
from service.sources import parse_page
from tests.builders import DAY, record
from tests.source_pages import list_page
from tests.sources.mutations import HOSTILE, check_bounds, check_memory, composed_pages, mutated, real_pages

COMPOSED = composed_pages()


@settings(max_examples=300)
@given(st.integers(min_value=0, max_value=2**63))
def test_no_mutation_of_a_page_gets_out_of_bounds(seed: int) -> None:
    check_bounds(mutated(COMPOSED, seed))


def test_no_mutation_of_a_real_page_gets_out_of_bounds(real: Path) -> None:
    pages = real_pages(real)
    for seed in range(60):
        check_bounds(mutated(pages, seed))


def test_a_mutated_page_takes_little_memory() -> None:
    for seed in range(40):
        check_memory(mutated(COMPOSED, seed))


@pytest.mark.parametrize("compose", HOSTILE.values(), ids=HOSTILE)
def test_what_is_made_to_be_costly_is_not(compose: Callable[[int], bytes]) -> None:
    content = compose(2**21)
    check_bounds(content)
    check_memory(content)


@pytest.mark.parametrize("size", [9, 13])
def test_a_payload_of_many_megabytes_is_read_whole(size: int) -> None:
    long = record(summary="A planner. " * (size * 2**20 // 11 // 100))
    composed = list_page([long] * 100, DAY)
    assert len(composed) > size * 2**20
    read = parse_page(composed)
    assert len(read.papers) == 100
    assert read.doubts == ()


def test_text_with_a_less_than_sign_in_an_attribute_or_a_script_is_no_flood_of_attributes() -> None:
    words = " ".join(f"w{number}" for number in range(30_000))
    composed = list_page([record(summary=f"Where x <y: {words}")], DAY).replace(b"&lt;y", b"<y")
    assert len(parse_page(composed).papers) == 1


def test_a_page_with_far_too_many_cards_is_refused_in_words() -> None:
    with pytest.raises(PageChanged, match="more than 2,000 cards"):
        parse_page(b"<article></article>" * 3_000)
