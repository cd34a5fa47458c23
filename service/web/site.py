"""What all pages share: the database, the links, the look. Touches the template files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from fastapi import Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Engine
from sqlmodel import Session

from service.errors import BadLink, WrongUse
from service.links import Fresh, Standing, fresh_key, standing_key, standing_link
from service.models import Notice, Sender, Subscriber
from service.render.cards import title
from service.render.language import Language
from service.render.words import masked
from service.store.notices import notice_by_key
from service.store.subscribers import lock_subscriber, subscriber_by_key
from service.template_files import TEMPLATES

READ = ["GET", "HEAD"]

_PAGES = Environment(
    loader=FileSystemLoader(TEMPLATES / "web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)
_PAGES.filters.update(paper_title=title, masked=masked)
_STYLE = (TEMPLATES / "web" / "style.css").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Site:
    engine: Engine
    sender: Sender
    clock: Callable[[], datetime]


def style() -> Response:
    return Response(_STYLE, media_type="text/css")


def page(site: Site, spoken: Language, template: str, *, status_code: int = 200, **values: object) -> HTMLResponse:
    root = urlsplit(site.sender.public_url).path
    html = _PAGES.get_template(template).render(root=root, language=spoken, say=spoken.say, **values)
    return HTMLResponse(html, status_code=status_code)


def message_page(
    site: Site,
    spoken: Language,
    heading: str,
    text: str,
    *,
    action: str | None = None,
    button: str | None = None,
    status_code: int = 200,
) -> HTMLResponse:
    """One thing said, and at most one thing to do."""
    return page(site, spoken, "message.html", heading=heading, text=text, action=action, button=button, status_code=status_code)


def nothing_changed(error: WrongUse, spoken: Language) -> str:
    told = spoken.say("Nothing was changed: %(why)s.", why=spoken.say(error.sentence, **error.values))
    return told.replace("?.", "?")


def person_of(session: Session, site: Site, purpose: Standing, token: str, *, to_change: bool = False) -> Subscriber:
    """Whom a mail's own link names; `to_change` keeps other requests about them waiting. Raises BadLink."""
    return known_person(session, standing_key(site.sender, purpose, token), to_change=to_change)


def known_person(session: Session, key: str, *, to_change: bool = False) -> Subscriber:
    """Raises BadLink."""
    person = subscriber_by_key(session, key)
    if person is None or (to_change and not lock_subscriber(session, person)):
        raise BadLink("nobody has this key any more")
    return person


def notice_of(session: Session, site: Site, purpose: Fresh, token: str, *, to_change: bool = False) -> tuple[Notice, Subscriber]:
    """The notice that brought a fresh link, and whom it is about. Raises BadLink, ExpiredLink."""
    found = notice_by_key(session, fresh_key(site.sender, purpose, token, site.clock()))
    if found is None or (to_change and not lock_subscriber(session, found[1])):
        raise BadLink("nobody has this key any more")
    return found


def path_of(link: str) -> str:
    """A link of ours as pages hold it, without the host: the visitor may know us by another."""
    return urlsplit(link).path


def standing_path(site: Site, purpose: Standing, person: Subscriber) -> str:
    return path_of(standing_link(site.sender, purpose, person.key))


def fresh_path(site: Site, purpose: Fresh, token: str) -> str:
    """Where a fresh link's own page posts to."""
    return path_of(f"{site.sender.public_url}/{purpose}/{token}")
