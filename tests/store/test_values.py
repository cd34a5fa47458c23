from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import Engine, select, text

from service.models import Subscriber
from service.store.database import reading, transaction
from service.store.values import Values
from tests.builders import paper, subscriber


@pytest.fixture
def stored(engine: Engine) -> Engine:
    with transaction(engine) as session:
        session.add(subscriber(muted=["survey"], with_note=True))
    return engine


def test_a_row_has_lists_of_its_own() -> None:
    one, other = paper(), paper()
    one.tags.append("planning")
    one.told_by["title"] = "cards"
    assert (other.tags, other.told_by) == ([], {})


def the_one(engine: Engine, values: Values[Subscriber]) -> Subscriber:
    with reading(engine) as session:
        return values.value(session.connection().execute(select(*values.columns)).one())


def test_a_value_holds_what_the_row_holds(stored: Engine) -> None:
    with reading(stored) as session:
        row = session.get_one(Subscriber, 1)
    value = the_one(stored, Values(Subscriber))
    assert {name: getattr(value, name) for name in Subscriber.model_fields} == row.model_dump()


def test_a_value_can_not_be_changed(stored: Engine) -> None:
    value = the_one(stored, Values(Subscriber))
    with pytest.raises(AttributeError):
        value.hour = 9
    assert value.hour == 8


def test_a_column_that_was_not_asked_for_can_not_be_read(stored: Engine) -> None:
    value = the_one(stored, Values(Subscriber, "email", "muted"))
    assert (value.email, value.muted) == ("ada@example.org", ["survey"])
    with pytest.raises(AttributeError):
        _ = value.hour


def test_a_column_of_json_holds_one_kind_of_values(stored: Engine) -> None:
    """What something else wrote there is told, and not read as what it is not."""
    with transaction(stored) as session:
        session.connection().execute(text("UPDATE subscriber SET muted = '{}'"))
    with pytest.raises(msgspec.ValidationError):
        the_one(stored, Values(Subscriber))
