from __future__ import annotations

import os
import re
import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from service.cli.output import now
from service.models import Notice
from service.store.database import open_database, reading
from tests.cli.conftest import Paperround

ADA = "ada@example.org"


@pytest.fixture
def ada(paperround: Paperround) -> str:
    ran = paperround(
        "subscribers", "add", ADA, "--topics", "agents,code", "--zone", "Europe/Berlin", "--hour", "7", "--cadence", "weekly:fri"
    )
    assert ran.status == 0
    return ADA


def shown(paperround: Paperround, email: str = ADA) -> dict:
    return paperround("subscribers", "show", email, "--json").json


def test_an_added_subscriber_is_active_with_their_settings(paperround: Paperround, ada: str) -> None:
    person = shown(paperround)
    assert person.pop("added_at")
    assert person == {
        "email": ADA, "state": "active", "topics": ["agents", "code"], "zone": "Europe/Berlin", "hour": 7,
        "cadence": "weekly:fri", "paused_until": None, "length": "minutes:6", "minimum_score": 0.0, "followed": [],
        "muted": [], "language": "en", "with_abstract": False, "with_outside": True, "with_note": False,
    }  # fmt: skip
    assert ADA in paperround("subscribers", "list").out


def test_who_is_added_may_have_any_preference_from_the_start(paperround: Paperround) -> None:
    named = {
        "length": "papers:5", "minimum_score": 0.6, "followed": ["Nora Field"], "muted": ["survey"], "language": "de",
        "with_abstract": True, "with_outside": False, "with_note": True,
    }  # fmt: skip
    options = [
        "--length", "papers:5", "--minimum-score", "0.6", "--followed", "Nora Field", "--muted", "survey", "--language", "de",
        "--with-abstract", "yes", "--with-outside", "no", "--with-note", "yes",
    ]  # fmt: skip
    assert paperround("subscribers", "add", ADA, "--topics", "agents", *options).status == 0
    assert named.items() <= shown(paperround).items()


def test_when_somebody_was_added_is_told_to_the_minute(paperround: Paperround, ada: str) -> None:
    last = paperround("subscribers", "show", ada).out.splitlines()[-1]
    assert re.fullmatch(r"added_at +\d{4}-\d\d-\d\d \d\d:\d\d UTC", last)


def test_defaults_are_eight_oclock_utc_daily(paperround: Paperround) -> None:
    paperround("subscribers", "add", ADA, "--topics", "agents")
    assert [shown(paperround)[name] for name in ("zone", "hour", "cadence")] == ["UTC", 8, "daily"]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["add", ADA, "--topics", "code"], 1, "ada@example.org is a subscriber already"),
        (["add", "ada", "--topics", "code"], 2, "'ada' is not an e-mail address"),
        (["add", "ben@example.org", "--topics", "soup"], 2, "there is no topic 'soup'; there are llm-pretraining, "),
        (["add", "ben@example.org", "--topics", "agent"], 2, "there is no topic 'agent': did you mean 'agents'?"),
        (["add", "ben@example.org", "--topics", "code", "--zone", "Mars"], 2, "'Mars' is not a time zone"),
        (["add", "ben@example.org"], 2, "Missing option '--topics'. (paperround subscribers add --help tells more)"),
        (["set", ADA, "--hour", "25"], 2, "'25' is not an hour: say 0 to 23"),
        (["set", ADA, "--cadence", "hourly"], 2, "'hourly' is not a cadence"),
        (["set", ADA], 2, "nothing to change"),
        (["set", "ben@example.org", "--hour", "7"], 2, "ben@example.org: no such subscriber"),
        (["frobnicate"], 2, "No such command 'frobnicate'"),
    ],
)
def test_what_cannot_be_done_is_one_line(paperround: Paperround, ada: str, arguments: list[str], status: int, said: str) -> None:
    ran = paperround("subscribers", *arguments)
    assert ran.status == status
    assert ran.err.startswith("error: ")
    assert said in ran.err
    assert ran.err.count("\n") == 1


def test_topics_are_taken_as_they_are_shown(paperround: Paperround, ada: str) -> None:
    paperround("subscribers", "set", ADA, "--topics", "agents; code")
    told = next(line for line in paperround("subscribers", "show", ADA).out.splitlines() if line.startswith("topics"))
    assert paperround("subscribers", "set", ADA, "--topics", told.removeprefix("topics").strip()).status == 0
    assert shown(paperround)["topics"] == ["agents", "code"]


def test_set_changes_what_is_named_and_nothing_else(paperround: Paperround, ada: str) -> None:
    paperround("subscribers", "set", ADA, "--hour", "21", "--topics", "robotics")
    person = shown(paperround)
    assert (person["hour"], person["topics"], person["zone"], person["cadence"]) == (
        21,
        ["robotics"],
        "Europe/Berlin",
        "weekly:fri",
    )


def test_who_unsubscribed_is_not_taken_in_again_unless_asked(paperround: Paperround, ada: str) -> None:
    paperround("subscribers", "set", ADA, "--state", "unsubscribed")
    for arguments in (["add", ADA, "--topics", "code"], ["set", ADA, "--state", "active"]):
        refused = paperround("subscribers", *arguments)
        assert (refused.status, shown(paperround)["state"]) == (1, "unsubscribed")
        assert "say --resubscribe" in refused.err
    assert paperround("subscribers", "add", ADA, "--topics", "code", "--hour", "9", "--resubscribe").status == 0
    assert (shown(paperround)["state"], shown(paperround)["topics"], shown(paperround)["hour"]) == ("active", ["code"], 9)
    assert shown(paperround)["cadence"] == "weekly:fri"  # what was not named is as it was


def test_remove_erases_and_remembers_only_that_they_unsubscribed(paperround: Paperround, ada: str, folder: Path) -> None:
    paperround("subscribers", "set", ADA, "--state", "unsubscribed")
    assert paperround("subscribers", "remove", ADA).status == 0
    assert paperround("subscribers", "list", "--json").json == []
    with closing(sqlite3.connect(folder / "paperround.db")) as database:
        assert "ada@" not in "".join(database.iterdump())
    refused = paperround("subscribers", "add", ADA, "--topics", "code")
    assert refused.status == 1
    assert paperround("subscribers", "add", ADA, "--topics", "code", "--resubscribe").status == 0


def test_who_had_not_unsubscribed_leaves_no_trace(paperround: Paperround, ada: str) -> None:
    paperround("subscribers", "remove", ADA)
    assert paperround("subscribers", "add", ADA, "--topics", "code").status == 0


def test_export_and_import_round_trip(paperround: Paperround, ada: str, folder: Path) -> None:
    paperround("subscribers", "add", "ben@example.org", "--topics", "code")
    paperround("subscribers", "set", "ben@example.org", "--state", "unsubscribed")
    paperround("subscribers", "export", "all.csv")
    before = paperround("subscribers", "list", "--json").json
    assert paperround("subscribers", "import", "all.csv", "--json").json == {
        "added": 0,
        "changed": 0,
        "unchanged": 2,
        "refused": 0,
    }
    (folder / "paperround.db").unlink()
    assert paperround("subscribers", "import", "all.csv").status == 0
    after = paperround("subscribers", "list", "--json").json
    assert [{**person, "added_at": ""} for person in after] == [{**person, "added_at": ""} for person in before]


def test_an_empty_cell_leaves_a_known_setting_alone(paperround: Paperround, ada: str, folder: Path) -> None:
    (folder / "in.csv").write_text(f"email,topics,zone,hour,cadence,state\n{ADA},robotics,,,,\n")
    assert paperround("subscribers", "import", "in.csv").status == 0
    person = shown(paperround)
    assert (person["topics"], person["zone"], person["hour"], person["cadence"]) == (
        ["robotics"],
        "Europe/Berlin",
        7,
        "weekly:fri",
    )


def test_a_line_may_end_before_the_columns_that_it_leaves_empty(paperround: Paperround, ada: str, folder: Path) -> None:
    (folder / "in.csv").write_text(f"email,topics,zone,hour\n{ADA},robotics,UTC\nben@example.org,code\nchi@example.org\n")
    ran = paperround("subscribers", "import", "in.csv", "--skip-bad")
    assert (ran.out, ran.err) == (
        "1 added, 1 changed, 0 unchanged, 1 refused\n",
        "error: line 4: no topics: name at least one\n",
    )
    assert (shown(paperround)["zone"], shown(paperround)["hour"]) == ("UTC", 7)


def test_lists_that_a_spreadsheet_saved_are_read_from_their_first_column_on(paperround: Paperround, folder: Path) -> None:
    (folder / "in.csv").write_text(f'email,topics\n{ADA},"agents,code"\n', "utf-8-sig", newline="\r\n")
    assert paperround("subscribers", "import", "in.csv", "--json").json["added"] == 1
    assert paperround("suppressions", "import", "in.csv", "--json").json["added"] == 1


def test_topics_may_be_named_one_by_one(paperround: Paperround) -> None:
    paperround("subscribers", "add", ADA, "--topics", "agents", "--topics", "code,robotics")
    assert shown(paperround)["topics"] == ["agents", "code", "robotics"]


def test_bad_lines_stop_an_import_unless_skipped(paperround: Paperround, folder: Path) -> None:
    (folder / "in.csv").write_text('email,topics\nben@example.org,"agents,code"\nnobody,agents\nchi@example.org,soup\n')
    stopped = paperround("subscribers", "import", "in.csv")
    assert stopped.status == 2
    assert [line.split(":")[1].strip() for line in stopped.err.splitlines()] == ["line 3", "line 4", "nothing imported"]
    assert paperround("subscribers", "list", "--json").json == []
    skipped = paperround("subscribers", "import", "in.csv", "--skip-bad", "--json")
    assert (skipped.status, skipped.json) == (1, {"added": 1, "changed": 0, "unchanged": 0, "refused": 2})
    assert [person["email"] for person in paperround("subscribers", "list", "--json").json] == ["ben@example.org"]


def test_an_import_keeps_what_it_does_not_name_and_who_unsubscribed(paperround: Paperround, ada: str, folder: Path) -> None:
    paperround("subscribers", "add", "ben@example.org", "--topics", "code")
    paperround("subscribers", "set", "ben@example.org", "--state", "unsubscribed")
    (folder / "in.csv").write_text(f"email,topics\n{ADA},robotics\nben@example.org,agents\n")
    ran = paperround("subscribers", "import", "in.csv", "--json")
    assert (ran.status, ran.json) == (1, {"added": 0, "changed": 1, "unchanged": 0, "refused": 1})
    assert "line 3: ben@example.org unsubscribed" in ran.err
    assert (shown(paperround)["hour"], shown(paperround)["topics"]) == (7, ["robotics"])
    assert shown(paperround, "ben@example.org")["state"] == "unsubscribed"
    assert paperround("subscribers", "import", "in.csv", "--resubscribe").status == 0
    assert shown(paperround, "ben@example.org")["state"] == "active"


def test_who_is_to_confirm_is_pending_and_mailed_the_question(paperround: Paperround, folder: Path) -> None:
    ran = paperround("subscribers", "add", ADA, "--topics", "agents", "--confirm")
    assert (ran.status, shown(paperround)["state"]) == (0, "pending")
    assert "gets no digest until they confirm" in ran.err
    engine = open_database(f"sqlite:///{folder / 'paperround.db'}")
    with reading(engine) as session:
        assert [(notice.kind, notice.email) for notice in session.exec(select(Notice))] == [("confirmation", ADA)]
    engine.dispose()
    again = paperround("subscribers", "add", ADA, "--topics", "agents", "--confirm")
    assert (again.status, again.err) == (1, f"error: {ADA} was asked to confirm less than a day ago: ask again tomorrow\n")


def test_who_is_pending_can_be_taken_in_by_one_who_vouches_for_them(paperround: Paperround) -> None:
    paperround("subscribers", "add", ADA, "--topics", "agents", "--confirm")
    assert paperround("subscribers", "add", ADA, "--topics", "code").status == 0
    assert (shown(paperround)["state"], shown(paperround)["topics"]) == ("active", ["code"])


def test_who_unsubscribed_is_not_even_asked(paperround: Paperround, ada: str) -> None:
    paperround("subscribers", "set", ADA, "--state", "unsubscribed")
    ran = paperround("subscribers", "add", ADA, "--topics", "agents", "--confirm")
    assert ran.status == 1
    assert "say --resubscribe" in ran.err
    assert paperround("subscribers", "add", ADA, "--topics", "agents", "--confirm", "--resubscribe").status == 0
    assert shown(paperround)["state"] == "pending"


def test_an_export_replaces_no_link_and_no_pipe(paperround: Paperround, ada: str, folder: Path) -> None:
    """As root that took /dev/null from everybody on the machine."""
    (folder / "kept").mkdir()
    (folder / "link.csv").symlink_to("kept/people.csv")
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert [paperround("subscribers", "export", name).status for name in ("link.csv", "pipe")] == [0, 0]
    read = os.read(reader, 10_000)
    os.close(reader)
    assert (folder / "link.csv").is_symlink()
    assert (folder / "kept" / "people.csv").read_bytes() == read
    assert ADA.encode() in read


def test_an_export_to_a_file_without_a_name_is_told(paperround: Paperround, ada: str) -> None:
    ran = paperround("subscribers", "export", "")
    assert (ran.status, ran.err) == (2, "error: . can't be written: Is a directory\n")


def test_a_pause_is_set_and_ended_and_goes_with_the_export(paperround: Paperround, ada: str, folder: Path) -> None:
    until = f"{now().date() + timedelta(days=30)}"
    assert paperround("subscribers", "set", ADA, "--paused-until", until).status == 0
    assert f"paused until {until}" in paperround("subscribers", "list").out
    before = shown(paperround)
    paperround("subscribers", "export", "people.csv")
    paperround("subscribers", "remove", ADA)
    paperround("subscribers", "import", "people.csv")
    after = shown(paperround)
    assert {name: after[name] for name in after if name != "added_at"} == {
        name: before[name] for name in before if name != "added_at"
    }
    assert paperround("subscribers", "set", ADA, "--paused-until", "no").status == 0
    assert shown(paperround)["paused_until"] is None


@pytest.mark.parametrize("until", ["soon", "2020-01-01", "2099-12-01"])
def test_a_pause_ends_within_a_year_whoever_sets_it(paperround: Paperround, ada: str, until: str) -> None:
    ran = paperround("subscribers", "set", ADA, "--paused-until", until)
    assert (ran.status, "pause" in ran.err) == (2, True)
    assert shown(paperround)["paused_until"] is None


def test_every_preference_can_be_set_and_survives_export_and_import(paperround: Paperround, ada: str, folder: Path) -> None:
    given = ("--length", "papers:8", "--minimum-score", "0.7", "--followed", "Ada Okafor; Northfield Lab", "--muted", "soup,stew")
    flags = ("--language", "de", "--with-abstract", "yes", "--with-outside", "no", "--with-note", "yes")
    assert paperround("subscribers", "set", ADA, *given, *flags).status == 0
    before = shown(paperround)
    assert (before["length"], before["followed"], before["muted"]) == (
        "papers:8",
        ["Ada Okafor", "Northfield Lab"],
        ["soup", "stew"],
    )
    assert (before["language"], before["with_abstract"], before["with_outside"]) == ("de", True, False)
    paperround("subscribers", "export", "all.csv")
    paperround("subscribers", "set", ADA, "--length", "minutes:3", "--muted", "no", "--with-outside", "yes")
    assert (shown(paperround)["muted"], shown(paperround)["with_outside"]) == ([], True)
    assert paperround("subscribers", "import", "all.csv").out.startswith("0 added, 1 changed")
    assert shown(paperround) == before


def test_of_a_large_import_each_line_counts_as_it_would_alone(paperround: Paperround, folder: Path) -> None:
    """As many lines as several portions, with people who are known, who unsubscribed, and who were erased then, at both ends."""
    for email in ("p0@example.org", "p1@example.org", "p1298@example.org", "p1299@example.org"):
        paperround("subscribers", "add", email, "--topics", "code")
    for email in ("p1@example.org", "p1298@example.org"):
        paperround("subscribers", "set", email, "--state", "unsubscribed")
    paperround("subscribers", "remove", "p1298@example.org")
    lines = [f"p{number}@example.org,agents" for number in range(1300)]
    (folder / "in.csv").write_text("\n".join(["email,topics", *lines]))
    ran = paperround("subscribers", "import", "in.csv", "--json")
    assert ran.json == {"added": 1296, "changed": 2, "unchanged": 0, "refused": 2}
    assert [line.split(":")[1] for line in ran.err.splitlines()] == [" line 3", " line 1300"]
    people = {person["email"]: person for person in paperround("subscribers", "list", "--json").json}
    assert (len(people), people["p1299@example.org"]["topics"]) == (1299, ["agents"])
    assert people["p1@example.org"]["state"] == "unsubscribed"
    again = paperround("subscribers", "import", "in.csv", "--resubscribe", "--json")
    assert again.json == {"added": 2, "changed": 0, "unchanged": 1298, "refused": 0}


def test_a_file_is_read_and_checked_without_keeping_writers_out(paperround: Paperround, folder: Path) -> None:
    (folder / "in.csv").write_text("email,topics\nnobody,agents\n")
    with closing(sqlite3.connect(folder / "paperround.db", isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        ran = paperround("subscribers", "import", "in.csv")
    assert "nothing imported: mend 1 bad line" in ran.err
