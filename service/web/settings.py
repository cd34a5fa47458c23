"""What is mailed and when: the settings page of a mail's link, and the undo of a change. Touches the database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from zoneinfo import available_timezones

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Json
from sqlmodel import Session

from service.cadence import known_zone
from service.errors import WrongUse
from service.links import Fresh, Standing
from service.models import WEEKDAYS, Notice, NoticeKind, Subscriber, Topic
from service.pipeline.subscriptions import ask_for_account, change_settings, mailed, undo, what_changed
from service.render.language import Language, language
from service.render.preferences import LANGUAGE_NAMES, length_in_words, score_in_words, settings_in_words
from service.render.words import cadence_in_words, masked, reason_in_words
from service.store.database import reading, transaction
from service.store.deliveries import last_silence
from service.store.topics import all_topics
from service.subscribers import changed_columns, parse_topics
from service.web.next_mail import is_mailed, next_mail, why_stopped
from service.web.site import READ, Site, fresh_path, message_page, nothing_changed, notice_of, page, person_of, standing_path

_CADENCES = ("daily", "weekdays", *(f"weekly:{day}" for day in WEEKDAYS))
_ZONES = ["UTC", *sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))]
_LENGTHS = [f"minutes:{number}" for number in (3, 4, 5, 6, 8, 10, 15, 20, 30)] + [
    f"papers:{number}" for number in (5, 8, 10, 15, 20, 30, 50)
]
_SCORES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9)


class _Form(BaseModel):
    """As it is filled in; of what an older page did not ask, nothing is changed."""

    topics: list[str] = []
    cadence: str = ""
    hour: str = ""
    zone: str = ""
    length: str | None = None
    minimum_score: str | None = None
    followed: str | None = None
    muted: str | None = None
    language: str | None = None
    with_abstract: str | None = None
    with_outside: str | None = None
    with_note: str | None = None
    shown: Json[dict[str, list[str] | str | float]] = {}  # the settings as the page had them


def routes(site: Site) -> APIRouter:
    router = APIRouter()
    _add_settings(router, site)
    _add_undo(router, site)
    return router


def _add_settings(router: APIRouter, site: Site) -> None:
    @router.api_route("/settings/{token}", methods=READ)
    def show_settings(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            person = person_of(session, site, Standing.SETTINGS, token)
            return _settings_page(session, site, person, all_topics(session))

    @router.post("/settings/{token}")
    def change(token: str, form: Annotated[_Form, Form()]) -> HTMLResponse:
        with transaction(site.engine) as session:
            person = person_of(session, site, Standing.SETTINGS, token, to_change=True)
            catalogue = all_topics(session)
            try:
                changes = _checked(catalogue, form, person)
                has_changed = change_settings(session, person, changes, site.clock())
            except WrongUse as error:
                said = nothing_changed(error, language(person.language))
                return _settings_page(session, site, person, catalogue, said=said, status_code=422)
            say = language(person.language).say  # which may be new
            saved = say("Saved. A mail tells you what was changed, with an undo.")
            said = saved if has_changed else say("Nothing was different from before.")
            return _settings_page(session, site, person, catalogue, said=said)

    @router.post("/settings/{token}/account")
    def mail_account_link(token: str) -> HTMLResponse:
        with transaction(site.engine) as session:
            person = person_of(session, site, Standing.SETTINGS, token, to_change=True)
            spoken = language(person.language)
            if stopped := why_stopped(session, person):
                return message_page(site, spoken, spoken.say("No link can be mailed"), stopped, status_code=409)
            is_asked = ask_for_account(session, person, site.clock())
        address = masked(person.email)
        text = spoken.say("A link goes to %(address)s within some minutes. It lasts for two hours.", address=address)
        if not is_asked:
            sent = spoken.say("Three links went to %(address)s since yesterday.", address=address)
            rest = spoken.say("The newest may still be good; ask for more tomorrow.")
            text = f"{sent} {rest}"
        return message_page(site, spoken, spoken.say("Look into your mailbox"), text)


def _checked(catalogue: list[Topic], form: _Form, person: Subscriber) -> dict[str, Any]:
    """What was changed on the page; the rest may have been changed elsewhere since it was opened. Raises WrongUse."""
    topics = parse_topics(",".join(form.topics), [topic.slug for topic in catalogue])
    others = changed_columns(form.model_dump(exclude={"topics", "shown"}, exclude_none=True))
    wanted, shown = {"topics": list(topics), **others}, form.shown
    changes = {name: value for name, value in wanted.items() if value != shown.get(name)}
    for name, value in changes.items():
        if isinstance(value, list) and isinstance(listed := shown.get(name), list):
            changes[name] = _merged(listed, value, getattr(person, name))
    if not changes.get("topics", topics):
        raise WrongUse("no topics: name at least one")
    return changes


def _merged(shown: list[str], wanted: list[str], stored: list[str]) -> list[str]:
    """What is stored, with what was added to the list that was shown, without what was taken out of it."""
    added = [entry for entry in wanted if entry not in shown and entry not in stored]
    return [entry for entry in stored if entry in wanted or entry not in shown] + added


def _settings_page(
    session: Session, site: Site, person: Subscriber, topics: list[Topic], *, said: str | None = None, status_code: int = 200
) -> HTMLResponse:
    assert person.id is not None
    silence, zone = last_silence(session, person.id), known_zone(person.zone)
    spoken, action = language(person.language), standing_path(site, Standing.SETTINGS, person)
    return page(
        site,
        spoken,
        "settings.html",
        status_code=status_code,
        person=person,
        topics=topics,
        cadences=[(cadence, cadence_in_words(cadence, spoken)) for cadence in _CADENCES],
        zone=zone,
        zones=sorted({*_ZONES, zone}),
        silence=silence,
        reason=silence and reason_in_words(silence, spoken),
        lengths=[(length, length_in_words(length, spoken)) for length in dict.fromkeys([*_LENGTHS, person.length])],
        scores=[(f"{score:g}", score_in_words(score, spoken)) for score in sorted({*_SCORES, person.minimum_score})],
        languages=LANGUAGE_NAMES.items(),
        said=said,
        shown=json.dumps(mailed(person)),
        is_mailed=is_mailed(session, person),
        next_mail=next_mail(session, site, person),
        action=action,
        account=f"{action}/account",
        pause=standing_path(site, Standing.PAUSE, person),
        unsubscribe=standing_path(site, Standing.UNSUBSCRIBE, person),
    )


def _add_undo(router: APIRouter, site: Site) -> None:
    @router.api_route("/undo/{token}", methods=READ)
    def ask_to_undo(token: str) -> HTMLResponse:
        with reading(site.engine) as session:
            notice, person = notice_of(session, site, Fresh.UNDO, token)
            topics = {topic.slug: topic for topic in all_topics(session)}
        spoken, action = language(person.language), fresh_path(site, Fresh.UNDO, token)
        if notice.kind == NoticeKind.MOVE:
            text = spoken.say("The digest would go to %(address)s again.", address=masked(notice.before["email"]))
        else:
            text = _undone(person, notice, topics, spoken)
        return message_page(
            site, spoken, spoken.say("Undo the change?"), text, action=action, button=spoken.say("Undo this change")
        )

    @router.post("/undo/{token}")
    def undo_it(token: str) -> HTMLResponse:
        try:
            with transaction(site.engine) as session:
                notice, person = notice_of(session, site, Fresh.UNDO, token, to_change=True)
                spoken = language(person.language)
                undo(session, notice, person, site.clock())
                spoken, told = language(person.language), next_mail(session, site, person)
        except WrongUse as error:
            text = nothing_changed(error, spoken)
            return message_page(site, spoken, spoken.say("It could not be undone"), text, status_code=409)
        return message_page(site, spoken, spoken.say("It is as it was before"), told)


def _undone(person: Subscriber, notice: Notice, topics: Mapping[str, Topic], spoken: Language) -> str:
    """What the undo would change, in the notice's words."""
    now = settings_in_words(mailed(person), topics, spoken)
    then = settings_in_words({**mailed(person), **what_changed(notice)}, topics, spoken)
    differences = [
        spoken.say("%(name)s: %(then)s, and not %(now)s.", name=name, then=then[name], now=now[name])
        for name in then
        if then[name] != now[name]
    ]
    return " ".join(differences) or spoken.say("Nothing would change: it is as it was before.")
