"""Fetch pages over HTTP. Touches the network. The one module that imports httpx."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import httpx
import stamina

from service.errors import FetchFailed

LONGEST_ANSWER = 120.0  # seconds for the whole of it, however often a piece comes
LARGEST_ANSWER = 16 * 1024 * 1024  # bytes, unpacked
_TIMEOUT = httpx.Timeout(20.0, connect=5.0)  # seconds; reading counts from one piece to the next
_TRY_AGAIN = (429, 500, 502, 503, 504)


class _Busy(Exception):
    """The server asks to come back later."""

    def __init__(self, status: int) -> None:
        super().__init__(f"it answered {status}")
        self.status = status


class Fetcher:
    """Reads pages with timeouts, retries and an honest name. `attempts` is the most requests for one page."""

    def __init__(self, user_agent: str, *, attempts: int = 3) -> None:
        self.attempts = attempts
        self._client = httpx.Client(timeout=_TIMEOUT, follow_redirects=True, headers={"User-Agent": user_agent})

    def fetch(self, address: str) -> bytes:
        """The page's bytes. Raises FetchFailed in words that name the address, with the status where there is one."""
        retry = stamina.RetryingCaller(attempts=self.attempts, timeout=60.0, wait_initial=0.5, wait_max=10.0).on(
            (_Busy, httpx.TransportError)
        )
        try:
            return retry(self._get, address)
        except _Busy as error:
            raise FetchFailed(f"{address} can't be read: {error}", status=error.status) from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise FetchFailed(f"{address} can't be read: {_said(error)}") from error

    def _get(self, address: str) -> bytes:
        with self._client.stream("GET", address) as response:
            if response.status_code in _TRY_AGAIN:
                raise _Busy(response.status_code)
            if response.status_code != 200:
                raise FetchFailed(f"{address} can't be read: it answered {response.status_code}", status=response.status_code)
            if response.url.host != urlsplit(address).hostname:
                raise FetchFailed(f"{address} led away to another host, {response.url.host}")
            return _body(response, address)

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _body(response: httpx.Response, address: str) -> bytes:
    """Count while unpacking, so that a small answer can't grow without end."""
    body = bytearray()
    end = time.monotonic() + LONGEST_ANSWER
    for piece in response.iter_bytes(65_536):
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise FetchFailed(f"{address} is larger than {LARGEST_ANSWER // 2**20} MB")
        if time.monotonic() > end:
            raise FetchFailed(f"{address} took longer than {LONGEST_ANSWER:.0f} seconds")
    return bytes(body)


def _said(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
