from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from service.cadence import last_listed_day
from tests.builders import page, record
from tests.cli.conftest import Paperround
from tests.source_server import Source, changed, playing


def test_a_saved_page_is_stored_and_counted(paperround: Paperround, page_file: Path) -> None:
    first = paperround("fetch", "--from", page_file)
    assert first.status == 0
    assert "3 papers of Thursday 1 October 2026 (hydration payload): 3 new, 0 known, 0 changed, 0 rejected" in first.out
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


@pytest.mark.usefixtures("within_a_day")
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
    assert "0 papers of Thursday 1 October 2026" in ran.out
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
        (["--until", "2026-10-01"], "error: --until goes with --since\n"),
        (["--since", "2026-10-02", "--until", "2026-10-01"], "error: there is no list from 2026-10-02 to 2026-10-01\n"),
        (["--since", "2026-10-01", "--on", "2026-10-01"], "error: --since goes with --until only\n"),
        (["--on", "yesterday"], "error: 'yesterday' is not a day: write it as in 2026-11-20\n"),
    ],
)
def test_wrong_use_is_told_in_one_line(paperround: Paperround, arguments: list[str], said: str) -> None:
    ran = paperround("fetch", *arguments)
    assert (ran.status, ran.err) == (2, said)


# ---- the log, the backfill, what is in doubt


@pytest.fixture
def source(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> Iterator[Source]:
    """A source with three weekdays of two papers each."""
    days = [date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 2)]
    lists = {
        day: [record(f"{day:%y%m}.{day.day:02d}00{n}", "LLM Agents", submittedOnDailyAt=f"{day}T00:00:00Z") for n in (1, 2)]
        for day in days
    }
    with playing(Source(lists)) as source:
        monkeypatch.setenv("PAPERROUND_SOURCE_URL", source.address)
        yield source


def test_a_backfill_reads_each_listed_day_once(paperround: Paperround, source: Source) -> None:
    ran = paperround("fetch", "--since", "2026-09-30", "--until", "2026-10-04", "--json")
    assert (ran.status, ran.json["new"], ran.err) == (0, 6, "")
    assert [page["shown_on"] for page in ran.json["pages"]] == ["2026-09-30", "2026-10-01", "2026-10-02"]
    asked = len(source.asked)
    again = paperround("fetch", "--since", "2026-09-30", "--until", "2026-10-04", "--json")
    assert (again.status, again.json["pages"], len(source.asked)) == (0, [], asked)


def test_the_log_lists_fetches_and_parse_reads_a_kept_one_again(paperround: Paperround, source: Source) -> None:
    source.faults = {"/api/daily_papers?date=2026-10-01": changed((b"2026-10-01T", b"2026-09-29T"))}
    paperround("fetch", "--since", "2026-09-30", "--until", "2026-10-02")
    log = paperround("fetch", "log")
    assert log.status == 0
    lines = log.out.splitlines()
    assert lines[0].startswith("3*  ")
    assert "2 papers of Friday 2 October 2026 (JSON API): 2 new" in lines[0]
    assert lines[2] == "    in doubt: asked for 2026-10-01, the source shows 2026-09-29: that day is believed"
    assert [(page["id"], page["is_kept"]) for page in paperround("fetch", "log", "--count", "2", "--json").json] == [
        (3, True),
        (2, True),
    ]
    read = paperround("parse", "--fetch", "1")
    assert read.status == 0
    assert [paper["id"] for paper in read.json["papers"]] == ["2609.30001", "2609.30002"]
    assert paperround("parse", "--fetch", "9").err == (
        "error: the answer of fetch 9 is not kept: `paperround fetch log` marks those that are\n"
    )
    assert paperround("parse").status == paperround("parse", "page.html", "--fetch", "1").status == 2


def test_the_last_30_answers_are_kept(paperround: Paperround, page_file: Path) -> None:
    for _ in range(4):
        paperround("fetch", "--from", *[page_file] * 8)
    kept = [page["id"] for page in paperround("fetch", "log", "--count", "40", "--json").json if page["is_kept"]]
    assert kept == list(range(32, 2, -1))


@pytest.mark.usefixtures("within_a_day")
def test_a_changed_page_is_told_in_words_and_what_it_holds_is_stored(paperround: Paperround, source: Source) -> None:
    source.lists = {datetime.now(UTC).date(): source.lists[date(2026, 10, 2)]}
    source.today = datetime.now(UTC).date()
    source.faults = {"/papers": changed((b'data-target="DailyPapers"', b'data-target="Feed"'))}
    ran = paperround("fetch")
    assert ran.status == 0
    assert f"warning: {source.address}: no payload element; 2 cards read instead\n" in ran.err
    assert "2 papers" in ran.out
    status = paperround("status")
    assert "no payload element; 2 cards read instead" in status.out
    assert "In doubt since " in status.out
    assert "no payload element; 2 cards read instead" in [
        doubt["words"] for doubt in paperround("status", "--json").json["doubts"]
    ]


def test_send_now_goes_out_and_says_that_its_list_is_in_doubt(paperround: Paperround, source: Source) -> None:
    source.faults = {"/api": changed((b"2026-10-01T", b"2026-09-29T"))}
    paperround("fetch", "--on", "2026-10-01")
    ran = paperround("send-now", "--on", "2026-10-01", "--yes")
    assert ran.status == 0
    assert "warning: the list of 2026-10-01 is in doubt: asked for 2026-10-01, the source shows 2026-09-29" in ran.err


@pytest.mark.usefixtures("within_a_day")
def test_a_days_budget_that_is_spent_is_told(paperround: Paperround, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_DAILY_REQUESTS", "2")
    ran = paperround("fetch", "--since", "2026-09-30", "--until", "2026-10-02")
    assert ran.status == 1
    assert "the day's 2 requests are spent: it goes on tomorrow" in ran.err
    assert len(source.asked) == 2
