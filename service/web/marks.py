"""What a person says of a paper: more like this, less, mute a phrase, save. Touches the database.

Links lead to a page with buttons; opening it changes nothing. A mark is answered by its page alone, which offers the undo; a
muted phrase is a setting, so that it is told by mail as well. All marks together are history, which the account page shows.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from service.compose.wording import wording, written
from service.errors import BadLink, WrongUse
from service.links import Standing
from service.models import MarkKind, Paper, Subscriber
from service.pipeline.subscriptions import change_settings, check_active
from service.render.language import Language, language
from service.render.words import quoted
from service.store.database import reading, transaction
from service.store.marks import marked_papers, put_mark, take_back_mark
from service.store.papers import papers_by_id
from service.subscribers import parse_names
from service.web.site import READ, Site, nothing_changed, page, person_of, standing_path
from service.words import tokens

_MOST_PHRASES = 5
_PHRASE = re.compile(r"[^,;]{3,60}")  # that is one by itself


def routes(site: Site) -> APIRouter:
    router = APIRouter()

    @router.api_route("/mark/{token}/{paper_id}", methods=READ)
    @router.api_route("/mark/{token}/{paper_id}/{what}", methods=READ)
    def ask(token: str, paper_id: str, what: str = "") -> HTMLResponse:
        """The page has every button; what the link asks for stands first."""
        with reading(site.engine) as session:
            person, paper = _person_and_paper(session, site, token, paper_id)
            return _paper_page(session, site, person, paper, asked=what)

    @router.post("/mark/{token}/{paper_id}/mute")
    def mute(token: str, paper_id: str, phrase: Annotated[str, Form()] = "") -> HTMLResponse:
        with transaction(site.engine) as session:
            person, paper = _person_and_paper(session, site, token, paper_id, to_change=True)
            try:
                said = _mute(session, site, person, phrase)
            except WrongUse as error:
                said = nothing_changed(error, language(person.language))
                return _paper_page(session, site, person, paper, said=said, status_code=422)
            return _paper_page(session, site, person, paper, said=said)

    @router.post("/mark/{token}/{paper_id}/{kind}")
    def mark(token: str, paper_id: str, kind: MarkKind, undo: Annotated[str, Form()] = "") -> HTMLResponse:
        with transaction(site.engine) as session:
            person, paper = _person_and_paper(session, site, token, paper_id, to_change=True)
            spoken = language(person.language)
            try:
                check_active(person)
            except WrongUse as error:
                said = nothing_changed(error, spoken)
                return _paper_page(session, site, person, paper, said=said, status_code=422)
            assert person.id is not None
            if undo:
                take_back_mark(session, person.id, paper.id, kind)
            else:
                put_mark(session, person.id, paper.id, kind, site.clock())
            said = spoken.say("Taken back.") if undo else _noted(kind, spoken)
            return _paper_page(session, site, person, paper, said=said)

    return router


def _person_and_paper(
    session: Session, site: Site, token: str, paper_id: str, *, to_change: bool = False
) -> tuple[Subscriber, Paper]:
    """Raises BadLink."""
    person = person_of(session, site, Standing.MARK, token, to_change=to_change)
    found = papers_by_id(session, [paper_id])
    if not found:
        raise BadLink("there is no such paper")
    return person, found[0]


def _mute(session: Session, site: Site, person: Subscriber, phrase: str) -> str:
    """Raises WrongUse."""
    phrases = parse_names(phrase)
    if not phrases:
        raise WrongUse("no phrase is named")
    muted = parse_names("\n".join([*person.muted, *phrases]))
    is_news = change_settings(session, person, {"muted": list(muted)}, site.clock())
    spoken = language(person.language)
    said = spoken.say(
        "Papers that hold %(phrases)s come no more.", phrases=", ".join(quoted(phrase, spoken) for phrase in phrases)
    )
    rest = spoken.say("A mail tells it, with an undo.")
    return f"{said} {rest}" if is_news else said


def _own_phrases(person: Subscriber, paper: Paper) -> list[str]:
    """What the paper itself could be muted by, that stands in it: keywords, or the wider tags where it has none."""
    text, muted = wording(paper).text, set(map(tokens, person.muted))
    named = {tokens(phrase): phrase for phrase in paper.source_keywords or paper.tags if _PHRASE.fullmatch(phrase)}
    fitting = (phrase for words, phrase in named.items() if words not in muted and written(words) in text)
    return list(islice(fitting, _MOST_PHRASES))


def _buttons(spoken: Language) -> dict[MarkKind, str]:
    say = spoken.say
    return {MarkKind.MORE: say("More like this"), MarkKind.LESS: say("Less like this"), MarkKind.SAVED: say("Save")}


def _noted(kind: MarkKind, spoken: Language) -> str:
    if kind is MarkKind.MORE:
        return spoken.say("More like this: noted. Papers like it rise from your next digest on.")
    if kind is MarkKind.LESS:
        return spoken.say("Less like this: noted. Papers like it sink from your next digest on.")
    return spoken.say("Saved. It stands on the page of all that is stored of you, and papers like it rise.")


def _paper_page(
    session: Session,
    site: Site,
    person: Subscriber,
    paper: Paper,
    *,
    asked: str = "",
    said: str | None = None,
    status_code: int = 200,
) -> HTMLResponse:
    assert person.id is not None
    given = {mark.kind for mark, marked in marked_papers(session, person.id) if marked.id == paper.id}
    spoken = language(person.language)
    own = _own_phrases(person, paper) if asked == "mute" else []
    buttons = [(kind, words, kind in given) for kind, words in _buttons(spoken).items()]
    return page(
        site,
        spoken,
        "mark.html",
        status_code=status_code,
        paper=paper,
        said=said,
        asked=asked,
        phrases=[(phrase, spoken.say("Mute %(phrase)s", phrase=quoted(phrase, spoken))) for phrase in own],
        buttons=sorted(buttons, key=lambda button: button[0] != asked),
        action=f"{standing_path(site, Standing.MARK, person)}/{paper.id}",
        settings=standing_path(site, Standing.SETTINGS, person),
    )
