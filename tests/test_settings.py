from __future__ import annotations

import re
from email.utils import parseaddr
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import Engine

from service.connections import transport
from service.errors import WrongUse
from service.settings import Settings, load_settings, sender, setting_names, setting_warnings, signing_key_files
from tests.builders import SENDER

EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in setting_names():
        monkeypatch.delenv(name, raising=False)


def test_the_example_lists_each_setting_once_with_a_comment() -> None:
    lines = EXAMPLE.read_text("utf-8").splitlines()
    named = [line.partition("=")[0] for line in lines if re.match(r"[A-Z_]+=", line)]
    assert sorted(named) == sorted(setting_names())
    for number, line in enumerate(lines):
        if line.partition("=")[0] in named:
            assert lines[number - 1].startswith("#"), line


def test_the_example_as_it_stands_is_a_working_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(EXAMPLE.read_text("utf-8"), "utf-8")
    assert load_settings(Settings) == Settings(_env_file=None)
    assert setting_warnings(load_settings(Settings)) == []


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PAPERROUND_STALE_AFTER_HOURS=5\nPAPERROUND_OUTBOX=box\n", "utf-8")
    monkeypatch.setenv("PAPERROUND_STALE_AFTER_HOURS", "7")
    settings = load_settings(Settings)
    assert (settings.stale_after_hours, settings.outbox) == (7, Path("box"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAPERROUND_DATABASE_URL", "mysql://localhost/x"),
        ("PAPERROUND_DATABASE_URL", "hunter2"),
        ("PAPERROUND_DATABASE_URL", "sqlite+aiosqlite:///x.db"),
        ("PAPERROUND_DATABASE_URL", "sqlite://"),
        ("PAPERROUND_MAIL_FROM", "a@example.org, b@example.org"),
        ("PAPERROUND_SOURCE_URL", "https://me:hunter2@example.org/papers"),
        ("PAPERROUND_SOURCE_URL", "https://example.org/papers?sort=x"),
        ("PAPERROUND_PUBLIC_URL", "https://bücher.example"),
        ("PAPERROUND_CONTACT", "bücher@example.org"),
        ("PAPERROUND_SMTP_URL", "smtps://me:12#hunter2@mail.example.org"),
        ("OPENAI_API_KEY", "schlüssel"),
        ("PAPERROUND_SOURCE_URL", "ftp://hunter2"),
        ("PAPERROUND_SMTP_URL", "smtp://me:hunter2@mail.example.org?tls=off"),
        ("PAPERROUND_SMTP_URL", "mail.example.org"),
        ("PAPERROUND_PUBLIC_URL", "hunter2"),
        ("PAPERROUND_MAIL_FROM", "no address"),
        ("PAPERROUND_STALE_AFTER_HOURS", "hunter2"),
        ("OPENAI_BASE_URL", "hunter2"),
    ],
)
def test_a_bad_setting_is_named_in_one_line_and_its_value_is_not(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongUse, match=f"^{name}: ") as failure:
        load_settings(Settings)
    assert "hunter2" not in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CONNECTIONS", "many", "write a whole number"),
        ("CONNECTIONS", "0", "it must be greater than or equal to 1"),
        ("RATE", "fast", "write a number"),
        ("TOPICS_BY_MODEL", "ja", "write true or false"),
        ("ON_SUSPECT", "stop", "it must be 'note' or 'wait'"),
    ],
)
def test_what_a_setting_wants_is_told_in_plain_words(monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str) -> None:
    monkeypatch.setenv(f"PAPERROUND_{name}", value)
    with pytest.raises(WrongUse, match=f"^PAPERROUND_{name}: {words}$"):
        load_settings(Settings)


def test_an_unknown_name_a_weak_key_and_a_plain_link_are_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("PAPERROUND_SECRT_KEY=x\n", "utf-8")
    monkeypatch.setenv("PAPERROUND_PUBLIC_URL", "http://papers.example.org/")
    monkeypatch.setenv("PAPERROUND_SECRET_KEY", "short")
    settings = load_settings(Settings)
    assert settings.public_url == "http://papers.example.org"
    assert [warning.split()[0] for warning in setting_warnings(settings)] == [
        "PAPERROUND_SECRT_KEY",
        "PAPERROUND_PUBLIC_URL",
        "PAPERROUND_SECRET_KEY",
    ]


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1", "[::1]:8000"])
def test_a_plain_link_to_this_machine_is_for_a_trial_and_no_warning(host: str) -> None:
    assert setting_warnings(Settings(public_url=f"http://{host}")) == []


def test_a_name_with_a_comma_stays_one_sender(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_MAIL_FROM", '"Papers, Daily" <Digest@example.org>')
    assert parseaddr(sender(load_settings(Settings)).mail_from) == ("Papers, Daily", "digest@example.org")


def test_an_env_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"PAPERROUND_MODEL=\xff\xfe\n")
    with pytest.raises(WrongUse, match=r"^\.env is not UTF-8 text$"):
        load_settings(Settings)


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs a file that not even root can read: Linux has one")
def test_an_env_file_that_can_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / ".env").symlink_to("/proc/self/mem")
    with pytest.raises(WrongUse, match=r"^\.env can't be read: Input/output error$"):
        load_settings(Settings)


def test_lines_of_the_env_file_that_set_nothing_are_warnings(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text('PAPERROUND_RATE 5\n# five\n\nPAPERROUND_MODEL\nPAPERROUND_MAIL_FROM="Ada <a@example.org>\n')
    found = setting_warnings(load_settings(Settings))
    assert found == [f".env: line {number} is no NAME=value, and does nothing" for number in (1, 4, 5)]


def test_a_real_send_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_SMTP_URL", "smtp://localhost:2525")
    monkeypatch.setenv("PAPERROUND_PUBLIC_URL", "https://papers.example.org")
    with pytest.raises(WrongUse, match="needs PAPERROUND_SECRET_KEY, PAPERROUND_MAIL_FROM: set them"):
        sender(load_settings(Settings))


def test_a_new_key_signs_and_the_old_one_is_still_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_SECRET_KEY", f"{'n' * 32}, {'o' * 32}")
    settings = load_settings(Settings)
    assert sender(settings).link_keys == ("n" * 32, "o" * 32)
    assert setting_warnings(settings) == []


def test_without_a_mail_server_stand_ins_do(monkeypatch: pytest.MonkeyPatch) -> None:
    found = sender(load_settings(Settings))
    assert found.public_url == "http://localhost:8000"
    assert found.link_keys[0]


def test_secrets_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAPERROUND_SMTP_URL", "smtps://me:hunter2@mail.example.org")
    monkeypatch.setenv("PAPERROUND_SECRET_KEY", "hunter2" * 5)
    monkeypatch.setenv("OPENAI_API_KEY", "hunter2")
    settings = load_settings(Settings)
    assert "hunter2" not in repr(settings)
    assert "hunter2" not in repr(sender(settings.model_copy(update={"smtp_url": None})))


@pytest.mark.parametrize("written", ["dkim.pem", "s1=", "=dkim.pem", "s1=a.pem,s2", "S 1=a.pem"])
def test_signing_keys_are_a_selector_and_a_file_each(written: str) -> None:
    with pytest.raises(ValidationError, match="selector=FILE"):
        Settings(dkim_keys=written)
    assert signing_key_files(Settings(dkim_keys="s1=/a.pem, s2=b.pem")) == [("s1", Path("/a.pem")), ("s2", Path("b.pem"))]


def test_a_signing_key_that_is_not_there_is_told_with_its_setting(sqlite: Engine) -> None:
    settings = Settings(smtp_url="smtp://localhost", dkim_keys="s1=/nowhere.pem")
    with (
        pytest.raises(WrongUse, match=r"PAPERROUND_DKIM_KEYS: /nowhere\.pem can't be read: No such file"),
        transport(settings, sqlite, SENDER),
    ):
        pass
