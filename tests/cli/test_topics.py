from __future__ import annotations

import json
from math import exp
from pathlib import Path

import pytest

from tests.builders import page, record
from tests.cli.conftest import Paperround

SOUP = '[[topic]]\nslug = "soup"\nname = "Soup"\nany = ["soup", "title: broth ^2"]\n'


@pytest.fixture
def soup(paperround: Paperround, folder: Path) -> Paperround:
    """A database with the topic soup, and three papers."""
    (folder / "mine.toml").write_text(SOUP)
    assert paperround("topics", "import", "mine.toml", "--by", "ada", "--reason", "lunch").status == 0
    records = [record("2610.00001", "Soup and broth"), record("2610.00002", "Stew"), record("2610.00003", "Broth for agents")]
    (folder / "page.html").write_bytes(page(records))
    assert paperround("fetch", "--from", "page.html").status == 0
    return paperround


def test_a_new_database_lists_the_shipped_topics(paperround: Paperround) -> None:
    ran = paperround("topics", "list")
    assert len(ran.out.splitlines()) == 20
    assert "agents                   Agents & tool use" in ran.out
    assert len(paperround("topics", "list", "--json").json) == 20


def test_export_and_import_round_trip(paperround: Paperround, folder: Path) -> None:
    assert paperround("topics", "export", "all.toml").status == 0
    text = (folder / "all.toml").read_text("utf-8")
    assert paperround("topics", "export").out == text
    assert paperround("topics", "import", "all.toml", "--json").json == {"new": 0, "changed": 0, "unchanged": 20}
    assert paperround("topics", "import", "--shipped", "--json").json == {"new": 0, "changed": 0, "unchanged": 20}


def test_an_import_adds_and_changes(paperround: Paperround, folder: Path) -> None:
    (folder / "mine.toml").write_text('[[topic]]\nslug = "soup"\nname = "Soup"\nany = ["soup"]\n')
    assert paperround("topics", "import", "mine.toml", "--json").json == {"new": 1, "changed": 0, "unchanged": 0}
    (folder / "mine.toml").write_text('[[topic]]\nslug = "soup"\nname = "Soups"\nany = ["soup", "broth"]\nthreshold = 0.25\n')
    assert paperround("topics", "import", "mine.toml", "--json").json == {"new": 0, "changed": 1, "unchanged": 0}
    assert paperround("topics", "show", "soup").out.startswith('[[topic]]\nslug = "soup"\nname = "Soups"\n')
    assert paperround("topics", "show", "soup", "--json").json["threshold"] == 0.25


def test_an_unknown_topic_is_told(paperround: Paperround) -> None:
    ran = paperround("topics", "show", "soup")
    assert (ran.status, ran.err) == (2, "error: there is no topic 'soup': `paperround topics list` tells them\n")


def test_every_change_makes_a_version_that_can_be_looked_at_and_brought_back(soup: Paperround, folder: Path) -> None:
    assert soup("topics", "filter", "soup").out == "any: soup\nany: title: broth ^2\nthreshold: 0.5\n"
    (folder / "new.txt").write_text("any: soup\nany: stew\nthreshold: 0.5\n")
    assert soup("topics", "filter", "soup", "--set", "new.txt", "--by", "ben", "--reason", "stew is soup").status == 0
    told = soup("topics", "versions", "soup", "--json").json
    assert [(row["version"], row["author"], row["reason"]) for row in told] == [(2, "ben", "stew is soup"), (1, "ada", "lunch")]
    difference = soup("topics", "diff", "soup").out
    assert "--- soup version 1" in difference
    assert '-    "title: broth ^2",' in difference
    assert '+    "stew",' in difference
    assert soup("topics", "rollback", "soup", "1", "--by", "ada").out == "soup is as version 1 was: version 3\n"
    assert soup("topics", "filter", "soup").out == "any: soup\nany: title: broth ^2\nthreshold: 0.5\n"
    assert soup("topics", "rollback", "soup", "1").out == "soup is as version 1 was already\n"
    assert soup("topics", "rollback", "soup", "9").status == 2


def test_why_tells_the_whole_computation(soup: Paperround) -> None:
    told = soup("topics", "why", "soup", "2610.00001", "--json").json
    total = told["base"] + sum(reason["weight"] for reason in told["reasons"])
    assert told["score"] == pytest.approx(1 / (1 + exp(-total)), abs=1e-4)
    assert ("broth", "title") in {(reason["phrase"], reason["field"]) for reason in told["reasons"]}
    shown = soup("topics", "why", "soup", "2610.00001").out
    assert "where every paper starts" in shown
    assert f"soup {told['score']:.4f}, in (threshold 0.5)" in shown
    assert "below the bar" in soup("topics", "why", "soup", "2610.00002").out
    assert soup("topics", "why", "soup", "2610.99999").status == 2


def test_test_replays_stored_papers_and_changes_nothing(soup: Paperround, folder: Path) -> None:
    (folder / "new.txt").write_text("any: stew\nany: soup\nnone: broth\n")
    told = soup("topics", "test", "soup", "--filter", "new.txt", "--json").json
    assert [(gain["id"], gain["because"].partition('" ')[0]) for gain in told["gained"]] == [("2610.00002", 'phrase "stew')]
    assert {loss["id"]: loss["because"] for loss in told["lost"]} == {
        "2610.00001": 'ruled out by "broth" in the title',
        "2610.00003": 'ruled out by "broth" in the title',
    }
    shown = soup("topics", "test", "soup", "--filter", "new.txt").out
    assert "1 gained, 2 lost, 0 unchanged" in shown
    assert "readers: 0 of 0 would see other papers among their best ten of 2026-10-01" in shown
    assert soup("subscribers", "add", "ada@example.org", "--topics", "soup,code").status == 0
    assert soup("topics", "test", "soup", "--filter", "new.txt", "--json").json["readers"] == {"all": 1, "changed": 1}
    assert soup("topics", "test", "code", "--filter", "new.txt", "--json").json["readers"]["all"] == 1
    assert "█" in shown
    assert len(soup("topics", "versions", "soup").out.splitlines()) == 1


def test_a_test_with_no_paper_tells_where_they_come_from(paperround: Paperround, folder: Path) -> None:
    (folder / "new.txt").write_text("any: stew\n")
    ran = paperround("topics", "test", "code", "--filter", "new.txt")
    assert (ran.status, ran.err) == (2, "error: there are no papers to test with: bring some in with `paperround fetch`\n")


def test_a_filter_that_names_no_threshold_leaves_it_as_it_was(soup: Paperround, folder: Path) -> None:
    (folder / "high.txt").write_text("any: soup\nthreshold: 0.7\n")
    soup("topics", "filter", "soup", "--set", "high.txt")
    (folder / "words.txt").write_text("any: soup\nany: stew\n")
    soup("topics", "filter", "soup", "--set", "words.txt")
    assert soup("topics", "filter", "soup").out == "any: soup\nany: stew\nthreshold: 0.7\n"


def test_what_a_test_says_is_what_setting_the_filter_brings(soup: Paperround, folder: Path) -> None:
    """With example papers, of which words are added."""
    (folder / "new.txt").write_text("any: stew\nany: soup\nrelevant: 2610.00002\nstrike: broth\n")
    (gained,) = soup("topics", "test", "soup", "--filter", "new.txt", "--json").json["gained"]
    assert soup("topics", "filter", "soup", "--set", "new.txt").status == 0
    assert soup("topics", "why", "soup", gained["id"], "--json").json["score"] == gained["after"]


def test_score_tells_precision_and_recall_with_intervals(soup: Paperround, folder: Path) -> None:
    rows = [
        {"id": "1", "day": "2026-10-01", "title": "Soup", "abstract": "", "yes": ["soup"], "maybe": []},
        {"id": "2", "day": "2026-10-01", "title": "Cold soup", "abstract": "", "yes": [], "maybe": []},
        {"id": "3", "day": "2026-10-02", "title": "Salad", "abstract": "", "yes": ["soup"], "maybe": []},
        {"id": "4", "day": "2026-10-02", "title": "Hot soup", "abstract": "", "yes": [], "maybe": ["soup"]},
    ]
    (folder / "labels.jsonl").write_text("\n".join(map(json.dumps, rows)))
    found = {
        one["slug"]: one for one in soup("topics", "score", "--labels", "labels.jsonl", "--json").json["all labels"]["topics"]
    }
    assert [found["soup"][name]["value"] for name in ("precision", "recall", "f1")] == [0.5, 0.5, 0.5]
    assert found["soup"]["f1"]["low"] <= 0.5 <= found["soup"]["f1"]["high"]
    apart = soup("topics", "score", "--labels", "labels.jsonl", "--aside", "2026-10-02").out
    assert "other days: 2 papers" in apart
    assert "days set aside: 2 papers" in apart
    all_apart = soup("topics", "score", "--labels", "labels.jsonl", "--aside", "2026-10-01,2026-10-02").out
    assert "other days: 0 papers" in all_apart
    assert "days set aside: 4 papers" in all_apart
    assert "line 1 of the labels" in soup("topics", "score", "--labels", "mine.toml").err
    (folder / "labels.jsonl").write_text(json.dumps(rows[1]))
    assert "\nsoup   0    0.00 " in soup("topics", "score", "--labels", "labels.jsonl").out  # what finds wrong ones only
    (folder / "labels.jsonl").write_text(json.dumps({**rows[0], "yes": "soup"}))
    assert "line 1 of the labels" in soup("topics", "score", "--labels", "labels.jsonl").err
    (folder / "labels.jsonl").write_text(json.dumps({**rows[0], "abstract": "One line\u2028and another."}, ensure_ascii=False))
    assert soup("topics", "score", "--labels", "labels.jsonl").status == 0


def test_example_papers_are_labels_too(soup: Paperround, folder: Path) -> None:
    assert "there are no labels" in soup("topics", "score").err
    (folder / "new.txt").write_text("any: soup\nrelevant: 2610.00001\nirrelevant: 2610.00002\n")
    assert soup("topics", "filter", "soup", "--set", "new.txt").status == 0
    found = {one["slug"]: one for one in soup("topics", "score", "--json").json["all labels"]["topics"]}
    assert found["soup"]["f1"]["value"] == 1
    assert "broth" in soup("topics", "show", "soup", "--json").json["expansion"]
    (folder / "new.txt").write_text("any: soup\nrelevant: 2610.00001\nstrike: broth\n")
    assert soup("topics", "filter", "soup", "--set", "new.txt").status == 0
    assert "broth" not in soup("topics", "show", "soup", "--json").json["expansion"]


def test_an_error_in_a_filter_points_at_the_place(soup: Paperround, folder: Path) -> None:
    (folder / "new.txt").write_text("any: soup\nany: titel: broth\n")
    ran = soup("topics", "filter", "soup", "--set", "new.txt")
    assert (ran.status, ran.err.startswith("error: line 2, character 6: there is no field 'titel', did you mean 'title'?")) == (
        2,
        True,
    )
    (folder / "bad.toml").write_text('[[topic]]\nslug = "a"\nname = "A"\nany = ["x", "y ^z"]\n')
    assert "topic 1 any 2, character 3: after ^ stands a weight" in soup("topics", "import", "bad.toml").err


def test_status_names_topics_for_which_newer_filters_are_shipped(paperround: Paperround, folder: Path) -> None:
    (folder / "old.txt").write_text("any: source code\n")
    assert paperround("topics", "filter", "code", "--set", "old.txt", "--by", "paperround").status == 0
    assert "Newer filters are shipped for code: `paperround topics import --shipped` takes them." in paperround("status").out
    assert paperround("topics", "import", "--shipped").status == 0
    assert "Newer filters" not in paperround("status").out
