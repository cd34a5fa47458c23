"""What a mailbox shows of a digest before it is opened: subject and preheader, which name the content. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from service.models import Digest, DigestKind
from service.render.language import Language, language
from service.render.words import shortened, shown

_MOST_NAMES = 2
_LONGEST_SUBJECT = 110
_LONGEST_PREHEADER = 150


def subject_line(digest: Digest) -> str:
    """`3 papers: Agents & tool use; Code · Title of the first`."""
    spoken, first = language(digest.subscriber.language), digest.first
    if first is None:
        return spoken.say("Nothing for you, out of %(total)s", total=spoken.number(digest.looked_at_count))
    topics = [section.topic for section in digest.sections if section.topic]
    count = spoken.number(digest.passed_count)
    told = _period(digest.kind, spoken) + spoken.count("%(number)s paper", "%(number)s papers", digest.passed_count, number=count)
    if topics:
        names = "; ".join([shown(topic.name, 60) for topic in topics[:_MOST_NAMES]])
        more = len(topics) - _MOST_NAMES
        rest = " " + spoken.count("and one more", "and %(number)s more", more, number=more) if more > 0 else ""
        told = f"{told}: {names}{rest}"
    return shortened(f"{told} · {shown(first.paper.title, 200)}", _LONGEST_SUBJECT)


def _period(kind: DigestKind, spoken: Language) -> str:
    """What the papers are of, where it is no day."""
    if kind is DigestKind.WEEKLY:
        return spoken.say("Your week, ")
    return spoken.say("The days you missed, ") if kind is DigestKind.CATCH_UP else ""


def preheader(digest: Digest) -> str:
    """What is in it beyond the title that the subject holds: a week's themes, a second look, the first paper in a sentence.

    Nothing where there is no paper.
    """
    first = digest.first
    if first is None:
        return ""
    told = shown(first.paper.tldr or first.paper.title, _LONGEST_PREHEADER)
    if digest.week or digest.second_look:
        told = " ".join((*_news(digest), told))
    return shortened(told, _LONGEST_PREHEADER)


def _news(digest: Digest) -> Iterator[str]:
    spoken = language(digest.subscriber.language)
    if digest.week and digest.week.themes:
        themes = spoken.listed(tuple(shown(theme.tag, 40) for theme in digest.week.themes[:3]))
        yield spoken.say("Rising: %(themes)s.", themes=themes)
    if digest.second_look and (look := digest.second_look.second_look):
        title = shown(digest.second_look.paper.title, 80)
        before, now = spoken.number(look.upvotes_then), spoken.number(look.upvotes_now)
        yield spoken.say("Took off: %(title)s, %(before)s to %(now)s upvotes.", title=title, before=before, now=now)
