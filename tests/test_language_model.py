"""Against a real HTTP server on loopback that speaks the chat-completions protocol."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pytest_httpserver import HTTPServer

from service.errors import ModelFailed
from service.language_model import open_completion


def answer(content: str | None) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": content}}
    return {"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def test_a_prompt_becomes_an_answer(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions", method="POST").respond_with_json(answer('{"tldr": "x"}'))
    complete = open_completion("key", httpserver.url_for("/v1"), "small")
    assert complete("Summarise.") == '{"tldr": "x"}'
    request, _ = httpserver.log[0]
    assert request.headers["Authorization"] == "Bearer key"
    sent = json.loads(request.data)
    assert (sent["model"], sent["messages"]) == ("small", [{"role": "user", "content": "Summarise."}])


@pytest.mark.parametrize("content", [None, ""])
def test_an_empty_answer_is_a_failure(httpserver: HTTPServer, content: str | None) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json(answer(content))
    with pytest.raises(ModelFailed, match="answered nothing"):
        open_completion("key", httpserver.url_for("/v1"), "small")("Summarise.")


@pytest.mark.parametrize("body", ["<html>hello</html>", "null", '{"choices": [{"message": null}]}', '{"choices": 7}', "{oops"])
def test_an_answer_of_another_kind_is_a_failure(httpserver: HTTPServer, body: str) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_data(body, content_type="application/json")
    with pytest.raises(ModelFailed):
        open_completion("key", httpserver.url_for("/v1"), "small")("Summarise.")


def test_a_refused_key_is_told_in_one_line_without_the_key(httpserver: HTTPServer) -> None:
    httpserver.expect_request("/v1/chat/completions").respond_with_json({"error": {"message": "bad\nkey s3cret"}}, status=401)
    with pytest.raises(ModelFailed) as failure:
        open_completion("s3cret", httpserver.url_for("/v1"), "small")("Summarise.")
    assert "\n" not in str(failure.value)
    assert "s3cret" not in str(failure.value)
