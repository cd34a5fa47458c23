"""What answers over HTTP. Touches the database. For now only `/health`; GET and HEAD change nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI
from fastapi.responses import JSONResponse
from sqlalchemy import Engine

from service.errors import StoreFailed
from service.pipeline.status import service_state
from service.store.database import reading


def web_application(engine: Engine, running: Callable[[], AbstractContextManager[None]]) -> FastAPI:
    """`running` is entered before the first request is answered, and left after the last."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with running():
            yield

    app = FastAPI(title="Paperround", lifespan=lifespan, openapi_url=None)

    @app.api_route("/health", methods=["GET", "HEAD"])
    def health() -> JSONResponse:
        """200 where all is well, 503 where a person is needed or the database can't be read."""
        try:
            with reading(engine) as session:
                state = service_state(session, datetime.now(UTC))
        except StoreFailed:
            return JSONResponse({"database": "failed"}, status_code=503)
        needs = len(state["needs_a_person"])
        fetched_at = state["pages"][0]["fetched_at"] if state["pages"] else None
        return JSONResponse(
            {"database": "ok", "last_fetch_at": fetched_at, "needs_a_person": needs}, status_code=503 if needs else 200
        )

    return app
