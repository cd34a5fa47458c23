"""How mails and pages say things: days, counts, authors, rhythms, links. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache

from service.models import WEEKDAYS, Delivery, DeliveryState, Paper, Topic
from service.render.characters import one_line
from service.render.language import ENGLISH, Language
from service.render.latex import readable

SOURCE = "https://huggingface.co/papers"
_DOMAIN_DOT = re.compile(r"(?<=\w)\.(?=(?!js)(?:[a-z]{2}|com|org|net|edu|gov|dev|app|info|tech|cloud|xyz)\b)", re.IGNORECASE)
_WEB_LINK = re.compile(r"https://(?:[\w-]+\.)+[\w-]+(?::\d+)?(?:[/?#][!#-&(-;=?-\[\]-~]*)?", re.ASCII)
_MONDAY = date(2024, 1, 1)


def paper_link(paper: Paper) -> str:
    return f"{SOURCE}/{paper.id}"


@lru_cache(maxsize=10_000)
def shown(text: str | None, longest: int) -> str:
    """What papers and people wrote, as one line that reads, cut at a word; LaTeX holds blanks of its own."""
    return shortened(" ".join(readable(one_line((text or "")[: 4 * longest])).split()), longest)


def topic_name(topic: Topic) -> str:
    return shown(topic.name, 100)


def link_text(text: str) -> str:
    """Written so that it reads as no domain: `cs.RO` as `cs·RO`. Filters take a link whose text names another host than the
    one that it leads to for phishing (rspamd: 2 points)."""
    return _DOMAIN_DOT.sub("·", text)


def unbroken(words: str) -> str:
    """On one line, where a browser would break it."""
    return words.replace(" ", "\u00a0")


def shortened(text: str, longest: int) -> str:
    """Cut at a word where it can be."""
    if len(text) <= longest:
        return text
    cut = text[: longest - 2]
    return (cut[: cut.rfind(" ")] if " " in cut[longest // 2 :] else cut) + " …"


def wrapped(text: str, width: int = 78) -> str:
    """In lines of at most that many characters; only a link is never broken."""
    lines: list[str] = []
    while len(text) > width:
        end = text.rfind(" ", 0, width + 1)
        if end < 0:  # its first word alone is longer
            word = text.partition(" ")[0]
            if word == text and "://" in word:
                break
            end = len(word) if "://" in word else width
        lines.append(text[:end])
        text = text[end:].removeprefix(" ")
    return "\n".join((*lines, text))


def authors_line(paper: Paper, language: Language = ENGLISH) -> str:
    """`A. Okafor, L. Brandt, M. Sato and 6 more`."""
    names = [shown(name, 60) for name in (paper.authors or [])[:3]]
    rest = (paper.author_count or 0) - len(names)
    if not names:
        return language.count("%(number)s author", "%(number)s authors", rest, number=rest) if rest > 0 else ""
    if rest <= 0:
        return ", ".join(names)
    return language.count("%(names)s and one more", "%(names)s and %(number)s more", rest, names=", ".join(names), number=rest)


def cadence_in_words(cadence: str, language: Language = ENGLISH) -> str:
    """`daily`, `on weekdays`, `weekly on Friday`."""
    rhythm, _, day = cadence.partition(":")
    if rhythm == "weekly":
        return language.say("weekly on %(day)s", day=language.weekday(_MONDAY + timedelta(days=WEEKDAYS.index(day))))
    return language.say("on weekdays") if rhythm == "weekdays" else language.say("daily")


@lru_cache(maxsize=10_000)
def schedule_in_words(cadence: str, hour: int, zone: str, language: Language = ENGLISH) -> str:
    """`daily at 08:00, Berlin time`."""
    rhythm, time = cadence_in_words(cadence, language), hour_in_words(hour, zone, language)
    return language.say("%(rhythm)s at %(time)s", rhythm=rhythm, time=time)


def hour_in_words(hour: int, zone: str, language: Language = ENGLISH) -> str:
    """`08:00, Berlin time`."""
    if zone == "UTC":
        return language.say("%(hour)s, UTC", hour=f"{hour:02d}:00")
    place = language.city(zone) or zone.rpartition("/")[2].replace("_", " ")
    return language.say("%(hour)s, %(place)s time", hour=f"{hour:02d}:00", place=place)


def quoted(words: str, language: Language) -> str:
    """`“Agents & tool use”`, where words of others stand in a sentence of ours."""
    return language.say("“%(words)s”", words=words)


def topics_in_words(slugs: Sequence[str], topics: Mapping[str, Topic], language: Language = ENGLISH) -> str:
    """`Agents & tool use; Retrieval, RAG & recommendation`, in the catalogue's order; one that is gone by its slug."""
    names = [one_line(topic.name) for slug, topic in topics.items() if slug in slugs]
    names += [slug for slug in slugs if slug not in topics]
    return "; ".join(names) or language.say("no topics")


def reason_in_words(delivery: Delivery, language: Language) -> str | None:
    """What its subscriber is told: why no mail came, or what the mail server answered. Other troubles are the operator's."""
    reason, reply = delivery.reason or "", delivery.smtp_reply
    if reply and reply in reason:
        return reply
    if delivery.state != DeliveryState.SKIPPED:
        return None
    if language is ENGLISH:
        return reason
    cause = re.split("; |: | until ", reason)[0]
    return _causes(language).get(cause) or _silence_in_words(delivery, language)


def _causes(language: Language) -> dict[str, str]:
    """By how the reason of a mail that was skipped begins."""
    say = language.say
    return {
        "paused": say("paused"),
        "pending": say("not confirmed"),
        "unsubscribed": say("unsubscribed"),
        "suppressed": say("no mail goes to this address"),
        "its papers came with other digests": say("its papers came with other digests"),
        "the digest could not be chosen": say("the digest could not be chosen"),
        "no topics are chosen": say("no topics are chosen"),
    }


def _silence_in_words(delivery: Delivery, language: Language) -> str:
    if not (looked := delivery.looked_at_count):
        return language.say("no new papers")
    parts = [
        language.count("%(number)s new paper looked at", "%(number)s new papers looked at", looked, number=looked),
        language.say("none above your bar"),
    ]
    if near := len(delivery.plan.near):
        parts.append(language.count("%(number)s near miss", "%(number)s near misses", near, number=near))
    if found := re.search(r"(\d+) with a phrase you muted", delivery.reason or ""):  # which nothing else keeps
        muted = int(found[1])
        parts.append(
            language.count("%(number)s with a phrase you muted", "%(number)s with phrases you muted", muted, number=muted)
        )
    return ", ".join(parts)


def masked(email: str) -> str:
    """Enough for its owner to know it, where a forwarded mail may lead others: `a•••@example.org`."""
    name, _, host = email.partition("@")
    return f"{name[:1]}•••@{host}"


def number_in_words(number: int, language: Language = ENGLISH) -> str:
    """`seven`; figures from 13 on."""
    words = language.say("no one two three four five six seven eight nine ten eleven twelve").split()
    return words[number] if number < len(words) else language.number(number)


def web_link(url: str | None) -> str | None:
    """A link that a mail may carry, or None: pages can say `javascript:` as well. Filters mistrust plain http."""
    return url if url and len(url) < 500 and _WEB_LINK.fullmatch(url) else None
