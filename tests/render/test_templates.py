"""The templates of mails, as they lie inlined."""

from __future__ import annotations

import pytest

from service.render.templates import MAIL
from tests.inlined import NAMES, inlined


@pytest.mark.parametrize("name", NAMES)
def test_an_inlined_template_is_made_from_its_template_and_the_styles_as_they_are(name: str) -> None:
    assert (MAIL / "inlined" / name).read_text("utf-8") == inlined(name), "run `make inlined`"


def test_no_template_is_inlined_that_is_not_there() -> None:
    assert [path.name for path in sorted((MAIL / "inlined").iterdir())] == NAMES
