from __future__ import annotations

from pathlib import Path

import pytest

from service.delivery.message import build_message
from service.delivery.outbox import Outbox
from service.errors import ServerUnusable
from service.models import Email
from tests.builders import NOW, SENDER


def message(html: str = "<p>€</p>") -> bytes:
    return build_message(Email("s", html, "t"), SENDER, to="a@example.org", key="k" * 32, now=NOW)


def test_a_mail_lies_in_the_folder_with_its_html_beside_it(tmp_path: Path) -> None:
    path = Path(Outbox(tmp_path / "new" / "box").send(message(), to="ada@example.org"))
    assert path.read_bytes() == message()
    assert path.with_suffix(".html").read_text("utf-8").strip() == "<p>€</p>"
    assert sorted(found.name for found in path.parent.iterdir()) == [path.with_suffix(s).name for s in (".eml", ".html")]


def test_a_mail_sent_again_takes_the_place_of_the_first(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    first, second = outbox.send(message(), to="a@example.org"), outbox.send(message("<p>2</p>"), to="a@example.org")
    assert first == second
    assert len(list(tmp_path.glob("*.eml"))) == 1


def test_no_address_leads_out_of_the_folder(tmp_path: Path) -> None:
    path = Path(Outbox(tmp_path / "box").send(message(), to="../../x/y@example.org"))
    assert path.parent == tmp_path / "box"


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ServerUnusable, match="can't be written"):
        Outbox(tmp_path / "file").send(message(), to="a@example.org")
