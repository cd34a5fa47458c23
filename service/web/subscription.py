"""Confirm, pause, unsubscribe, and their undo. Touches the database.

The one-click POST of RFC 8058 comes to the unsubscribe link, with any body, no cookie and no token but the link's own, and
is answered with 200. An unsubscribe or a pause is answered by its page alone, which offers the undo.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from service.cadence import local_day
from service.errors import BadLink, WrongUse
from service.links import Fresh, Standing, fresh_key, fresh_link
from service.models import Subscriber, SubscriberState
from service.pipeline.subscriptions import confirm, pause, resubscribe, unsubscribe
from service.render.language import Language, language
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
    nothing_changed,
    notice_of,
    page,
    path_of,
    person_of,
    standing_path,
)


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
        spoken = language(person.language)
        say, action = spoken.say, fresh_path(site, Fresh.CONFIRM, token)
        text = say("Paperround's digest of new papers would come to %(address)s.", address=masked(person.email))
        return message_page(site, spoken, say("Do you want the digest?"), text, action=action, button=say("Yes, send it to me"))

    @router.post("/confirm/{token}")
    def confirm_it(token: str) -> HTMLResponse:
        with transaction(site.engine) as session:
            _, person = notice_of(session, site, Fresh.CONFIRM, token, to_change=True)
            confirm(session, person, site.clock())
            return _confirmed(session, site, person)


def _confirmed(session: Session, site: Site, person: Subscriber) -> HTMLResponse:
    if person.state == SubscriberState.UNSUBSCRIBED:
        return _ended(site, person)
    spoken = language(person.language)
    rest = spoken.say("Each has links to change it, and to end it.")
    return message_page(site, spoken, spoken.say("You are subscribed"), f"{next_mail(session, site, person)} {rest}")


def _add_unsubscribe(router: APIRouter, site: Site) -> None:
    @router.api_route("/unsubscribe/{token}", methods=READ)
    def ask_to_unsubscribe(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            person = person_of(session, site, Standing.UNSUBSCRIBE, token)
        if person.state == SubscriberState.UNSUBSCRIBED:
            return _ended(site, person)
        spoken, action = language(person.language), standing_path(site, Standing.UNSUBSCRIBE, person)
        text = spoken.say("No more mail will go to %(address)s.", address=masked(person.email))
        return message_page(site, spoken, spoken.say("Unsubscribe?"), text, action=action, button=spoken.say("Unsubscribe"))

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
            spoken = language(person.language)
            settings, mail = spoken.say("The settings are those from before."), next_mail(session, site, person)
        return message_page(site, spoken, spoken.say("Welcome back"), f"{settings} {mail}")


def _instant(person: Subscriber) -> str:
    """Which unsubscribe it was: its undo undoes no later one."""
    return person.unsubscribed_at.isoformat() if person.unsubscribed_at else ""


def _ended(site: Site, person: Subscriber) -> HTMLResponse:
    """A mail's link, which others may hold, offers no way back; the owner of the mailbox has one by the settings page."""
    spoken, action = language(person.language), f"{standing_path(site, Standing.SETTINGS, person)}/account"
    text = spoken.say("No mail goes to %(address)s. To get it again, have a link mailed there.", address=masked(person.email))
    heading, button = spoken.say("You are unsubscribed"), spoken.say("Mail me a link")
    return message_page(site, spoken, heading, text, action=action, button=button)


def _just_ended(site: Site, person: Subscriber) -> HTMLResponse:
    undo = path_of(fresh_link(site.sender, Fresh.RESUBSCRIBE, f"{person.key}@{_instant(person)}", site.clock()))
    spoken = language(person.language)
    text = spoken.say("No more mail goes to %(address)s. It was not meant so?", address=masked(person.email))
    return message_page(site, spoken, spoken.say("You are unsubscribed"), text, action=undo, button=spoken.say("Undo"))


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
                pause(session, person, _end_of_pause(until), site.clock())
            except WrongUse as error:
                said = nothing_changed(error, language(person.language))
                return _pause_page(session, site, person, said=said, status_code=422)
            return _pause_page(session, site, person)


def _end_of_pause(until: str) -> date | None:
    """Raises WrongUse, for a browser that knows no field for days."""
    try:
        return parse_pause(until)
    except WrongUse as error:
        raise WrongUse("a pause ends on a day, written as in 2026-12-01") from error


def _pauses(spoken: Language) -> list[tuple[str, int]]:
    """With how many weeks each lasts."""
    return [(spoken.say("For a week"), 1), (spoken.say("For two weeks"), 2), (spoken.say("For four weeks"), 4)]


def _pause_page(
    session: Session, site: Site, person: Subscriber, *, said: str | None = None, status_code: int = 200
) -> HTMLResponse:
    today, mailed, spoken = local_day(site.clock(), person.zone), is_mailed(session, person), language(person.language)
    return page(
        site,
        spoken,
        "pause.html",
        status_code=status_code,
        person=person,
        said=said,
        is_mailed=mailed,
        is_paused=bool(mailed and person.paused_until and person.paused_until > today),
        next_mail=next_mail(session, site, person),
        choices=[(words, today + timedelta(weeks=number)) for words, number in _pauses(spoken)],
        tomorrow=today + timedelta(days=1),
        action=standing_path(site, Standing.PAUSE, person),
        settings=standing_path(site, Standing.SETTINGS, person),
    )
