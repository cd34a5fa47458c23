from __future__ import annotations

from collections import Counter
from datetime import timedelta

from sqlalchemy import Engine, insert

from service.models import Delivery, Issue, Subscriber, new_key
from service.store.database import reading, transaction
from service.store.deliveries import last_accepted_days
from tests.builders import DAY, NOW

MONTH = timedelta(days=30)


def store(engine: Engine, days: dict[int, list[int]], state: str = "accepted", issue_id: int = 1) -> None:
    """For each subscriber a delivery on each of these many days before DAY."""
    person = Subscriber(email="", added_at=NOW).model_dump()
    mail = Delivery(issue_id=issue_id, subscriber_id=0, digest_on=DAY, since_on=DAY, planned_at=NOW, state=state).model_dump()
    mails = [
        mail | {"id": None, "key": new_key(), "subscriber_id": one, "digest_on": DAY - timedelta(days=before)}
        for one, some in days.items()
        for before in some
    ]
    with transaction(engine) as session:
        session.add(Issue(id=issue_id, started_by="serve", planned_at=NOW, candidate_count=len(mails)))
        session.flush()
        people = [person | {"id": one, "key": new_key(), "email": f"reader{one}@example.org"} for one in days]
        session.execute(insert(Subscriber), people)
        session.execute(insert(Delivery), mails)


def test_the_last_accepted_digest_is_found_however_long_ago_it_was(engine: Engine) -> None:
    store(engine, {1: [40, 3, 1, 0], 2: [300, 90], 3: []})
    with reading(engine) as session:
        found = last_accepted_days(session, [1, 2, 3], before=DAY, since=DAY - MONTH)
    assert found == {1: DAY - timedelta(days=1), 2: DAY - timedelta(days=90)}


def test_what_was_not_accepted_is_no_last_digest(engine: Engine) -> None:
    store(engine, {1: [40, 3]}, "rejected")
    with reading(engine) as session:
        assert last_accepted_days(session, [1], before=DAY, since=DAY - MONTH) == {}


def test_years_of_other_peoples_digests_are_not_looked_through(sqlite: Engine) -> None:
    """By the steps of SQLite's machine: without statistics it takes an index on states for a good one."""

    def steps() -> int:
        counted = Counter[str]()
        with reading(sqlite) as session:
            raw = session.connection().connection.dbapi_connection
            assert raw
            raw.set_progress_handler(lambda: counted.update(["steps"]), 1)
            last_accepted_days(session, [1], before=DAY, since=DAY - MONTH)
            raw.set_progress_handler(None, 0)
        return counted["steps"]

    store(sqlite, {1: [3, 2, 1]})
    alone = steps()
    store(sqlite, {2: [*range(1, 700)]}, issue_id=2)
    assert 0 < steps() <= alone + 10
