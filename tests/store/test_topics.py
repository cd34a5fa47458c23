from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from service.catalogue import shipped_catalogue
from service.models import Delivery, DeliveryState
from service.pipeline.digests import digest_again, topic_board
from service.pipeline.topics import known_version, renew_expansions, save_topics
from service.store.database import reading, transaction
from service.store.planning import add_issue
from service.store.topics import all_topics, outdated_topics, put_topics, topic, topic_versions, topics_at
from tests.builders import DAY, NOW, paper, subscriber
from tests.builders import topic as made


def test_what_changes_makes_a_version_and_what_does_not_makes_none(engine: Engine) -> None:
    with transaction(engine) as session:
        assert put_topics(session, [made("soup")], author="ada", reason="lunch", now=NOW)["new"] == 1
        assert put_topics(session, [made("soup")], author="ben", reason="again", now=NOW)["unchanged"] == 1
        assert put_topics(session, [made("soup", ["broth"])], author="ben", reason="dinner", now=NOW)["changed"] == 1
    with reading(engine) as session:
        assert [(row.version, row.author, row.reason) for row in topic_versions(session, "soup")] == [
            (2, "ben", "dinner"),
            (1, "ada", "lunch"),
        ]
        assert topic(session, "soup").version == 2
        assert [row.any_phrases for row in topics_at(session, {"soup": 1})] == [["soup"]]


def test_a_mail_is_explained_by_the_topics_as_they_were(engine: Engine) -> None:
    with transaction(engine) as session:
        put_topics(session, [made("soup", ["broth"])], author="ada", reason="lunch", now=NOW)
        session.add(paper(title="Broth", abstract=None))
        session.add(person := subscriber(topics=["soup"]))
        issue = add_issue(session, started_by="serve", now=NOW)
        sent = Delivery(
            issue_id=issue, subscriber_id=1, digest_on=DAY, since_on=DAY, planned_at=NOW, state=DeliveryState.ACCEPTED
        )
        sent.topics, sent.topic_versions, sent.paper_ids = ["soup"], {"soup": 1}, ["2610.00001"]
        session.add(sent)
    with transaction(engine) as session:
        put_topics(session, [made("soup", ["stew"])], author="ada", reason="dinner", now=NOW + timedelta(days=1))
    with reading(engine) as session:
        digest = digest_again(session, person, sent, topic_board(session))
    assert [reason.phrase for reason in digest.picks[0].matches[0].reasons] == ["broth"]


def test_people_of_other_topics_share_what_was_worked_out_with_a_topic_as_it_was(engine: Engine) -> None:
    names = ("soup", "tea", "rice")
    with transaction(engine) as session:
        put_topics(session, [made(name, [name]) for name in names], author="ada", reason="lunch", now=NOW)
        session.add(paper(title="Soup"))
    with transaction(engine) as session:
        put_topics(session, [made("soup", ["stew"])], author="ada", reason="dinner", now=NOW)

    def sent(*chosen: str) -> Delivery:
        delivery = Delivery(issue_id=1, subscriber_id=1, digest_on=DAY, since_on=DAY, planned_at=NOW, paper_ids=["2610.00001"])
        delivery.topic_versions = dict.fromkeys(chosen, 1)
        return delivery

    with reading(engine) as session:
        board = topic_board(session)
        as_it_was = board.read(session, sent("soup"))
        assert board.archive(sent("soup", "tea")) is board.archive(sent("rice", "soup")) is as_it_was
        assert board.read(session, sent("tea")) is not as_it_was


def test_words_of_a_written_topic_are_weighed_anew_after_a_month_by_what_was_stored(engine: Engine) -> None:
    with transaction(engine) as session:
        lunch = made("lunch", ["soup"], description="Leek soup and potato soup")
        save_topics(session, [lunch], author="ada", reason="", now=NOW)
        for number in range(1, 41):
            session.add(paper(f"2610.{number:05d}", "Potato", abstract="We peel potatoes."))
        assert renew_expansions(session, NOW + timedelta(days=29)) == 0
        before = known_version(session, "lunch", 1).expansion
        assert renew_expansions(session, NOW + timedelta(days=31)) == 1
        assert renew_expansions(session, NOW + timedelta(days=32)) == 0
        after = known_version(session, "lunch", 2)
        assert after.expansion["potato"] / after.expansion["leek"] < before["potato"] / before["leek"]
        assert [row.author for row in topic_versions(session, "lunch")] == ["paperround", "ada"]
        assert {row.version for row in all_topics(session) if row.prior is not None} == {1}


def test_shipped_topics_that_nobody_changed_are_told_apart_when_newer_ones_ship(engine: Engine) -> None:
    shipped = shipped_catalogue()
    with transaction(engine) as session:
        assert outdated_topics(session, shipped) == []
        old = [
            found.model_copy(update={"threshold": 0.9, "position": 0, "version": 1})
            for found in shipped
            if found.slug in ("code", "agents")
        ]
        put_topics(session, [old[0]], author="paperround", reason="shipped", now=NOW)
        put_topics(session, [old[1]], author="ada", reason="too much", now=NOW)
        assert outdated_topics(session, shipped) == [old[0].slug]
