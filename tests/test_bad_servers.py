"""Servers that misbehave, one test each: what the ledger says after, and that the next run finishes the rest.

By the plain client and by the pipelining one, to servers that offer PIPELINING and to those that don't.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from sqlalchemy import Engine
from sqlmodel import col, select

from service.delivery.pipelined import PipelinedTransport
from service.delivery.server import parse_smtp_url
from service.models import OPEN_STATES, UNSENT_STATES, Delivery, Subscriber, Suppression
from service.pipeline.deliver import Run, send_all
from service.pipeline.reconcile import reconcile
from service.store.database import reading, transaction
from service.store.ledger import due_mails
from service.subscribers import address_hash
from tests.delivery.scripted import scripted
from tests.kills import plan, tiny_mail
from tests.mail_server import DROP, STALL, Behaviour, MailServer, Moment, Odd, running
from tests.plain_transport import PlainTransport

NOW = datetime.now(UTC)
SOON, LATER = NOW + timedelta(minutes=1), NOW + timedelta(hours=1)
FIRST = "reader1@example.org"
EVERYBODY = {f"reader{number}@example.org" for number in range(1, 7)}


Client = type[PlainTransport] | type[PipelinedTransport]
CLIENT: list[tuple[Client, bool]] = []  # the one under test, and whether servers offer PIPELINING


@pytest.fixture(
    autouse=True,
    params=[(PlainTransport, False), (PipelinedTransport, False), (PipelinedTransport, True)],
    ids=["plain", "step by step", "pipelined"],
)
def client(request: pytest.FixtureRequest) -> None:
    CLIENT[:] = [request.param]


@pytest.fixture
def planned(sqlite: Engine) -> Engine:
    plan(sqlite, 6)
    return sqlite


def run(engine: Engine, server: MailServer, now: datetime, url: str = "smtp://127.0.0.1:{}", **options: Any) -> dict[str, str]:
    """A waking; answers everybody's state after it."""
    reconcile(engine, now, stale_after=timedelta(days=1))
    states = options.pop("states", OPEN_STATES)
    transport_options = {"connections": 2, "timeout": 60.0, "end_timeout": 60.0, **options}
    should_stop = transport_options.pop("should_stop", lambda: False)
    client, server.offers_pipelining = CLIENT[0]
    with reading(engine) as session:
        mails = due_mails(session, now, states)
    if mails:
        with running(server):
            transport = client(parse_smtp_url(url.format(server.port)), mail_from="digest@example.org", **transport_options)
            send_all(engine, transport, mails, tiny_mail, Run(lambda: now, states, should_stop=should_stop))
            transport.close()
    return {row.email: delivery.state for row, delivery in rows(engine)}


def rows(engine: Engine) -> list[tuple[Subscriber, Delivery]]:
    with reading(engine) as session:
        question = select(Subscriber, Delivery).join(Delivery, col(Delivery.subscriber_id) == col(Subscriber.id))
        return list(session.exec(question.order_by(col(Subscriber.id))))


def first_row(engine: Engine) -> Delivery:
    return rows(engine)[0][1]


def to_first(stage: str, answer: str | Odd, tries: int = 1) -> Behaviour:
    """Misbehaves towards one recipient, so many times."""

    def behaviour(moment: Moment) -> str | Odd | None:
        return answer if moment.stage == stage and moment.to == FIRST and moment.tries <= tries else None

    return behaviour


def finish(engine: Engine, copies_of_first: int = 1, now: datetime = LATER) -> None:
    """A sound server gets the rest, and nobody gets more than they should in all."""
    server = MailServer()
    assert set(run(engine, server, now).values()) == {"accepted"}
    assert all(row.attempts - row.uncertain_count <= 2 for _, row in rows(engine))
    SEEN.update(server.recipients)
    assert Counter({email: copies_of_first if email == FIRST else 1 for email in EVERYBODY}) == SEEN


SEEN: Counter[str] = Counter()


@pytest.fixture(autouse=True)
def nobody_has_mail() -> None:
    SEEN.clear()


def misbehave(engine: Engine, behaviour: Behaviour, now: datetime = NOW, **options: Any) -> dict[str, str]:
    server = MailServer(behaviour)
    states = run(engine, server, now, **options)
    SEEN.update(server.recipients)
    return states


def others(state: str) -> dict[str, str]:
    return dict.fromkeys(EVERYBODY - {FIRST}, state)


def test_421_over_one_mail_puts_it_off_and_the_rest_goes_out_on_a_new_connection(planned: Engine) -> None:
    assert misbehave(planned, to_first("RCPT", "421 4.3.2 closing")) == {FIRST: "deferred", **others("accepted")}
    assert first_row(planned).reason == "421 4.3.2 closing"
    finish(planned)


def test_421_as_the_greeting_leaves_everything_for_the_next_run(planned: Engine) -> None:
    states = misbehave(planned, lambda moment: "421 4.3.2 too busy" if moment.stage == "CONNECT" else None)
    assert Counter(states.values()) == {"deferred": 2, "planned": 4}  # one a connection
    finish(planned)


def test_greylisting_is_waited_for_as_long_as_it_asks(planned: Engine) -> None:
    def behaviour(moment: Moment) -> str | None:
        is_new = moment.stage == "RCPT" and moment.tries == 1
        return "450 4.2.0 Greylisted, please try again in 600 seconds" if is_new else None

    assert set(misbehave(planned, behaviour).values()) == {"deferred"}
    for _, row in rows(planned):
        assert row.next_try_at is not None
        assert timedelta(minutes=10) <= row.next_try_at - NOW <= timedelta(minutes=12)
    assert set(misbehave(planned, behaviour, NOW + timedelta(minutes=9)).values()) == {"deferred"}
    finish(planned, now=NOW + timedelta(minutes=12))


def test_451_of_a_domain_pauses_its_other_mails_and_no_other_domain(planned: Engine) -> None:
    with transaction(planned) as session:
        session.get_one(Subscriber, 6).email = "reader6@another-example.org"

    def behaviour(moment: Moment) -> str | None:
        is_refused = moment.stage == "RCPT" and moment.to.endswith("@example.org")
        return "451 4.3.2 system is down" if is_refused else None

    states = misbehave(planned, behaviour, connections=1)
    assert list(states.values()) == ["deferred", *["planned"] * 4, "accepted"]
    assert len({row.next_try_at for _, row in rows(planned)[:5]}) == 1
    assert list(misbehave(planned, behaviour, SOON).values()) == list(states.values())
    assert set(run(planned, MailServer(), LATER).values()) == {"accepted"}


def test_452_of_a_full_mailbox_puts_off_that_one_alone(planned: Engine) -> None:
    assert misbehave(planned, to_first("RCPT", "452 4.2.2 mailbox full")) == {FIRST: "deferred", **others("accepted")}
    assert (first_row(planned).enhanced_code, first_row(planned).smtp_reply) == ("4.2.2", "452 4.2.2 mailbox full")
    finish(planned)


@pytest.mark.parametrize(
    ("stage", "reply", "bounce"),
    [
        ("RCPT", "550 5.1.1 no such user", "hard"),
        ("RCPT", "552 5.2.2 over quota", "soft"),
        ("DOT", "554 5.7.1 message looks like spam", "policy"),
        ("DATA", "554 5.5.1 no valid recipients", "policy"),
    ],
)
def test_a_refusal_for_good_is_kept_with_its_kind_and_only_a_missing_mailbox_is_suppressed(
    planned: Engine, stage: str, reply: str, bounce: str
) -> None:
    assert misbehave(planned, to_first(stage, reply)) == {FIRST: "rejected", **others("accepted")}
    row = first_row(planned)
    assert (row.bounce, row.smtp_reply, row.tried_at, row.settled_at) == (bounce, reply, NOW, NOW)
    with reading(planned) as session:
        assert (session.get(Suppression, address_hash(FIRST)) is not None) is (bounce == "hard")
    assert misbehave(planned, lambda _: None, LATER)[FIRST] == "rejected"
    assert SEEN[FIRST] == 0


def test_a_recipient_whom_the_server_forwards_elsewhere_is_no_refused_one() -> None:
    """RFC 5321, 3.4."""
    said = ["220 hello", "250 hello", "250 sender", "251 not here, will forward", "354 go on", "250 2.0.0 queued", "221 bye"]
    transport = CLIENT[0][0](parse_smtp_url(f"smtp://127.0.0.1:{scripted(said)}"), mail_from="digest@example.org")
    with closing(transport):
        assert transport.send(b"x", to=FIRST) == "250 2.0.0 queued"


def test_a_connection_dropped_before_the_final_dot_is_no_doubt(planned: Engine) -> None:
    assert misbehave(planned, to_first("DATA", DROP)) == {FIRST: "deferred", **others("accepted")}
    assert first_row(planned).uncertain_count == 0
    finish(planned)


@pytest.mark.parametrize(
    ("says", "is_kept"), [(b"", False), (b"", True), (b"250", True), (b"250-2.0.0 queued\r\n", False), (b"25", True)]
)
def test_a_connection_dropped_after_the_final_dot_is_a_doubt(planned: Engine, says: bytes, is_kept: bool) -> None:
    states = misbehave(planned, to_first("DOT", Odd(says, keeps=is_kept)))
    assert states == {FIRST: "unknown", **others("accepted")}
    assert first_row(planned).uncertain_count == 1
    finish(planned, copies_of_first=1 + is_kept)


@pytest.mark.slow
def test_a_server_silent_after_the_final_dot_is_a_doubt_when_the_wait_is_over(planned: Engine) -> None:
    states = misbehave(planned, to_first("DOT", STALL), end_timeout=3.0)
    assert states == {FIRST: "unknown", **others("accepted")}
    finish(planned)


@pytest.mark.slow
def test_a_server_silent_over_a_recipient_is_left_after_the_time_of_a_step(planned: Engine) -> None:
    states = misbehave(planned, to_first("RCPT", STALL), timeout=3.0)
    assert states == {FIRST: "deferred", **others("accepted")}
    finish(planned)


def test_half_a_reply_to_a_recipient_refuses_nobody(planned: Engine) -> None:
    assert misbehave(planned, to_first("RCPT", Odd(b"550 5.1.1 no su"))) == {FIRST: "deferred", **others("accepted")}
    finish(planned)


def test_an_answer_to_an_envelope_that_makes_no_sense_refuses_nobody(planned: Engine) -> None:
    assert misbehave(planned, to_first("DATA", "250 fine")) == {FIRST: "deferred", **others("accepted")}
    finish(planned)


def test_a_refused_sender_is_nobodys_bounce(planned: Engine) -> None:
    states = misbehave(planned, lambda moment: "550 5.7.1 not you" if moment.stage == "MAIL" else None)
    assert Counter(states.values()) == {"deferred": 2, "planned": 4}
    assert {row.bounce for _, row in rows(planned)} == {None, "policy"}  # ours
    finish(planned)
    assert {row.bounce for _, row in rows(planned)} == {None}


@pytest.mark.parametrize("answer", ["421 4.7.0 enough for one connection", DROP], ids=["421", "drop"])
def test_a_server_that_closes_after_every_third_mail_gets_them_all(planned: Engine, answer: str | Odd) -> None:
    states = misbehave(planned, lambda moment: answer if moment.stage == "MAIL" and moment.mails == 3 else None, connections=1)
    assert set(states.values()) == {"accepted"}
    finish(planned)


@pytest.fixture
def tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """A certificate for localhost that we trust."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    return context


def test_a_refused_password_leaves_everything_for_the_next_run(planned: Engine, tls: ssl.SSLContext) -> None:
    url = "smtp://me:secret@localhost:{}"
    refusing = MailServer(lambda m: "535 5.7.8 no" if m.stage == "AUTH" else None, tls=tls, offers_auth=True)
    states = run(planned, refusing, NOW, url)
    assert Counter(states.values()) == {"deferred": 2, "planned": 4}
    assert "535 5.7.8 no" in (first_row(planned).reason or "")
    welcoming = MailServer(tls=tls, offers_auth=True)
    assert set(run(planned, welcoming, LATER, url).values()) == {"accepted"}


def test_a_server_that_repeats_the_password_does_not_make_us_repeat_it(planned: Engine, tls: ssl.SSLContext) -> None:
    echo = "535 5.7.8 AUTH PLAIN AG1lAHNlY3JldA== of c2VjcmV0 or secret is wrong"
    run(
        planned,
        MailServer(lambda m: echo if m.stage == "AUTH" else None, tls=tls, offers_auth=True),
        NOW,
        "smtp://me:secret@localhost:{}",
    )
    assert "535 5.7.8 AUTH PLAIN *** of *** or *** is wrong" in (first_row(planned).reason or "")


def test_a_server_that_offers_tls_and_then_refuses_it_gets_nothing_in_the_clear(planned: Engine, tls: ssl.SSLContext) -> None:
    refusing = MailServer(lambda moment: "454 4.7.0 not available" if moment.stage == "STARTTLS" else None, tls=tls)
    states = run(planned, refusing, NOW, "smtp://localhost:{}")
    assert Counter(states.values()) == {"deferred": 2, "planned": 4}  # one a connection
    assert not refusing.tries


def test_a_certificate_of_another_name_leaves_everything_for_the_next_run(planned: Engine, tls: ssl.SSLContext) -> None:
    states = run(planned, MailServer(tls=tls), NOW, "smtp://me:secret@127.0.0.1:{}")
    assert Counter(states.values()) == {"deferred": 2, "planned": 4}
    assert "its certificate can't be trusted: IP address mismatch" in (first_row(planned).reason or "")
    finish(planned)


def test_a_server_without_tls_on_its_port_is_told_in_our_words(planned: Engine) -> None:
    run(planned, MailServer(), NOW, "smtps://127.0.0.1:{}")
    assert "it does not speak TLS on this port from the start: use smtp://" in (first_row(planned).reason or "")
    finish(planned)


def test_a_mail_put_off_again_and_again_is_given_up_when_it_is_stale(planned: Engine) -> None:
    refuse = to_first("RCPT", "450 4.2.1 busy", tries=100)
    tries = 0
    for hour in range(26):
        before = first_row(planned).attempts
        misbehave(planned, refuse, NOW + timedelta(hours=hour))
        tries += first_row(planned).attempts - before
    row = first_row(planned)
    assert (row.state, row.reason) == ("expired", "450 4.2.1 busy; given up after 24 hours")
    assert 6 <= tries <= 12  # backed off to every four hours or so


def test_a_server_whose_answer_is_always_lost_fills_no_mailbox(planned: Engine) -> None:
    """It may take every one of them."""
    for hour in range(0, 10 * 24, 3):
        misbehave(planned, to_first("DOT", Odd(keeps=True), tries=100), NOW + timedelta(hours=hour))
    assert 4 <= SEEN[FIRST] <= 7
    assert first_row(planned).state == "unknown"
    finish(planned, SEEN[FIRST] + 1, NOW + timedelta(days=60))


def test_a_doubt_can_be_held_for_the_administrator(planned: Engine) -> None:
    misbehave(planned, to_first("DOT", Odd(keeps=True)), states=UNSENT_STATES)
    assert misbehave(planned, lambda _: None, LATER, states=UNSENT_STATES)[FIRST] == "unknown"
    assert SEEN[FIRST] == 1


def test_a_doubt_put_off_by_the_server_stays_one_so_that_its_papers_stay_held(planned: Engine) -> None:
    misbehave(planned, to_first("DOT", Odd(keeps=True)))
    states = misbehave(planned, to_first("RCPT", "450 4.2.1 busy", tries=100), LATER)
    assert states[FIRST] == "unknown"


def test_told_to_stop_a_run_waits_for_the_mails_in_hand_so_long_and_then_breaks_off(planned: Engine) -> None:
    """Nothing is in doubt of a mail whose final dot was not sent."""
    asked = threading.Event()

    def behaviour(moment: Moment) -> Odd | None:
        asked.set()
        return STALL if moment.stage == "DATA" else None

    begun = time.monotonic()
    states = misbehave(planned, behaviour, should_stop=asked.is_set, drain=timedelta(seconds=0.3))
    assert time.monotonic() - begun < 30
    assert set(states.values()) <= {"deferred", "planned"}
    finish(planned)


def test_told_to_stop_a_run_ends_with_the_mails_in_hand_accepted(planned: Engine) -> None:
    asked = threading.Event()

    def behaviour(moment: Moment) -> None:
        if moment.stage == "DOT":
            asked.set()
            time.sleep(0.1)

    states = misbehave(planned, behaviour, should_stop=asked.is_set)
    assert set(states.values()) == {"accepted", "planned"}
    assert {row.worker for _, row in rows(planned)} == {None}
    finish(planned)
