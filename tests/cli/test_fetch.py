from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from service.cadence import last_listed_day
from tests.builders import page, record
from tests.cli.conftest import Paperround


def test_a_saved_page_is_stored_and_counted(paperround: Paperround, page_file: Path) -> None:
    first = paperround("fetch", "--from", page_file)
    assert first.status == 0
    assert "3 papers of Thursday 01 October 2026 (hydration payload): 3 new, 0 known, 0 changed, 0 rejected" in first.out
    assert "Summaries written: 3 by the authors" in first.out
    again = paperround("fetch", "--from", page_file, "--json").json
    assert {key: again[key] for key in ("new", "known", "changed", "rejected")} == {
        "new": 0,
        "known": 3,
        "changed": 0,
        "rejected": 0,
    }


def test_several_sources_may_follow_one_option(paperround: Paperround, page_file: Path, folder: Path) -> None:
    (folder / "second.html").write_bytes(page([record("2610.00009")]))
    assert paperround("fetch", "--from", page_file, "second.html", "--json").json["new"] == 4


def test_the_source_is_read_over_http_by_default(
    paperround: Paperround, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/papers").respond_with_data(page([record()]))
    httpserver.expect_request(f"/papers/date/{last_listed_day(datetime.now(UTC))}").respond_with_data("", status=404)
    monkeypatch.setenv("PAPERROUND_SOURCE_URL", httpserver.url_for("/papers"))
    ran = paperround("fetch", "--json")
    assert (ran.status, ran.json["new"]) == (0, 1)
    httpserver.expect_request("/papers/date/2026-10-01").respond_with_data(page([record("2610.00002")]))
    assert paperround("fetch", "--on", "2026-10-01", "--json").json["new"] == 1
    assert httpserver.log[0][0].headers["User-Agent"].startswith("Paperround/")


def test_an_unreachable_source_is_told_and_the_next_run_carries_on(
    paperround: Paperround, page_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_SOURCE_URL", "http://127.0.0.1:9/papers")
    failed = paperround("fetch", "--on", "2026-10-01")
    assert failed.status == 1
    assert failed.err.startswith("error: http://127.0.0.1:9/papers/date/2026-10-01 can't be read: ")
    assert failed.err.count("\n") == 1
    assert "the last fetch failed" in paperround("status").out
    assert paperround("fetch", "--from", page_file).status == 0
    assert paperround("status").status == 0


def test_a_broken_page_beside_a_good_one_stops_nothing(paperround: Paperround, page_file: Path, folder: Path) -> None:
    (folder / "broken.html").write_bytes(page_file.read_bytes()[:600])
    ran = paperround("fetch", "--from", "broken.html", page_file)
    assert ran.status == 1
    assert ran.err.startswith("error: broken.html: ")
    assert "3 new" in ran.out


def test_a_page_without_papers_is_no_failure_and_says_so(paperround: Paperround, folder: Path) -> None:
    (folder / "empty.html").write_bytes(page([]))
    ran = paperround("fetch", "--from", "empty.html")
    assert ran.status == 0
    assert "0 papers of Thursday 01 October 2026" in ran.out
    assert ran.err == "warning: empty.html: the page holds no papers\n"


def test_a_page_none_of_whose_papers_can_be_stored_is_a_failure(paperround: Paperround, folder: Path) -> None:
    (folder / "page.txt").write_text("new\nSubscribe\nA Planner\nWe propose a planner.\n")
    ran = paperround("fetch", "--from", "page.txt")
    assert ran.status == 1
    assert "error: page.txt: none of its papers could be stored; the first: 'A Planner': the page gives no arXiv" in ran.err


def test_a_day_asked_for_that_the_source_has_not_is_a_failure(
    paperround: Paperround, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    httpserver.expect_request("/papers/date/2026-10-03").respond_with_data("", status=404)
    monkeypatch.setenv("PAPERROUND_SOURCE_URL", httpserver.url_for("/papers"))
    ran = paperround("fetch", "--on", "2026-10-03")
    assert ran.status == 1
    assert "it answered 404" in ran.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "missing.html"], "error: missing.html is neither a file nor an http(s) address\n"),
        (
            ["--from", "https://me:hunter2@example.org/papers"],
            "error: an address with a user and a password would be stored and shown: give one without\n",
        ),
        (["--on", "yesterday"], "error: 'yesterday' is not a day: write it as in 2026-11-20\n"),
    ],
)
def test_wrong_use_is_told_in_one_line(paperround: Paperround, arguments: list[str], said: str) -> None:
    ran = paperround("fetch", *arguments)
    assert (ran.status, ran.err) == (2, said)
