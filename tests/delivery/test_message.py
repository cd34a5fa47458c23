from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.parser import HeaderParser
from email.policy import default

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.delivery.message import build_message
from service.models import Email, Sender
from tests.builders import NOW, SENDER

LINK = "https://papers.example.org/unsubscribe/" + "0123456789abcdef" * 4 + ".abcdefghijklmnopqrstuv"


def build(email: Email, sender: Sender = SENDER) -> tuple[bytes, EmailMessage]:
    content = build_message(email, sender, to="ada@example.org", key="k" * 32, unsubscribe_link=LINK, now=NOW)
    parsed = message_from_bytes(content, policy=default)
    assert isinstance(parsed, EmailMessage)
    return content, parsed


def test_the_headers_say_who_what_and_how_to_leave() -> None:
    content, parsed = build(Email("3 papers · Agents", "<p>€</p>", "text €"))
    assert parsed["From"] == "Paperround <digest@example.org>"
    assert parsed["To"] == "ada@example.org"
    assert parsed["Subject"] == "3 papers · Agents"
    assert parsed["Date"].datetime == NOW
    assert f"Message-ID: <{'k' * 32}@papers.example.org>\r\n".encode() in content
    assert b"List-Id: Paperround <digest.papers.example.org>\r\n" in content
    assert f"List-Unsubscribe: <{LINK}>\r\n".encode() in content
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in content
    assert b"Feedback-ID: digest:paperround\r\n" in content
    assert parsed["Auto-Submitted"] is None


@pytest.mark.parametrize("public_url", ["https://[2001:db8::1]:8000/mail", "http://[::1]"])
def test_ids_are_sound_where_the_links_lead_to_no_name(public_url: str) -> None:
    """Colons can't stand in them (RFC 5322, 3.6.4; RFC 2919, 2)."""
    content, parsed = build(Email("s", "h", "t"), replace(SENDER, public_url=public_url))
    assert [name for name, value in parsed.items() if value.defects] == []
    assert f"Message-ID: <{'k' * 32}@example.org>\r\n".encode() in content
    assert b"List-Id: Paperround <digest.example.org>\r\n" in content


def test_a_notice_says_that_no_machine_shall_answer_and_has_no_list() -> None:
    content = build_message(Email("s", "h", "t"), SENDER, to="ada@example.org", key="k" * 32, now=NOW)
    parsed = message_from_bytes(content, policy=default)
    assert (parsed["Auto-Submitted"], parsed["Feedback-ID"]) == ("auto-generated", "notice:paperround")
    assert [name for name in parsed if name.startswith("List-")] == []


def test_a_mailto_stands_beside_the_link_only_where_a_mailbox_is_read() -> None:
    sender = replace(SENDER, unsubscribe_mailbox="leave+digest@example.org")
    content = build_message(
        Email("s", "h", "t"), sender, to="ada@example.org", key="k" * 32, now=NOW, unsubscribe_link=f"{LINK}/kk.to-ken"
    )
    way = b"<mailto:leave%2Bdigest@example.org?subject=unsubscribe%20kk.to-ken>"
    assert b"List-Unsubscribe: <" + LINK.encode() + b"/kk.to-ken>, " + way + b"\r\n" in content


def test_each_header_stands_once_and_the_date_has_a_zone() -> None:
    content, parsed = build(Email("3 papers · Agents", "<p>€</p>", "text €"))
    names = [name.lower() for name in parsed]
    assert len(names) == len(set(names))
    assert b"\r\nDate: Fri, 02 Oct 2026 06:00:00 +0000\r\n" in content


def test_both_parts_arrive_whole_in_short_ascii_lines() -> None:
    html, text = "<p>" + "€ long " * 900 + "</p>", "zeile €\n" * 50 + ".\n" + "x" * 3000 + "\n"
    content, parsed = build(Email("s", html, text))
    plain, rich = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().replace("\r\n", "\n") == text
    assert rich.get_content().rstrip("\r\n") == html
    assert {plain["Content-Transfer-Encoding"], rich["Content-Transfer-Encoding"]} == {"quoted-printable"}
    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) <= 998
    assert b"\n" not in content.replace(b"\r\n", b"")


def test_a_text_that_holds_the_boundary_ends_no_part() -> None:
    lines = ["before", "--=_paperround", "Content-Type: text/html", "", "--=_paperround--", "behind"]
    _, parsed = build(Email("s", "\n".join(["<pre>", *lines, "</pre>"]), "\n".join(lines)))
    parts = [str(part.get_content()).splitlines() for part in parsed.iter_parts() if isinstance(part, EmailMessage)]
    assert parts == [lines, ["<pre>", *lines, "</pre>"]]


def test_the_same_delivery_gives_the_same_message() -> None:
    email = Email("s", "<p>x</p>", "x")
    assert build(email)[0] == build(email)[0]


@given(st.text(max_size=200))
def test_a_subject_arrives_as_it_is_or_is_refused_and_never_adds_a_header(subject: str) -> None:
    names = set(build(Email("s", "h", "t"))[1].keys())
    try:
        _, parsed = build(Email(subject, "h", "t"))
    except ValueError:
        assert not subject.isprintable()
    else:
        assert set(parsed.keys()) == names


def test_a_line_break_in_a_header_is_refused() -> None:
    with pytest.raises(ValueError, match="no header"):
        build(Email("s\r\nBcc: eve@example.org", "h", "t"))


@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40))
@example("3 papers: Code & software engineering, Agents & tool use · Patchwork: Repository-Level Program Repair with …")
def test_a_subject_is_on_the_wire_what_it_was(text: str) -> None:
    subject = " ".join((f"{text} " * 3 + "·" + f" {text}" * 3).split())
    wire = build_message(Email(subject, "<p>x</p>", "x"), SENDER, to="ada@example.org", key="k" * 32, now=NOW)
    head = wire.partition(b"\r\n\r\n")[0].decode("ascii")
    assert all(len(line) <= 78 for line in head.split("\r\n") if line.startswith(("Subject", " =?")))
    told = HeaderParser().parsestr(head)["Subject"]
    assert str(make_header(decode_header(told))) == subject
