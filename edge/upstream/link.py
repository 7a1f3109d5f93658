"""The connections to one upstream: the door to aiohttp, and every time limit of the upstream side.

What aiohttp raises ends here as a LinkError of one line; what it hides (interim responses, RFC 9110, 15.2) is
passed on. What to do about a failure is `upstream`'s to say.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING
from weakref import WeakSet

import aiohttp
from yarl import URL

from edge.fields import Fields, end_to_end, joined
from edge.message import ResponseHead
from edge.upstream.place import Place
from edge.upstream.retry import Failure

if TYPE_CHECKING:
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection
    from aiohttp.http_parser import RawResponseMessage
    from aiohttp.streams import StreamReader

OnInterim = Callable[[int, Fields], None]  # told of each interim response: its status and end-to-end fields

_SKIP_AUTO = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")
_KEEP_S = 30.0
_LARGE_BYTES = 64 * 1024  # of a longer body the pieces are taken as they came: joining them is a copy
_MOST_INTERIM = 32  # interim responses to one request: each one moves the time limit
_NO_LIMITS = aiohttp.ClientTimeout(total=None, sock_connect=None)  # ours, below, are instead of aiohttp's


class UpstreamError(Exception):
    """Upstream gave no usable answer; `status` is what a gateway says then (502, 503 or 504)."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class LinkError(UpstreamError):
    """One upstream failed to answer, or to finish its answer."""

    def __init__(self, kind: Failure, reason: str, status: int = 502) -> None:
        super().__init__(status, reason)
        self.kind = kind


class RequestError(UpstreamError):
    """The request cannot be sent, or its body broke off: no upstream is to blame."""


class _LostError(aiohttp.ClientConnectionError):
    """The connection closed before the head came. Of a class that aiohttp does not retry by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long upstream may take, in seconds."""

    connect_s: float  # name look-up, connection and TLS
    upload_s: float  # to take one piece of a request's body
    first_byte_s: float  # from the end of the request to the head, and between interim responses
    read_s: float  # between two pieces of the body


class Outgoing:
    """A request on its way: how far it is, which says what its time limit is, and who hears of interims."""

    def __init__(
        self, patience: Patience, body: AsyncIterable[bytes] | None, on_interim: OnInterim | None
    ) -> None:
        self.patience = patience
        self.body = body
        self.on_interim = on_interim
        self.limit = asyncio.timeout(patience.connect_s)
        self.waits_for = "connection"
        self.is_on_kept = False  # sent on a connection that had carried another
        self.is_body_gone = False  # some of it was read from the client, so it cannot be sent again
        self.has_client_left = False
        self.is_over = False
        self._interims = 0

    def wait(self, limit_s: float | None, waits_for: str) -> None:
        """From now on the request waits for something else, so long (None: as long as it takes)."""
        self.waits_for = waits_for
        if not self.is_over:  # an upload may go on after the head came
            loop = asyncio.get_running_loop()
            self.limit.reschedule(None if limit_s is None else loop.time() + limit_s)

    def connected(self) -> None:
        if self.body is None:
            self.wait(self.patience.first_byte_s, "head")
        elif not self.is_body_gone:
            self.wait(None, "client")

    def interim(self, status: int, raw: tuple[tuple[bytes, bytes], ...]) -> None:
        """Pass an interim response on (RFC 9110, 15.2).

        Not 100: the edge sent no Expect and has answered the client's itself, so this hop's ends here.
        """
        self._interims += 1
        if self._interims > _MOST_INTERIM:
            raise LinkError(Failure.BROKEN, "upstream sends interim responses without end")
        if self.waits_for == "head":
            self.wait(self.patience.first_byte_s, "head")
        if self.on_interim is not None and status != 100:
            self.on_interim(status, end_to_end(_lowered(raw)))

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body; while upstream takes a piece its time runs, while the client has none it does not."""
        assert self.body is not None
        self.is_body_gone = True
        source = aiter(self.body)
        while True:
            try:
                piece = await anext(source)
            except StopAsyncIteration:
                break
            except OSError:
                self.has_client_left = True
                raise
            self.wait(self.patience.upload_s, "upload")
            yield piece
            self.wait(None, "client")
        self.wait(self.patience.first_byte_s, "head")


_OUTGOING: ContextVar[Outgoing] = ContextVar("outgoing")
_HAVE_ANSWERED: WeakSet[ResponseHandler] = WeakSet()  # connections that carried a request before


class _Response(aiohttp.ClientResponse):
    """Sees the connection and the interim responses, which aiohttp's own keeps to itself."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        outgoing = _OUTGOING.get()
        protocol = connection.protocol
        assert protocol is not None
        outgoing.is_on_kept = protocol in _HAVE_ANSWERED
        outgoing.connected()
        read = protocol.read

        async def tapped() -> tuple[RawResponseMessage, StreamReader]:
            message, payload = await read()
            if 100 <= message.code < 200 and message.code != 101:
                outgoing.interim(message.code, message.raw_headers)
            return message, payload

        protocol.read = tapped  # type: ignore[method-assign]
        try:
            await super().start(connection)
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
            raise _LostError(str(error)) from error
        finally:
            del protocol.read  # the class's own again
        _HAVE_ANSWERED.add(protocol)
        return self


class Answer:
    """One upstream's answer; its head is here, its body on its way."""

    def __init__(self, response: aiohttp.ClientResponse, read_s: float, head: ResponseHead) -> None:
        self.head = head
        self._response = response
        self._content = response.content
        self._read_s = read_s
        self._is_large = (head.content_length or 0) > _LARGE_BYTES

    async def read(self) -> bytes:
        """The next piece of the body, or nothing at its end. Raises LinkError."""
        try:
            if not self._is_large and (piece := self._content.read_nowait()):
                return piece
            if self._content.at_eof():
                return b""
            # aiohttp's own time-out does not see a connection that it closed over a malformed chunk.
            async with asyncio.timeout(self._read_s):
                if self._is_large:
                    return (await self._content.readchunk())[0]
                return await self._content.readany()
        except TimeoutError:
            raise LinkError(Failure.SILENT, "upstream stopped sending", 504) from None
        except (aiohttp.ClientError, OSError):
            raise LinkError(Failure.BROKEN, "upstream cut the body short") from None

    def close(self) -> None:
        """Keep the connection if nothing more is to come on it."""
        self._response.release() if self._content.at_eof() else self._response.close()


class Link:
    """Sends requests to one upstream, once each. Open for the length of an `async with`."""

    def __init__(self, place: Place, patience: Patience, clock: Callable[[], float]) -> None:
        self.place = place
        self.patience = patience
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Link:
        socket = self.place.socket
        self._session = aiohttp.ClientSession(
            connector=(
                aiohttp.UnixConnector(socket, limit=0, keepalive_timeout=_KEEP_S)
                if socket
                else aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEP_S)
            ),
            timeout=_NO_LIMITS,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=_SKIP_AUTO,
            response_class=_Response,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    def request(self, body: AsyncIterable[bytes] | None, on_interim: OnInterim | None) -> Outgoing:
        return Outgoing(self.patience, body, on_interim)

    async def send(self, outgoing: Outgoing, method: bytes, target: bytes, fields: Fields) -> Answer:
        """Send the request and wait for the head. Raises LinkError, or RequestError."""
        try:
            # Put together, not joined: a target such as //other.example/x must stay a path.
            url = URL(self.place.url + target.decode("latin-1"), encoded=True)
        except ValueError:
            raise RequestError(400, "the target cannot be part of a URL") from None
        mark = _OUTGOING.set(outgoing)
        requested_s = self._clock()
        try:
            async with outgoing.limit:
                response = await self._request(outgoing, method, url, fields)
        except TimeoutError:
            raise _late(outgoing.waits_for) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            if outgoing.has_client_left:
                raise RequestError(400, "the request's body broke off") from None
            raise _failed(error, outgoing) from None
        finally:
            outgoing.is_over = True
            _OUTGOING.reset(mark)
        if response.status == 101:
            response.close()
            raise LinkError(Failure.BROKEN, "upstream switched protocols unasked")
        fields = _lowered(response.raw_headers)
        coding = joined(fields, b"transfer-encoding")
        if coding is not None and coding.strip().lower() != b"chunked":  # aiohttp would leave it undone
            response.close()
            raise LinkError(Failure.BROKEN, "upstream uses a transfer coding that nobody asked for")
        head = ResponseHead(response.status, end_to_end(fields), requested_s, self._clock())
        return Answer(response, self.patience.read_s, head)

    async def _request(
        self, outgoing: Outgoing, method: bytes, url: URL, fields: Fields
    ) -> aiohttp.ClientResponse:
        assert self._session is not None, "open the link first"
        headers = [(name.decode("latin-1"), _text(value)) for name, value in fields]
        data = None if outgoing.body is None else outgoing.pieces()
        return await self._session.request(
            method.decode(), url, headers=headers, data=data, allow_redirects=False
        )


def _late(waited_for: str) -> LinkError:
    match waited_for:
        case "connection":
            return LinkError(Failure.UNREACHED, "upstream cannot be reached in time", 504)
        case "upload":
            return LinkError(Failure.SILENT, "upstream does not take the request's body", 504)
        case _:
            return LinkError(Failure.SILENT, "upstream did not answer in time", 504)


def _failed(error: Exception, outgoing: Outgoing) -> LinkError:
    """What aiohttp raised, in our words: its own may hold bytes of the answer, and several lines."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return LinkError(Failure.UNREACHED, "upstream's certificate is not to be trusted")
        case aiohttp.ClientConnectorSSLError():
            return LinkError(Failure.UNREACHED, "upstream cannot be reached: TLS failed")
        case aiohttp.ClientConnectorError():
            return LinkError(Failure.UNREACHED, "upstream cannot be reached")
        case aiohttp.ClientResponseError():
            return LinkError(Failure.BROKEN, "upstream's answer is not well-formed HTTP")
    if outgoing.is_on_kept:
        return LinkError(Failure.DROPPED, "upstream closed the connection before it answered")
    return LinkError(Failure.BROKEN, "upstream closed the connection before it answered")


def _lowered(raw: tuple[tuple[bytes, bytes], ...]) -> Fields:
    return tuple((name.lower(), value) for name, value in raw)


def _text(value: bytes) -> str:
    """A field's value for aiohttp, which writes UTF-8: what is not UTF-8 is read as RFC 9110's obs-text."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
