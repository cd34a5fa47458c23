"""Notice to Email: confirmations, fresh links, and what was changed. Pure; templates count as code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from service.models import Email, Notice, NoticeKind, Subscriber, Topic
from service.render.preferences import settings_in_words
from service.render.templates import mail_template
from service.render.words import masked


class _Words(NamedTuple):
    subject: str  # the heading as well
    paragraphs: tuple[str, ...]
    button: str
    afterwards: str  # below the button: how long the link lasts, and what if it was not you
    changes: tuple[tuple[str, str, str], ...] = ()  # what, before, after


def render_notice(notice: Notice, person: Subscriber, topics: Mapping[str, Topic], *, link: str, sent_on: date) -> Email:
    """`link` is the one thing to do; `topics` are all, by slug."""
    said = _WORDS[NoticeKind(notice.kind)](notice, person, topics)
    values = {"said": said, "subject": said.subject, "link": link, "sent_on": sent_on}
    text = mail_template("notice.txt").render(values)
    return Email(said.subject, mail_template("notice.html").render(values), text.strip() + "\n")


def _confirmation(_: Notice, person: Subscriber, topics: Mapping[str, Topic]) -> _Words:
    said = settings_in_words(person.model_dump(), topics)
    return _Words(
        "Please confirm your digest",
        (
            "Paperround mails a digest of new research papers. Somebody asked for it to come to this address.",
            f"It would be about {said['Topics']}, {said['Mail']}.",
        ),
        "Yes, send it to me",
        "The link lasts for seven days. If you did not ask for it, do nothing: no digest comes.",
    )


def _change(notice: Notice, _: Subscriber, topics: Mapping[str, Topic]) -> _Words:
    before, after = settings_in_words(notice.before, topics), settings_in_words(notice.after, topics)
    changes = tuple((name, before[name], after[name]) for name in before if before[name] != after.get(name))
    return _Words(
        "Your digest was changed",
        ("The settings of your digest were changed by a link in one of its mails.",),
        "Undo this change",
        "The link lasts for thirty days. If it was you, there is nothing to do.",
        changes,
    )


def _account(*_: object) -> _Words:
    return _Words(
        "Your link to all that is stored",
        ("It shows what Paperround keeps of you, and lets you take it with you, move it to another address, or erase it.",),
        "Open it",
        "The link lasts for two hours. If you did not ask for it, do nothing, and pass it on to nobody.",
    )


def _address(*_: object) -> _Words:
    return _Words(
        "Please confirm your new address",
        ("A subscriber of Paperround, a digest of new research papers, asked for it to come to this address from now on.",),
        "Yes, send it here",
        "The link lasts for a day. If it was not you, do nothing: nothing changes.",
    )


def _move(notice: Notice, *_: object) -> _Words:
    return _Words(
        "Your digest goes to another address",
        (f"From now on your digest goes to {masked(notice.after['email'])}, and no more to this address.",),
        "Undo this change",
        "The link lasts for thirty days. If it was you, there is nothing to do.",
    )


_WORDS: dict[NoticeKind, Callable[[Notice, Subscriber, Mapping[str, Topic]], _Words]] = {
    NoticeKind.CONFIRMATION: _confirmation,
    NoticeKind.CHANGE: _change,
    NoticeKind.ACCOUNT: _account,
    NoticeKind.ADDRESS: _address,
    NoticeKind.MOVE: _move,
}
