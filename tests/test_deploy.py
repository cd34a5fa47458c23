"""The unit files against systemd's own checks, where they are installed."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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
