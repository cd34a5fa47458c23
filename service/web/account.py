"""What is stored of a person: to see, to take along, to move, to erase; by a link mailed just now. Touches the database."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, JSONResponse
from sqlmodel import Session

from service.errors import BadLink, WrongUse
from service.links import Fresh, Standing
from service.models import DeliveryState, MarkKind, Subscriber, SubscriberState
from service.pipeline.subscriptions import ask_at_new_address, move_to, resubscribe
from service.render.language import Language, language
from service.render.words import masked, reason_in_words
from service.store.database import reading, transaction
from service.store.deliveries import deliveries_of
from service.store.marks import marked_papers
from service.store.notices import notices_of
from service.store.subscribers import erase_subscriber, has_unsubscribed
from service.subscribers import parse_address
from service.web.site import READ, Site, fresh_path, message_page, nothing_changed, notice_of, page, standing_path

_OURS = {"id", "key", "issue_id", "subscriber_id"}  # not of the person; and keys open links


def routes(site: Site) -> APIRouter:
    router = APIRouter()
    _add_account(router, site)
    _add_changes(router, site)
    _add_address(router, site)
    return router


def _owner(session: Session, site: Site, token: str, *, to_change: bool = False) -> Subscriber:
    """Whose mailbox the link came to, if it is theirs still. Raises BadLink, ExpiredLink."""
    notice, person = notice_of(session, site, Fresh.ACCOUNT, token, to_change=to_change)
    if notice.email != person.email:
        raise BadLink("the link went to an address that is theirs no more")
    return person


def _add_account(router: APIRouter, site: Site) -> None:
    @router.api_route("/account/{token}", methods=READ)
    def show_account(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            person = _owner(session, site, token)
            return _account_page(session, site, token, person)

    @router.api_route("/account/{token}/export", methods=READ)
    def export(token: str) -> JSONResponse:
        """Everything that is stored of the person, as one JSON file."""
        with reading(site.engine) as session:
            person = _owner(session, site, token)
            told = _everything(session, person)
        return JSONResponse(told, headers={"Content-Disposition": 'attachment; filename="paperround.json"'})


def _everything(session: Session, person: Subscriber) -> dict[str, Any]:
    assert person.id is not None
    return {
        "subscriber": person.model_dump(mode="json", exclude=_OURS),
        "deliveries": [row.model_dump(mode="json", exclude=_OURS) for row in deliveries_of(session, person.id)],
        "marks": [mark.model_dump(mode="json", exclude=_OURS) for mark, _ in marked_papers(session, person.id)],
        "notices": [row.model_dump(mode="json", exclude=_OURS) for row in notices_of(session, person.id)],
    }


def _account_page(
    session: Session, site: Site, token: str, person: Subscriber, *, said: str | None = None, status_code: int = 200
) -> HTMLResponse:
    assert person.id is not None
    spoken = language(person.language)
    return page(
        site,
        spoken,
        "account.html",
        status_code=status_code,
        person=person,
        deliveries=[(row, reason_in_words(row, spoken)) for row in deliveries_of(session, person.id)],
        states=_states_in_words(spoken),
        marks=marked_papers(session, person.id),
        kinds=_kinds_in_words(spoken),
        mark_page=standing_path(site, Standing.MARK, person),
        is_unsubscribed=person.state == SubscriberState.UNSUBSCRIBED,
        said=said,
        here=fresh_path(site, Fresh.ACCOUNT, token),
    )


def _states_in_words(spoken: Language) -> dict[str, str]:
    return {
        DeliveryState.PLANNED: spoken.say("planned"),
        DeliveryState.SENDING: spoken.say("sending"),
        DeliveryState.ACCEPTED: spoken.say("accepted"),
        DeliveryState.DEFERRED: spoken.say("deferred"),
        DeliveryState.REJECTED: spoken.say("rejected"),
        DeliveryState.UNKNOWN: spoken.say("unknown"),
        DeliveryState.EXPIRED: spoken.say("expired"),
        DeliveryState.SKIPPED: spoken.say("skipped"),
    }


def _kinds_in_words(spoken: Language) -> dict[str, str]:
    return {MarkKind.MORE: spoken.say("more"), MarkKind.LESS: spoken.say("less"), MarkKind.SAVED: spoken.say("saved")}


def _add_changes(router: APIRouter, site: Site) -> None:
    @router.post("/account/{token}/address")
    def ask_for_address(token: str, email: Annotated[str, Form()] = "") -> HTMLResponse:
        with transaction(site.engine) as session:
            person = _owner(session, site, token, to_change=True)
            spoken = language(person.language)
            try:
                address = _address(email)
                is_asked = ask_at_new_address(session, person, address, site.clock())
            except WrongUse as error:
                said = nothing_changed(error, spoken)
                return _account_page(session, site, token, person, said=said, status_code=422)
        if not is_asked:
            text = spoken.say("Three new addresses were asked since yesterday. Try again tomorrow.")
            return message_page(site, spoken, spoken.say("Nothing was changed"), text, status_code=429)
        asked = spoken.say("If it can take the digest, a mail with a link goes to %(address)s.", address=address)
        rest = spoken.say("The digest comes there once it is confirmed.")
        return message_page(site, spoken, spoken.say("Look into the new mailbox"), f"{asked} {rest}")

    @router.post("/account/{token}/resubscribe")
    def send_again(token: str) -> HTMLResponse:
        with transaction(site.engine) as session:
            person = _owner(session, site, token, to_change=True)
            resubscribe(session, person, site.clock())
            said = language(person.language).say("The digest comes again.")
            return _account_page(session, site, token, person, said=said)

    @router.post("/account/{token}/erase")
    def erase(token: str, sure: Annotated[str, Form()] = "") -> HTMLResponse:
        with transaction(site.engine) as session:
            person = _owner(session, site, token, to_change=True)
            spoken = language(person.language)
            if sure != "yes":
                said = spoken.say("Nothing was erased: tick the box first.")
                return _account_page(session, site, token, person, said=said, status_code=422)
            email = person.email
            erase_subscriber(session, person, site.clock())
            is_kept_out = has_unsubscribed(session, email)
        text = spoken.say("Nothing of you is stored here any more.")
        if is_kept_out:
            text = spoken.say("Nothing of you is stored here any more but a hash of your address, so that no mail goes there.")
        rest = spoken.say("Mails that were sent stay where they are.")
        return message_page(site, spoken, spoken.say("Erased"), f"{text} {rest}")


def _address(email: str) -> str:
    """Raises WrongUse, in words that other languages have."""
    try:
        return parse_address(email)
    except WrongUse as error:
        raise WrongUse("%(address)s is not an e-mail address", address=repr(email.strip())) from error


def _add_address(router: APIRouter, site: Site) -> None:
    @router.api_route("/address/{token}", methods=READ)
    def ask_to_move(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            notice, person = notice_of(session, site, Fresh.ADDRESS, token)
        spoken, action = language(person.language), fresh_path(site, Fresh.ADDRESS, token)
        text = spoken.say(
            "The digest that goes to %(before)s would come to %(address)s from now on.",
            before=masked(person.email),
            address=notice.email,
        )
        heading, button = spoken.say("Shall the digest come here?"), spoken.say("Yes, send it here")
        return message_page(site, spoken, heading, text, action=action, button=button)

    @router.post("/address/{token}")
    def move_it(token: str) -> HTMLResponse:
        try:
            with transaction(site.engine) as session:
                notice, person = notice_of(session, site, Fresh.ADDRESS, token, to_change=True)
                spoken = language(person.language)
                move_to(session, person, notice, site.clock())
        except WrongUse as error:
            text = nothing_changed(error, spoken)
            return message_page(site, spoken, spoken.say("It could not be done"), text, status_code=409)
        text = spoken.say("From now on it goes to %(address)s. The old address is told.", address=notice.email)
        return message_page(site, spoken, spoken.say("The digest comes here"), text)
