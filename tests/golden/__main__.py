"""Renew the golden mails after a change that is meant: `python -m tests.golden`. Touches tests/golden/kept."""

from __future__ import annotations

from tests.golden.cases import NAMES
from tests.golden.kept import KEPT, parts

if __name__ == "__main__":
    for old in KEPT.glob("*.*"):
        old.unlink()
    for name in NAMES:
        for file, content in parts(name).items():
            (KEPT / file).write_text(content, "utf-8")
    print(f"{len(NAMES)} mails in {KEPT}: look at the difference (git diff) before you commit it")
