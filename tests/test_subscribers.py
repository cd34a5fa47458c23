from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.csv_lists import read_subscribers, read_suppressions, write_subscribers
from service.errors import WrongUse
from service.subscribers import (
    address_hash,
    in_text,
    parse_address,
    parse_cadence,
    parse_hour,
    parse_language,
    parse_length,
    parse_names,
    parse_score,
    parse_state,
    parse_topics,
    parse_zone,
)
from tests.builders import subscriber

TOPICS = ["agents", "code"]


@pytest.mark.parametrize(
    ("given_text", "address"),
    [(" Ada@Example.ORG ", "ada@example.org"), ("ben@sink.test", "ben@sink.test"), ("root@localhost", "root@localhost")],
)
def test_an_address_has_one_spelling(given_text: str, address: str) -> None:
    assert parse_address(given_text) == address


@pytest.mark.parametrize(
    "text", ["", "ada", "ada@", "ada@gmail", "a b@example.org", "ada@example.org\r\nBcc: x@y.org", "ä@example.org"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(WrongUse, match="is not an e-mail address"):
        parse_address(text)


def test_weekly_alone_is_on_mondays() -> None:
    assert [parse_cadence(text) for text in ("daily", "Weekdays", "weekly", "weekly:FRI")] == [
        "daily",
        "weekdays",
        "weekly:mon",
        "weekly:fri",
    ]


@pytest.mark.parametrize(
    ("parse", "text"),
    [
        (parse_cadence, "hourly"),
        (parse_cadence, "weekly:"),
        (parse_cadence, "monthly:mon"),
        (parse_state, "paused"),
        (parse_zone, "Berlin"),
        (parse_zone, "../etc"),
        (parse_hour, "24"),
        (parse_hour, "-1"),
        (parse_hour, "²"),
        (parse_length, "minutes:31"),
        (parse_length, "papers:4"),
        (parse_length, "8"),
        (parse_score, "1.1"),
        (parse_score, "nan"),
        (parse_language, "fr"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_with_what_can(parse, text: str) -> None:
    with pytest.raises(WrongUse, match=r"say|name one"):
        parse(text)


def test_an_unknown_topic_is_refused_with_those_there_are() -> None:
    with pytest.raises(WrongUse, match="no topic 'robots'; there are agents, code"):
        parse_topics("agents,robots", TOPICS)


def test_csv_is_read_by_its_header_and_missing_columns_mean_defaults() -> None:
    roll = read_subscribers('topics,email\n"agents, code",Ada@example.org\n\nagents,ben@example.org\n', TOPICS)
    assert roll.bad == ()
    ada, ben = (line.settings for line in roll.good)
    assert [(line.number, line.told) for line in roll.good] == [(2, {"email", "topics"}), (4, {"email", "topics"})]
    assert (ada.email, ada.topics) == ("ada@example.org", ("agents", "code"))
    assert (ben.zone, ben.hour, ben.cadence, ben.state) == ("UTC", 8, "daily", "active")


def test_bad_lines_are_told_by_number_and_good_ones_kept() -> None:
    lines = ["email,topics,hour", "ada@example.org,agents,7", "ben,agents,7", "chi@example.org,robots,"]
    lines += ["dan@example.org,agents,99", "ada@example.org,code,", "a@b.org,agents,1,2"]
    text = "\n".join(lines)
    roll = read_subscribers(text, TOPICS)
    assert [line.settings.email for line in roll.good] == ["ada@example.org"]
    assert [problem.split(":")[0] for problem in roll.bad] == ["line 3", "line 4", "line 5", "line 6", "line 7"]
    assert "stands on line 2 already" in roll.bad[3]
    assert "more cells than the header's 3 columns" in roll.bad[4]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("email,topics,colour\n", "no column 'colour'"),
        ("email\nada@example.org\n", "column 'topics' is missing"),
        ("", "column 'email' is missing"),
        ("email,topics,email\n", "twice"),
        ('email,topics\n"ada', "line 2: not CSV"),
        ('"email,topics\nada@example.org,agents\n', "line 1: not CSV"),
    ],
)
def test_a_header_that_cannot_be_used_is_refused(text: str, reason: str) -> None:
    with pytest.raises(WrongUse, match=reason):
        read_subscribers(text, TOPICS)


def test_a_header_and_cells_count_whatever_their_blanks_and_capitals() -> None:
    (line,) = read_subscribers(" Email ,TOPICS,Hour, Muted\r\nada@example.org, agents , 7 , '-soup \r\n", TOPICS).good
    read = line.settings
    assert (read.email, read.topics, read.hour, read.muted) == ("ada@example.org", ("agents",), 7, ("-soup",))
    assert line.told == {"email", "topics", "hour", "muted"}


def test_suppressions_are_read_by_address_or_hash_and_rows_may_be_short_or_long() -> None:
    ada, ben = address_hash("ada@example.org"), address_hash("ben@example.org")
    text = f" Email ,Address_Hash,REASON\r\nAda@example.org\r\n,{ben}, '=gone ,more,cells\r\n"
    assert read_suppressions(text) == {ada: "imported", ben: "=gone"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "line 1: there is no column email or address_hash"),
        ("name,reason\nada,gone\n", "line 1: there is no column email or address_hash"),
        ("email\nada@example.org\nada\n", "line 3: 'ada' is not an e-mail address"),
        ("address_hash\n0af\n", "line 2: neither an e-mail address nor a SHA-256"),
        ("email,reason\n,gone\n", "line 2: neither an e-mail address nor a SHA-256"),
    ],
)
def test_what_is_no_suppression_is_told_by_its_line(text: str, reason: str) -> None:
    with pytest.raises(WrongUse, match=reason):
        read_suppressions(text)


@given(
    local=st.from_regex(r"[a-z=+\-'][a-z0-9=+\-']{0,8}", fullmatch=True),
    topics=st.lists(st.sampled_from(TOPICS), min_size=1, unique=True),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    hour=st.integers(0, 23),
    cadence=st.sampled_from(["daily", "weekdays", "weekly:sun"]),
    state=st.sampled_from(["active", "unsubscribed"]),
)
def test_export_and_import_lose_nothing(local: str, topics: list[str], zone: str, hour: int, cadence: str, state: str) -> None:
    person = subscriber(f"{local}@example.org", topics, zone=zone, hour=hour, cadence=cadence, state=state)
    text = write_subscribers([person])
    roll = read_subscribers(text, TOPICS)
    assert roll.bad == ()
    (line,) = roll.good
    read = line.settings
    assert (read.email, list(read.topics), read.zone, read.hour, read.cadence, read.state) == (
        person.email,
        topics,
        zone,
        hour,
        cadence,
        state,
    )
    assert not text.splitlines()[1].startswith(("=", "+", "-", "@"))


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for start in ("", "email,topics\n"):
        with suppress(WrongUse):
            read_subscribers(start + text, TOPICS)


def test_names_are_parted_and_folded_and_no_means_none() -> None:
    assert parse_names(" Ada  Okafor,\nNorthfield Lab;; Ada Okafor ") == ("Ada Okafor", "Northfield Lab")
    assert parse_names("No") == parse_names("") == ()


@pytest.mark.parametrize("text", ["x" * 101, "a\x00b", "...", ",".join(map(str, range(101)))])
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(WrongUse):
        parse_names(text)


@given(st.lists(st.text(max_size=20), max_size=5))
def test_names_that_were_taken_are_read_back_the_same(written: list[str]) -> None:
    with suppress(WrongUse):
        names = parse_names(";".join(written))
        assert parse_names(in_text(names)) == names
