"""What holds for every command, and the demo."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import venv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from pytest_httpserver import HTTPServer

from service import connections
from service.cadence import last_listed_day
from service.settings import Settings, load_settings, sender
from service.web import web_application
from tests.builders import page, record
from tests.cli.conftest import Paperround

COMMANDS = ["demo", "serve", "fetch", "send-now", "preview", "why", "status", "backup", "restore", "parse", "summarize", "match"]
GROUPS = {
    "topics": ["list", "show", "import", "export"],
    "subscribers": ["add", "set", "list", "show", "import", "export", "remove"],
}
EVERY = [[command] for command in COMMANDS] + [[group, command] for group, commands in GROUPS.items() for command in commands]


@pytest.mark.parametrize("command", EVERY, ids=" ".join)
def test_every_command_teaches_and_takes_json(paperround: Paperround, command: list[str]) -> None:
    ran = paperround(*command, "--help")
    assert ran.status == 0
    assert "--json" in ran.out
    assert len(ran.out.splitlines()) > 5


@pytest.mark.parametrize("group", [[], ["topics"], ["subscribers"]])
def test_a_group_alone_shows_its_help(paperround: Paperround, group: list[str]) -> None:
    ran = paperround(*group)
    assert (ran.status, ran.err) == (0, "")
    assert "Commands:" in ran.out


@pytest.mark.parametrize("group", [[], *([group] for group in (*GROUPS, "deliveries", "suppressions", "fetch"))], ids=" ".join)
def test_a_list_of_commands_tells_what_each_does_in_a_whole_sentence(
    paperround: Paperround, monkeypatch: pytest.MonkeyPatch, group: list[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    listed = paperround(*group, "--help").out.partition("Commands:\n")[2]
    assert "..." not in listed
    assert listed.rstrip().endswith(".")
    assert max(map(len, listed.splitlines())) <= 60


def test_a_file_that_may_be_left_out_says_what_happens_then(paperround: Paperround) -> None:
    for group in ("topics", "subscribers", "suppressions"):
        told = paperround(group, "export", "--help").out
        assert "[[" not in told
        assert "Default: stdout." in told


def test_it_tells_its_version(paperround: Paperround) -> None:
    assert paperround("--version").out.startswith("paperround 0.")


def test_an_unknown_setting_is_a_warning(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_COLOUR", "red")
    ran = paperround("topics", "list")
    assert (ran.status, ran.err) == (0, "warning: PAPERROUND_COLOUR is no setting of Paperround and does nothing\n")


def test_a_bad_setting_is_one_line_and_status_2(paperround: Paperround, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_PUBLIC_URL", "papers")
    ran = paperround("status")
    assert (ran.status, ran.err) == (
        2,
        "error: PAPERROUND_PUBLIC_URL: write a whole address without user, ? or #, as in https://papers.example.org\n",
    )


@pytest.mark.parametrize(
    "command",
    [
        ["deliveries", "list", "--issue"],
        ["deliveries", "retry", "--issue"],
        ["parse", "--fetch"],
        ["fetch", "log", "--count"],
        ["topics", "why", "agents", "2610.00001", "--version"],
        ["topics", "diff", "agents", "1"],
        ["topics", "diff", "agents"],
        ["topics", "rollback", "agents"],
    ],
    ids=" ".join,
)
def test_a_number_beyond_all_that_is_counted_is_wrong_use(paperround: Paperround, command: list[str]) -> None:
    ran = paperround(*command, "99999999999999999999")
    assert (ran.status, ran.err.partition(": ")[0], "Input should be less than or equal to" in ran.err) == (2, "error", True)


@pytest.mark.parametrize("command", [["topics", "show"], ["deliveries", "list", "--reply"]], ids=" ".join)
def test_an_argument_that_is_no_utf8_is_wrong_use(paperround: Paperround, command: list[str]) -> None:
    """Of a file it may be the name all the same."""
    garbled = os.fsdecode(b"caf\xe9")
    ran = paperround(*command, garbled)
    assert (ran.status, ran.err) == (2, "error: 'caf\\udce9' is not UTF-8 text\n")
    assert paperround("topics", "export", garbled).status == 0
    assert Path(garbled).is_file()


@pytest.mark.slow
@pytest.mark.parametrize("closing", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_is_closed_is_one_that_nobody_reads(folder: Path, closing: str) -> None:
    command = f'exec "{sys.executable}" -c "from service.cli import main; main()" topics list {closing}'
    ran = subprocess.run(["sh", "-c", command], capture_output=True, text=True, cwd=folder)
    assert (ran.returncode, ran.stderr) == (0, "")


@pytest.mark.slow
def test_ctrl_c_while_the_command_still_loads_ends_it_without_a_traceback(folder: Path) -> None:
    (folder / "rich").mkdir()
    (folder / "rich" / "__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"  # whoever runs the tests may ignore it
    command = [sys.executable, "-c", f"{heard}; from service.start import main; main()", "topics", "list"]
    ran = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(folder)})
    assert (ran.returncode, ran.stdout, ran.stderr) == (-signal.SIGINT, "", "")


@pytest.mark.parametrize("group", ["topics", "subscribers", "suppressions"])
def test_an_export_to_a_dash_goes_to_stdout(paperround: Paperround, folder: Path, group: str) -> None:
    whole = paperround(group, "export").out
    ran = paperround(group, "export", "-")
    assert (ran.status, ran.out, ran.err) == (0, whole, "")
    assert not (folder / "-").exists()


def test_a_backup_to_a_dash_says_that_it_needs_a_file(paperround: Paperround, folder: Path) -> None:
    ran = paperround("backup", "-")
    assert (ran.status, ran.err) == (2, "error: a backup is written as a file, not to stdout: name one\n")
    assert not (folder / "-").exists()


@pytest.mark.parametrize("command", [["backup"], ["restore"], ["fetch", "--from"]], ids=" ".join)
def test_a_file_that_no_folder_can_hold_is_wrong_use(paperround: Paperround, command: list[str]) -> None:
    name = "x" * 300
    ran = paperround(*command, name)
    assert (ran.status, ran.err) == (2, f"error: {name} can't be used: File name too long\n")


def test_the_demo_runs_the_whole_job_once(paperround: Paperround, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_SOURCE_URL", "http://127.0.0.1:9/papers")
    monkeypatch.setenv("PAPERROUND_SMTP_URL", "smtp://127.0.0.1:9")
    monkeypatch.setenv("PAPERROUND_DATABASE_URL", "sqlite:///never.db")
    monkeypatch.setenv("OPENAI_API_KEY", "never")
    first = paperround("demo")
    assert first.status == 0
    assert first.err.startswith("http://127.0.0.1:9/papers can't be read: ")
    assert first.err.endswith("Reading the sample page that ships with Paperround instead.\n")
    mails = sorted((folder / "paperround-demo" / "outbox").glob("*"))
    assert [mail.suffix for mail in mails] == [".eml", ".html"] * 3
    assert all(str(mail.relative_to(folder)) in first.out for mail in mails)
    assert "Sample papers, written for this demo." in mails[1].read_text("utf-8")
    second = paperround("demo")
    assert second.status == 0
    assert "Nothing was sent" in second.out
    assert sorted((folder / "paperround-demo" / "outbox").glob("*")) == mails
    assert {path.name for path in folder.iterdir()} == {"paperround-demo", "paperround.db"}


@pytest.mark.slow
def test_the_links_of_the_demos_mails_lead_to_what_serve_shows_in_its_folder(
    paperround: Paperround, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAPERROUND_SOURCE_URL", "http://127.0.0.1:9/papers")
    assert "Their links lead to pages while `paperround serve` runs in paperround-demo." in paperround("demo").out
    mail = next((folder / "paperround-demo" / "outbox").glob("*.html")).read_text("utf-8")
    links = set(re.findall(r'href="http://localhost:8000(/[^"#]+)', mail))
    monkeypatch.chdir(folder / "paperround-demo")
    settings = load_settings(Settings)
    with connections.database(settings.database_url) as engine:
        pages = TestClient(web_application(engine, sender(settings)))
        assert {pages.get(link).status_code for link in links} == {200}


@pytest.mark.slow
@pytest.mark.usefixtures("within_a_day")
def test_the_demo_reads_the_live_page_where_it_can(
    paperround: Paperround, folder: Path, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    today, listed = datetime.now(UTC).date(), last_listed_day(datetime.now(UTC))
    for path, paper_id, day in (("/papers", "2610.00001", today), (f"/papers/date/{listed}", "2610.00002", listed)):
        told = record(paper_id, "LLM Agents", submittedOnDailyAt=f"{day}T00:00:00Z")
        httpserver.expect_request(path).respond_with_data(page([told], on=day))
    monkeypatch.setenv("PAPERROUND_SOURCE_URL", httpserver.url_for("/papers"))
    ran = paperround("demo", "--json")
    assert (ran.status, ran.err) == (0, "")
    assert ran.json["on"] == f"{listed}"
    assert [outcome["paper_ids"] for outcome in ran.json["outcomes"] if outcome["email"] == "ada@example.org"] == [["2610.00002"]]
    assert all("Sample papers" not in mail.read_text("utf-8") for mail in (folder / "paperround-demo").rglob("*.html"))


@pytest.mark.slow
def test_an_installed_wheel_runs_the_demo_in_any_folder(tmp_path: Path) -> None:
    """The wheel alone, in an environment of its own, with this one's dependencies but not its checkout."""
    project = Path(__file__).parents[2]
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", tmp_path / "wheel", project], check=True, capture_output=True)
    venv.create(tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    (wheel,) = (tmp_path / "wheel").glob("*.whl")
    install = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, wheel], check=True, capture_output=True)
    (packages,) = (tmp_path / "env").glob("lib/python*/site-packages")
    dependencies = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "dependencies.pth").write_text(dependencies)
    (tmp_path / "elsewhere").mkdir()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PAPERROUND_", "PYTHON"))}
    clean["PAPERROUND_SOURCE_URL"] = "http://127.0.0.1:9/papers"

    def run(*command: str | Path) -> str:
        return subprocess.run(command, check=True, cwd=tmp_path / "elsewhere", env=clean, capture_output=True, text=True).stdout

    assert str(tmp_path) in run(python, "-c", "import service; print(service.__file__)")
    assert "3 mails in paperround-demo/outbox" in run(tmp_path / "env" / "bin" / "paperround", "demo")
    assert len(list((tmp_path / "elsewhere" / "paperround-demo" / "outbox").glob("*.eml"))) == 3
