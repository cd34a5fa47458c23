"""A pick as a mail shows it: every text ready to be read, every link ready to be followed. Pure.

Html, text and web version show the same card; what papers hold was made one readable line before it came here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from service.acronyms import spellings
from service.models import Entry, MailLinks, Match, Paper, Pick, SecondLook, Support, Topic
from service.render.language import Language
from service.render.words import (
    authors_line,
    link_text,
    number_in_words,
    paper_link,
    shortened,
    shown,
    topic_name,
    unbroken,
    web_link,
)

_LONGEST_TITLE = 300
_LONGEST_JUMP = 120
_LONGEST_TEXT = 420
_LONGEST_ABSTRACT = 1500
_LONGEST_GIST = 120
_MOST_PHRASES = 4
# At the ends of a phrase they say nothing of the paper.
_JOINING_WORDS = frozenset([
    "a", "an", "the", "this", "of", "for", "to", "that", "between", "in", "on", "we", "can", "do", "does", "how", "what", "why",
    "when", "where", "well", "far", "find", "designed",
])  # fmt: skip
IMAGE_HOST = "huggingface.co"  # of the source; another host would learn who opens which mail
_PICTURE = re.compile(rf"https://(?:[a-z0-9-]+\.)*{re.escape(IMAGE_HOST)}/")


class Link(NamedTuple):
    words: str
    address: str


class Upvotes(NamedTuple):
    total: str
    change: str  # `+41 a day`, or nothing
    words: str  # for those who hear it


@dataclass(frozen=True, slots=True)
class Note:
    """What stands below a paper: why it is in, who wrote the summary, and for which topics."""

    phrases: tuple[tuple[str, str], ...]  # what it says itself, and where: `planning`, `in the abstract`
    sentences: tuple[str, ...]
    credit: str  # who wrote the summary
    chips: tuple[str, ...]  # the person's topics that it fits, where it fits more than one

    def in_text(self, label: str) -> str:
        """`Why: "planning" in the title, "agents" in the abstract. You follow Ada Okafor. The authors' own sentence.`"""
        quoted = ", ".join(f'"{phrase}" {place}' for phrase, place in self.phrases)
        said = ((f"{quoted}.",) if quoted else ()) + self.sentences
        return " ".join(((label, *said) if said else ()) + ((self.credit,) if self.credit else ()))


@dataclass(frozen=True, slots=True)
class Card:
    number: str  # its place in the mail, from 1
    title: str
    address: str
    origin: tuple[str, ...]  # authors, organisation, arXiv id, day
    upvotes: Upvotes | None
    thumbnail: str | None
    tldr: str
    extras: tuple[tuple[str, str], ...]  # a label, and what the paper says to it
    note: Note
    links: tuple[Link, ...]
    actions: tuple[Link, ...]

    @property
    def short_title(self) -> str:
        """For the list at the top."""
        return shortened(self.title, _LONGEST_JUMP)


@dataclass(frozen=True, slots=True)
class Line:
    title: str
    address: str
    gist: str
    upvotes: Upvotes | None


@dataclass(frozen=True, slots=True)
class Reader:
    """For whom cards are made."""

    language: Language
    links: MailLinks
    topics: Mapping[str, Topic]  # theirs, by slug
    on: date
    with_abstract: bool = False


def card(pick: Pick, number: str, reader: Reader) -> Card:
    paper, language = pick.paper, reader.language
    origin = (
        authors_line(paper, language),
        shown(paper.organization, 100),
        f"arXiv\u00a0{paper.id}",
        language.short_day(paper.featured_on),
    )
    return Card(
        number=number,
        title=title(paper),
        address=paper_link(paper),
        origin=tuple(part for part in origin if part),
        upvotes=upvotes(paper, language),
        thumbnail=thumbnail(paper),
        tldr=shown(paper.tldr, _LONGEST_TEXT),
        extras=tuple(_extras(paper, reader)),
        note=note(pick, reader),
        links=tuple(_links(paper, language)),
        actions=tuple(_actions(pick, reader)),
    )


def note(pick: Pick, reader: Reader) -> Note:
    names = tuple(topic_name(reader.topics[slug]) for slug in pick.chips if slug in reader.topics)
    return Note(
        tuple(phrases(pick.matches, reader.language)),
        tuple(_sentences(pick, reader)),
        _credit(pick.paper, reader.language),
        names if len(names) > 1 else (),
    )


def line(pick: Pick, language: Language, *, has_gist: bool = True) -> Line:
    """Without its gist where a card tells it in the same mail."""
    gist = shortened(shown(pick.paper.tldr, _LONGEST_TEXT), _LONGEST_GIST) if has_gist else ""
    return Line(title(pick.paper), paper_link(pick.paper), gist, upvotes(pick.paper, language))


def title(paper: Paper) -> str:
    return link_text(shown(paper.title, _LONGEST_TITLE))


def upvotes(paper: Paper, language: Language) -> Upvotes | None:
    """The count, and how many came in a day lately."""
    if paper.upvotes is None:
        return None
    daily = round(paper.velocity or 0)
    change = unbroken(language.say("+%(number)s a day", number=language.number(daily))) if daily >= 1 else ""
    words = language.count("%(number)s upvote", "%(number)s upvotes", paper.upvotes, number=paper.upvotes)
    return Upvotes(language.number(paper.upvotes), change, words)


def thumbnail(paper: Paper) -> str | None:
    """The picture's address where it lies on the source's own hosts."""
    address = web_link(paper.thumbnail_url)
    return address if address and _PICTURE.match(address) else None


def phrases(matches: tuple[Match, ...], language: Language) -> Iterator[tuple[str, str]]:
    """The phrases that brought a paper in, each with where it stands; at most four. Added words only where there are none."""
    found = [reason for match in matches if match.is_above for reason in match.reasons if reason.weight > 0]
    written = [reason for reason in found if reason.support is Support.PHRASE] or found
    telling = [(-reason.weight, words, reason.field) for reason in written if (words := _without_joining_words(reason.phrase))]
    fields: dict[str, str] = {}
    for _, words, field in sorted(telling or [(-reason.weight, reason.phrase, reason.field) for reason in written]):
        fields.setdefault(words, field)
    for words in islice(_without_repeats(list(fields)), _MOST_PHRASES):
        yield shown(words, 80), _place(fields[words], language)


@lru_cache(maxsize=10_000)
def _without_joining_words(phrase: str) -> str:
    """ "benchmark" of a filter's "a benchmark" and "benchmark that"."""
    words = phrase.split()
    telling = [place for place, word in enumerate(words) if word.casefold() not in _JOINING_WORDS]
    return " ".join(words[telling[0] : telling[-1] + 1]) if telling else ""


def _without_repeats(strongest_first: list[str]) -> Iterator[str]:
    """What is part of a longer phrase says nothing beside it ("benchmark" beside "challenging benchmark"), nor does another
    way of writing a stronger one ("VLA" beside "vision-language-action")."""
    wordings = [_wordings(phrase) for phrase in strongest_first]
    for place, (own, ours) in enumerate(wordings):
        within = (other for other, (_, theirs) in enumerate(wordings) if own in theirs and other != place)
        if not any(other < place or wordings[other][0] not in ours for other in within):
            yield strongest_first[place]


@lru_cache(maxsize=10_000)
def _wordings(phrase: str) -> tuple[str, str]:
    """As it is written, and all ways of writing it."""
    own, *others = (f" {' '.join(run)} " for run in spellings(phrase))
    return own, "|".join((own, *others))


def _place(field: str, language: Language) -> str:
    say = language.say
    places = {
        "title": say("in the title"),
        "contribution": say("in the contribution"),
        "abstract": say("in the abstract"),
        "keywords": say("in the keywords"),
        "author": say("among the authors"),
        "org": say("in the organisation's name"),
    }
    return places[field]


def _sentences(pick: Pick, reader: Reader) -> Iterator[str]:
    """Every reason that is not a phrase."""
    language = reader.language
    if pick.followed:
        yield language.say("You follow %(names)s.", names=language.listed(tuple(shown(name, 60) for name in pick.followed)))
    if pick.liking and pick.liking.lift:
        yield _liking_in_words(len(pick.liking.like_ids), pick.liking.lift > 0, language)
    if pick.second_look:
        yield _took_off(pick.second_look, reader)
    if pick.entry is Entry.OUTSIDE:
        yield language.say("None of your topics, and much read by others.")
    if pick.entry is Entry.EARLIER:
        yield language.say("It was chosen earlier; none of your topics finds it now.")


def _took_off(look: SecondLook, reader: Reader) -> str:
    is_near = reader.on - look.first_on < timedelta(days=7)
    since = reader.language.weekday(look.first_on) if is_near else reader.language.short_day(look.first_on)
    return reader.language.say(
        "It took off since %(day)s, when you had it in a line: %(before)s to %(now)s upvotes.",
        day=since,
        before=look.upvotes_then,
        now=look.upvotes_now,
    )


def _liking_in_words(count: int, is_liked: bool, language: Language) -> str:
    number = number_in_words(count, language)
    if is_liked:
        return language.count("More like a paper you marked.", "More like %(number)s papers you marked.", count, number=number)
    return language.count(
        "Somewhat like a paper you wanted less of.", "Somewhat like %(number)s papers you wanted less of.", count, number=number
    )


def _credit(paper: Paper, language: Language) -> str:
    if not paper.tldr:
        return ""
    if paper.written_by == "model":
        return language.say("Summary by a model, checked against the abstract.")
    return language.say("The authors' own sentence.")


def _extras(paper: Paper, reader: Reader) -> Iterator[tuple[str, str]]:
    if paper.problem:
        yield reader.language.say("Problem"), shown(paper.problem, _LONGEST_TEXT)
    if paper.result:
        yield reader.language.say("Result"), shown(paper.result, _LONGEST_TEXT)
    if reader.with_abstract and paper.abstract:
        yield reader.language.say("Abstract"), shown(paper.abstract, _LONGEST_ABSTRACT)


def _links(paper: Paper, language: Language) -> Iterator[Link]:
    yield Link(language.say("Paper page"), paper_link(paper))
    yield Link("arXiv", f"https://arxiv.org/abs/{paper.id}")
    yield Link("PDF", f"https://arxiv.org/pdf/{paper.id}")
    if code := web_link(paper.code_url):
        stars = f"\u00a0★\u00a0{language.number(paper.code_stars)}" if paper.code_stars else ""
        yield Link(language.say("Code") + stars, code)
    if project := web_link(paper.project_url):
        yield Link(language.say("Project"), project)


def _actions(pick: Pick, reader: Reader) -> Iterator[Link]:
    """Each leads to a page with a button."""
    say, mark, paper_id = reader.language.say, reader.links.mark, pick.paper.id
    yield Link(say("More like this"), mark(paper_id, "more"))
    yield Link(say("Less"), mark(paper_id, "less"))
    yield Link(say("Mute a phrase"), mark(paper_id, "mute"))
    yield Link(say("Save"), mark(paper_id, "saved"))
