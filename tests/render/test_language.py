from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from service.render.language import ENGLISH, language
from service.render.words import authors_line, cadence_in_words, hour_in_words
from service.template_files import TEMPLATES
from tests.builders import paper

KEYWORDS = {"say": None, "count": (1, 2), "_marked": (1, 2), "WrongUse": None}
SERVICE = Path(__file__).parents[2] / "service"
SPEAKING = [
    *SERVICE.glob("render/*.py"),
    *SERVICE.glob("web/*.py"),
    *SERVICE.glob("subscribers.py"),
    *SERVICE.glob("pipeline/subscriptions.py"),
]


def said() -> Iterator[str]:
    """Every sentence that code and templates say."""
    for path in sorted(SPEAKING):
        yield from messages("python", path.read_bytes())
    for path in sorted([*TEMPLATES.glob("mail/*.*"), *TEMPLATES.glob("web/*.html")]):
        if path.suffix in {".html", ".txt"}:
            yield from messages("jinja2.ext:babel_extract", path.read_bytes())


def messages(method: str, content: bytes) -> Iterator[str]:
    options = {"silent": "false"} if method.startswith("jinja2") else {}
    for _, message, _, _ in extract(method, BytesIO(content), keywords=KEYWORDS, options=options):
        one = message if isinstance(message, str) else message[0]
        if one:
            yield one


@pytest.fixture(scope="module")
def german() -> Catalog:
    with (TEMPLATES / "languages" / "de.po").open("rb") as file:
        return read_po(file, "de", abort_invalid=True)


def entries(catalogue: Catalog) -> dict[str, Message]:
    return {entry.id if isinstance(entry.id, str) else entry.id[0]: entry for entry in catalogue if entry.id}


def test_every_sentence_has_a_translation_and_no_other_is_kept(german: Catalog) -> None:
    assert set(entries(german)) == set(said())


def test_each_translation_fills_in_the_same_values(german: Catalog) -> None:
    for entry in entries(german).values():
        forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        wanted = set(re.findall(r"%\(\w+\)s", " ".join(entry.id) if isinstance(entry.id, tuple) else entry.id))
        assert all(forms), entry.id
        assert set(re.findall(r"%\(\w+\)s", " ".join(forms))) == wanted, entry.id
        assert not entry.fuzzy


def test_days_numbers_and_lists_are_written_as_the_language_does() -> None:
    spoken, day = language("de"), date(2026, 10, 2)
    assert spoken.day(day) == "Freitag, 2. Oktober 2026"
    assert spoken.short_day(day) == "2.\u00a0Okt.\u00a02026"
    assert (spoken.number(1234.5), ENGLISH.number(1234.5)) == ("1.234,5", "1,234.5")
    assert (spoken.score(0.5), ENGLISH.score(0.5)) == ("0,50", "0.50")
    assert (spoken.listed(("a", "b", "c")), ENGLISH.listed(("a", "b", "c"))) == ("a, b und c", "a, b and c")


def test_what_has_no_catalogue_is_said_in_english() -> None:
    assert (language("fr").code, language("fr").say("Why:")) == ("en", "Why:")


@pytest.mark.parametrize(
    ("zone", "english", "german"),
    [
        ("Europe/Vienna", "07:00, Vienna time", "07:00 Uhr (Ortszeit Wien)"),
        ("America/New_York", "07:00, New York time", "07:00 Uhr (Ortszeit New York)"),
        ("UTC", "07:00, UTC", "07:00 Uhr (UTC)"),
    ],
)
def test_a_place_has_the_name_that_the_language_gives_it(zone: str, english: str, german: str) -> None:
    assert (hour_in_words(7, zone), hour_in_words(7, zone, language("de"))) == (english, german)


def test_german_weekdays_leave_saturday_out_which_is_a_werktag() -> None:
    assert cadence_in_words("weekdays", language("de")) == "montags bis freitags"


@pytest.mark.parametrize(
    ("count", "english", "german"),
    [(4, "A, B, C and one more", "A, B, C und eine weitere Person"), (5, "A, B, C and 2 more", "A, B, C und 2 weitere")],
)
def test_one_author_more_is_told_in_the_singular(count: int, english: str, german: str) -> None:
    found = paper(authors=["A", "B", "C"], author_count=count)
    assert (authors_line(found), authors_line(found, language("de"))) == (english, german)
