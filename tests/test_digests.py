from __future__ import annotations

import json
import re
from dataclasses import replace

import msgspec

from service.links import mail_links
from service.models import (
    Band,
    Digest,
    DigestKind,
    Entry,
    LeftOut,
    LeftOutFor,
    Match,
    Pick,
    SecondLook,
    Section,
    Standing,
    Theme,
    Week,
)
from service.render import render_digest, subject_line
from service.render.subject import preheader
from tests.builders import DAY, SENDER, paper, subscriber, topic

MATCH = Match("agents", 0.8, True, Band.CORE, ())
EMPTY = Digest(subscriber(), DAY, DAY, (topic(),), looked_at_count=31, covered_from=DAY)
LINKS = mail_links(SENDER, "k" * 32, DAY)


def pick(number: int, title: str = "Agents", **fields: object) -> Pick:
    return replace(Pick(paper(f"2610.{number:05d}", title, upvotes=12), (MATCH,), Standing(0.8)), **fields)


def full() -> Digest:
    return replace(
        EMPTY,
        kind=DigestKind.WEEKLY,
        sections=(Section(topic(), (pick(1), pick(2))),),
        lines=(pick(3),),
        unlisted=(pick(4),),
        second_look=pick(5, "Once a line", entry=Entry.SECOND_LOOK, second_look=SecondLook(DAY, 12, 190)),
        outside=pick(6, "Of robots", entry=Entry.OUTSIDE),
        week=Week((DAY,), (Theme("world-models", (4,), 1.5),), (pick(1),), (pick(7, "Missed", entry=Entry.MISSED),)),
    )


def test_a_digest_stands_for_all_that_it_shows_and_counts_what_passed_apart() -> None:
    digest = full()
    assert [int(one.paper.id[5:]) for one in digest.picks] == [1, 2, 3, 4, 5, 6, 7]
    assert len(digest.passed) == 4
    assert digest.reading_seconds == 4 * 40 + 2 * 8
    assert digest.minutes == 3


def test_its_plan_is_json_and_holds_the_numbers_behind_each_place() -> None:
    plan = json.loads(msgspec.json.encode(full().kept[1]))
    assert (plan["kind"], plan["cards"], plan["lines"], plan["unlisted"]) == ("weekly", 2, 1, 1)
    assert plan["picks"][0] == {"at": [0.8, 0, 0, 0, 0], "up": 12}
    assert plan["picks"][4]["look"] == ["2026-10-01", 12, 190]
    assert plan["week"] == {"days": ["2026-10-01"], "themes": [["world-models", [4], 1.5]], "risers": ["2610.00001"]}


def test_near_misses_are_what_fell_below_a_bar_and_not_what_was_muted() -> None:
    left_out = (LeftOut(pick(1), LeftOutFor.MUTED, "agents"), LeftOut(pick(2), LeftOutFor.BELOW_TOPIC, "0.41 of 0.50"))
    assert [near.paper.id for near in replace(EMPTY, left_out=left_out).near_misses] == ["2610.00002"]


def test_the_mail_shows_the_slots_and_the_week() -> None:
    email = render_digest(full(), LINKS, sent_on=DAY)
    for shown in ("Once a line", "Of robots", "Missed", "world-models", "190"):
        assert shown in email.html
        assert shown in email.text


def test_a_note_tells_what_was_looked_at_and_what_came_close() -> None:
    near = LeftOut(pick(2, "Nearly agents"), LeftOutFor.BELOW_TOPIC, "0.41 of 0.50")
    note = replace(EMPTY, kind=DigestKind.NOTE, silence="31 looked at, none above your bar", left_out=(near,))
    assert note.is_mailed
    assert not replace(note, kind=DigestKind.DAY).is_mailed
    assert subject_line(note) == "Nothing for you, out of 31"
    email = render_digest(note, LINKS, sent_on=DAY)
    for part in (email.html, email.text):
        assert "no paper reached your bar. One came near." in " ".join(part.split())
        assert "Nearly agents" in part
        assert "Nothing for you, out of 31" in part
        assert "minute" not in part
    assert re.search('class="preheader"[^>]*>The list of [^<]*: no paper reached your bar. One came near.<', email.html)


def test_subject_and_preheader_name_the_content() -> None:
    assert subject_line(full()) == "Your week, 4 papers: Agents · Agents"
    assert preheader(full()) == "Rising: world-models. Took off: Once a line, 12 to 190 upvotes. Agents"
    vision = Section(topic("vision", name="Image, video & 3D"), full().sections[0].picks)
    assert subject_line(replace(full(), sections=(vision, *full().sections))).startswith(
        "Your week, 6 papers: Image, video & 3D; Agents · "
    )
    day = replace(full(), kind=DigestKind.CATCH_UP, week=None, second_look=None)
    assert (subject_line(day), preheader(day)) == ("The days you missed, 4 papers: Agents · Agents", "Agents")
