"""Against a real HTTP server on loopback."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from email.utils import format_datetime
from itertools import pairwise

import pytest
from pytest_httpserver import HTTPServer
from sqlalchemy import Engine
from werkzeug import Request, Response

from service.connections import fetch_memory
from service.errors import FetchFailed
from service.fetch import LARGEST_ANSWER, Memory, digest, seconds_to_wait
from service.fetch.fetcher import Fetcher
from service.models import Validator
from tests.builders import NOW


@pytest.fixture
def httpserver(httpserver: HTTPServer) -> HTTPServer:
    """One that has no robots.txt, as most have not."""
    httpserver.expect_request("/robots.txt").respond_with_data("", status=404)
    return httpserver


@pytest.fixture
def pauses() -> list[float]:
    """How long the fetcher slept, each time; it does not really."""
    return []


@pytest.fixture
def fetcher(pauses: list[float]) -> Iterator[Fetcher]:
    with Fetcher("Paperround/test (contact@example.org)", interval=0, timeout=20, sleep=pauses.append) as fetcher:
        yield fetcher


def requests(httpserver: HTTPServer) -> list[str]:
    return [request.path for request, _ in httpserver.log if request.path != "/robots.txt"]


def test_a_page_comes_as_bytes_and_we_say_who_asks(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    agent = {"User-Agent": "Paperround/test (contact@example.org)"}
    httpserver.expect_request("/papers", headers=agent).respond_with_data("page €")
    assert fetcher.fetch(httpserver.url_for("/papers")) == "page €".encode()


def test_a_busy_server_is_asked_again(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    for status in (503, 429):
        httpserver.expect_oneshot_request("/papers").respond_with_data("", status=status)
    httpserver.expect_oneshot_request("/papers").respond_with_data("at last")
    assert fetcher.fetch(httpserver.url_for("/papers")) == b"at last"


@pytest.mark.parametrize(("status", "count"), [(500, 3), (404, 1), (403, 1)])
def test_what_stays_wrong_is_told_with_its_status(httpserver: HTTPServer, fetcher: Fetcher, status: int, count: int) -> None:
    httpserver.expect_request("/papers").respond_with_data("no", status=status)
    with pytest.raises(FetchFailed, match=rf"/papers can't be read: it answered {status}$") as failure:
        fetcher.fetch(httpserver.url_for("/papers"))
    assert failure.value.status == status
    assert len(requests(httpserver)) == count


def test_an_unreachable_server_is_told_in_one_line(fetcher: Fetcher) -> None:
    with pytest.raises(FetchFailed, match=r"http://127.0.0.1:9/papers can't be read: .*refused"):
        fetcher.fetch("http://127.0.0.1:9/papers")


def test_a_redirect_is_followed_on_the_same_host_only(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    httpserver.expect_request("/papers/date/2026-10-03").respond_with_response(
        Response(status=302, headers={"Location": "/papers"})
    )
    httpserver.expect_request("/papers").respond_with_data("latest")
    assert fetcher.fetch(httpserver.url_for("/papers/date/2026-10-03")) == b"latest"
    asked = len(httpserver.log)
    away = httpserver.url_for("/elsewhere").replace("localhost", "127.0.0.1")
    httpserver.expect_request("/away").respond_with_response(Response(status=302, headers={"Location": away}))
    with pytest.raises(FetchFailed, match="led away to another host"):
        fetcher.fetch(httpserver.url_for("/away"))
    assert [request.path for request, _ in httpserver.log[asked:]] == ["/away"]  # the other host was never asked
    httpserver.expect_request("/circle").respond_with_response(Response(status=302, headers={"Location": "/circle"}))
    with pytest.raises(FetchFailed, match="without end"):
        fetcher.fetch(httpserver.url_for("/circle"))


def test_an_answer_without_end_is_cut_off(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    def endless(request: Request) -> Response:
        return Response(iter([b"x" * 2**20] * (LARGEST_ANSWER // 2**20 + 5)))

    httpserver.expect_request("/papers").respond_with_handler(endless)
    with pytest.raises(FetchFailed, match="larger than 16 MB"):
        fetcher.fetch(httpserver.url_for("/papers"))


def test_a_small_answer_that_unpacks_to_far_too_much_is_cut_off(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    bomb = gzip.compress(bytes(LARGEST_ANSWER * 5), mtime=0)
    assert len(bomb) < LARGEST_ANSWER / 160
    httpserver.expect_request("/papers").respond_with_data(bomb, headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchFailed, match="larger than 16 MB"):
        fetcher.fetch(httpserver.url_for("/papers"))


def test_a_packed_answer_is_unpacked_and_one_packed_otherwise_is_refused(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    httpserver.expect_request("/gzip", headers={"Accept-Encoding": "gzip"}).respond_with_data(
        gzip.compress(b"page"), headers={"Content-Encoding": "gzip"}
    )
    httpserver.expect_request("/br").respond_with_data(b"page", headers={"Content-Encoding": "br"})
    assert fetcher.fetch(httpserver.url_for("/gzip")) == b"page"
    with pytest.raises(FetchFailed, match="packed in a way that we did not ask for, 'br'"):
        fetcher.fetch(httpserver.url_for("/br"))


def test_an_answer_packed_in_several_members_is_unpacked_whole(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    members = gzip.compress(b"pa") + gzip.compress(b"") + gzip.compress(b"ge") + bytes(512)

    def in_pieces(request: Request) -> Response:
        pieces = [members[start : start + 7] for start in range(0, len(members), 7)]
        return Response(iter(pieces), headers={"Content-Encoding": "gzip"})

    httpserver.expect_request("/whole").respond_with_data(members, headers={"Content-Encoding": "gzip"})
    httpserver.expect_request("/pieces").respond_with_handler(in_pieces)
    assert fetcher.fetch(httpserver.url_for("/whole")) == fetcher.fetch(httpserver.url_for("/pieces")) == b"page"


@pytest.mark.parametrize("packing", ["gzip", "identity"])
def test_half_an_answer_is_asked_for_again(httpserver: HTTPServer, fetcher: Fetcher, packing: str) -> None:
    body = gzip.compress(b"page" * 1000) if packing == "gzip" else b"page" * 1000
    half = (
        {"Content-Encoding": packing, "Content-Length": f"{len(body)}"}
        if packing == "identity"
        else {"Content-Encoding": packing}
    )

    def broken(request: Request) -> Response:
        return Response(iter([body[: len(body) // 2]]), headers=half)

    httpserver.expect_oneshot_request("/papers").respond_with_handler(broken)
    httpserver.expect_oneshot_request("/papers").respond_with_data(body, headers={"Content-Encoding": packing})
    assert fetcher.fetch(httpserver.url_for("/papers")) == b"page" * 1000


@pytest.mark.slow
def test_an_answer_that_stalls_is_given_up(httpserver: HTTPServer, pauses: list[float]) -> None:
    given_up = threading.Event()

    def stalling(request: Request) -> Response:
        given_up.wait(60)
        return Response("late")

    httpserver.expect_request("/papers").respond_with_handler(stalling)
    with Fetcher("Paperround/test", attempts=1, interval=0, timeout=3, sleep=pauses.append) as fetcher:
        with pytest.raises(FetchFailed, match="timed out"):
            fetcher.fetch(httpserver.url_for("/papers"))
        given_up.set()
        while requests(httpserver) != ["/papers"]:  # the server's thread is done
            time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"], ids=["head", "body"])
def test_an_answer_that_drips_is_cut_off(head: bytes, pauses: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"

        def drip() -> None:
            connection, _ = server.accept()  # for robots.txt
            with connection:
                connection.recv(65_536)  # unread, it would make the end a reset
                connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            connection, _ = server.accept()
            with connection, suppress(OSError):
                connection.sendall(head)
                while True:
                    connection.sendall(b"H")
                    time.sleep(0.02)

        thread = threading.Thread(target=drip)
        thread.start()
        with (
            Fetcher("Paperround/test", interval=0, timeout=20, longest=3, sleep=pauses.append) as fetcher,
            pytest.raises(FetchFailed, match=r"/papers took longer than 3 seconds"),
        ):
            fetcher.fetch(f"{address}/papers")
        thread.join(60)
        assert not thread.is_alive()


# ---- politeness


def test_robots_txt_is_read_once_and_obeyed(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    httpserver.clear()
    rules = "User-agent: *\nDisallow: /\n\nUser-agent: Paperround\nDisallow: /api/\nAllow: /\n"
    httpserver.expect_request("/robots.txt").respond_with_data(rules)
    httpserver.expect_request("/papers").respond_with_data("page")
    assert fetcher.fetch(httpserver.url_for("/papers")) == fetcher.fetch(httpserver.url_for("/papers")) == b"page"
    with pytest.raises(FetchFailed, match=r"/api/daily_papers is not read: the robots.txt of localhost asks not to"):
        fetcher.fetch(httpserver.url_for("/api/daily_papers"))
    assert [request.path for request, _ in httpserver.log] == ["/robots.txt", "/papers", "/papers"]


def test_a_robots_txt_that_cannot_be_read_forbids_all(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    httpserver.clear()
    httpserver.expect_request("/robots.txt").respond_with_data("", status=500)
    with pytest.raises(FetchFailed, match=r"/robots.txt can't be read: it answered 500"):
        fetcher.fetch(httpserver.url_for("/papers"))
    assert requests(httpserver) == []


@pytest.mark.parametrize(("rules", "interval"), [("", 60.0), ("User-agent: *\nCrawl-delay: 90", 90.0)])
def test_requests_to_a_host_keep_their_distance(httpserver: HTTPServer, pauses: list[float], rules: str, interval: float) -> None:
    httpserver.clear()
    httpserver.expect_request("/robots.txt").respond_with_data(rules)
    httpserver.expect_request("/papers").respond_with_data("page")
    with Fetcher("Paperround/test", interval=60, sleep=pauses.append) as fetcher:
        fetcher.fetch(httpserver.url_for("/papers"))
        pauses.clear()
        fetcher.fetch(httpserver.url_for("/papers"))
    (pause,) = pauses
    assert interval - 30 < pause <= interval  # less what the machine took itself


def test_a_server_without_requests_left_is_left_alone_until_its_next_window(
    httpserver: HTTPServer, fetcher: Fetcher, pauses: list[float]
) -> None:
    limited = {"RateLimit": '"pages";r=0;t=55', "RateLimit-Policy": '"fixed window";"pages";q=100;w=300', "Retry-After": "1"}
    httpserver.expect_oneshot_request("/papers").respond_with_data("", status=429, headers=limited)
    httpserver.expect_oneshot_request("/papers").respond_with_data("page", headers={"RateLimit": '"pages";r=0;t=30'})
    httpserver.expect_oneshot_request("/papers").respond_with_data("page", headers={"RateLimit": '"pages";r=99;t=300'})
    assert fetcher.fetch(httpserver.url_for("/papers")) == b"page"
    assert pauses == [pytest.approx(55, abs=12)]
    fetcher.fetch(httpserver.url_for("/papers"))
    assert pauses[1:] == [pytest.approx(30, abs=12)]


def test_a_server_that_asks_for_hours_is_given_up_for_this_time(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    httpserver.expect_request("/papers").respond_with_data("", status=429, headers={"Retry-After": "7200"})
    with pytest.raises(FetchFailed, match="asks to come back in 120 minutes") as failure:
        fetcher.fetch(httpserver.url_for("/papers"))
    assert failure.value.status == 429
    assert requests(httpserver) == ["/papers"]


def test_what_a_server_asked_for_outlives_the_process(httpserver: HTTPServer, engine: Engine) -> None:
    httpserver.expect_request("/papers").respond_with_data("", status=429, headers={"Retry-After": "7200"})
    for _ in range(2):
        memory = fetch_memory(engine, 10_000)
        with Fetcher("Paperround/test", interval=0, memory=memory) as fetcher, pytest.raises(FetchFailed, match="120 minutes"):
            fetcher.fetch(httpserver.url_for("/papers"))
    assert requests(httpserver) == ["/papers"]


@pytest.mark.slow
def test_two_processes_take_turns(httpserver: HTTPServer, engine: Engine) -> None:
    """One request at a time to a host, each at its distance from the one before, whoever asks."""
    asked: list[tuple[float, float]] = []

    def slow(request: Request) -> Response:
        begun = time.monotonic()
        time.sleep(0.05)
        asked.append((begun, time.monotonic()))
        return Response("page")

    def fetch_twice() -> None:
        with Fetcher("Paperround/test", interval=0.25, memory=fetch_memory(engine, 10_000)) as fetcher:
            for _ in range(2):
                fetcher.fetch(httpserver.url_for("/papers"))

    httpserver.expect_request("/papers").respond_with_handler(slow)
    threads = [threading.Thread(target=fetch_twice) for _ in range(2)]
    start = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(asked) == 4
    assert all(begun - start > 0.24 * place for place, (begun, _) in enumerate(sorted(asked)))  # a busy machine is only later
    assert all(begun >= ended for (_, ended), (begun, _) in pairwise(sorted(asked)))


@pytest.mark.parametrize(
    ("status", "headers", "seconds"),
    [
        (200, {}, 0),
        (200, {"Retry-After": "9"}, 0),
        (200, {"RateLimit": '"api";r=1;t=9'}, 0),
        (429, {"RateLimit": '"api";r=1;t=9'}, 9),
        (429, {"RateLimit": '"api";r=4;t=9, "pages";r=0;t=70', "Retry-After": "2"}, 70),
        (429, {"RateLimit": "nonsense", "Retry-After": "2"}, 2),
        (503, {"Retry-After": format_datetime(NOW + timedelta(seconds=90))}, 90),
        (503, {"Retry-After": "soon"}, 0),
        (503, {"Retry-After": format_datetime(NOW - timedelta(days=1))}, 0),
        (503, {"Retry-After": "Fri, 02 Oct 99999999999 06:00:00 GMT"}, 0),
        (429, {"Retry-After": "9" * 400}, 86_400),
        (429, {"Retry-After": format_datetime(NOW + timedelta(days=700_000))}, 86_400),
        (200, {"RateLimit": '"api";r=0;t=999999999'}, 86_400),
    ],
)
def test_how_long_a_server_asks_to_wait(status: int, headers: dict[str, str], seconds: float) -> None:
    assert seconds_to_wait(status, headers, NOW.timestamp()) == seconds


def test_an_answer_that_still_holds_is_not_sent_again_and_a_newer_one_is_taken(httpserver: HTTPServer) -> None:
    page, changed_at = b"page", "Fri, 02 Oct 2026 06:00:00 GMT"
    kept: list[Validator] = []
    asked = {"If-None-Match": '"one"', "If-Modified-Since": changed_at}
    told = {"ETag": '"one"', "Last-Modified": changed_at}
    httpserver.expect_oneshot_request("/papers").respond_with_data(page, headers=told)
    httpserver.expect_oneshot_request("/papers", headers=asked).respond_with_data("", status=304)
    httpserver.expect_oneshot_request("/papers", headers=asked).respond_with_data("a newer one", headers={"ETag": '"two"'})
    memory = Memory(
        recall=lambda address: next(((known, page) for known in kept if known.address == address), None), keep=kept.append
    )
    with Fetcher("Paperround/test", interval=0, memory=memory) as fetcher:
        assert fetcher.fetch(httpserver.url_for("/papers")) == fetcher.fetch(httpserver.url_for("/papers")) == page
        (known,) = kept
        assert (known.address, known.etag, known.last_modified) == (httpserver.url_for("/papers"), '"one"', changed_at)
        assert known.digest == digest(page)
        assert fetcher.fetch(httpserver.url_for("/papers")) == b"a newer one"
    assert (kept[1].etag, kept[1].last_modified, kept[1].digest) == ('"two"', None, digest(b"a newer one"))
    assert [response.status_code for _, response in httpserver.log[1:]] == [200, 304, 200]


def test_when_the_days_budget_is_spent_nothing_is_asked(httpserver: HTTPServer) -> None:
    def spend() -> None:
        raise FetchFailed("the day's 10 requests are spent")

    with Fetcher("Paperround/test", interval=0, memory=Memory(spend=spend)) as fetcher, pytest.raises(FetchFailed, match="spent"):
        fetcher.fetch(httpserver.url_for("/papers"))
    assert httpserver.log == []


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (302, {}),
        (304, {}),
        (302, {"Location": "http://[x/"}),
        (200, {"RateLimit": '"api";r=' + "9" * 5000 + ";t=" + "9" * 5000}),
    ],
    ids=["a redirect to nowhere", "unchanged, unasked", "a redirect to no address", "a limit without end"],
)
def test_no_answer_however_odd_breaks_a_fetch(
    httpserver: HTTPServer, fetcher: Fetcher, status: int, headers: dict[str, str]
) -> None:
    httpserver.expect_request("/papers").respond_with_response(Response("page", status=status, headers=headers))
    try:
        assert fetcher.fetch(httpserver.url_for("/papers")) == b"page"
    except FetchFailed:
        assert status != 200


def test_a_redirect_does_not_lead_past_robots_txt(httpserver: HTTPServer, fetcher: Fetcher) -> None:
    httpserver.clear()
    httpserver.expect_request("/robots.txt").respond_with_data("User-agent: *\nDisallow: /private\n")
    httpserver.expect_request("/papers").respond_with_response(Response(status=302, headers={"Location": "/private"}))
    httpserver.expect_request("/private").respond_with_data("secret")
    with pytest.raises(FetchFailed, match="robots"):
        fetcher.fetch(httpserver.url_for("/papers"))
    assert "/private" not in requests(httpserver)
