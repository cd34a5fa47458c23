from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Paperround


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
