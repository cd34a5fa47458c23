from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import Engine

from service.errors import PaperroundError
from service.models import Subscriber
from service.pipeline.subscriptions import ask_to_confirm
from service.store.database import transaction
from tests.builders import NOW
from tests.web.conftest import ADA, Web, agents, the_link


@pytest.fixture
def pending(engine: Engine) -> Web:
    web = Web(engine)
    web.add(state="pending")
    ask(web)
    return web


def ask(web: Web) -> None:
    with transaction(web.engine) as session:
        ask_to_confirm(session, session.get_one(Subscriber, 1), web.now)


def test_a_pending_subscriber_is_asked_and_gets_digests_once_they_confirm(pending: Web) -> None:
    pending.gather(agents())
    pending.now = NOW.replace(hour=9)
    (mail,) = pending.wake()
    assert (mail["To"], mail["Subject"], mail["Auto-Submitted"]) == (ADA, "Please confirm your digest", "auto-generated")
    assert mail["List-Unsubscribe"] is None
    link = the_link(mail)
    assert "Yes, send it to me" in pending.get(link).text
    assert pending.person().state == "pending"
    assert "You are subscribed" in pending.post(link).text
    assert pending.person().state == "active"
    pending.now = NOW.replace(day=3, hour=8)
    assert [mail["Subject"].split(":")[0] for mail in pending.wake()] == ["1 paper"]


def test_confirming_twice_is_the_same_as_once_and_an_old_link_revives_nobody(pending: Web) -> None:
    link = the_link(pending.wake()[0])
    assert pending.post(link).status_code == pending.post(link).status_code == 200
    with transaction(pending.engine) as session:
        session.get_one(Subscriber, 1).state = "unsubscribed"
    for answer in (pending.get(link), pending.post(link)):
        assert "You are unsubscribed" in answer.text
    assert pending.person().state == "unsubscribed"


def test_the_link_lasts_for_seven_days_from_the_mail(pending: Web) -> None:
    link = the_link(pending.wake()[0])
    pending.now += timedelta(days=7, seconds=1)
    assert pending.post(link).status_code == 410
    assert pending.person().state == "pending"


def test_nobody_is_asked_twice_a_day(pending: Web) -> None:
    pending.now += timedelta(hours=23)
    with pytest.raises(PaperroundError, match="ask again tomorrow"):
        ask(pending)
    pending.now += timedelta(hours=2)
    ask(pending)
    assert len(pending.notices()) == 2


def test_who_became_a_subscriber_meanwhile_is_not_asked(pending: Web) -> None:
    with transaction(pending.engine) as session:
        session.get_one(Subscriber, 1).state = "active"
    assert pending.wake() == []
    assert [(notice.state, notice.reason) for notice in pending.notices()] == [("skipped", "active already")]
