"""Against a real HTTP server on loopback."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from service.errors import FetchFailed
from service.fetch import LARGEST_ANSWER, Fetcher


@pytest.fixture
def fetcher() -> Iterator[Fetcher]:
    with Fetcher("Paperround/test (contact@example.org)") as fetcher:
        yield fetcher


def test_a_page_comes_as_bytes_and_we_say_who_asks(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    agent = {"User-Agent": "Paperround/test (contact@example.org)"}
    httpserver.expect_request("/papers", headers=agent).respond_with_data("page €")
    assert fetcher.fetch(httpserver.url_for("/papers")) == "page €".encode()


def test_a_busy_server_is_asked_again(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    for status in (503, 429):
        httpserver.expect_ordered_request("/papers").respond_with_data("", status=status)
    httpserver.expect_ordered_request("/papers").respond_with_data("at last")
    assert fetcher.fetch(httpserver.url_for("/papers")) == b"at last"


@pytest.mark.parametrize(("status", "requests"), [(500, 3), (404, 1), (403, 1)])
def test_what_stays_wrong_is_told_with_its_status(httpserver: HTTPServer, fetcher: Fetcher, status: int, requests: int) -> None:
    httpserver.expect_request("/papers").respond_with_data("no", status=status)
    with pytest.raises(FetchFailed, match=rf"/papers can't be read: it answered {status}$") as failure:
        fetcher.fetch(httpserver.url_for("/papers"))
    assert failure.value.status == status
    assert len(httpserver.log) == requests


def test_an_unreachable_server_is_told_in_one_line(fetcher: Fetcher) -> None:
    with pytest.raises(FetchFailed, match=r"http://127.0.0.1:9/papers can't be read: .*refused"):
        fetcher.fetch("http://127.0.0.1:9/papers")


def test_a_redirect_is_followed_on_the_same_host_only(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    httpserver.expect_request("/papers/date/2026-10-03").respond_with_response(
        Response(status=302, headers={"Location": "/papers"})
    )
    httpserver.expect_request("/papers").respond_with_data("latest")
    assert fetcher.fetch(httpserver.url_for("/papers/date/2026-10-03")) == b"latest"
    away = httpserver.url_for("/papers").replace("localhost", "127.0.0.1")
    httpserver.expect_request("/away").respond_with_response(Response(status=302, headers={"Location": away}))
    with pytest.raises(FetchFailed, match="led away to another host"):
        fetcher.fetch(httpserver.url_for("/away"))


def test_an_answer_without_end_is_cut_off(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    def endless(request: Request) -> Response:
        return Response(iter([b"x" * 2**20] * (LARGEST_ANSWER // 2**20 + 5)))

    httpserver.expect_request("/papers").respond_with_handler(endless)
    with pytest.raises(FetchFailed, match="larger than 16 MB"):
        fetcher.fetch(httpserver.url_for("/papers"))
