"""What a mailbox shows of a digest before it is opened: subject and preheader, which name the content. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from service.models import Digest, DigestKind
from service.render.language import language
from service.render.words import shortened, shown

_LONGEST_SUBJECT = 110
_LONGEST_PREHEADER = 150


def subject_line(digest: Digest) -> str:
    """`3 papers: Agents & tool use, Code · Title of the first`."""
    spoken = language(digest.subscriber.language)
    if not digest.passed:
        return spoken.say("Nothing for you, out of %(total)s", total=spoken.number(digest.looked_at_count))
    names = [shown(section.topic.name, 60) for section in digest.sections if section.topic]
    if len(names) > 2:
        names = [", ".join(names[:2]) + " " + spoken.say("and %(number)s more", number=len(names) - 2)]
    count = len(digest.passed)
    number = spoken.count("%(number)s paper", "%(number)s papers", count, number=spoken.number(count))
    topics = f": {', '.join(names)}" if names else ""
    return shortened(f"{_kind(digest)}{number}{topics} · {shown(digest.passed[0].paper.title, 200)}", _LONGEST_SUBJECT)


def preheader(digest: Digest) -> str:
    """What is in it beyond the title that the subject holds: a week's themes, a second look, the first paper in a sentence."""
    if not digest.passed:
        return ""
    first = digest.passed[0].paper
    told = [*_news(digest), shown(first.tldr or first.title, _LONGEST_PREHEADER)]
    return shortened(" ".join(told), _LONGEST_PREHEADER)


def _news(digest: Digest) -> Iterator[str]:
    spoken = language(digest.subscriber.language)
    if digest.week and digest.week.themes:
        themes = spoken.listed(tuple(shown(theme.tag, 40) for theme in digest.week.themes[:3]))
        yield spoken.say("Rising: %(themes)s.", themes=themes)
    if digest.second_look and (look := digest.second_look.second_look):
        title = shown(digest.second_look.paper.title, 80)
        before, now = spoken.number(look.upvotes_then), spoken.number(look.upvotes_now)
        yield spoken.say("Took off: %(title)s, %(before)s to %(now)s upvotes.", title=title, before=before, now=now)


def _kind(digest: Digest) -> str:
    spoken = language(digest.subscriber.language)
    if digest.kind is DigestKind.WEEKLY:
        return spoken.say("Your week, ")
    return spoken.say("The days you missed, ") if digest.kind is DigestKind.CATCH_UP else ""
