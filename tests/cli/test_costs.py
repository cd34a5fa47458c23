"""`costs` and `summarize-again`, against a language-model server over real HTTP."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import page, record
from tests.cli.conftest import Paperround
from tests.language_server import Exchange, language_server


def good(exchange: Exchange) -> None:
    exchange.summarize(tldr=exchange.paper["abstract"].split(". ")[-1])


def test_costs_tells_that_no_model_was_asked(paperround: Paperround) -> None:
    assert paperround("costs").out == "No language model was asked in the last 30 days.\n"
    assert paperround("costs", "--json").json == {"daily_cap": 1.0, "days": []}


def test_costs_tells_tokens_and_money_by_day(paperround: Paperround, page_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with language_server(good) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "key")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        paperround("fetch", "--from", page_file)
        told = paperround("costs")
        assert told.out.splitlines()[1].split()[1:] == ["gpt-4o-mini", "3", "0", "1500", "150", "0.000315"]
        assert told.out.endswith("$0.0003 in 30 days; today $0.0003 of $1, the cap a day.\n")
        monkeypatch.setenv("PAPERROUND_MODEL", "larger")
        again = paperround("summarize-again", "--since", "2026-10-01")
        assert again.out == "Summaries written: 3 by a model, 0 by the authors\n"
        assert "reckoned at the prices of gpt-4o-mini" in again.err
    assert [day["model"] for day in paperround("costs", "--json").json["days"]] == ["gpt-4o-mini", "larger"]


def test_summarize_again_fails_where_the_model_wrote_nothing(
    paperround: Paperround, page_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paperround("fetch", "--from", page_file)
    monkeypatch.setenv("OPENAI_API_KEY", "key")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    ran = paperround("summarize-again", "--since", "2026-10-01")
    assert (ran.status, ran.out) == (1, "Summaries written: 0 by a model, 3 by the authors\n")


def test_a_model_that_refuses_the_key_is_told_in_few_lines_and_needs_a_person(
    paperround: Paperround, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "page.html").write_bytes(page([record(f"2610.0000{number}") for number in range(1, 7)]))
    with language_server(lambda exchange: exchange.send(401, {"error": {"message": "no such key"}})) as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-of-yesterday")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        ran = paperround("fetch", "--from", "page.html")
    assert ran.status == 0
    assert 1 <= ran.err.count("\n") <= 2
    assert "more: a model's summary was not taken: the language model did not answer: " in ran.err
    status = paperround("status")
    assert status.status == 1
    assert "Needs you: 6 papers wait for a model's summary: the language model did not answer: " in status.out
    assert "no such key" in status.out


def test_summarize_again_needs_a_model(paperround: Paperround) -> None:
    ran = paperround("summarize-again", "--since", "2026-10-01")
    assert (ran.status, ran.err) == (2, "error: no language model is set: give OPENAI_API_KEY in the environment or in .env\n")
