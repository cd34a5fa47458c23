"""What is stored of a person: to see, to take along, to move, to erase; by a link mailed just now. Touches the database."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, JSONResponse
from sqlmodel import Session

from service.errors import BadLink, WrongUse
from service.links import Fresh, Standing
from service.models import Notice, Subscriber, SubscriberState
from service.pipeline.subscriptions import ask_at_new_address, move_to, resubscribe
from service.render.words import masked
from service.store.database import reading, transaction
from service.store.deliveries import deliveries_of
from service.store.marks import marked_papers
from service.store.notices import notices_of
from service.store.subscribers import erase_subscriber, has_unsubscribed
from service.subscribers import parse_address
from service.web.site import READ, Site, fresh_path, message_page, notice_of, page, standing_path

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
    return page(
        site,
        "account.html",
        status_code=status_code,
        person=person,
        deliveries=deliveries_of(session, person.id),
        marks=marked_papers(session, person.id),
        mark_page=standing_path(site, Standing.MARK, person),
        is_unsubscribed=person.state == SubscriberState.UNSUBSCRIBED,
        said=said,
        here=fresh_path(site, Fresh.ACCOUNT, token),
    )


def _add_changes(router: APIRouter, site: Site) -> None:
    @router.post("/account/{token}/address")
    def ask_for_address(token: str, email: Annotated[str, Form()] = "") -> HTMLResponse:
        with transaction(site.engine) as session:
            person = _owner(session, site, token, to_change=True)
            try:
                address = parse_address(email)
                is_asked = ask_at_new_address(session, person, address, site.clock())
            except WrongUse as error:
                said = f"Nothing was changed: {error}."
                return _account_page(session, site, token, person, said=said, status_code=422)
        if not is_asked:
            text = "Three new addresses were asked since yesterday. Try again tomorrow."
            return message_page(site, "Nothing was changed", text, status_code=429)
        text = f"If it can take the digest, a mail with a link goes to {address}. The digest comes there once it is confirmed."
        return message_page(site, "Look into the new mailbox", text)

    @router.post("/account/{token}/resubscribe")
    def send_again(token: str) -> HTMLResponse:
        with transaction(site.engine) as session:
            person = _owner(session, site, token, to_change=True)
            resubscribe(session, person, site.clock())
            return _account_page(session, site, token, person, said="The digest comes again.")

    @router.post("/account/{token}/erase")
    def erase(token: str, sure: Annotated[str, Form()] = "") -> HTMLResponse:
        with transaction(site.engine) as session:
            person = _owner(session, site, token, to_change=True)
            if sure != "yes":
                said = "Nothing was erased: tick the box first."
                return _account_page(session, site, token, person, said=said, status_code=422)
            email = person.email
            erase_subscriber(session, person, site.clock())
            is_kept_out = has_unsubscribed(session, email)
        rest = " but a hash of your address, so that no mail goes there" if is_kept_out else ""
        text = f"Nothing of you is stored here any more{rest}. Mails that were sent stay where they are."
        return message_page(site, "Erased", text)


def _add_address(router: APIRouter, site: Site) -> None:
    @router.api_route("/address/{token}", methods=READ)
    def ask_to_move(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            notice, person = notice_of(session, site, Fresh.ADDRESS, token)
        text = f"The digest that goes to {masked(person.email)} would come to {notice.email} from now on."
        action = fresh_path(site, Fresh.ADDRESS, token)
        return message_page(site, "Shall the digest come here?", text, action=action, button="Yes, send it here")

    @router.post("/address/{token}")
    def move_it(token: str) -> HTMLResponse:
        try:
            with transaction(site.engine) as session:
                notice, person = notice_of(session, site, Fresh.ADDRESS, token, to_change=True)
                move_to(session, person, notice, site.clock())
        except WrongUse as error:
            return message_page(site, "It could not be done", f"Nothing was changed: {error}.", status_code=409)
        return _moved(site, notice)


def _moved(site: Site, notice: Notice) -> HTMLResponse:
    return message_page(site, "The digest comes here", f"From now on it goes to {notice.email}. The old address is told.")
