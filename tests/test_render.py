from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from bs4 import BeautifulSoup
from hypothesis import given, settings
from hypothesis import strategies as st

from service.delivery.message import build_message
from service.links import mail_links
from service.models import Email, History, Paper, Theme
from service.render import LARGEST_HTML, render_digest
from service.render.characters import one_line
from service.render.digests import LARGEST_ENCODED
from service.render.encoding import encoded
from service.render.language import language
from service.render.latex import readable
from service.render.sheets import charts_of
from service.render.words import link_text, number_in_words, shortened
from tests.builders import DAY, NOW, SENDER, paper, subscriber, topic
from tests.golden.cases import note
from tests.test_compose import compose

LINKS = mail_links(SENDER, "k" * 32, DAY)
FULL: dict[str, Any] = {
    "authors": ["Ada Okafor", "Lena Brandt", "Mika Sato", "Jonas Reed"],
    "author_count": 9,
    "organization": "Northfield Lab",
    "upvotes": 128,
    "code_url": "https://example.org/code",
    "code_stars": 412,
    "tldr": "A planner that waits.",
    "result": "It is 3 times faster.",
    "written_by": "authors",
}


def render(*papers: Paper, topics: list[str] | None = None) -> Email:
    digest = compose(list(papers), subscriber(topics=topics or ["agents", "code"], zone="Europe/Berlin"))
    return render_digest(digest, LINKS, sent_on=DAY)


def soup(email: Email) -> BeautifulSoup:
    return BeautifulSoup(email.html, "lxml")


def test_a_mail_tells_what_is_in_it() -> None:
    email = render(paper(**FULL), paper("2610.00002", "Programs"))
    assert email.subject == "2 papers: Agents; Code · A planner for agents"
    shown = soup(email)
    assert shown.h1
    assert shown.h1.text == "Two papers for you, out of 2"
    assert [h.text for h in shown.find_all("h2")] == ["Agents", "Code"]
    words = " ".join(shown.get_text(" ").split())
    for part in (
        "Ada Okafor, Lena Brandt, Mika Sato and 6 more",
        "Northfield Lab",
        "▲ 128",
        "Code ★ 412",
        "A planner that waits.",
    ):
        assert part in words
    assert "Why: agent in the title" in re.sub(r"\s+", " ", words)
    assert "daily at 08:00, Berlin time" in words


def test_no_line_of_the_text_ends_between_the_sign_of_upvotes_and_their_count() -> None:
    email = render(*(paper(f"2610.{length:05d}", f"Agents {'x' * length}", upvotes=128) for length in range(50, 75)))
    assert "▲\u00a0128" in email.text
    assert "▲\n" not in email.text


def test_each_paper_links_to_its_page_in_both_parts() -> None:
    email = render(paper(), paper("2610.00002", "Programs"))
    for paper_id in ("2610.00001", "2610.00002"):
        assert f'href="https://huggingface.co/papers/{paper_id}"' in email.html
        assert f"https://huggingface.co/papers/{paper_id}\n" in email.text
    for link in (LINKS.unsubscribe, LINKS.settings, LINKS.pause, LINKS.web):
        assert link in email.html
        assert link in email.text


def test_the_html_is_whole_and_its_styles_are_inlined() -> None:
    html = render(paper(**FULL)).html
    assert html.startswith("<!DOCTYPE html>\n")
    title = soup(render(paper(**FULL))).h3
    assert title is not None
    assert "font:700 21px/27px" in str(title["style"])
    assert "@media (prefers-color-scheme:dark)" in html
    assert "!important" in html
    assert "jinja" not in html
    assert len(html[html.index("<style") : html.index("</style>")]) < 8000


def test_the_text_is_78_columns_but_for_links() -> None:
    email = render(paper(title="A " + "very " * 40 + "long title for agents", **FULL))
    assert all(len(line) <= 78 or line.split(" ")[-1].startswith("http") for line in email.text.splitlines())


def test_a_mail_never_grows_past_the_bound_and_counts_what_fell_out() -> None:
    huge = "agents " * 4000
    many = [paper(f"2610.{n:05d}", f"{n} {huge}", tldr=huge, problem=huge, result=huge, organization=huge) for n in range(60)]
    email = render(*many)
    assert len(email.html.encode()) <= LARGEST_HTML
    assert "60 papers for you, out of 60" in email.html
    shown = len(soup(email).select(".card, p.line a[href^='https://huggingface.co/']"))
    assert f"{60 - shown} more matched: read them on the web</a>" in email.html


def test_a_text_without_blanks_does_not_deny_the_mail() -> None:
    endless = "漢" * 40_000
    email = render(paper(title=f"Agents {endless}", tldr=endless, problem=endless, result=endless, organization=endless))
    assert len(email.html.encode()) <= LARGEST_HTML
    assert "One paper for you" in email.html


@settings(max_examples=6)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40), st.integers(1, 60), st.booleans())
def test_whatever_papers_hold_the_html_keeps_both_bounds(text: str, count: int, with_abstract: bool) -> None:
    long = (f"agents {text} 🦊=" * 400)[:3000]
    many = [
        paper(f"2610.{n:05d}", long, tldr=long, problem=long, result=long, abstract=long, organization=long) for n in range(count)
    ]
    person = subscriber(topics=["agents"], with_abstract=with_abstract, length="papers:50")
    email = render_digest(compose(many, person), LINKS, sent_on=DAY)
    parsed = message_from_bytes(build_message(email, SENDER, to="a@example.org", key="k", now=NOW), policy=default)
    html = parsed.get_body(("html",))
    assert html is not None
    assert len(email.html.encode()) <= LARGEST_HTML
    assert len(html.as_bytes()) <= 100_000


@pytest.mark.parametrize("text", ["=", "é word", "ab é", "🦊"])
def test_the_encoded_bound_counts_each_line_as_it_is_sent(text: str) -> None:
    long = (f"agents {text} " * 400)[:3000]
    many = [
        paper(f"2610.{n:05d}", long, tldr=long, problem=long, result=long, abstract=long, organization=long) for n in range(60)
    ]
    email = render_digest(compose(many, subscriber(with_abstract=True, length="papers:50")), LINKS, sent_on=DAY)
    sent = build_message(email, SENDER, to="a@example.org", key="k", now=NOW).partition(b"Content-Type: text/html")[2]
    assert len(sent.partition(b"\r\n\r\n")[2].partition(b"--paperround")[0]) <= LARGEST_ENCODED
    assert len(encoded(f"{email.html}\n")) <= LARGEST_ENCODED


def test_the_blanks_of_latex_are_single_and_end_no_title() -> None:
    email = render(paper(title="Agents\\; $\\,$ plan\\,"), topics=["agents"])
    assert email.subject == "1 paper: Agents · Agents plan"
    assert "\n1. Agents plan\n" in email.text


def test_a_mail_bears_the_day_that_it_is_given() -> None:
    assert "Thursday 1 October 2026" in render(paper()).html


def test_a_link_that_is_none_is_left_out() -> None:
    email = render(paper(code_url="javascript:alert(1)", project_url='https://e.org/"><script>'))
    assert "javascript" not in email.html
    assert "script>" not in email.html


@pytest.mark.parametrize(("stars", "told"), [(1, "Code\u00a0★\u00a01:"), (0, "Code:"), (None, "Code:")])
def test_stars_are_told_where_there_are_any(stars: int | None, told: str) -> None:
    assert told in render(paper(**FULL | {"code_stars": stars})).text


@pytest.mark.parametrize(("usual", "told"), [(0.5, "usually 0.5"), (9.25, "usually 9.2"), (20.75, "usually 21")])
def test_what_is_usual_is_told_as_exactly_as_it_matters(usual: float, told: str) -> None:
    (chart,) = charts_of([DAY], [Theme("planning", (30,), usual)], language("en"))
    assert chart.usual == told


def test_a_sample_paper_is_marked() -> None:
    assert "Sample papers" in render(paper("2600.00001")).html
    assert "Sample papers" in render(paper("2600.00001")).text
    assert "Sample papers" not in render(paper()).html


HOSTILE = st.text(max_size=40) | st.sampled_from(
    [
        '<script>alert("x")</script>',
        "{{ 7 * 7 }}",
        "{% raw %}",
        "jinja0tag",
        "<!--jinja1tag-->",
        "]]>",
        "' onload='x",
        "\\textbf{$x$}",
    ]
)


@settings(max_examples=60)
@given(HOSTILE, HOSTILE, HOSTILE)
def test_whatever_papers_hold_is_shown_as_it_is(title: str, tldr: str, name: str) -> None:
    shown = soup(render(paper(title=f"Agents {title}".strip(), tldr=tldr, authors=[name], author_count=1)))
    assert shown.find("script") is None
    assert shown.h3
    assert shown.h3.get_text() == link_text(readable(one_line(f"Agents {title}")))
    if one_line(tldr):
        said = shown.select_one(".said")
        assert said is not None
        assert said.get_text() == readable(one_line(tldr))


@pytest.mark.parametrize(("count", "words"), [(0, "no"), (1, "one"), (12, "twelve"), (13, "13"), (1234, "1,234")])
def test_small_numbers_are_words(count: int, words: str) -> None:
    assert number_in_words(count) == words


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("cs.RO, stat.ML and fast.ai", "cs·RO, stat·ML and fast·ai"),
        ("Booking.com", "Booking·com"),
        ("Node.js 20.1, GPT-4.1, e.g. Llama.cpp. An end.", "Node.js 20.1, GPT-4.1, e.g. Llama.cpp. An end."),
    ],
)
def test_a_link_text_reads_as_no_domain(written: str, shown: str) -> None:
    assert link_text(written) == shown


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("alpha beta gamma", "alpha beta gamma"),
        ("alpha beta gamma.", "alpha beta …"),
        ("alpha " + "x" * 40, "alpha xxxxxxxx …"),  # at the last blank half of it would be lost
        ("x" * 40, "x" * 14 + " …"),
    ],
)
def test_what_is_too_long_ends_at_a_word_where_it_can(text: str, cut: str) -> None:
    assert shortened(text, 16) == cut


def test_a_subject_is_one_line_whatever_it_names() -> None:
    digest = compose(
        [paper(title="Agents\x0c\u2028\r\nBcc: eve@example.org")], topics=[topic("agents", ["agent"], name="A\x85B")]
    )
    email = render_digest(digest, LINKS, sent_on=DAY)
    assert email.subject == "1 paper: A B · Agents Bcc: eve@example.org"


@pytest.mark.parametrize(
    ("first", "last", "told"),
    [
        (DAY, DAY, "The list of Thursday 1 October 2026"),
        (DAY, DAY + timedelta(days=3), "The lists of Thursday 1 October 2026 to Friday 2 October 2026"),
        (DAY + timedelta(days=1), DAY + timedelta(days=2), "The list of Friday 2 October 2026"),
        (DAY + timedelta(days=2), DAY + timedelta(days=3), "The list of Sunday 4 October 2026"),  # what came late on a weekend
        (DAY + timedelta(days=2), DAY + timedelta(days=8), "The lists of Monday 5 October 2026 to Friday 9 October 2026"),
    ],
)
def test_a_mail_names_the_first_and_the_last_list_and_no_day_without_one(first: date, last: date, told: str) -> None:
    email = render_digest(compose([paper(featured_on=last)], since=first, on=last), LINKS, sent_on=last)
    assert f" {told}, in your " in " ".join(email.text.split())
    assert f" {told}, in your " in email.html


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("en", "The list of Thursday 1 October 2026 and two papers of earlier lists, in your"),
        ("de", "Die Liste von Donnerstag, 1. Oktober 2026 und zwei Arbeiten früherer Listen, in Ihr"),
    ],
)
def test_a_mail_tells_how_many_of_its_papers_are_of_earlier_lists(code: str, told: str) -> None:
    """As the second one to somebody new holds: the week before their first."""
    papers = [paper(f"2610.{number:05d}", "Agents", featured_on=DAY - timedelta(days=number)) for number in range(3)]
    person, history = subscriber(topics=["agents"], language=code), History(last_told_on=DAY - timedelta(days=1))
    digest = compose(papers, person, history=history, since=DAY - timedelta(days=7))
    email = render_digest(digest, LINKS, sent_on=DAY)
    assert f" {told}" in email.html
    assert f" {told}" in " ".join(email.text.split())


def test_topic_names_are_data_too() -> None:
    strange = topic("agents", ["agent"], name="<b>Agents</b> & {{ co }}")
    digest = compose([paper()], topics=[strange])
    email = render_digest(digest, LINKS, sent_on=DAY)
    assert "&lt;b&gt;Agents&lt;/b&gt; &amp; {{ co }}" in email.html


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"topics": ()}, "You have chosen no topics."),
        ({"looked_at_count": 0}, "The list of Thursday 1 October 2026: no new papers."),
        ({"left_out": ()}, "The list of Thursday 1 October 2026: no paper reached your bar."),
        (
            {"left_out": (), "covered_from": date(2026, 9, 30)},
            "The lists of Wednesday 30 September 2026 to Thursday 1 October 2026: no paper reached your bar.",
        ),
    ],
)
def test_a_note_tells_why_there_is_nothing(changed: dict[str, Any], told: str) -> None:
    email = render_digest(replace(note(), **changed), LINKS, sent_on=DAY)
    lead = soup(email).select_one(".lead")
    assert lead is not None
    assert lead.text == told
    assert told in " ".join(email.text.split())
    assert LINKS.web not in email.html + email.text
