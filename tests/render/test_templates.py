"""The templates of mails, as they lie inlined."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from service.render.templates import MAIL, inlined_style
from tests.inlined import NAMES, inlined


@pytest.mark.parametrize("name", NAMES)
def test_an_inlined_template_is_made_from_its_template_and_the_styles_as_they_are(name: str) -> None:
    assert (MAIL / "inlined" / name).read_text("utf-8") == inlined(name), "run `make inlined`"


def test_no_template_is_inlined_that_is_not_there() -> None:
    assert [path.name for path in sorted((MAIL / "inlined").iterdir())] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_whatever_a_style_is_meant_for_has_it_inlined(name: str) -> None:
    """A class that is written by a tag of Jinja is none for who inlines."""
    styled = set(re.findall(r"^\.(\w+)\{", inlined_style(), re.MULTILINE))
    page = BeautifulSoup((MAIL / "inlined" / name).read_text("utf-8"), "html.parser")
    elements = [element for element in page.find_all(True) if element.get("class")]
    assert elements
    assert not [element for element in elements if not styled.isdisjoint(element["class"]) and not element.get("style")]
    assert not [element for element in elements if any("{" in one or "}" in one for one in element["class"])]
