"""Against a real HTTP server on loopback that speaks the chat-completions protocol."""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate

import pytest
import stamina

from service.errors import ModelFailed
from service.language_model import open_language_model
from service.models import Budget, Completion, Prompt
from tests.language_server import Exchange, Reply, language_server

PROMPT = Prompt("Summarise.", "summaries", {"type": "object", "properties": {}, "required": [], "additionalProperties": False})


def ask(url: str, key: str = "key") -> Completion:
    model = open_language_model(key, url, "small", Budget())
    try:
        return model.complete(PROMPT)
    finally:
        model.close()


def in_turn(*replies: Reply) -> Reply:
    """Each reply once, the last one for ever."""
    left = list(replies)
    return lambda exchange: (left.pop(0) if len(left) > 1 else left[0])(exchange)


def good(exchange: Exchange) -> None:
    exchange.say('{"x": 1}')


def test_a_prompt_becomes_an_answer_by_structured_output() -> None:
    with language_server(good) as server:
        assert ask(server.url) == Completion('{"x": 1}', 500, 50)
    sent = server.exchanges[0]
    assert sent.headers["authorization"] == "Bearer key"
    assert (sent.request["model"], sent.prompt) == ("small", "Summarise.")
    assert sent.request["response_format"]["json_schema"] == {"name": "summaries", "strict": True, "schema": PROMPT.schema}


def test_a_server_without_structured_output_is_asked_in_json_mode_from_then_on() -> None:
    def old(exchange: Exchange) -> None:
        exchange.send(400, {"error": {"message": "json_schema?"}}) if exchange.form == "json_schema" else good(exchange)

    with language_server(old) as server:
        model = open_language_model("key", server.url, "small", Budget())
        assert [model.complete(PROMPT).text for _ in range(2)] == ['{"x": 1}'] * 2
        model.close()
    assert [exchange.form for exchange in server.exchanges] == ["json_schema", "json_object", "json_object"]


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    with language_server(in_turn(lambda exchange: exchange.send(status, {"error": {"message": "busy"}}), good)) as server:
        assert ask(server.url).text == '{"x": 1}'
    assert len(server.exchanges) == 2


def test_a_cut_answer_is_asked_for_again() -> None:
    with language_server(in_turn(lambda exchange: exchange.cut(), good)) as server:
        assert ask(server.url).text == '{"x": 1}'


@pytest.mark.slow
@pytest.mark.parametrize("written", [lambda: "1", lambda: formatdate(time.time() + 2, usegmt=True)], ids=["seconds", "date"])
def test_a_retry_after_is_obeyed(written: Callable[[], str]) -> None:
    def busy(exchange: Exchange) -> None:
        exchange.send(429, {"error": {"message": "busy"}}, {"Retry-After": written()})

    with stamina.set_testing(False), language_server(in_turn(busy, good)) as server:
        ask(server.url)
    assert server.times[1] - server.times[0] >= 0.9


def test_a_retry_after_that_is_no_time_is_asked_again_as_if_it_told_none() -> None:
    def busy(exchange: Exchange) -> None:
        exchange.send(429, {"error": {"message": "busy"}}, {"Retry-After": "Fri, 02 Oct 99999999999 06:00:00 GMT"})

    with language_server(in_turn(busy, good)) as server:
        assert ask(server.url).text == '{"x": 1}'


def test_a_server_that_asks_for_an_hour_is_left_to_the_next_run() -> None:
    def busy(exchange: Exchange) -> None:
        exchange.send(429, {"error": {"message": "busy"}}, {"Retry-After": "3600"})

    with language_server(busy) as server, pytest.raises(ModelFailed, match="busy"):
        ask(server.url)
    assert len(server.exchanges) == 1


def test_a_server_that_stays_down_is_asked_three_times() -> None:
    with language_server(lambda exchange: exchange.send(500, {})) as server, pytest.raises(ModelFailed, match="did not answer"):
        ask(server.url)
    assert len(server.exchanges) == 3


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (lambda exchange: exchange.say(None, refusal="I can't\nhelp"), "refused: I can't help"),
        (lambda exchange: exchange.say(""), "answered nothing"),
        (lambda exchange: exchange.send(200, b"<html>hello</html>"), "chat completion|did not answer|answered nothing"),
        (lambda exchange: exchange.send(200, b"null"), "chat completion|did not answer|answered nothing"),
        (
            lambda exchange: exchange.send(200, {"choices": [{"message": None}]}),
            "chat completion|did not answer|answered nothing",
        ),
        (lambda exchange: exchange.send(200, {"choices": 7}), "chat completion|did not answer|answered nothing"),
        (lambda exchange: exchange.send(200, b"{oops"), "chat completion|did not answer|answered nothing"),
    ],
)
def test_a_refusal_and_an_answer_of_another_kind_are_failures(reply: Reply, said: str) -> None:
    with language_server(reply) as server, pytest.raises(ModelFailed, match=said):
        ask(server.url)


def test_a_refused_key_is_told_in_one_line_without_the_key() -> None:
    with (
        language_server(lambda exchange: exchange.send(401, {"error": {"message": "bad\ns3cret-key"}})) as server,
        pytest.raises(ModelFailed) as failure,
    ):
        ask(server.url, "s3cret-key")
    assert "\n" not in str(failure.value)
    assert "s3cret" not in str(failure.value)


def test_a_key_that_is_no_secret_leaves_what_is_told_readable() -> None:
    with (
        language_server(lambda exchange: exchange.send(401, {"error": {"message": "no such model"}})) as server,
        pytest.raises(ModelFailed, match=r"did not answer: Error code: 401 .*no such model"),
    ):
        ask(server.url, "e")


def test_after_closing_nothing_is_asked_any_more() -> None:
    with language_server(good) as server:
        model = open_language_model("key", server.url, "small", Budget())
        model.close()
        with pytest.raises(ModelFailed, match="broken off"):
            model.complete(PROMPT)
    assert server.exchanges == []
