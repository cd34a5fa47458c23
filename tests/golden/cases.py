"""The golden mails: one of every kind that readers get, made by the code that makes the real ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from service.delivery.message import build_message
from service.links import Fresh, fresh_link, mail_links
from service.match import FIELD_WEIGHTS
from service.models import (
    Digest,
    DigestKind,
    Email,
    Entry,
    LeftOut,
    LeftOutFor,
    Liking,
    Match,
    Notice,
    NoticeKind,
    Paper,
    Pick,
    Reason,
    SecondLook,
    Section,
    Standing,
    Subscriber,
    Theme,
    Topic,
    Week,
)
from service.render import render_digest, render_notice
from tests.builders import DAY, NOW, SENDER, subscriber, topic
from tests.golden import papers as written

SENT_ON = NOW.date()
POSTAL_LINE = "Example Institute, 1 Paper Lane, 10115 Berlin"
AGENTS = topic("agents", ["tool-using agents"], name="Agents & tool use")
TRAINING = topic("efficiency", ["4-bit"], name="Efficient training & inference")
CODE = topic("code", ["program repair"], name="Code & software engineering")
TOPICS = (AGENTS, TRAINING, CODE)


@dataclass(frozen=True)
class Golden:
    """A mail, and what stands behind it."""

    person: Subscriber
    email: Email
    message: bytes
    digest: Digest | None = None
    notice: Notice | None = None


def reader(**fields: Any) -> Subscriber:
    fields = {"topics": [one.slug for one in TOPICS], "zone": "Europe/Berlin"} | fields
    return subscriber(**fields)


def picked(paper: Paper, *topics: Topic, says: Iterable[tuple[str, str]] = (), **fields: Any) -> Pick:
    """`says`: phrases, each with the field that holds it."""
    reasons = tuple(Reason(phrase, field, FIELD_WEIGHTS[field]) for phrase, field in says)
    matches = tuple(Match(one.slug, 0.8, True, reasons) for one in topics)
    return Pick(paper, matches, **({"standing": Standing(0.8)} | fields))


LEADING = picked(
    written.EXIT,
    AGENTS,
    TRAINING,
    says=[("tool-using agents", "title"), ("planning", "abstract")],
    liking=Liking(0.1, ("a", "b"), ()),
)
FOUR_BIT = picked(written.FOUR_BIT, TRAINING, says=[("4-bit", "title"), ("pre-training", "title")])
GARDENS = picked(written.GARDENS, AGENTS, says=[("agents", "title")], followed=("Sana Mirza",))
PATCHWORK = picked(written.PATCHWORK, CODE, says=[("program repair", "title"), ("bugs", "abstract")])
SHORT = tuple(picked(one, AGENTS, says=[("agents", "abstract")]) for one in written.SHORT)
OUTSIDE = picked(written.WEATHER, entry=Entry.OUTSIDE)
SECOND_LOOK = picked(
    written.SPARROW,
    TRAINING,
    says=[("speculative decoding", "title")],
    entry=Entry.SECOND_LOOK,
    second_look=SecondLook(DAY - timedelta(days=2), 12, 190),
)
SECTIONS = (Section(AGENTS, (LEADING, GARDENS)), Section(TRAINING, (FOUR_BIT,)), Section(CODE, (PATCHWORK,)))


def digest(**fields: Any) -> Digest:
    values: dict[str, Any] = {"subscriber": reader(), "on": DAY, "since": DAY, "topics": TOPICS, "covered_from": DAY}
    return Digest(**(values | {"looked_at_count": 43, "sections": SECTIONS} | fields))


def ordinary() -> Digest:
    return digest(lines=SHORT[:4], outside=OUTSIDE, second_look=SECOND_LOOK)


def one_paper() -> Digest:
    return digest(sections=(Section(TRAINING, (FOUR_BIT,)),), looked_at_count=31, topics=(TRAINING,))


def note() -> Digest:
    near = tuple(LeftOut(pick, LeftOutFor.BELOW_TOPIC, "0.41 of 0.50") for pick in SHORT[:2])
    silence = "31 new papers looked at, none above the bar, two near misses"
    return digest(kind=DigestKind.NOTE, sections=(), looked_at_count=31, left_out=near, silence=silence)


def sixty() -> Digest:
    many = [_copy(pick, number) for number, pick in enumerate([LEADING, FOUR_BIT, GARDENS, PATCHWORK, *SHORT] * 7)][:60]
    sections = (Section(AGENTS, tuple(many[:5])), Section(TRAINING, tuple(many[5:10])))
    return digest(sections=sections, lines=tuple(many[10:45]), unlisted=tuple(many[45:]), looked_at_count=212)


def catch_up() -> Digest:
    first = DAY - timedelta(days=7)
    return digest(kind=DigestKind.CATCH_UP, covered_from=first, since=first, lines=SHORT, looked_at_count=310)


def weekly() -> Digest:
    days = tuple(DAY - timedelta(days=back) for back in (6, 3, 2, 1, 0))
    themes = (
        Theme("tool use", (1, 3, 2, 5, 4), 6.5),
        Theme("quantisation", (0, 1, 4, 2, 1), 3.25),
        Theme("evaluation of agents", (2, 0, 1, 1, 3), 5.0),
    )
    week = Week(days, themes, (LEADING, PATCHWORK), (OUTSIDE,))
    person = reader(cadence="weekly:fri")
    return digest(subscriber=person, kind=DigestKind.WEEKLY, covered_from=days[0], lines=SHORT, week=week, looked_at_count=214)


def german() -> Digest:
    return digest(subscriber=reader(language="de", with_abstract=True), lines=SHORT[:2], outside=OUTSIDE, second_look=SECOND_LOOK)


def no_images() -> Digest:
    def bare(pick: Pick) -> Pick:
        told = pick.paper.model_dump() | {"thumbnail_url": None, "upvotes": None, "code_url": None, "organization": None}
        return replace(pick, paper=Paper(**told))

    return digest(sections=tuple(Section(one.topic, tuple(map(bare, one.picks))) for one in SECTIONS))


def hostile() -> Digest:
    strange = topic("agents", ["agent"], name="<i>Agents</i> & {{ co }}\u202e")
    one, two = (picked(paper, strange, says=[('<b>"x"</b>\u202e', "title")]) for paper in written.HOSTILE)
    return digest(topics=(strange,), sections=(Section(strange, (one,)),), lines=(two,), outside=two)


def _copy(pick: Pick, number: int) -> Pick:
    return replace(pick, paper=Paper(**(pick.paper.model_dump() | {"id": f"2610.{3000 + number:05d}"})))


DIGESTS: dict[str, Callable[[], Digest]] = {
    "ordinary": ordinary,
    "one-paper": one_paper,
    "note": note,
    "sixty": sixty,
    "catch-up": catch_up,
    "weekly": weekly,
    "german": german,
    "no-images": no_images,
    "hostile": hostile,
}
NOTICES: dict[str, tuple[NoticeKind, Fresh, dict[str, Any]]] = {
    "confirmation": (NoticeKind.CONFIRMATION, Fresh.CONFIRM, {}),
    "confirmation-german": (NoticeKind.CONFIRMATION, Fresh.CONFIRM, {"language": "de"}),
    "change": (NoticeKind.CHANGE, Fresh.UNDO, {}),
    "account": (NoticeKind.ACCOUNT, Fresh.ACCOUNT, {}),
}
# What somebody gets on an ordinary day, for the tools that judge what is usual.
ORDINARY = ("ordinary", "one-paper", "note", "weekly", "catch-up", "german", "confirmation", "change")


def golden(name: str, now: datetime = NOW) -> Golden:
    """`now` is the Date of the message."""
    return _golden_digest(DIGESTS[name](), now) if name in DIGESTS else _golden_notice(*NOTICES[name], now)


def _golden_digest(digest: Digest, now: datetime) -> Golden:
    person = digest.subscriber
    links = mail_links(SENDER, person.key, digest.on)
    email = render_digest(digest, links, sent_on=SENT_ON, postal_line=POSTAL_LINE)
    message = build_message(email, SENDER, to=person.email, key="d" * 32, now=now, unsubscribe_link=links.unsubscribe)
    return Golden(person, email, message, digest=digest)


def _golden_notice(kind: NoticeKind, purpose: Fresh, fields: dict[str, Any], now: datetime) -> Golden:
    state = "pending" if kind is NoticeKind.CONFIRMATION else "active"
    person = reader(state=state, **fields)
    before = {"topics": ["agents"], "cadence": "daily", "hour": 8, "zone": "Europe/Berlin"}
    after = before | {"topics": ["agents", "code"], "cadence": "weekly:fri"}
    notice = Notice(subscriber_id=1, kind=kind, email=person.email, key="n" * 32, before=before, after=after, planned_at=NOW)
    link = fresh_link(SENDER, purpose, notice.key, NOW)
    email = render_notice(notice, person, {one.slug: one for one in TOPICS}, link=link, sent_on=SENT_ON)
    message = build_message(email, SENDER, to=person.email, key=notice.key, now=now)
    return Golden(person, email, message, notice=notice)


NAMES = (*DIGESTS, *NOTICES)
