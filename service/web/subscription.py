"""Confirm, pause, unsubscribe, and their undo. Touches the database.

The one-click POST of RFC 8058 comes to the unsubscribe link, with any body, no cookie and no token but the link's own, and
is answered with 200. An unsubscribe or a pause is answered by its page alone, which offers the undo.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from service.cadence import local_day
from service.errors import BadLink, WrongUse
from service.links import Fresh, Standing, fresh_key, fresh_link
from service.models import Subscriber, SubscriberState
from service.pipeline.subscriptions import confirm, pause, resubscribe, unsubscribe
from service.render.words import masked
from service.store.database import reading, transaction
from service.subscribers import parse_pause
from service.web.next_mail import is_mailed, next_mail
from service.web.site import (
    READ,
    Site,
    fresh_path,
    known_person,
    message_page,
    notice_of,
    page,
    path_of,
    person_of,
    standing_path,
)

PAUSES = (("a week", timedelta(weeks=1)), ("two weeks", timedelta(weeks=2)), ("four weeks", timedelta(weeks=4)))


def routes(site: Site) -> APIRouter:
    router = APIRouter()
    _add_confirm(router, site)
    _add_unsubscribe(router, site)
    _add_pause(router, site)
    return router


def _add_confirm(router: APIRouter, site: Site) -> None:
    @router.api_route("/confirm/{token}", methods=READ)
    def ask_to_confirm(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            _, person = notice_of(session, site, Fresh.CONFIRM, token)
            if person.state != SubscriberState.PENDING:
                return _confirmed(session, site, person)
        text = f"Paperround's digest of new papers would come to {masked(person.email)}."
        action = fresh_path(site, Fresh.CONFIRM, token)
        return message_page(site, "Do you want the digest?", text, action=action, button="Yes, send it to me")

    @router.post("/confirm/{token}")
    def confirm_it(token: str) -> HTMLResponse:
        with transaction(site.engine) as session:
            _, person = notice_of(session, site, Fresh.CONFIRM, token, to_change=True)
            confirm(session, person, site.clock())
            return _confirmed(session, site, person)


def _confirmed(session: Session, site: Site, person: Subscriber) -> HTMLResponse:
    if person.state == SubscriberState.UNSUBSCRIBED:
        return _ended(site, person)
    text = f"{next_mail(session, site, person)} Each has links to change it, and to end it."
    return message_page(site, "You are subscribed", text)


def _add_unsubscribe(router: APIRouter, site: Site) -> None:
    @router.api_route("/unsubscribe/{token}", methods=READ)
    def ask_to_unsubscribe(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            person = person_of(session, site, Standing.UNSUBSCRIBE, token)
        if person.state == SubscriberState.UNSUBSCRIBED:
            return _ended(site, person)
        text = f"No more mail will go to {masked(person.email)}."
        action = standing_path(site, Standing.UNSUBSCRIBE, person)
        return message_page(site, "Unsubscribe?", text, action=action, button="Unsubscribe")

    @router.post("/unsubscribe/{token}")
    def unsubscribe_them(token: str) -> HTMLResponse:
        with transaction(site.engine) as session:
            person = person_of(session, site, Standing.UNSUBSCRIBE, token, to_change=True)
            is_news = unsubscribe(session, person, site.clock())
        return _just_ended(site, person) if is_news else _ended(site, person)

    @router.post("/resubscribe/{token}")
    def resubscribe_them(token: str) -> HTMLResponse:
        """The undo that the page of an unsubscribe offers; no mail holds this link."""
        key, _, instant = fresh_key(site.sender, Fresh.RESUBSCRIBE, token, site.clock()).partition("@")
        with transaction(site.engine) as session:
            person = known_person(session, key, to_change=True)
            if person.unsubscribed_at and instant != _instant(person):
                raise BadLink("they have unsubscribed once more since")
            resubscribe(session, person, site.clock())
            text = f"The settings are those from before. {next_mail(session, site, person)}"
        return message_page(site, "Welcome back", text)


def _instant(person: Subscriber) -> str:
    """Which unsubscribe it was: its undo undoes no later one."""
    return person.unsubscribed_at.isoformat() if person.unsubscribed_at else ""


def _ended(site: Site, person: Subscriber) -> HTMLResponse:
    """A mail's link, which others may hold, offers no way back; the owner of the mailbox has one by the settings page."""
    text = f"No mail goes to {masked(person.email)}. To get it again, have a link mailed there."
    action = f"{standing_path(site, Standing.SETTINGS, person)}/account"
    return message_page(site, "You are unsubscribed", text, action=action, button="Mail me a link")


def _just_ended(site: Site, person: Subscriber) -> HTMLResponse:
    undo = path_of(fresh_link(site.sender, Fresh.RESUBSCRIBE, f"{person.key}@{_instant(person)}", site.clock()))
    text = f"No more mail goes to {masked(person.email)}. It was not meant so?"
    return message_page(site, "You are unsubscribed", text, action=undo, button="Undo")


def _add_pause(router: APIRouter, site: Site) -> None:
    @router.api_route("/pause/{token}", methods=READ)
    def ask_to_pause(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            person = person_of(session, site, Standing.PAUSE, token)
            return _pause_page(session, site, person)

    @router.post("/pause/{token}")
    def pause_it(token: str, until: Annotated[str, Form()] = "") -> HTMLResponse:
        """`until` is a local day, or "no" to end the pause."""
        with transaction(site.engine) as session:
            person = person_of(session, site, Standing.PAUSE, token, to_change=True)
            try:
                pause(session, person, parse_pause(until), site.clock())
            except WrongUse:
                said = "Nothing was changed: a pause ends on a day from tomorrow on, within a year, written as in 2026-12-01."
                if person.state != SubscriberState.ACTIVE:
                    said = f"Nothing was changed: the subscription is {person.state}."
                return _pause_page(session, site, person, said=said, status_code=422)
            return _pause_page(session, site, person)


def _pause_page(
    session: Session, site: Site, person: Subscriber, *, said: str | None = None, status_code: int = 200
) -> HTMLResponse:
    today, mailed = local_day(site.clock(), person.zone), is_mailed(session, person)
    return page(
        site,
        "pause.html",
        status_code=status_code,
        person=person,
        said=said,
        is_mailed=mailed,
        is_paused=bool(mailed and person.paused_until and person.paused_until > today),
        next_mail=next_mail(session, site, person),
        choices=[(words, today + length) for words, length in PAUSES],
        tomorrow=today + timedelta(days=1),
        action=standing_path(site, Standing.PAUSE, person),
        settings=standing_path(site, Standing.SETTINGS, person),
    )
