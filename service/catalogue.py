"""The catalogue of topics as TOML, the one form in which it is shipped, imported and exported. Pure."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from typing import Annotated

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from service.errors import WrongUse
from service.models import Topic


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it holds a line break or another control character")
    return text


_Phrase = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
_Phrases = Annotated[list[_Phrase], Field(max_length=1000)]
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


class _TopicForm(BaseModel):
    """What a topic may be; checked here because rows don't validate."""

    model_config = ConfigDict(extra="forbid", strict=True)

    slug: Annotated[str, StringConstraints(pattern=f"^{_SLUG.pattern}$", max_length=60)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)]
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000)] = ""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    any: _Phrases = []
    all: _Phrases = []
    none: _Phrases = []


class _CatalogueForm(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    topic: list[_TopicForm]


def shipped_catalogue() -> list[Topic]:
    return parse_catalogue(resources.files("service.shipped").joinpath("catalogue.toml").read_text("utf-8"))


def parse_catalogue(text: str) -> list[Topic]:
    """Topics in the order written. Raises WrongUse, naming the place and what was meant."""
    try:
        form = _CatalogueForm.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise WrongUse(f"the catalogue is not TOML: {error}") from error
    except ValidationError as error:
        raise WrongUse(f"the catalogue has an error at {_first_error(error)}") from error
    slugs = [topic.slug for topic in form.topic]
    if repeated := next((slug for slug in slugs if slugs.count(slug) > 1), None):
        raise WrongUse(f"the catalogue holds the topic {repeated!r} twice")
    if empty := next((topic.slug for topic in form.topic if not topic.any + topic.all), None):
        raise WrongUse(f"the topic {empty!r} finds nothing: give it `any` or `all` phrases")
    return [_topic(position, topic) for position, topic in enumerate(form.topic)]


def format_catalogue(topics: Iterable[Topic]) -> str:
    """The TOML that parse_catalogue reads back to the same topics."""
    return tomli_w.dumps({"topic": [_fields(topic) for topic in topics]}, multiline_strings=False)


def _topic(position: int, form: _TopicForm) -> Topic:
    return Topic(
        slug=form.slug,
        name=form.name,
        description=form.description,
        threshold=form.threshold,
        any_phrases=form.any,
        all_phrases=form.all,
        none_phrases=form.none,
        position=position,
    )


def _fields(topic: Topic) -> dict[str, object]:
    return {
        "slug": topic.slug,
        "name": topic.name,
        "description": topic.description,
        "threshold": topic.threshold,
        "any": topic.any_phrases,
        "all": topic.all_phrases,
        "none": topic.none_phrases,
    }


def _first_error(error: ValidationError) -> str:
    """`topic 3, any: Input should be a valid list`."""
    first = error.errors()[0]
    place = [f"{part + 1}" if isinstance(part, int) else part for part in first["loc"]]
    return f"{' '.join(place)}: {first['msg']}"
