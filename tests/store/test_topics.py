from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from service.models import Delivery, DeliveryState
from service.pipeline.digests import digest_again, topic_board
from service.store.database import reading, transaction
from service.store.deliveries import add_issue
from service.store.topics import put_topics, topic, topic_versions, topics_at
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
