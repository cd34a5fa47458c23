"""Pictures of the golden mails in Chromium: `python -m tests.screenshots FOLDER [NAME ...]`. Touches the folder.

Each at 320, 640 and 1,280 pixels, light and dark. They are to be looked at, one by one; no test compares them.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.golden.cases import NAMES, golden

TOOLS = Path(__file__).parent / "tools"
WIDTHS = (320, 640, 1280)
SCHEMES = ("light", "dark")


def browse(jobs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What `tools/browse.mjs` found, a job each. It needs Node 20, Chromium, and `npm ci` in tests/tools."""
    ran = subprocess.run(["node", TOOLS / "browse.mjs"], input=json.dumps(jobs), capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"error: the browser could not be used: {ran.stderr.strip()[-500:]}")
    answers: list[dict[str, Any]] = json.loads(ran.stdout)
    return answers


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    views = [(name, width, scheme) for name in names for width in WIDTHS for scheme in SCHEMES]
    browse(
        [
            {
                "html": golden(name).email.html,
                "width": width,
                "scheme": scheme,
                "picture": str(folder / f"{name}-{width}-{scheme}.png"),
            }
            for name, width, scheme in views
        ]
    )
    print(f"{len(views)} pictures in {folder}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or list(NAMES))
