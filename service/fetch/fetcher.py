"""Fetch pages over HTTP, politely. Touches the network. The one module that imports httpx."""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import httpx
import stamina
from protego import Protego

from service.errors import FetchFailed
from service.fetch.answers import BrokenOff, Deadline, whole_body
from service.fetch.memory import INTERVAL, PRODUCT, Memory, digest
from service.fetch.waits import seconds_to_wait
from service.models import Validator

LONGEST_ANSWER = 120.0  # seconds for the whole of it, however often a piece comes
LONGEST_WAIT = 600.0  # seconds that a server may ask for before we give up for this time
_LARGEST_ROBOTS = 500 * 1024  # bytes; what is behind need not be read (RFC 9309, 2.5)
_MOST_REDIRECTS = 5
_TRY_AGAIN = (429, 500, 502, 503, 504)


class _Busy(Exception):
    """The server asks to come back later."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it answered {status}")
        self.status = status


class Fetcher:
    """Reads pages one at a time, with timeouts, retries and an honest name; asks robots.txt, and waits when told to.

    `attempts` is the most requests for one page, `interval` the seconds between two to one host, `timeout` the seconds
    without a byte after which an answer has stalled, `longest` those after which it is cut off however often one comes.
    """

    def __init__(
        self,
        user_agent: str,
        *,
        attempts: int = 3,
        interval: float = INTERVAL,
        timeout: float = 20.0,
        longest: float = LONGEST_ANSWER,
        memory: Memory | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.attempts = attempts
        self._interval = interval
        self._longest = longest
        self._memory = memory or Memory()
        self._sleep = sleep
        self._robots: dict[str, Protego] = {}
        self._turns: dict[str, float] = {}  # by host, as the memory's
        # gzip only: others can't be unpacked piece by piece without a library each.
        headers = {"User-Agent": user_agent, "Accept-Encoding": "gzip"}
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout, connect=min(timeout, 5.0)),
            headers=headers,
            limits=httpx.Limits(max_keepalive_connections=0),  # a connection is cut off with its answer
        )

    def fetch(self, address: str) -> bytes:
        """The page's bytes, remembered ones where the server says that they hold.

        Raises FetchFailed in words that name the address, with the status where there is one.
        """
        if not self._rules(address).can_fetch(address, PRODUCT):
            raise FetchFailed(
                f"{address} is not read: the robots.txt of {urlsplit(address).hostname} asks not to", is_lasting=True
            )
        return self._with_retries(address, self._get)

    def _with_retries(self, address: str, get: Callable[[str], bytes]) -> bytes:
        """Back-off grows from half a second, with jitter; what the server asks for itself is waited before each request."""
        retry = stamina.RetryingCaller(attempts=self.attempts, timeout=3 * LONGEST_WAIT, wait_initial=0.5, wait_max=10.0).on(
            (_Busy, BrokenOff, httpx.TransportError)
        )
        try:
            return retry(get, address)
        except _Busy as error:
            raise FetchFailed(f"{address} can't be read: {error}", status=error.status) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, BrokenOff, zlib.error) as error:
            raise FetchFailed(f"{address} can't be read: {_said(error)}") from error

    def _get(self, address: str) -> bytes:
        """Redirects are followed on the same host only, each after a look at where it leads."""
        known = self._memory.recall(address)
        place = address
        for _ in range(_MOST_REDIRECTS + 1):
            with self._request(place, _conditions(known[0]) if known and place == address else {}) as response:
                if response.status_code == 304 and known:
                    return known[1]
                if not response.has_redirect_location:
                    return self._whole(response, address, place)
                place = _next_place(address, place, response.headers["Location"])
            rules = self._robots.get(urljoin(place, "/robots.txt"))  # None only while that very file is read
            if rules is not None and not rules.can_fetch(place, PRODUCT):
                raise FetchFailed(f"{address} leads to {place}, which the robots.txt there asks not to read", is_lasting=True)
        raise FetchFailed(f"{address} leads from one address to the next without end", is_lasting=True)

    @contextmanager
    def _request(self, place: str, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """One request of the day's budget, when its host's turn has come. Raises _Busy where it is worth another try."""
        host = urlsplit(place).netloc
        with self._turn(host, place):
            self._memory.spend()
            self._put_turn(host, self._interval)
            with (
                Deadline(place, self._longest) as deadline,
                self._client.stream("GET", place, headers=headers, extensions={"trace": deadline.watch}) as response,
            ):
                if asked := seconds_to_wait(response.status_code, response.headers, time.time()):
                    self._put_turn(host, max(self._interval, asked))
                if response.status_code in _TRY_AGAIN:
                    raise _Busy(response.status_code)
                yield response

    @contextmanager
    def _turn(self, host: str, place: str) -> Iterator[None]:
        """Wait for the host's turn, and again where another process took it meanwhile."""
        while True:
            at = self._turn_at(host)
            self._wait_until(at, place)
            with self._memory.alone():
                if self._turn_at(host) <= at:
                    yield
                    return

    def _turn_at(self, host: str) -> float:
        return max(self._turns.get(host, 0.0), self._memory.turn_at(host))

    def _put_turn(self, host: str, pause: float) -> None:
        self._turns[host] = time.time() + pause
        self._memory.put_turn(host, self._turns[host])

    def _wait_until(self, at: float, place: str) -> None:
        pause = at - time.time()
        if pause > LONGEST_WAIT:
            raise FetchFailed(f"{place} can't be read: its server asks to come back in {pause / 60:.0f} minutes", status=429)
        if pause > 0:
            self._sleep(pause)

    def _whole(self, response: httpx.Response, address: str, place: str) -> bytes:
        if response.status_code != 200:
            status = response.status_code
            raise FetchFailed(f"{address} can't be read: it answered {status}", status=status, is_lasting=400 <= status < 500)
        body = whole_body(response.iter_raw(), response.headers.get("Content-Encoding", "identity"), address)
        etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
        if place == address and (etag or modified):
            self._memory.keep(Validator(address=address, etag=etag, last_modified=modified, digest=digest(body)))
        return body

    def _rules(self, address: str) -> Protego:
        """The host's robots.txt, read once. None there means that all is allowed; one that can't be read, that nothing is.

        RFC 9309, 2.3.1.3 and 2.3.1.4.
        """
        place = urljoin(address, "/robots.txt")
        if place not in self._robots:
            try:
                text = self._with_retries(place, self._get)[:_LARGEST_ROBOTS].decode("utf-8", "replace")
            except FetchFailed as error:
                if error.status is None or not 400 <= error.status < 500 or error.status == 429:
                    raise FetchFailed(
                        f"{address} can't be read: {error}", status=error.status, is_lasting=error.is_lasting
                    ) from error
                text = ""
            self._robots[place] = Protego.parse(text)
            self._interval = max(self._interval, self._robots[place].crawl_delay(PRODUCT) or 0.0)
        return self._robots[place]

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _conditions(known: Validator) -> dict[str, str]:
    """The headers that ask for an answer only where it is another by now (RFC 9110, 13.1)."""
    told = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in told.items() if value}


def _next_place(address: str, place: str, location: str) -> str:
    try:
        to = urljoin(place, location)
        old, new = urlsplit(place), urlsplit(to)
    except ValueError as error:
        raise FetchFailed(f"{address} leads to what is no address", is_lasting=True) from error
    if new.netloc != old.netloc or new.scheme != old.scheme:
        raise FetchFailed(f"{address} led away to another host, {new.scheme}://{new.netloc}", is_lasting=True)
    return to


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
