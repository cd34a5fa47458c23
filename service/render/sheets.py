"""A digest as one sheet of paper: top, week, cards, lines, foot, in the reader's language. Pure.

The sheet is what templates show, so html, text and web version tell the same. It knows how to become shorter, for mail
programs cut long mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from service.models import Digest, DigestKind, MailLinks, Pick, Theme, Topic, is_weekly, listed_days
from service.render.cards import Card, Line, Link, Reader, card, line
from service.render.language import Language, language
from service.render.subject import preheader, subject_line
from service.render.words import number_in_words, quoted, schedule_in_words, shown, topic_name

_TALLEST_BAR = 36  # pixels


def _marked(one: str, many: str) -> tuple[str, str]:
    """A sentence that is translated later, in both its forms."""
    return one, many


_DAY = _marked("One paper for you, out of %(total)s", "%(number)s papers for you, out of %(total)s")
_HEADINGS = {
    DigestKind.DAY: _DAY,
    DigestKind.NOTE: _DAY,
    DigestKind.WEEKLY: _marked("Your week: one paper, out of %(total)s", "Your week: %(number)s papers, out of %(total)s"),
    DigestKind.CATCH_UP: _marked(
        "The best of what you missed: one paper, out of %(total)s",
        "The best of what you missed: %(number)s papers, out of %(total)s",
    ),
}


@dataclass(frozen=True, slots=True)
class Group:
    """Cards under one heading."""

    heading: str
    cards: tuple[Card, ...]


@dataclass(frozen=True, slots=True)
class Lines:
    """One-liners under one heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """How often a tag stood on each of the week's days."""

    name: str
    total: str
    usual: str
    bars: tuple[tuple[str, int, int], ...]  # the day's initial, its papers, the bar's height in pixels
    words: str  # the same for those who hear it


@dataclass(frozen=True, slots=True)
class Sheet:
    language: Language
    subject: str
    preheader: str
    day: str  # on which it is sent
    heading: str
    lead: str
    has_samples: bool
    charts: tuple[Chart, ...]
    groups: tuple[Group, ...]
    lines: tuple[Lines, ...]
    more_count: int  # papers that only the web version lists
    web: str | None  # its address; None where this is it
    reason: str  # why the person gets this; the schedule ends the sentence
    schedule: str
    links: tuple[Link, ...]
    postal_line: str | None

    @property
    def cards(self) -> tuple[Card, ...]:
        return tuple(card for group in self.groups for card in group.cards)

    @property
    def more(self) -> str:
        return self.language.count(
            "One more matched: read it on the web",
            "%(number)s more matched: read them on the web",
            self.more_count,
            number=self.language.number(self.more_count),
        )


def sheet(digest: Digest, links: MailLinks, *, sent_on: date, postal_line: str | None, is_web: bool) -> Sheet:
    """A browser gets a line for each paper that a mail only counts."""
    person = digest.subscriber
    spoken = language(person.language)
    topics = {topic.slug: topic for topic in digest.topics}
    reader = Reader(spoken, links, topics, digest.on, with_abstract=person.with_abstract)
    cards = list(grouped_cards(digest, spoken))
    lines = list(grouped_lines(digest, digest.lines + digest.unlisted if is_web else digest.lines, spoken))
    lead = lead_of(digest, spoken)
    shown_picks = [pick for picks in [*(picks for _, picks in cards), *(picks for _, picks, _ in lines)] for pick in picks]
    return Sheet(
        language=spoken,
        subject=subject_line(digest),
        preheader=preheader(digest) or lead,
        day=spoken.day(sent_on),
        heading=heading(digest.kind, digest.passed_count, digest.looked_at_count, spoken),
        lead=lead,
        has_samples=any(pick.paper.is_sample for pick in shown_picks),
        charts=charts_of(digest.week.days, digest.week.themes, spoken) if digest.week else (),
        groups=tuple(_groups(cards, reader)),
        lines=tuple(
            Lines(heading, tuple(line(pick, spoken, has_gist=has_gist) for pick in picks)) for heading, picks, has_gist in lines
        ),
        more_count=0 if is_web else len(digest.unlisted),
        web=None if is_web else links.web,
        reason=reason_of(digest, spoken),
        schedule=schedule(person.cadence, person.hour, person.zone, spoken),
        links=tuple(foot_links(links, spoken, is_weekly=is_weekly(person.cadence), has_web=not is_web and bool(digest.picks))),
        postal_line=postal_line,
    )


def ever_shorter(whole: Sheet) -> Iterator[Sheet]:
    """The sheet, then each time with one line fewer, and when there is none with one card fewer.

    What fell out counts among the papers that only the web version lists.
    """
    yield whole
    while whole.lines or whole.groups:
        whole = _without_last_line(whole) if whole.lines else _without_last_card(whole)
        yield whole


def _without_last_line(whole: Sheet) -> Sheet:
    *others, last = whole.lines
    kept = [replace(last, lines=last.lines[:-1])] if len(last.lines) > 1 else []
    return replace(whole, lines=(*others, *kept), more_count=whole.more_count + 1)


def _without_last_card(whole: Sheet) -> Sheet:
    *others, last = whole.groups
    kept = [replace(last, cards=last.cards[:-1])] if len(last.cards) > 1 else []
    return replace(whole, groups=(*others, *kept), more_count=whole.more_count + 1)


@lru_cache(maxsize=1000)
def heading(kind: DigestKind, count: int, total: int, spoken: Language) -> str:
    """`Seven papers for you, out of 43`."""
    of_all = spoken.number(total)
    if not count:
        return spoken.say("Nothing for you, out of %(total)s", total=of_all)
    one, many = _HEADINGS[kind]
    words = spoken.count(one, many, count, number=number_in_words(count, spoken), total=of_all)
    return words[:1].upper() + words[1:]


def lead_of(digest: Digest, spoken: Language) -> str:
    """`Six minutes. The list of Wednesday 19 August 2026, in your two topics, strongest first.`"""
    if digest.first is None:
        return _silence_in_words(digest, spoken)
    return _lead(digest.minutes, digest.covered_from, digest.on, digest.earlier_count, len(digest.topics), spoken)


@lru_cache(maxsize=1000)
def _lead(minutes: int, covered_from: date, on: date, earlier_count: int, topic_count: int, spoken: Language) -> str:
    number = number_in_words(minutes, spoken).capitalize()
    time = spoken.count("One minute.", "%(number)s minutes.", minutes, number=number)
    in_words = number_in_words(topic_count, spoken)
    topics = spoken.count("in your topic", "in your %(number)s topics", topic_count, number=in_words)
    order = spoken.say("strongest first")
    return f"{time} {_days(covered_from, on, spoken)}{_earlier(earlier_count, spoken)}, {topics}, {order}."


def _earlier(count: int, spoken: Language) -> str:
    """What the days that a digest is about don't tell of what is in it."""
    if not count:
        return ""
    number = number_in_words(count, spoken)
    return " " + spoken.count("and one paper of an earlier list", "and %(number)s papers of earlier lists", count, number=number)


def _silence_in_words(digest: Digest, spoken: Language) -> str:
    if not digest.topics:
        return spoken.say("You have chosen no topics.")
    days = _days(digest.covered_from, digest.on, spoken)
    if not digest.looked_at_count:
        return spoken.say("%(days)s: no new papers.", days=days)
    looked = spoken.say("%(days)s: no paper reached your bar.", days=days)
    near = len(digest.near_misses)
    if not near:
        return looked
    told = spoken.count("One came near.", "%(number)s came near.", near, number=number_in_words(near, spoken).capitalize())
    return f"{looked} {told}"


def _days(covered_from: date, on: date, spoken: Language) -> str:
    """Of the span's days, those with lists; where it has none, what came late is told by its last day."""
    days = listed_days(covered_from, on) or (on,)
    first, last = spoken.day(days[0]), spoken.day(days[-1])
    if first == last:
        return spoken.say("The list of %(day)s", day=last)
    return spoken.say("The lists of %(first)s to %(last)s", first=first, last=last)


def grouped_cards(digest: Digest, spoken: Language) -> Iterator[tuple[Topic | str, tuple[Pick, ...]]]:
    """The picks that get a full card, under their topics or another heading."""
    for section in digest.sections:
        yield section.topic or spoken.say("Also chosen"), section.picks
    if digest.second_look:
        yield spoken.say("A second look"), (digest.second_look,)
    if digest.outside:
        yield spoken.say("Outside your topics"), (digest.outside,)


def grouped_lines(digest: Digest, whole: tuple[Pick, ...], spoken: Language) -> Iterator[tuple[str, tuple[Pick, ...], bool]]:
    """The picks that get one line, under their headings, and whether with their gist: a riser's stands on its card."""
    week = digest.week
    if week and week.risers:
        yield spoken.say("Rising fastest"), week.risers, False
    if week and week.missed:
        yield spoken.say("Much read, outside your topics"), week.missed, True
    if whole:
        yield spoken.say("Also new, in a line"), whole, True
    elif digest.first is None and digest.near_misses:
        yield spoken.say("Near misses"), digest.near_misses, True


def _groups(groups: Iterable[tuple[Topic | str, tuple[Pick, ...]]], reader: Reader) -> Iterator[Group]:
    number = 0
    for topic, picks in groups:
        heading = topic if isinstance(topic, str) else topic_name(topic)
        cards = tuple(card(pick, f"{number + place}", reader) for place, pick in enumerate(picks, 1))
        number += len(cards)
        yield Group(heading, cards)


def charts_of(days: Sequence[date], themes: Sequence[Theme], spoken: Language) -> tuple[Chart, ...]:
    most = max((count for theme in themes for count in theme.counts), default=1) or 1
    return tuple(_chart(theme, days, most, spoken) for theme in themes)


def _chart(theme: Theme, days: Sequence[date], most: int, spoken: Language) -> Chart:
    counted = list(zip(days, theme.counts, strict=True))
    bars = tuple((spoken.weekday_initial(day), count, max(round(count / most * _TALLEST_BAR), 1)) for day, count in counted)
    return Chart(
        shown(theme.tag, 40),
        spoken.count("%(number)s paper", "%(number)s papers", theme.count, number=spoken.number(theme.count)),
        spoken.say("usually %(number)s", number=spoken.number(theme.usual if theme.usual < 10 else round(theme.usual))),
        bars,
        ", ".join(f"{spoken.weekday(day)} {count}" for day, count in counted),
    )


def reason_of(digest: Digest, spoken: Language) -> str:
    """Why the person gets this; how often follows."""
    return reason([topic_name(topic) for topic in digest.topics], spoken)


def reason(names: Sequence[str], spoken: Language) -> str:
    """`You get this because you chose “Agents & tool use” and “Code”,`."""
    return _reason_for(len(names), spoken).format(*names)


@lru_cache(maxsize=1000)
def _reason_for(count: int, spoken: Language) -> str:
    """With a place for each name."""
    if not count:
        return spoken.say("You get this")
    places = spoken.listed([quoted("{}", spoken)] * count)
    return spoken.say("You get this because you chose %(topics)s,", topics=places)


def schedule(cadence: str, hour: int, zone: str, spoken: Language) -> str:
    """`daily at 08:00, Berlin time.`"""
    return schedule_in_words(cadence, hour, zone, spoken) + "."


def foot_links(links: MailLinks, spoken: Language, *, is_weekly: bool, has_web: bool) -> Iterator[Link]:
    yield Link(spoken.say("Change topics and times"), links.settings)
    if not is_weekly:
        yield Link(spoken.say("Weekly instead"), f"{links.settings}#cadence")
    yield Link(spoken.say("Pause"), links.pause)
    yield Link(spoken.say("Unsubscribe"), links.unsubscribe)
    if has_web:
        yield Link(spoken.say("Read on the web"), links.web)
