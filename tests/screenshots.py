"""Pictures of the golden mails in Chromium: `python -m tests.screenshots FOLDER [NAME ...]`. Touches the folder.

Each at 320, 640 and 1,280 pixels, light and dark. They are to be looked at, one by one; no test compares them.
`python -m tests.screenshots --readme` renews the two in tests/pictures.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.golden.cases import NAMES, golden

PICTURES = Path(__file__).parent / "pictures"
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
    browse([view(folder / f"{name}-{width}-{scheme}.png", name, width, scheme) for name, width, scheme in views])
    print(f"{len(views)} pictures in {folder}")


def pictures_of_readme() -> None:
    """The top of an ordinary day in a wide window, and of a week on a phone at night."""
    browse(
        [
            view(PICTURES / "digest.png", "ordinary", 700, "light", height=1180),
            view(PICTURES / "weekly-dark.png", "weekly", 375, "dark", height=1180),
        ]
    )


def view(picture: Path, name: str, width: int, scheme: str, **more: Any) -> dict[str, Any]:
    return {"html": golden(name).email.html, "width": width, "scheme": scheme, "picture": str(picture), **more}


if __name__ == "__main__":
    if sys.argv[1:] == ["--readme"]:
        pictures_of_readme()
    else:
        main(Path(sys.argv[1]), sys.argv[2:] or list(NAMES))
