from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy import Engine

from service.models import Paper, ParsedPaper, Summary
from service.store.database import reading, transaction
from service.store.papers import papers_to_summarize, put_paper, put_summary
from service.tag import tag_paper
from tests.builders import DAY, NOW

SEEN = ParsedPaper("2610.00001", "A planner", "We propose a planner.", authors=("Ada",), upvotes=5)


def put(engine: Engine, seen: ParsedPaper, featured_on: date = DAY) -> str:
    with transaction(engine) as session:
        return put_paper(session, seen, featured_on=featured_on, now=NOW, tag=tag_paper)


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


def test_a_paper_listed_again_keeps_its_first_day(engine: Engine) -> None:
    put(engine, SEEN)
    put(engine, SEEN, DAY + timedelta(days=6))
    assert stored(engine).featured_on == DAY
    put(engine, SEEN, DAY - timedelta(days=1))
    assert stored(engine).featured_on == DAY - timedelta(days=1)


def test_a_changed_abstract_asks_for_a_new_summary(engine: Engine) -> None:
    put(engine, SEEN)
    with transaction(engine) as session:
        put_summary(session, "2610.00001", Summary("Old.", None, None, "authors"), error=None, next_try_at=None)
    put(engine, replace(SEEN, upvotes=9))
    assert stored(engine).tldr == "Old."
    put(engine, replace(SEEN, abstract="We propose another."))
    with reading(engine) as session:
        assert [paper.tldr for paper in papers_to_summarize(session, NOW)] == [None]


def test_a_second_try_is_due_at_its_time(engine: Engine) -> None:
    put(engine, SEEN)
    later = NOW + timedelta(hours=1)
    with transaction(engine) as session:
        put_summary(session, "2610.00001", Summary("Old.", None, None, "authors"), error="no answer", next_try_at=later)
    with reading(engine) as session:
        assert papers_to_summarize(session, NOW) == []
        assert len(papers_to_summarize(session, later)) == 1


def test_keywords_that_come_later_reach_the_tags(engine: Engine) -> None:
    put(engine, SEEN)
    assert "robot manipulation" not in stored(engine).tags
    put(engine, replace(SEEN, source_keywords=("robot manipulation",)))
    assert "robot manipulation" in stored(engine).tags
