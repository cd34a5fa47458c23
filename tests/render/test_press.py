"""The fast path's mails against the plain path's."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import cast

from hypothesis import given, settings
from hypothesis import strategies as st

from service.delivery.form import MessageForm
from service.delivery.message import build_message
from service.links import mail_links
from service.models import (
    Band,
    Digest,
    DigestKind,
    Entry,
    LeftOut,
    LeftOutFor,
    Liking,
    Match,
    Paper,
    Pick,
    Reason,
    SecondLook,
    Section,
    Sender,
    Standing,
    Theme,
    Topic,
    Week,
)
from service.render import render_digest
from service.render.press import Press
from tests.builders import DAY, NOW, SENDER, paper, subscriber, topic

SCRAPS = (
    *(" ", "\n", ".", "=", "=\n", "--", "\x00", "\ud800", "w" * 120, "漢" * 40, "a\u0323\u0301", "👩\u200d🚀", "שלום"),
    *("\u2066\u2028", "marks", "\ue000topic\ue001", "</title>", "&amp;", "cs.RO", "https://example.org/", "{{ x }}"),
    *("$\\alpha^2$", "\\,", "{0}", "{}", "%(x)s", "%"),
    *"agents plan 3 .&<>\"'$\\{}%_^—é\u202e\u200b\ue000\ue001",
)
WORDS = st.lists(st.sampled_from(SCRAPS) | st.characters(), max_size=20).map("".join)
NAMES = {"agents": "Topic <agents> & more", "code": "100% {0} %(x)s {{ y }}", "robots": '"Ω" $n^3$\u202e\ue000topic\ue001'}
TOPICS = [topic(slug, name=name) for slug, name in NAMES.items()]
LINK = st.sampled_from([None, "https://example.org/code", "https://example.org/a=b&c", "https://example.org/\ue000marks\ue001"])


@st.composite
def papers(draw: st.DrawFn) -> list[Paper]:
    return [
        paper(
            f"2610.{number:05d}" if draw(st.booleans()) else f"2600.{number:05d}",
            draw(WORDS) or "Agents",
            abstract=draw(WORDS),
            authors=draw(st.lists(WORDS, max_size=4)),
            author_count=draw(st.integers(0, 9)),
            upvotes=draw(st.none() | st.integers(0, 2000)),
            velocity=draw(st.none() | st.floats(-5, 500)),
            tldr=draw(st.none() | WORDS),
            result=draw(st.none() | WORDS),
            organization=draw(st.none() | WORDS),
            written_by=draw(st.sampled_from(["authors", "model"])),
            code_url=draw(LINK),
            code_stars=draw(st.none() | st.integers(0, 99_999)),
        )
        for number in range(draw(st.integers(1, 7)))
    ]


@st.composite
def found(draw: st.DrawFn) -> tuple[Match, ...]:
    """What the topics find in a paper, the same for everybody."""
    reasons = st.lists(
        st.builds(Reason, WORDS, st.sampled_from(["title", "abstract", "keywords"]), st.floats(0.1, 1)), max_size=3
    )
    return tuple(
        Match(topic.slug, 0.7, draw(st.booleans()), draw(st.sampled_from(Band)), tuple(draw(reasons)))
        for topic in draw(st.permutations(TOPICS))
    )


def pick(draw: st.DrawFn, stored: Paper, matches: tuple[Match, ...], topics: list[Topic]) -> Pick:
    """Papers and matches are shared between people, as a wave's are."""
    slugs = {topic.slug for topic in topics}
    own = tuple(match for match in matches if match.slug in slugs)
    entry = draw(st.sampled_from(list(Entry)))
    if draw(st.booleans()):
        return Pick(stored, own, Standing(0.7), entry)
    followed = tuple(draw(st.lists(WORDS, max_size=2)))
    liking = st.builds(Liking, st.sampled_from([-0.5, 0.0, 0.5]), st.just(("2610.00001",)), st.just((("agent", 0.2),)))
    look = SecondLook(DAY - timedelta(days=draw(st.integers(1, 9))), 12, 190)
    return Pick(
        stored,
        own,
        Standing(0.7),
        entry,
        followed,
        liking=draw(st.none() | liking),
        second_look=draw(st.none() | st.just(look)),
    )


def week(draw: st.DrawFn, picks: list[Pick]) -> Week:
    themes = st.lists(
        st.builds(Theme, WORDS, st.tuples(st.integers(0, 9), st.just(4)), st.sampled_from([0, 1.25, 1234.5])), max_size=3
    )
    return Week((DAY - timedelta(days=1), DAY), tuple(draw(themes)), tuple(picks[:1]), tuple(picks[1:2]))


@st.composite
def digests(draw: st.DrawFn, stored: list[Paper], matches: list[tuple[Match, ...]]) -> Digest:
    topics: list[Topic] = draw(st.lists(st.sampled_from(TOPICS), unique_by=lambda one: one.slug))
    picks = [pick(draw, paper, own, topics) for paper, own in zip(stored, matches, strict=True)]
    first, second, third = sorted(draw(st.integers(0, len(picks))) for _ in range(3))
    sections = tuple(
        Section(draw(st.none() | st.sampled_from(TOPICS)), tuple(part))
        for part in (picks[: first // 2], picks[first // 2 : first])
        if part
    )
    person = subscriber(
        language=draw(st.sampled_from(["en", "de"])),
        cadence=draw(st.sampled_from(["daily", "weekdays", "weekly:fri"])),
        zone=draw(st.sampled_from(["UTC", "America/Argentina/Buenos_Aires"])),
        with_abstract=draw(st.booleans()),
        hour=draw(st.integers(0, 23)),
    )
    on = DAY + timedelta(days=draw(st.integers(0, 1)))
    digest = Digest(
        person, on, on, tuple(topics), draw(st.integers(0, 3000)), covered_from=DAY - timedelta(days=draw(st.integers(0, 6))),
        sections=sections, lines=tuple(picks[first:second]), unlisted=tuple(picks[second:third]),
        kind=draw(st.sampled_from([DigestKind.DAY, DigestKind.CATCH_UP])),
        second_look=draw(st.none() | st.just(picks[0])), outside=draw(st.none() | st.just(picks[-1])),
        left_out=tuple(LeftOut(pick, draw(st.sampled_from(LeftOutFor)), "0.41 of 0.50") for pick in picks[:2]),
    )  # fmt: skip
    if draw(st.booleans()):
        digest = replace(digest, kind=DigestKind.WEEKLY, week=week(draw, picks))
    return digest if digest.picks else replace(digest, kind=DigestKind.NOTE, silence="nothing")


@st.composite
def waves(draw: st.DrawFn) -> list[Digest]:
    """Several people's digests of the same papers, so that they share fragments."""
    stored = draw(papers())
    matches = [draw(found()) for _ in stored]
    wave = [draw(digests(stored, matches)) for _ in range(draw(st.integers(1, 4)))]
    return wave + [replace(digest, subscriber=subscriber(hour=3)) for digest in wave[:1]]  # who got the very same picks


SENDERS = [
    SENDER,
    replace(SENDER, mail_from='"100% {x}, Ünï" <d@example.org>', public_url="https://example.org:8443/~a/%7E;b=1&amp=2'"),
    replace(SENDER, public_url="http://[::1]:8000", unsubscribe_mailbox="o'hara%{x}!#$&*/?^_`|~=+@example.org"),
]
RECIPIENTS = st.sampled_from(["ada@example.org", "o'hara%b{x}!#$&*/?^_`|~=+@localhost", f"{'l' * 64}@{'d' * 60}.{'e' * 60}.org"])
POSTAL_LINES = st.sampled_from([None, "Northfield Lab, 12 Mill Lane", ".", ' 100% {x} {{ y }} <b> &amp; "漢"= ' + "w" * 150])


@settings(max_examples=20)
@given(waves(), st.sampled_from(SENDERS), RECIPIENTS, POSTAL_LINES)
def test_both_paths_give_the_same_mail(wave: list[Digest], sender: Sender, to: str, postal_line: str | None) -> None:
    press, form = Press(postal_line=postal_line), MessageForm(sender)
    for number, digest in enumerate(wave):
        links = mail_links(sender, f"{number:032x}", digest.on)
        fast = press.encoded_email(digest, links, sent_on=DAY)
        plain = render_digest(digest, links, sent_on=DAY, postal_line=postal_line)
        about = {"to": to, "key": "k" * 32, "now": NOW, "unsubscribe_link": links.unsubscribe}
        message = bytes(form.message(fast, **about))
        assert told(message) == told(build_message(plain, sender, **about))
        assert_sound(message)


def assert_sound(message: bytes) -> None:
    """As it goes out: lines that end with CRLF alone, none of them too long, nothing for SMTP to stuff."""
    lines = message.split(b"\r\n")
    assert message.isascii()
    assert not re.search(rb"[\r\n]", b"".join(lines))
    assert not any(line.startswith(b".") for line in lines)
    body = message.partition(b"\r\n\r\n")[2].split(b"\r\n")
    assert all(len(line) <= 76 and not line.endswith((b" ", b"\t")) for line in body)


def told(message: bytes) -> tuple[list[tuple[str, str]], list[str]]:
    """Headers and contents."""
    read = cast("EmailMessage", message_from_bytes(message, policy=default))
    assert not read.defects
    parts = [part for part in read.walk() if not part.is_multipart()]
    headers = [(name, str(value)) for part in read.walk() for name, value in part.items()]
    return headers, [part.get_content() for part in parts]


def test_what_is_too_long_takes_the_plain_path() -> None:
    long = [paper(f"2610.{number:05d}", "Agents " * 40, tldr="Plans. " * 60, abstract="Much. " * 300) for number in range(40)]
    picks = tuple(Pick(one, (Match("agents", 0.7, True, Band.CORE, ()),), Standing(0.7)) for one in long)
    digest = Digest(
        subscriber(with_abstract=True),
        DAY,
        DAY,
        (TOPICS[0],),
        40,
        covered_from=date(2026, 10, 1),
        sections=(Section(TOPICS[0], picks),),
    )
    links = mail_links(SENDER, "k" * 32, DAY)
    fast = Press().encoded_email(digest, links, sent_on=DAY)
    plain = render_digest(digest, links, sent_on=DAY)
    assert fast.subject == plain.subject
    about = {"to": "reader@example.org", "key": "k" * 32, "now": NOW, "unsubscribe_link": links.unsubscribe}
    assert told(bytes(MessageForm(SENDER).message(fast, **about))) == told(build_message(plain, SENDER, **about))


def test_digests_that_differ_in_one_thing_only_tell_it() -> None:
    """What mails share is found by what it is made of: nothing of that may be forgotten."""
    agents, code, robots = TOPICS
    papers = [paper(f"2610.{number:05d}", f"Paper {number}", upvotes=number) for number in range(9)]
    picks = [Pick(one, (Match("agents", 0.7, True, Band.CORE, ()),), Standing(0.7)) for one in papers]
    sections = (Section(agents, tuple(picks[:2])), Section(code, (picks[2],)), Section(robots, (picks[3],)))
    digest = Digest(
        subscriber(), DAY, DAY, tuple(TOPICS), 40, covered_from=DAY, sections=sections, lines=(picks[4], picks[5]),
        unlisted=(picks[6],), outside=picks[7],
    )  # fmt: skip
    sample = replace(picks[5], paper=paper("2600.00001", "Sample", upvotes=5))
    earlier = replace(picks[5], paper=paper("2610.00005", "Paper 5", upvotes=5, featured_on=DAY - timedelta(days=2)))
    twins = [
        replace(digest, looked_at_count=41),
        replace(digest, covered_from=DAY - timedelta(days=1)),
        replace(digest, kind=DigestKind.CATCH_UP),
        replace(digest, topics=(*TOPICS, topic("more"))),
        replace(digest, sections=sections[:2]),
        replace(digest, sections=(sections[0], Section(code, tuple(picks[2:4])))),
        replace(digest, sections=(sections[0], sections[2], sections[1])),
        replace(digest, sections=(Section(agents, (picks[8], picks[1])), *sections[1:])),
        replace(digest, sections=(Section(agents, tuple(picks[:1])), *sections[1:])),
        replace(digest, lines=digest.lines[:1]),
        replace(digest, lines=(picks[4], sample)),
        replace(digest, lines=(picks[4], earlier)),
        replace(digest, lines=digest.lines[:1], unlisted=(picks[5], picks[6])),
        replace(digest, unlisted=()),
        replace(digest, outside=None),
        replace(digest, outside=replace(picks[7], matches=(), entry=Entry.OUTSIDE)),
        replace(digest, outside=replace(picks[7], matches=(), entry=Entry.EARLIER)),
        replace(digest, second_look=replace(picks[8], second_look=SecondLook(DAY - timedelta(days=3), 12, 190))),
        replace(digest, week=Week((DAY,), (Theme("agents", (4,), 1.5),), (), ())),
    ]
    press, form, links = Press(), MessageForm(SENDER), mail_links(SENDER, "k" * 32, DAY)
    about = {"to": "reader@example.org", "key": "k" * 32, "now": NOW, "unsubscribe_link": links.unsubscribe}
    for twin in [digest, *twins]:
        plain = render_digest(twin, links, sent_on=DAY)
        fast = press.encoded_email(twin, links, sent_on=DAY)
        assert told(bytes(form.message(fast, **about))) == told(build_message(plain, SENDER, **about))
