"""A digest as one sheet of paper: top, week, cards, lines, foot, in the reader's language. Pure.

The sheet is what templates show, so html, text and web version tell the same. It knows how to become shorter, for mail
programs cut long mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from service.models import Digest, DigestKind, MailLinks, Pick, Theme
from service.render.cards import Card, Line, Link, Reader, card, line
from service.render.language import Language, language
from service.render.subject import preheader, subject_line
from service.render.words import number_in_words, schedule_in_words, shown

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
    reason: str  # why the person gets this
    links: tuple[Link, ...]
    postal_line: str | None

    @property
    def cards(self) -> tuple[Card, ...]:
        return tuple(card for group in self.groups for card in group.cards)

    @property
    def more(self) -> str:
        if not self.more_count:
            return ""
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
    cards = grouped_cards(digest, spoken)
    lines = grouped_lines(digest, digest.lines + digest.unlisted if is_web else digest.lines, spoken)
    shown_picks = [pick for picks in [*(picks for _, picks in cards), *(picks for _, picks, _ in lines)] for pick in picks]
    return Sheet(
        language=spoken,
        subject=subject_line(digest),
        preheader=preheader(digest),
        day=spoken.day(sent_on),
        heading=heading_of(digest, spoken),
        lead=lead_of(digest, spoken),
        has_samples=any(pick.paper.is_sample for pick in shown_picks),
        charts=charts_of(digest, spoken),
        groups=tuple(_groups(cards, reader)),
        lines=tuple(
            Lines(heading, tuple(line(pick, spoken, has_gist=has_gist) for pick in picks)) for heading, picks, has_gist in lines
        ),
        more_count=0 if is_web else len(digest.unlisted),
        web=None if is_web else links.web,
        reason=reason_of(digest, spoken),
        links=tuple(foot_links(digest, links, spoken, is_web=is_web)),
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


def heading_of(digest: Digest, spoken: Language) -> str:
    """`Seven papers for you, out of 43`."""
    count = len(digest.passed)
    one, many = _HEADINGS[digest.kind]
    total = spoken.number(digest.looked_at_count)
    if not count:
        return spoken.say("Nothing for you, out of %(total)s", total=total)
    words = spoken.count(one, many, count, number=number_in_words(count, spoken), total=total)
    return words[:1].upper() + words[1:]


def lead_of(digest: Digest, spoken: Language) -> str:
    """`Six minutes. The list of Wednesday 19 August 2026, in your two topics, strongest first.`"""
    if not digest.passed:
        return _silence_in_words(digest, spoken)
    count = len(digest.topics)
    order = spoken.say("strongest first")
    topics = spoken.count("in your topic", "in your %(number)s topics", count, number=number_in_words(count, spoken))
    return f"{_minutes(digest, spoken)} {_days(digest, spoken)}, {topics}, {order}."


def _silence_in_words(digest: Digest, spoken: Language) -> str:
    if not digest.topics:
        return spoken.say("You have chosen no topics.")
    if not digest.looked_at_count:
        return spoken.say("%(days)s: no new papers.", days=_days(digest, spoken))
    looked = spoken.say("%(days)s: none of its papers reached your bar.", days=_days(digest, spoken))
    near = len(digest.near_misses)
    if not near:
        return looked
    told = spoken.count("One came near.", "%(number)s came near.", near, number=number_in_words(near, spoken).capitalize())
    return f"{looked} {told}"


def _minutes(digest: Digest, spoken: Language) -> str:
    number = number_in_words(digest.minutes, spoken).capitalize()
    return spoken.count("One minute.", "%(number)s minutes.", digest.minutes, number=number)


def _days(digest: Digest, spoken: Language) -> str:
    last = spoken.day(digest.on)
    if digest.covered_from >= digest.on:
        return spoken.say("The list of %(day)s", day=last)
    return spoken.say("The lists of %(first)s to %(last)s", first=spoken.day(digest.covered_from), last=last)


def grouped_cards(digest: Digest, spoken: Language) -> list[tuple[str, tuple[Pick, ...]]]:
    """The picks that get a full card, under their headings."""
    say = spoken.say
    also = say("Also chosen")
    told = [(shown(section.topic.name, 100) if section.topic else also, section.picks) for section in digest.sections]
    told += [(say("A second look"), (digest.second_look,))] if digest.second_look else []
    told += [(say("Outside your topics"), (digest.outside,))] if digest.outside else []
    return told


def grouped_lines(digest: Digest, whole: tuple[Pick, ...], spoken: Language) -> list[tuple[str, tuple[Pick, ...], bool]]:
    """The picks that get one line, under their headings, and whether with their gist: a riser's stands on its card."""
    week, near = digest.week, () if digest.passed else digest.near_misses
    told = (
        (spoken.say("Rising fastest"), week.risers if week else (), False),
        (spoken.say("Much read, outside your topics"), week.missed if week else (), True),
        (spoken.say("Also new, in a line"), whole, True),
        (spoken.say("Near misses"), near, True),
    )
    return [group for group in told if group[1]]


def _groups(groups: Iterable[tuple[str, tuple[Pick, ...]]], reader: Reader) -> Iterator[Group]:
    number = 0
    for heading, picks in groups:
        cards = tuple(card(pick, f"{number + place}", reader) for place, pick in enumerate(picks, 1))
        number += len(cards)
        yield Group(heading, cards)


def charts_of(digest: Digest, spoken: Language) -> tuple[Chart, ...]:
    week = digest.week
    if week is None:
        return ()
    most = max((count for theme in week.themes for count in theme.counts), default=1) or 1
    return tuple(_chart(theme, week.days, most, spoken) for theme in week.themes)


def _chart(theme: Theme, days: Sequence[date], most: int, spoken: Language) -> Chart:
    counted = list(zip(days, theme.counts, strict=True))
    bars = tuple((spoken.weekday_initial(day), count, max(round(count / most * _TALLEST_BAR), 1)) for day, count in counted)
    return Chart(
        shown(theme.tag, 40),
        spoken.count("%(number)s paper", "%(number)s papers", theme.count, number=spoken.number(theme.count)),
        spoken.say("usually %(number)s", number=spoken.number(theme.usual)),
        bars,
        ", ".join(f"{spoken.weekday(day)} {count}" for day, count in counted),
    )


def reason_of(digest: Digest, spoken: Language) -> str:
    person = digest.subscriber
    names = tuple(shown(topic.name, 100) for topic in digest.topics)
    schedule = schedule_in_words(person.cadence, person.hour, person.zone, spoken)
    if not names:
        return spoken.say("You get this %(schedule)s.", schedule=schedule)
    chosen = spoken.listed(names)
    return spoken.say("You get this because you chose %(topics)s, %(schedule)s.", topics=chosen, schedule=schedule)


def foot_links(digest: Digest, links: MailLinks, spoken: Language, *, is_web: bool = False) -> Iterator[Link]:
    yield Link(spoken.say("Change topics and times"), links.settings)
    if not digest.subscriber.cadence.startswith("weekly"):
        yield Link(spoken.say("Weekly instead"), f"{links.settings}#cadence")
    yield Link(spoken.say("Pause"), links.pause)
    yield Link(spoken.say("Unsubscribe"), links.unsubscribe)
    if digest.picks and not is_web:
        yield Link(spoken.say("Read on the web"), links.web)
