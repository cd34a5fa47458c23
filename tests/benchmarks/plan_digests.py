"""CPU of planning a day's digests for people who got nothing yet, and for the same behind years of daily digests, on SQLite.

`python -m tests.benchmarks.plan_digests [PEOPLE [DAYS]]`. Planning is all of it: reading what people hold, choosing, storing.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime

from sqlalchemy import Engine

from service.cadence import last_complete_day
from service.cli.logs import tell_nothing
from service.models import Delivery
from service.pipeline.digests import Planner
from service.pipeline.heap import collect_rarely
from service.store.database import open_database, reading, transaction
from service.store.deliveries import issue_counts
from service.store.planning import add_issue, plan_deliveries
from service.store.subscribers import due_subscribers, schedule_subscribers
from tests.benchmarks import wave
from tests.benchmarks.machine import machine

_PORTION = 500  # people, as `serve` plans them
# The digests just planned, as if they had come on so many earlier days, with other papers.
_EARLIER = """
WITH RECURSIVE earlier(day) AS (SELECT 1 UNION ALL SELECT day + 1 FROM earlier WHERE day < {days})
INSERT INTO delivery ({columns}) SELECT {values} FROM earlier CROSS JOIN delivery
"""
_MADE = {
    "key": "lower(hex(randomblob(16)))",
    "state": "'accepted'",
    "digest_on": "date(digest_on, -day || ' days')",
    "since_on": "date(since_on, -day || ' days')",
    "paper_ids": "replace(paper_ids, '\"26', '\"' || day || '.26')",
}


def plan(engine: Engine) -> float:
    """Everybody who is due; answers the microseconds of CPU a person."""
    now, count, begun = datetime.now(UTC), 0, time.process_time()
    planner = Planner(last_complete_day(now))
    while True:
        with transaction(engine) as session:
            if not (people := due_subscribers(session, now, _PORTION)):
                return (time.process_time() - begun) / count * 1e6
            plan_deliveries(session, add_issue(session, started_by="serve", now=now), planner.digests(session, people), now)
            schedule_subscribers(session, {person.id: now.replace(year=now.year + 1) for person in people if person.id})
            count += len(people)


def age(engine: Engine, days: int) -> None:
    """So many days behind everybody, and the day is to be planned again."""
    columns = [name for name in Delivery.model_fields if name != "id"]
    told, values = (
        ", ".join(names) for names in zip(*((f'"{name}"', _MADE.get(name, f'"{name}"')) for name in columns), strict=True)
    )
    with engine.begin() as connection:
        if days:
            connection.exec_driver_sql(_EARLIER.format(days=days, columns=told, values=values))
        connection.exec_driver_sql("DELETE FROM delivery WHERE state = 'planned'")
        connection.exec_driver_sql("UPDATE subscriber SET next_digest_at = '2020-01-01 00:00:00'")


def main(people: int = 1000, days: int = 250) -> None:
    collect_rarely()
    print(machine())
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/paperround.db")
        wave.due(engine, people)
        plan(engine)  # what a process needs once
        age(engine, 0)
        first = plan(engine)
        age(engine, days)
        later = plan(engine)
        with reading(engine) as session:
            assert issue_counts(session, people // _PORTION * 3)["planned"], "they got other papers before"
        engine.dispose()
    print(f"{people} people's first digests: {first:.0f} µs of CPU each")
    print(f"the same behind {days} digests of theirs: {later:.0f} µs, {later / first:.1f} times")


if __name__ == "__main__":
    tell_nothing()
    main(*map(int, sys.argv[1:]))
