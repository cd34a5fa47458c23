"""Notice to Email: confirmations, fresh links, and what was changed. Pure; templates count as code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import NamedTuple

from service.models import Email, Notice, NoticeKind, Subscriber, Topic
from service.render.language import Language, language
from service.render.preferences import settings_in_words
from service.render.templates import mail_template
from service.render.words import masked, schedule_in_words, topics_in_words


class _Words(NamedTuple):
    subject: str  # the heading as well
    paragraphs: tuple[str, ...]
    button: str
    afterwards: str  # below the button: how long the link lasts, and what if it was not you
    changes: tuple[tuple[str, str, str], ...] = ()  # what, before, after


def render_notice(notice: Notice, person: Subscriber, topics: Mapping[str, Topic], *, link: str, sent_on: date) -> Email:
    """`link` is the one thing to do; `topics` are all, by slug."""
    spoken = language(person.language)
    said = _WORDS[NoticeKind(notice.kind)](notice, person, topics, spoken)
    values = {"said": said, "link": link, "day": spoken.day(sent_on), "language": spoken, "say": spoken.say}
    text = mail_template("notice.txt").render(values)
    return Email(said.subject, mail_template("notice.html").render(values), text.strip() + "\n")


def _confirmation(_: Notice, person: Subscriber, topics: Mapping[str, Topic], spoken: Language) -> _Words:
    say = spoken.say
    names = topics_in_words(person.topics, topics, spoken)
    schedule = schedule_in_words(person.cadence, person.hour, person.zone, spoken)
    return _Words(
        say("Please confirm your digest"),
        (
            say("Paperround mails a digest of new research papers. Somebody asked for it to come to this address."),
            say("It would be about %(topics)s. It would come %(schedule)s.", topics=names, schedule=schedule),
        ),
        say("Yes, send it to me"),
        say("The link lasts for seven days. If you did not ask for it, do nothing: no digest comes."),
    )


def _change(notice: Notice, _: Subscriber, topics: Mapping[str, Topic], spoken: Language) -> _Words:
    say = spoken.say
    before, after = (settings_in_words(told, topics, spoken) for told in (notice.before, notice.after))
    changes = tuple((name, before[name], after[name]) for name in before if before[name] != after.get(name))
    return _Words(
        say("Your digest was changed"),
        (say("The settings of your digest were changed by a link in one of its mails."),),
        say("Undo this change"),
        say("The link lasts for thirty days. If it was you, there is nothing to do."),
        changes,
    )


def _account(_notice: Notice, _person: Subscriber, _topics: Mapping[str, Topic], spoken: Language) -> _Words:
    say = spoken.say
    return _Words(
        say("Your link to all that is stored"),
        (say("It shows what Paperround keeps of you, and lets you take it with you, move it to another address, or erase it."),),
        say("Open it"),
        say("The link lasts for two hours. If you did not ask for it, do nothing, and pass it on to nobody."),
    )


def _address(_notice: Notice, _person: Subscriber, _topics: Mapping[str, Topic], spoken: Language) -> _Words:
    say = spoken.say
    return _Words(
        say("Please confirm your new address"),
        (say("A subscriber of Paperround, a digest of new research papers, asked for it to come to this address from now on."),),
        say("Yes, send it here"),
        say("The link lasts for a day. If it was not you, do nothing: nothing changes."),
    )


def _move(notice: Notice, _person: Subscriber, _topics: Mapping[str, Topic], spoken: Language) -> _Words:
    say, address = spoken.say, masked(notice.after["email"])
    return _Words(
        say("Your digest goes to another address"),
        (say("From now on your digest goes to %(address)s, and no more to this address.", address=address),),
        say("Undo this change"),
        say("The link lasts for thirty days. If it was you, there is nothing to do."),
    )


_WORDS: dict[NoticeKind, Callable[[Notice, Subscriber, Mapping[str, Topic], Language], _Words]] = {
    NoticeKind.CONFIRMATION: _confirmation,
    NoticeKind.CHANGE: _change,
    NoticeKind.ACCOUNT: _account,
    NoticeKind.ADDRESS: _address,
    NoticeKind.MOVE: _move,
}
