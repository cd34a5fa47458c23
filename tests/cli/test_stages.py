from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Paperround


@pytest.fixture
def papers(folder: Path) -> Path:
    lines = [
        {
            "id": "x/1 any text",
            "title": "Tool-use agents",
            "abstract": "Agents wait. We propose a planner for LLM agents. It is 3 times faster.",
        },
        {"id": 7, "title": "Soup", "abstract": None},
    ]
    path = folder / "papers.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines), "utf-8")
    return path


def test_parse_prints_what_a_page_says(paperround: Paperround, page_file: Path) -> None:
    ran = paperround("parse", page_file)
    assert (ran.status, ran.err) == (0, "")
    assert ran.json["page"] == {"form": "hydration payload", "period": "day", "date": "2026-10-01"}
    assert ran.json["warnings"] == []
    first = ran.json["papers"][0]
    assert list(first) == [
        "id", "title", "abstract", "authors", "author_count", "organization", "published_on", "featured_on",
        "upvotes", "comments", "code_url", "code_stars", "project_url", "thumbnail_url", "source_keywords", "source_summary",
    ]  # fmt: skip
    assert (first["id"], first["authors"], first["published_on"], first["code_url"]) == (
        "2610.00001",
        ["Ada Okafor"],
        "2026-09-30",
        None,
    )


def test_parse_tells_in_one_line_what_is_no_page(paperround: Paperround, folder: Path) -> None:
    (folder / "other.html").write_text("<html></html>")
    ran = paperround("parse", "other.html")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err == "error: other.html: this is no page of papers that we know: no payload element, and no cards of papers\n"
    missing = paperround("parse", "missing.html")
    assert (missing.status, missing.err) == (2, "error: missing.html can't be read: No such file or directory\n")


def test_summarize_prints_a_line_for_each_line(paperround: Paperround, papers: Path) -> None:
    ran = paperround("summarize", "--papers", papers)
    first, second = map(json.loads, ran.out.splitlines())
    assert first == {
        "id": "x/1 any text",
        "tldr": "We propose a planner for LLM agents.",
        "problem": None,
        "result": None,
        "written_by": "authors",
        "evidence": {"tldr": {"start": 13, "end": 49, "written_by": "authors"}},
        "checks": [],
        "tags": ["agents", "tool use", "planning"],
    }
    assert (second["id"], second["tldr"], second["written_by"]) == (7, None, "authors")
    assert ran.status == 0


def test_match_prints_the_topics_above_their_threshold_with_the_reasons(paperround: Paperround, papers: Path) -> None:
    ran = paperround("match", "--papers", papers, "--json")
    first, second = map(json.loads, ran.out.splitlines())
    assert [found["slug"] for found in first["topics"]] == ["agents"]
    assert {("tool use", "title", "phrase")} <= {(w["phrase"], w["field"], w["support"]) for w in first["topics"][0]["why"]}
    assert first["topics"][0]["band"] == "core"
    assert second == {"id": 7, "topics": []}


def test_match_takes_another_catalogue(paperround: Paperround, papers: Path, folder: Path) -> None:
    (folder / "mine.toml").write_text('[[topic]]\nslug = "soup"\nname = "Soup"\nany = ["soup"]\n')
    ran = paperround("match", "--papers", papers, "--catalogue", "mine.toml")
    assert [found["slug"] for found in json.loads(ran.out.splitlines()[1])["topics"]] == ["soup"]
    for text in ("", '[topic]\nslug = "soup"\n'):
        (folder / "mine.toml").write_text(text)
        empty = paperround("match", "--papers", papers, "--catalogue", "mine.toml")
        assert (empty.status, empty.err) == (
            2,
            "error: the catalogue has an error at topic: begin each topic with a line [[topic]]\n",
        )
    (folder / "mine.toml").write_text("[[topic]]\n")
    broken = paperround("match", "--papers", papers, "--catalogue", "mine.toml")
    assert (broken.status, broken.err) == (2, "error: the catalogue has an error at topic 1 slug: Field required\n")


@pytest.mark.parametrize("command", ["match", "summarize"])
def test_a_bad_line_is_told_in_its_place_and_the_rest_go_on(paperround: Paperround, folder: Path, command: str) -> None:
    (folder / "p.jsonl").write_text('{"id": 1, "title": "Agents"}\n{oops\n[]\n{"id": 2}\n\n{"id": 3, "title": "x"}\n')
    ran = paperround(command, "--papers", "p.jsonl")
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == [1, None, None, 2, None, 3]
    assert [line.split(": ")[1] for line in ran.err.splitlines()] == ["line 2", "line 3", "line 5"]
    assert ran.status == 1


def test_the_stages_need_no_database_and_no_settings(
    paperround: Paperround, papers: Path, page_file: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", "nonsense")
    before = set(folder.iterdir())
    for arguments in (["parse", page_file], ["summarize", "--papers", papers], ["match", "--papers", papers]):
        assert paperround(*arguments).status == 0
    assert set(folder.iterdir()) == before
