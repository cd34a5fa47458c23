"""The catalogue of topics as TOML, the one form in which it is shipped, imported and exported. Pure."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Annotated, Any

import tomli_w
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from service.errors import WrongUse
from service.filters import LARGEST_TEXT, MOST_RULES, BadRule, format_filter, format_rule, parse_filter, parse_rule
from service.models import Topic


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it holds a line break or another control character")
    return text


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("it holds a NUL, which PostgreSQL keeps nowhere")
    return text


def _rule(text: str) -> str:
    return format_rule(parse_rule(text))


_Rules = Annotated[list[Annotated[str, AfterValidator(_rule)]], Field(max_length=MOST_RULES)]
_ID = r"^\d{4}\.\d{4,5}$"
_Id = Annotated[str, StringConstraints(pattern=_ID)]
_Ids = Annotated[list[_Id], Field(max_length=MOST_RULES)]
_Word = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_printable)]
_Weight = Annotated[float, Field(ge=-100, le=100)]
_SLUG = r"^[a-z0-9]+(?:-[a-z0-9]+)*$"
_EXAMPLES = {_ID: "an arXiv id, as in 2401.00001", _SLUG: "small letters and digits, with single hyphens between: world-models"}


class _TopicForm(BaseModel):
    """What a topic may be; checked here because rows don't validate."""

    model_config = ConfigDict(extra="forbid", strict=True)

    slug: Annotated[str, StringConstraints(pattern=_SLUG, max_length=60)]
    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100), AfterValidator(_printable)]
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=1000), AfterValidator(_without_nul)] = ""
    threshold: Annotated[float, Field(ge=0, le=1)] = 0.5
    any: _Rules = []
    all: _Rules = []
    none: _Rules = []
    upvotes: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    relevant: _Ids = []
    irrelevant: _Ids = []
    strike: Annotated[list[_Word], Field(max_length=MOST_RULES)] = []
    prior: Annotated[float, Field(ge=-100, le=100)] | None = None
    expansion: Annotated[dict[_Word, _Weight], Field(max_length=MOST_RULES)] | None = None


class _CatalogueForm(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    topic: list[_TopicForm]


_COLUMNS = {
    "any": "any_phrases",
    "all": "all_phrases",
    "none": "none_phrases",
    "upvotes": "minimum_upvotes",
    "relevant": "relevant_ids",
    "irrelevant": "irrelevant_ids",
    "strike": "struck_words",
}
_FILTER = (*_COLUMNS, "threshold")


def shipped_catalogue() -> list[Topic]:
    """The filters as they were written, with the expansions that were learned for them."""
    learned = json.loads(_shipped("learned.json"))
    topics = parse_catalogue(_shipped("catalogue.toml"))
    for topic in topics:
        topic.prior = learned[topic.slug]["prior"]
        topic.expansion = learned[topic.slug]["expansion"]
    return topics


def parse_catalogue(text: str) -> list[Topic]:
    """Topics in the order written. Raises WrongUse, naming the place and what was meant.

    A topic without an expansion gets None for it, and whoever stores it makes one.
    """
    try:
        form = _CatalogueForm.model_validate(tomllib.loads(text))
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise WrongUse(f"the catalogue is not TOML: {error}") from error
    except ValidationError as error:
        raise WrongUse(f"the catalogue has an error at {_first_error(error)}") from error
    slugs = [topic.slug for topic in form.topic]
    if repeated := next((slug for slug in slugs if slugs.count(slug) > 1), None):
        raise WrongUse(f"the catalogue holds the topic {repeated!r} twice")
    return [_topic(position, topic) for position, topic in enumerate(form.topic)]


def format_catalogue(topics: Iterable[Topic]) -> str:
    """The TOML that parse_catalogue reads back to the same topics."""
    return tomli_w.dumps({"topic": [_fields(topic) for topic in topics]}, multiline_strings=False)


def with_filter(topic: Topic, text: str) -> Topic:
    """The topic with this filter's text instead of its own filter; a threshold that it doesn't name stays.

    Raises WrongUse with the place.
    """
    kept = {name: value for name, value in _fields(topic).items() if name not in _FILTER or name == "threshold"}
    if topic.prior is None:
        kept.pop("expansion", None)  # it was made of the filter's examples
    try:
        form = _TopicForm.model_validate(kept | parse_filter(text))
    except ValidationError as error:
        raise WrongUse(f"the filter has an error at {_first_error(error)}") from error
    return _topic(topic.position, form)


def filter_text(topic: Topic) -> str:
    """The topic's filter as a form shows it."""
    return format_filter({name: value for name, value in _fields(topic).items() if name in _FILTER})


def _shipped(name: str) -> str:
    return resources.files("service.shipped").joinpath(name).read_text("utf-8")


def _topic(position: int, form: _TopicForm) -> Topic:
    """Raises WrongUse where the filter can't find anything, contradicts itself, or is too long for a form."""
    if not form.any + form.all and not form.relevant:
        raise WrongUse(f"the topic {form.slug!r} finds nothing: give it `any` or `all` phrases")
    if both := [number for number in form.relevant if number in form.irrelevant]:
        raise WrongUse(f"the topic {form.slug!r} has {both[0]} as relevant and as irrelevant: take one of them out")
    columns = {column: getattr(form, name) for name, column in _COLUMNS.items()}
    kept = {name: getattr(form, name) for name in ("slug", "name", "description", "threshold", "prior")}
    topic = Topic(**kept, **columns, expansion=form.expansion or {}, position=position)
    if len(filter_text(topic)) > LARGEST_TEXT:
        raise WrongUse(f"the filter of {form.slug!r} is longer than {LARGEST_TEXT} characters: split the topic")
    return topic


def _fields(topic: Topic) -> dict[str, Any]:
    """What is empty is left out, but for what every topic is written with."""
    head = {name: getattr(topic, name) for name in ("slug", "name", "description", "threshold")}
    rest = {name: getattr(topic, column) for name, column in _COLUMNS.items()}
    learned = {"prior": topic.prior, "expansion": topic.expansion}
    return head | {name: value for name, value in (rest | learned).items() if value or (value == 0.0 and name == "prior")}


def _first_error(error: ValidationError) -> str:
    """`topic 3, any 2, character 1: there is no field 'titel', did you mean 'title'?`."""
    first = error.errors()[0]
    place = " ".join(f"{part + 1}" if isinstance(part, int) else part for part in first["loc"])
    cause = first.get("ctx", {}).get("error")
    return f"{place}, {cause}" if isinstance(cause, BadRule) else f"{place}: {_said(first)}"


def _said(first: Mapping[str, Any]) -> str:
    if first["type"] == "extra_forbidden":
        return f"there is no such setting; there are {', '.join(_TopicForm.model_fields)}"
    if first["loc"] == ("topic",):
        return "begin each topic with a line [[topic]]"
    if first["type"] == "string_pattern_mismatch":
        return f"write {_EXAMPLES[first['ctx']['pattern']]}"
    return str(first["msg"]).removeprefix("Value error, ")
