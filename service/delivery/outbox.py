"""Hand mails over to a folder: an .eml file a mail, its html beside it. Touches the file system."""

from __future__ import annotations

import os
import re
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from service.delivery.feed import Feed, carry_one_by_one
from service.errors import ServerUnusable


class Outbox:
    """A folder of mails. A mail sent again takes the place of the first."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def carry(self, feed: Feed) -> None:
        carry_one_by_one(feed, self.send)

    def send(self, message: bytes, *, to: str) -> str:
        """Write the mail and answer where it lies. A file appears whole or not at all. Raises ServerUnusable."""
        parsed = message_from_bytes(message, policy=default)
        key = str(parsed["Message-ID"]).strip("<>").partition("@")[0]
        html = parsed.get_body(("html",))
        path = self.folder / f"{file_name(to)}_{file_name(key[:12])}.eml"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            if html is not None:
                _write(path.with_suffix(".html"), html.get_content().encode())
            _write(path, message)
        except OSError as error:
            raise ServerUnusable(f"the outbox {self.folder} can't be written: {error.strerror}") from error
        return str(path)

    def close(self) -> None:
        pass


def file_name(name: str) -> str:
    """The name with whatever could lead out of a folder replaced."""
    return re.sub(r"[^\w@.+-]", "_", name)[:100]


def _write(path: Path, content: bytes) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
