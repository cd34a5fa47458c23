from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Engine

from service.catalogue import shipped_catalogue
from service.models import Delivery, DeliveryState
from service.pipeline.digests import digest_again, topic_board
from service.pipeline.topics import example_labels, explain, known_version, renew_expansions, replay, save_topics
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


def test_a_replay_tells_by_day_what_a_change_brings_in_and_puts_out_and_what_is_due_to(sqlite: Engine) -> None:
    yesterday = DAY - timedelta(days=1)
    with transaction(sqlite) as session:
        put_topics(session, [made("soup", ["soup", "broth"])], author="ada", reason="lunch", now=NOW)
        titles = ("Soup", "Broth", "Stew", "Tea"), ("Soup", "Cold stew"), ("Stew with wine",)
        for back, some in enumerate(titles):
            for place, title in enumerate(some):
                identity = f"2610.{back}000{place}"
                session.add(paper(identity, title, abstract=None, featured_on=DAY - timedelta(days=back)))
        before = topic(session, "soup")
        after = before.model_copy(update={"any_phrases": ["soup", "broth", "stew"], "none_phrases": ["cold"]})
        found = replay(session, before, after, days=2)
        assert (found.since, found.until) == (yesterday, DAY)
        assert found.days == {yesterday: (1, 1), DAY: (2, 3)}
        assert [change.paper.title for change in found.gained] == ["Stew"]
        assert [unchanged.title for unchanged in found.unchanged] == ["Soup", "Broth", "Soup"]
        back = replay(session, after, before, days=2)
        assert [change.paper.title for change in back.lost] == ["Stew"]
        gain, loss = found.gained[0].because, back.lost[0].because
        assert (gain.startswith('phrase "stew" +'), loss == gain.replace("+", "-")) == (True, True)
        strict = before.model_copy(update={"threshold": 0.99})
        assert {change.because for change in replay(session, before, strict, days=1).lost} == {"threshold 0.5 to 0.99"}
        cold = before.model_copy(update={"any_phrases": ["stew"], "none_phrases": ["cold"]})
        warm = before.model_copy(update={"any_phrases": ["stew"]})
        assert [change.because for change in replay(session, cold, warm, days=2).gained] == [
            'no longer ruled out by "cold" in the title'
        ]
        strong = before.model_copy(update={"any_phrases": ["stew ^3", "wine"]})
        because = {change.paper.title: change.because for change in replay(session, before, strong, days=3).gained}
        assert because["Stew with wine"].startswith('phrase "stew" +')


def test_a_replay_counts_the_topics_active_readers_and_those_who_would_see_other_papers(sqlite: Engine) -> None:
    with transaction(sqlite) as session:
        names = {"soup": "soup", "stews": "stew", "tea": "tea"}
        put_topics(session, [made(slug, [phrase]) for slug, phrase in names.items()], author="ada", reason="", now=NOW)
        for place, title in enumerate(("Soup", "Stew", "Tea")):
            session.add(paper(f"2610.0000{place}", title, abstract=None))
        session.add(paper("2609.00001", "A tale of yesterday", abstract=None, featured_on=DAY - timedelta(days=1)))
        people = {"ada": ["soup"], "ben": ["soup", "tea"], "chi": ["soup", "stews"], "dan": ["tea"]}
        for number, (name, topics) in enumerate(people.items(), 1):
            session.add(subscriber(f"{name}@example.org", topics, id=number, key=name * 8))
        session.add(subscriber("eve@example.org", ["soup"], id=9, key="e" * 32, state="unsubscribed", unsubscribed_at=NOW))
        before = topic(session, "soup")
        after = before.model_copy(update={"any_phrases": ["soup", "stew", "tale"]})
        assert replay(session, before, after, days=2).readers == (3, 2)  # chi has the stew of the last day already


def test_example_papers_are_labels_for_the_topics_that_name_them_and_for_no_other(sqlite: Engine) -> None:
    with transaction(sqlite) as session:
        for place in range(1, 4):
            session.add(paper(f"2610.0000{place}", "Soup"))
        soup = made("soup", relevant_ids=["2610.00001"], irrelevant_ids=["2610.00002", "2610.00003"])
        labels = example_labels(session, [soup, made("tea", relevant_ids=["2610.00002"]), made("rice")])
    assert [(label.id, label.yes, label.maybe) for label in labels] == [
        ("2610.00001", {"soup"}, {"tea", "rice"}),
        ("2610.00002", {"tea"}, {"rice"}),
        ("2610.00003", set(), {"tea", "rice"}),
    ]


def test_an_example_paper_is_scored_by_all_that_is_stored_of_it(sqlite: Engine) -> None:
    rules = ["author: Okafor", "org: Northfield", "keyword: broth", "abstract: stew"]
    soup = made("soup", rules, minimum_upvotes=5, relevant_ids=["2610.00001"])
    with transaction(sqlite) as session:
        fields = {"authors": ["Ada Okafor"], "organization": "Northfield Lab", "source_keywords": ["broth"], "upvotes": 5}
        session.add(paper(abstract="On stew.", **fields))
        (label,) = example_labels(session, [soup])
    told = explain(label.paper, soup)
    assert {reason.field for reason in told.reasons} == {"author", "org", "keywords", "abstract"}
    assert told.veto is None


def test_words_of_a_written_topic_are_weighed_anew_after_a_month_by_what_was_stored(engine: Engine) -> None:
    with transaction(engine) as session:
        lunch = made("lunch", ["soup"], description="Leek soup and potato soup")
        learned = made("learned", ["tea"], prior=-2.0, expansion={"leaf": 1.0})
        save_topics(session, [lunch, learned], author="ada", reason="", now=NOW)
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
