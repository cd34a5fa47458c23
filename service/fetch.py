"""Fetch pages over HTTP, politely. Touches the network. The one module that imports httpx."""

from __future__ import annotations

import hashlib
import re
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

import httpx
import stamina
from protego import Protego

from service.errors import FetchFailed

PRODUCT = "Paperround"  # the name that robots.txt may address
INTERVAL = 3.0  # seconds between requests to a host: the source's strictest published limit is 100 pages in 300 s
LONGEST_ANSWER = 120.0  # seconds for the whole of it, however often a piece comes
LARGEST_ANSWER = 16 * 1024 * 1024  # bytes, unpacked
LONGEST_WAIT = 600.0  # seconds that a server may ask for before we give up for this time
_LARGEST_ROBOTS = 500 * 1024  # bytes; what is behind need not be read (RFC 9309, 2.5)
_MOST_REDIRECTS = 5
_TRY_AGAIN = (429, 500, 502, 503, 504)
_PIECE = 65_536


class _Busy(Exception):
    """The server asks to come back later."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it answered {status}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Validators:
    """What the server calls the state of one answer (RFC 9110, 8.8), and the digest of that answer."""

    etag: str | None
    last_modified: str | None
    digest: str

    @property
    def headers(self) -> dict[str, str]:
        told = {"If-None-Match": self.etag, "If-Modified-Since": self.last_modified}
        return {name: value for name, value in told.items() if value}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered from one fetcher to the next, and shared by those of several processes; without a database, nothing.

    A turn is the instant from which on a host may be asked again, in seconds since 1970.
    """

    recall: Callable[[str], tuple[Validators, bytes] | None] = lambda _address: None
    keep: Callable[[str, Validators], None] = lambda _address, _validators: None
    spend: Callable[[], None] = lambda: None  # one request of the day's budget; raises FetchFailed when it is spent
    turn_at: Callable[[str], float] = lambda _host: 0.0
    put_turn: Callable[[str, float], None] = lambda _host, _at: None
    alone: Callable[[], AbstractContextManager[None]] = nullcontext  # while it is held, no other process asks the source


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
            (_Busy, httpx.TransportError)
        )
        try:
            return retry(get, address)
        except _Busy as error:
            raise FetchFailed(f"{address} can't be read: {error}", status=error.status) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, zlib.error) as error:
            raise FetchFailed(f"{address} can't be read: {_said(error)}") from error

    def _get(self, address: str) -> bytes:
        """Redirects are followed on the same host only, each after a look at where it leads."""
        known = self._memory.recall(address)
        place = address
        for _ in range(_MOST_REDIRECTS + 1):
            with self._request(place, known[0].headers if known and place == address else {}) as response:
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
                _Deadline(place, self._longest) as deadline,
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
        body = _body(response, address)
        etag, modified = response.headers.get("ETag"), response.headers.get("Last-Modified")
        if place == address and (etag or modified):
            self._memory.keep(address, Validators(etag, modified, digest(body)))
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


class _Deadline:
    """Cuts a connection off when its time is up, however often a byte comes: httpx bounds the wait for each only."""

    def __init__(self, place: str, seconds: float) -> None:
        self._words = f"{place} took longer than {seconds:g} seconds"
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True
        self._connection: socket.socket | None = None
        self._has_passed = False

    def watch(self, event: str, told: Mapping[str, Any]) -> None:
        """Called by httpx at every step of a request (its extension "trace")."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._connection = told["return_value"].get_extra_info("socket")

    def _cut(self) -> None:
        self._has_passed = True
        if self._connection is not None:
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._timer.cancel()
        if self._has_passed and isinstance(error, httpx.TransportError):
            raise FetchFailed(self._words) from error


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def seconds_to_wait(status: int, headers: Mapping[str, str], now: float) -> float:
    """How long the server asks to leave it alone, 0 where it does not. `now` is in seconds since 1970.

    `RateLimit: "api";r=0;t=55` (draft-ietf-httpapi-ratelimit-headers): no request is left, 55 seconds to the next window. It
    goes before Retry-After, which the source sends without meaning it.
    """
    limits = re.findall(r"\br=(\d{1,9})\b[^,]*?\bt=(\d{1,9})\b", headers.get("RateLimit", ""))
    if waits := [float(left) for requests, left in limits if status == 429 or int(requests) == 0]:
        return max(waits)
    return _retry_after(headers.get("Retry-After", ""), now) if status in (429, 503) else 0.0


def _retry_after(told: str, now: float) -> float:
    """Seconds, or a date (RFC 9110, 10.2.3)."""
    if told.isdecimal():
        return float(told)
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - now)
    except ValueError:
        return 0.0


def _next_place(address: str, place: str, location: str) -> str:
    try:
        to = urljoin(place, location)
        old, new = urlsplit(place), urlsplit(to)
    except ValueError as error:
        raise FetchFailed(f"{address} leads to what is no address", is_lasting=True) from error
    if new.netloc != old.netloc or new.scheme != old.scheme:
        raise FetchFailed(f"{address} led away to another host, {new.scheme}://{new.netloc}", is_lasting=True)
    return to


def _body(response: httpx.Response, address: str) -> bytes:
    """Count while unpacking, so that a small answer can't grow without end."""
    body = bytearray()
    for piece in _unpacked(response, address):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise FetchFailed(f"{address} is larger than {LARGEST_ANSWER // 2**20} MB", is_lasting=True)
    return bytes(body)


def _unpacked(response: httpx.Response, address: str) -> Iterator[bytes]:
    """Small pieces, whatever the answer's packing would grow to. A packed answer that ends early is broken off.

    It may be packed in several members, one after the other (RFC 1952, 2.2), with zeros behind.
    """
    packing = response.headers.get("Content-Encoding", "identity")
    if packing == "identity":
        yield from response.iter_raw()
        return
    if packing != "gzip":
        words = f"{address} is packed in a way that we did not ask for, {packing[:20]!r}"
        raise FetchFailed(words, is_lasting=True)
    unpacker = zlib.decompressobj(wbits=31)
    for packed in response.iter_raw():
        rest = packed.lstrip(b"\0") if unpacker.eof else packed
        while rest:
            if unpacker.eof:
                unpacker = zlib.decompressobj(wbits=31)
            yield unpacker.decompress(rest, _PIECE)
            rest = unpacker.unused_data.lstrip(b"\0") if unpacker.eof else unpacker.unconsumed_tail
    if not unpacker.eof:
        raise httpx.RemoteProtocolError("the packed answer broke off")


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
