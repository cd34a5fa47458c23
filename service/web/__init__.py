"""What answers over HTTP. Touches the database. GET and HEAD change nothing; only POST acts.

Scanners follow every link in a mail, so each link leads to a page with a button. The one-click POST of RFC 8058 comes to
the same address, with any body, no cookie and no token but the link's own, and is answered with 200.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine
from starlette.exceptions import HTTPException

from service.errors import BadLink, StoreFailed
from service.links import sign, subscriber_key
from service.models import Sender, Subscriber, SubscriberState
from service.pipeline.status import service_state
from service.store.database import reading, transaction
from service.store.subscribers import change_subscriber, subscriber_by_key
from service.template_files import TEMPLATES

_PAGES = Environment(loader=FileSystemLoader(TEMPLATES / "web"), autoescape=True, undefined=StrictUndefined)
_STYLE = (TEMPLATES / "web" / "style.css").read_text("utf-8")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address holds the person's token
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def web_application(engine: Engine, sender: Sender, running: Callable[[], AbstractContextManager[None]]) -> FastAPI:
    """`running` is entered before the first request is answered, and left after the last."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with running():
            yield

    app = FastAPI(title="Paperround", lifespan=lifespan, openapi_url=None)
    _add_answers_to_failures(app)
    _add_health(app, engine)
    _add_unsubscribe(app, engine, sender)
    return app


def _add_answers_to_failures(app: FastAPI) -> None:
    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        response.headers.update(_HEADERS)
        return response

    @app.exception_handler(BadLink)
    def bad_link(_request: Request, _error: BadLink) -> HTMLResponse:
        """One answer for every link that isn't good, so that it tells nothing of who is a subscriber."""
        text = "Perhaps it was cut off on the way. Open it from the mail again."
        return _page("This link does not work", text, status_code=404)

    @app.exception_handler(HTTPException)
    def no_such_page(_request: Request, error: HTTPException) -> HTMLResponse:
        return _page("There is nothing here", "The links in your mails lead to your settings.", status_code=error.status_code)

    @app.exception_handler(StoreFailed)
    def store_failed(_request: Request, _error: StoreFailed) -> HTMLResponse:
        return _page("Not now", "Nothing was changed. Please try again in some minutes.", status_code=503)

    @app.get("/style.css")
    def style() -> Response:
        return Response(_STYLE, media_type="text/css")


def _add_health(app: FastAPI, engine: Engine) -> None:
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


def _add_unsubscribe(app: FastAPI, engine: Engine, sender: Sender) -> None:
    @app.api_route("/unsubscribe/{token}", methods=["GET", "HEAD"])
    def ask(token: str) -> HTMLResponse:
        with reading(engine) as session:
            person = subscriber_by_key(session, subscriber_key(sender.link_keys, "unsubscribe", token))
        if person is None:
            raise BadLink
        if person.state == SubscriberState.UNSUBSCRIBED:
            return _unsubscribed(person, sender)
        text = f"No more mail will go to {_masked(person.email)}."
        return _page("Unsubscribe?", text, action=f"/unsubscribe/{token}", button="Unsubscribe")

    @app.post("/unsubscribe/{token}")
    def unsubscribe(token: str) -> HTMLResponse:
        person = _set_state(engine, subscriber_key(sender.link_keys, "unsubscribe", token), SubscriberState.UNSUBSCRIBED)
        return _unsubscribed(person, sender)

    @app.post("/resubscribe/{token}")
    def resubscribe(token: str) -> HTMLResponse:
        """The undo that the page of an unsubscribe offers; no mail holds this link."""
        person = _set_state(engine, subscriber_key(sender.link_keys, "resubscribe", token), SubscriberState.ACTIVE)
        return _page("Welcome back", f"Mail goes to {_masked(person.email)} again, with the settings from before.")


def _set_state(engine: Engine, key: str, state: SubscriberState) -> Subscriber:
    """Committed before anything is answered; twice is the same as once. Raises BadLink."""
    with transaction(engine) as session:
        person = subscriber_by_key(session, key)
        if person is None:
            raise BadLink
        change_subscriber(session, person, {"state": state})
    return person


def _unsubscribed(person: Subscriber, sender: Sender) -> HTMLResponse:
    undo = f"/resubscribe/{sign(sender.link_keys, 'resubscribe', person.key)}"
    text = f"No more mail goes to {_masked(person.email)}. It was not meant so?"
    return _page("You are unsubscribed", text, action=undo, button="Undo")


def _masked(email: str) -> str:
    """Enough for its owner to know it, in a page that a forwarded mail may open: `a•••@example.org`."""
    name, _, host = email.partition("@")
    return f"{name[:1]}•••@{host}"


def _page(
    heading: str, text: str, *, action: str | None = None, button: str | None = None, status_code: int = 200
) -> HTMLResponse:
    page = _PAGES.get_template("page.html").render(heading=heading, text=text, action=action, button=button)
    return HTMLResponse(page, status_code=status_code)
