"""The upstream side: one aiohttp client, and the one place for its timeouts and retries.

The host comes from configuration only; a client's Host never reaches upstream.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from edge.fields import Fields, end_to_end, first
from edge.message import Request, ResponseHead, without

_RETRY_PAUSE_S = 0.05
_SKIP_AUTO = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class UpstreamError(Exception):
    """Upstream gave no usable answer; `status` is what a gateway says then (502 or 504)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True)
class Arriving:
    """A response whose head is here and whose body is on its way."""

    head: ResponseHead
    chunks: AsyncIterator[bytes]


class Upstream:
    """Requests to one upstream. Open for the length of an `async with`."""

    def __init__(
        self,
        url: str,
        *,
        name: str,
        connect_timeout_s: float,
        read_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        self._base = url.rstrip("/")
        self._via = b"1.1 " + name.encode()
        self._timeout = aiohttp.ClientTimeout(sock_connect=connect_timeout_s, sock_read=read_timeout_s)
        self._clock = clock
        self._random = random.Random()
        self._session: aiohttp.ClientSession | None = None
        self.requests = 0
        self.failures = 0
        self.received_bytes = 0

    async def __aenter__(self) -> Upstream:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=30.0),
            timeout=self._timeout,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_SKIP_AUTO,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    @asynccontextmanager
    async def send(
        self, request: Request, target: bytes, extra: Fields = (), body: AsyncIterable[bytes] | None = None
    ) -> AsyncIterator[Arriving]:
        """Ask upstream for `target` with `request`'s fields and `extra`.

        Raises UpstreamError, also out of `chunks` when the body is cut short.
        """
        requested_s = self._clock()
        response = await self._open(request, target, extra, body)
        try:
            fields = tuple((name.lower(), value) for name, value in response.raw_headers)
            fields = end_to_end(fields)
            if response.status != 304:  # what a 304 says replaces what is stored, so nothing is added to it
                fields = with_cors(fields)
            head = ResponseHead(response.status, fields, requested_s, self._clock())
            yield Arriving(head, self._chunks(response))
        finally:
            response.release() if response.content.at_eof() else response.close()

    async def _open(
        self, request: Request, target: bytes, extra: Fields, body: AsyncIterable[bytes] | None
    ) -> aiohttp.ClientResponse:
        """Send the request; a safe one is sent once more, after a jittered pause, if the connection broke."""
        assert self._session is not None, "open the upstream first"
        # A body that has been sent is gone, so such a request is not repeated.
        tries = 2 if body is None and request.method in (b"GET", b"HEAD") else 1
        # Put together, not joined: a target such as //other.example/x must stay a path.
        url = URL(self._base + target.decode("latin-1"), encoded=True)
        fields = self._fields(request, extra, has_body=body is not None)
        headers = [(name.decode("latin-1"), _text(value)) for name, value in fields]
        while True:
            tries -= 1
            self.requests += 1
            try:
                return await self._session.request(
                    request.method.decode(), url, headers=headers, data=body, allow_redirects=False
                )
            except TimeoutError:
                self.failures += 1
                raise UpstreamError(504, "upstream did not answer in time") from None
            except (aiohttp.ClientError, OSError) as error:
                self.failures += 1
                if tries == 0:
                    raise UpstreamError(502, f"upstream cannot be reached: {type(error).__name__}") from None
                await asyncio.sleep(_RETRY_PAUSE_S * self._random.uniform(0.5, 1.5))

    def _fields(self, request: Request, extra: Fields, *, has_body: bool) -> Fields:
        fields = without(end_to_end(request.head.fields), b"host", b"expect")
        if not has_body:
            fields = without(fields, b"content-length")
        via = first(fields, b"via")
        said = self._via if via is None else via + b", " + self._via
        return (*without(fields, b"via", *[name for name, _ in extra]), *extra, (b"via", said))

    async def _chunks(self, response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
        try:
            while True:
                # aiohttp's own time-out does not see a connection that it closed over a malformed chunk.
                async with asyncio.timeout(self._timeout.sock_read):
                    chunk = await response.content.readany()
                if not chunk:
                    return
                self.received_bytes += len(chunk)
                yield chunk
        except TimeoutError:
            self.failures += 1
            raise UpstreamError(504, "upstream stopped sending") from None
        except (aiohttp.ClientError, OSError):
            self.failures += 1
            raise UpstreamError(502, "upstream cut the body short") from None


def _text(value: bytes) -> str:
    """A field's value for aiohttp, which writes UTF-8: what is not UTF-8 is read as RFC 9110's obs-text."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def with_cors(fields: Fields) -> Fields:
    """Players on other sites may read the response, and the fields that caches add to it (Fetch, 3.2)."""
    if first(fields, b"access-control-allow-origin") is not None:
        return fields
    exposed = b"age, cache-status, content-length, content-range"
    return (*fields, (b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", exposed))
