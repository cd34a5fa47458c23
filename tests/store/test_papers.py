from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlmodel import col, select

from service.models import Form, Observation, Paper, ParsedPage, ParsedPaper, Summary
from service.store.database import reading, transaction
from service.store.papers import Stored, papers_to_summarize, put_opinions, put_papers, put_summary
from service.tag import tag_paper
from tests.builders import DAY, NOW

SEEN = ParsedPaper("2610.00001", "A planner", "We propose a planner.", authors=("Ada",), upvotes=5)


def put_page(engine: Engine, *seen: ParsedPaper, day: date | None = DAY, form: Form = Form.API, now: datetime = NOW) -> Stored:
    with transaction(engine) as session:
        return put_papers(session, ParsedPage(form, "day", day, seen), asked_on=None, now=now, tag=tag_paper)


def put(engine: Engine, seen: ParsedPaper, day: date = DAY, form: Form = Form.API, now: datetime = NOW) -> str:
    (outcome,) = put_page(engine, seen, day=day, form=form, now=now).counts
    return outcome


def stored(engine: Engine) -> Paper:
    with reading(engine) as session:
        return session.get_one(Paper, "2610.00001")


def test_a_paper_is_new_then_known_then_changed(engine: Engine) -> None:
    assert [put(engine, SEEN), put(engine, SEEN), put(engine, replace(SEEN, upvotes=9))] == ["new", "known", "changed"]
    assert stored(engine).upvotes == 9


def test_what_a_later_page_does_not_tell_stays(engine: Engine) -> None:
    put(engine, SEEN)
    assert put(engine, ParsedPaper("2610.00001", "A planner", code_url="https://example.org")) == "changed"
    paper = stored(engine)
    assert (paper.abstract, paper.authors, paper.code_url) == ("We propose a planner.", ["Ada"], "https://example.org")


def test_whatever_a_page_tells_of_a_paper_is_stored_be_it_new_or_known(sqlite: Engine) -> None:
    links = {f"{name}_url": f"https://{name}.example" for name in ("code", "project", "thumbnail")}
    told = {"abstract": "We plan.", "author_count": 3, "organization": "The Lab", "published_on": DAY - timedelta(days=1)}
    counts = {"upvotes": 5, "comments": 2, "code_stars": 7}
    long = {"authors": ("Ada",), "source_keywords": ("planning",), "source_summary": "It plans."}
    whole = ParsedPaper("2610.00001", "A planner", featured_on=DAY, **told, **counts, **long, **links)
    assert None not in asdict(whole).values()
    put(sqlite, whole)
    put(sqlite, ParsedPaper("2610.00002", "A plan"))
    put(sqlite, replace(whole, id="2610.00002"))
    with reading(sqlite) as session:
        for paper in session.exec(select(Paper)):
            wanted = {**asdict(whole), "id": paper.id, "authors": ["Ada"], "source_keywords": ["planning"]}
            assert paper.model_dump(include=wanted.keys()) == wanted


def test_a_paper_listed_again_keeps_its_first_day(engine: Engine) -> None:
    put(engine, SEEN)
    put(engine, SEEN, DAY + timedelta(days=6))
    assert stored(engine).featured_on == DAY
    put(engine, SEEN, DAY - timedelta(days=1))
    assert stored(engine).featured_on == DAY - timedelta(days=1)


def test_a_paper_of_a_day_that_is_yet_to_come_is_todays(engine: Engine) -> None:
    tomorrow = NOW.date() + timedelta(days=1)  # which it may be where the source is
    put(engine, replace(SEEN, featured_on=tomorrow))
    assert stored(engine).featured_on == tomorrow
    put(engine, replace(SEEN, featured_on=date(2999, 1, 1)))
    assert stored(engine).featured_on == NOW.date()


@pytest.mark.parametrize("changed", [{"abstract": "We propose another."}, {"title": "Another planner"}])
def test_a_changed_title_or_abstract_asks_for_a_new_summary(engine: Engine, changed: dict[str, Any]) -> None:
    put(engine, SEEN)
    with transaction(engine) as session:
        put_summary(session, "2610.00001", Summary("Old.", None, None, "authors"), error=None, next_try_at=None)
    put(engine, replace(SEEN, upvotes=9))
    assert stored(engine).tldr == "Old."
    put(engine, replace(SEEN, **changed))
    with reading(engine) as session:
        assert [paper.tldr for paper in papers_to_summarize(session, NOW)] == [None]


def test_what_models_said_of_another_abstract_counts_no_more(engine: Engine) -> None:
    put(engine, SEEN)
    new = stored(engine)
    with transaction(engine) as session:
        summary = Summary("Old.", "Old?", "Old!", "model", checks=("length",))
        put_summary(
            session, "2610.00001", summary, version="one", error="refused", is_refused=True, next_try_at=NOW + timedelta(days=1)
        )
        put_opinions(session, "2610.00001", {"agents": {"version": 1}})
    put(engine, replace(SEEN, abstract="We propose another."))
    assert stored(engine).model_dump(exclude={"abstract"}) == new.model_dump(exclude={"abstract"})


def test_a_second_try_is_due_at_its_time(engine: Engine) -> None:
    put(engine, SEEN)
    later = NOW + timedelta(hours=1)
    with transaction(engine) as session:
        put_summary(session, "2610.00001", Summary("Old.", None, None, "authors"), error="no answer", next_try_at=later)
    with reading(engine) as session:
        assert papers_to_summarize(session, NOW) == []
        assert len(papers_to_summarize(session, later)) == 1


@pytest.mark.parametrize(
    "changed",
    [
        {"source_keywords": ("robot manipulation",)},
        {"title": "Robot manipulation by a planner"},
        {"abstract": "We propose a planner for robot manipulation. Our robot manipulation is new."},
    ],
)
def test_what_comes_later_reaches_the_tags(engine: Engine, changed: dict[str, Any]) -> None:
    put(engine, SEEN)
    assert "robot manipulation" not in stored(engine).tags
    put(engine, replace(SEEN, **changed))
    assert "robot manipulation" in stored(engine).tags


# ---- which answer is believed


def test_what_cards_say_adds_to_a_paper_and_does_not_replace_what_better_answers_said(engine: Engine) -> None:
    put(engine, SEEN, form=Form.PAYLOAD)
    put(engine, ParsedPaper("2610.00001", "A plan…", organization="The Lab", author_count=9, upvotes=7), form=Form.CARDS)
    paper = stored(engine)
    assert (paper.title, paper.organization, paper.author_count, paper.upvotes) == ("A planner", "The Lab", 9, 7)
    put(engine, replace(SEEN, organization="The Laboratory", author_count=1), form=Form.API)
    paper = stored(engine)
    assert (paper.organization, paper.author_count, paper.upvotes, paper.told_by) == ("The Laboratory", 1, 5, {})


def test_of_answers_that_are_trusted_alike_the_newest_is_believed(engine: Engine) -> None:
    put(engine, replace(SEEN, title="A bad…"), form=Form.CARDS)
    put(engine, replace(SEEN, title="A good…"), form=Form.CARDS)
    assert stored(engine).title == "A good…"
    put(engine, SEEN, form=Form.PAYLOAD)
    put(engine, replace(SEEN, title="A better planner"), form=Form.API)
    assert stored(engine).title == "A better planner"
    put(engine, replace(SEEN, title="The best planner"), form=Form.PAPER_PAGE)
    assert stored(engine).title == "The best planner"


def test_a_paper_first_seen_on_a_card_becomes_whole_later(engine: Engine) -> None:
    put(engine, ParsedPaper("2610.00001", "A plan", upvotes=1), form=Form.CARDS)
    assert put(engine, SEEN, form=Form.PAYLOAD) == "changed"
    paper = stored(engine)
    assert (paper.title, paper.abstract, paper.told_by) == ("A planner", "We propose a planner.", {})


def test_a_text_page_joins_a_stored_paper_by_its_title(engine: Engine) -> None:
    put(engine, replace(SEEN, title="A Planner: for $k$-agents"))
    told = ParsedPaper(None, "A planner for $K$ agents", "Another abstract.", organization="The Lab", comments=4)
    assert put(engine, told, form=Form.TEXT) == "changed"
    paper = stored(engine)
    assert (paper.title, paper.abstract) == ("A Planner: for $k$-agents", "We propose a planner.")
    assert (paper.organization, paper.comments) == ("The Lab", 4)


def test_a_text_page_never_guesses_which_paper_is_meant(engine: Engine) -> None:
    outcome = put_page(engine, ParsedPaper(None, "A planner", "Text."), form=Form.TEXT)
    assert outcome.rejected == ["'A planner': the page gives no arXiv id, and no stored paper has this title"]
    put_page(engine, SEEN, replace(SEEN, id="2610.00002", title="A Planner"))
    outcome = put_page(engine, ParsedPaper(None, "A planner", "Text."), form=Form.TEXT)
    assert outcome.rejected == ["'A planner': the page gives no arXiv id, and 2 stored papers have this title"]
    assert not outcome.counts


def test_a_known_paper_needs_no_day_and_a_new_one_does(engine: Engine) -> None:
    put(engine, SEEN)
    outcome = put_page(engine, replace(SEEN, upvotes=8), replace(SEEN, id="2610.00002"), day=None)
    assert outcome.counts == {"changed": 1}
    assert outcome.rejected == ["2610.00002: the page does not tell its day; name it with --on"]
    assert (stored(engine).upvotes, stored(engine).featured_on) == (8, DAY)


# ---- counts over time


def observations(engine: Engine) -> list[Observation]:
    with reading(engine) as session:
        return list(session.exec(select(Observation).order_by(col(Observation.observed_at))))


def history(engine: Engine) -> list[tuple[float, int | None]]:
    """Hours since NOW, and upvotes."""
    return [((seen.observed_at - NOW) / timedelta(hours=1), seen.upvotes) for seen in observations(engine)]


def see(engine: Engine, hours: float, upvotes: int | None) -> float | None:
    put(engine, replace(SEEN, upvotes=upvotes), now=NOW + timedelta(hours=hours))
    return stored(engine).velocity


def test_each_change_of_the_counts_is_kept_with_its_time(engine: Engine) -> None:
    for hours, upvotes in ((0, 5), (1, 5), (2, 9), (3, 8), (4, None), (5, 8)):
        see(engine, hours, upvotes)
    assert history(engine) == [(0, 5), (2, 9), (3, 8)]


def test_comments_and_stars_are_part_of_the_history(engine: Engine) -> None:
    put(engine, replace(SEEN, comments=1, code_stars=10))
    put(engine, replace(SEEN, comments=2, code_stars=10), now=NOW + timedelta(hours=1))
    put(engine, replace(SEEN, comments=2, code_stars=30), now=NOW + timedelta(hours=2))
    assert [(seen.comments, seen.code_stars) for seen in observations(engine)] == [(1, 10), (2, 10), (2, 30)]


def test_velocity_is_upvotes_a_day_over_the_last_two_days(engine: Engine) -> None:
    assert see(engine, 0, 5) is None
    assert see(engine, 0.5, 9) is None  # too soon to tell
    assert see(engine, 12, 15) == 20
    assert see(engine, 48, 25) == 10
    assert see(engine, 72, 25) == 5  # from 15 at the window's beginning, the count of hour 12
    assert see(engine, 120, 25) == 0
    assert see(engine, 132, 21) == -2


def test_two_answers_of_one_fetch_are_one_observation(engine: Engine) -> None:
    put_page(engine, SEEN, replace(SEEN, upvotes=6))
    assert history(engine) == [(0, 6)]
