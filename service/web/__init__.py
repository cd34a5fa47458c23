"""What answers over HTTP. Touches the database. GET and HEAD change nothing; only POST acts.

Scanners follow every link in a mail, so each link leads to a page with a button. No page needs a cookie or a script: a
link's own token is what it may do, so a form of another site can't know one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from sqlalchemy import Engine
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import Match

from service.errors import BadLink, ExpiredLink, StoreFailed
from service.models import LANGUAGES, Sender
from service.render.language import Language, language
from service.web import account, digest, health, marks, settings, subscription
from service.web.site import READ, Site, message_page, style

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address holds the person's token
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_LARGEST_BODY = 64 * 1024  # bytes


def web_application(engine: Engine, sender: Sender, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> FastAPI:
    site = Site(engine, sender, clock)
    # a redirect would go to the Host that was named, by http where the proxy isn't trusted, without the public URL's path
    app = FastAPI(title="Paperround", openapi_url=None, redirect_slashes=False)
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=_LARGEST_BODY)
    _add_answers_to_failures(app, site)
    app.get("/style.css")(style)
    for subject in (health, subscription, settings, marks, account, digest):
        app.include_router(subject.routes(site))
    return app


def _add_answers_to_failures(app: FastAPI, site: Site) -> None:
    @app.middleware("http")
    async def add_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await call_next(request)
        if response.status_code == 413:
            response = too_long(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    def too_long(request: Request) -> HTMLResponse:
        spoken = _asked_for(request)
        text = spoken.say("What was sent is too long.")
        return message_page(site, spoken, spoken.say("Nothing was changed"), text, status_code=413)

    @app.exception_handler(BadLink)
    @app.exception_handler(RequestValidationError)
    def bad_link(request: Request, _error: Exception) -> HTMLResponse:
        """One answer for every link that isn't good, so that it tells nothing of who is a subscriber."""
        spoken = _asked_for(request)
        text = spoken.say("Perhaps it was cut off on the way. Open it from the mail again.")
        return message_page(site, spoken, spoken.say("This link does not work"), text, status_code=404)

    @app.exception_handler(ExpiredLink)
    def expired_link(request: Request, _error: ExpiredLink) -> HTMLResponse:
        spoken = _asked_for(request)
        text = spoken.say("Nothing was changed. Ask for a new one where you asked for this one, or use the links of any digest.")
        return message_page(site, spoken, spoken.say("This link has expired"), text, status_code=410)

    @app.exception_handler(HTTPException)
    def no_such_page(request: Request, error: HTTPException) -> HTMLResponse:
        spoken = _asked_for(request)
        text = spoken.say("The links in your mails lead to your settings.")
        answer = message_page(site, spoken, spoken.say("There is nothing here"), text, status_code=error.status_code)
        if error.status_code == 405:  # of a path's routes the framework names one's methods only (RFC 9110, 15.5.6)
            answer.headers["Allow"] = ", ".join(method for method in (*READ, "POST") if _is_taken(request, method))
        return answer

    @app.exception_handler(StoreFailed)
    def store_failed(request: Request, _error: StoreFailed) -> HTMLResponse:
        spoken = _asked_for(request)
        text = spoken.say("Nothing was changed. Please try again in some minutes.")
        return message_page(site, spoken, spoken.say("Not now"), text, status_code=503)


def _is_taken(request: Request, method: str) -> bool:
    asked = {**request.scope, "method": method}
    return any(route.matches(asked)[0] == Match.FULL for route in request.app.routes)


def _asked_for(request: Request) -> Language:
    """Of a visitor whom no link names: their browser's (RFC 9110, 12.5.4). Browsers name the one they like best first."""
    tags = request.headers.get("Accept-Language", "").lower().split(",")
    return language(next((code for tag in tags if (code := tag.strip()[:2]) in LANGUAGES), "en"))
