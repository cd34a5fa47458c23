"""The golden mails as files: html, text and headers of each."""

from __future__ import annotations

from pathlib import Path

from tests.golden.cases import golden

KEPT = Path(__file__).parent / "kept"


def parts(name: str) -> dict[str, str]:
    """By file name."""
    mail = golden(name)
    headers = mail.message.partition(b"\r\n\r\n")[0].decode("ascii").replace("\r\n", "\n")
    return {f"{name}.html": mail.email.html, f"{name}.txt": mail.email.text, f"{name}.headers": headers + "\n"}
