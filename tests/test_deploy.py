"""The unit files against systemd's own checks, where they are installed."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pytest_httpserver import HTTPServer

from tests.builders import free_port

DEPLOY = Path(__file__).parents[1] / "deploy"


@pytest.fixture(params=["paperround.service", "paperround-backup.service"])
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit, with a program that exists here in the place of the one that it starts; the others beside it."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    for file in DEPLOY.glob("paperround*"):
        (tmp_path / file.name).write_text(
            file.read_text("utf-8").replace("/opt/paperround/bin/paperround", sys.executable), "utf-8"
        )
    return tmp_path / str(request.param)


def test_the_unit_is_sound(unit: Path) -> None:
    checked = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_timer_is_sound(unit: Path) -> None:
    timer = unit.parent / "paperround-backup.timer"
    checked = subprocess.run(["systemd-analyze", "verify", timer], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_the_unit_is_hardened(unit: Path) -> None:
    told = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", unit], capture_output=True, text=True, check=False
    ).stdout
    level = re.search(r"Overall exposure level for .*: ([\d.]+)", told)
    assert level is not None
    assert float(level.group(1)) < 3.0


def test_a_container_is_alive_when_a_person_is_needed_and_not_when_it_answers_nothing() -> None:
    """Orchestrators start an unhealthy one anew, and some proxies keep readers from it."""
    command = re.search(r"^HEALTHCHECK .*\\\n +CMD (\[.*\])$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.M)
    assert command is not None

    def status(port: int) -> int:
        check = [sys.executable, *json.loads(command[1])[1:]]
        return subprocess.run([part.replace("8000", f"{port}") for part in check], capture_output=True, check=False).returncode

    with HTTPServer(port=0) as server:
        server.expect_request("/health").respond_with_json({"needs_a_person": 1}, status=503)
        assert status(server.port) == 0
    assert status(free_port()) == 1
