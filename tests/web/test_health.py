from __future__ import annotations

from contextlib import nullcontext

from fastapi.testclient import TestClient
from sqlalchemy import Engine

from service.errors import FetchFailed
from service.pipeline.gather import gather_papers
from service.web import web_application
from tests.builders import NOW, SENDER, page, record


def test_health_tells_whether_a_person_is_needed(engine: Engine) -> None:
    client = TestClient(web_application(engine, SENDER, nullcontext))
    assert client.get("/health").status_code == 200
    assert client.head("/health").status_code == 200
    gather_papers(engine, ["page"], lambda _: page([record()]), now=NOW)
    assert client.get("/health").json() == {"database": "ok", "last_fetch_at": "2026-10-02T06:00:00Z", "needs_a_person": 0}

    def fails(address: str) -> bytes:
        raise FetchFailed("away")

    gather_papers(engine, ["page"], fails, now=NOW.replace(hour=7))
    assert (client.get("/health").status_code, client.get("/health").json()["needs_a_person"]) == (503, 1)


def test_health_says_when_the_database_is_gone(sqlite: Engine) -> None:
    client = TestClient(web_application(sqlite, SENDER, nullcontext))
    with sqlite.begin() as connection:
        connection.exec_driver_sql("DROP TABLE page")
    answer = client.get("/health")
    assert (answer.status_code, answer.json()) == (503, {"database": "failed"})
