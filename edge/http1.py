"""HTTP/1 requests off the wire: the one door to httptools (llhttp), and the bounds on what it is fed.

llhttp holds the framing rules of RFC 9112 (one Content-Length, chunked last, no bare LF, tokens); here stand
the limits on size, and what RFC 9112 asks of a server besides (Host).
"""

from __future__ import annotations

import re
from collections.abc import Callable

import httptools

from edge.key import MAX_TARGET_BYTES, KeyRules, TargetError, is_host, request_target
from edge.message import Head, Request

MAX_HEAD_BYTES = 32 * 1024
MAX_FIELDS = 100
_FRAMING = (b"content-length", b"transfer-encoding")
_METHOD = re.compile(rb"(?:\r?\n)*[!#$%&'*+.^_`|~0-9A-Za-z-]+ ")


class BadRequest(Exception):  # noqa: N818 - the standard's name for it
    """The request cannot be served; the connection is closed after `status`."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class RequestParser:
    """Feeds bytes to llhttp and calls back once per request head, body chunk and end of request."""

    def __init__(
        self,
        rules: KeyRules,
        on_begin: Callable[[], None],
        on_request: Callable[[Request], None],
        on_body: Callable[[bytes], None],
        on_end: Callable[[], None],
    ) -> None:
        self._rules = rules
        self._llhttp = httptools.HttpRequestParser(self)
        self._on_begin = on_begin
        self._on_request = on_request
        self._on_body = on_body
        self._on_end = on_end
        self._target = b""
        self._fields: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0
        self._silent_bytes = 0  # fed since llhttp last told of anything: part of one long field
        self._error: BadRequest | None = None
        self._is_at_start = True  # no message has ended in what is fed now
        self.in_head = False  # part of a head has come
        self.in_message = False

    def feed(self, data: bytes) -> None:
        """Raises BadRequest; nothing may be fed after that."""
        self._silent_bytes += len(data)
        while data:
            self._is_at_start = True
            try:
                self._llhttp.feed_data(data)
                break
            except httptools.HttpParserUpgrade as offer:
                # A server may ignore an offer to upgrade (RFC 9110, 7.8); llhttp stops after its head.
                self._llhttp = httptools.HttpRequestParser(self)
                data = data[offer.args[0] :]
            except httptools.HttpParserError as error:
                raise self._error or _said(error, data if self._is_at_start else b"") from None
        if self.in_head and self._silent_bytes > MAX_HEAD_BYTES:
            raise BadRequest(431, f"the request head is larger than {MAX_HEAD_BYTES} bytes")

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._target = b""
        self._fields = []
        self._head_bytes = self._silent_bytes = 0
        self.in_head = self.in_message = True
        self._on_begin()

    def on_url(self, part: bytes) -> None:
        self._silent_bytes = 0
        self._target += part
        if len(self._target) > MAX_TARGET_BYTES:
            self._refuse(414, f"the request target is longer than {MAX_TARGET_BYTES} bytes")

    def on_header(self, name: bytes, value: bytes) -> None:
        self._silent_bytes = 0
        self._fields.append((name.lower(), value.rstrip(b" \t")))
        self._head_bytes += len(name) + len(value)
        if len(self._fields) > MAX_FIELDS:
            self._refuse(431, f"the request has more than {MAX_FIELDS} header fields")
        if self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(431, f"the request head is larger than {MAX_HEAD_BYTES} bytes")

    def on_headers_complete(self) -> None:
        self.in_head = False
        method = self._llhttp.get_method()
        version = self._llhttp.get_http_version()
        if version not in ("1.0", "1.1"):
            self._refuse(505, f"HTTP/{version} is not spoken here")
        hosts = [value for name, value in self._fields if name == b"host"]
        if len(hosts) > 1 or (not hosts and version == "1.1"):
            self._refuse(400, "a request needs one Host field")
        if not all(map(is_host, hosts)):
            self._refuse(400, "Host is not a name and an optional port")
        if method == b"CONNECT":
            self._refuse(405, "CONNECT is not served here")
        coding = b", ".join(value for name, value in self._fields if name == b"transfer-encoding")
        if coding and coding.lower() != b"chunked":
            self._refuse(501, "the only transfer coding known here is chunked")
        if self._llhttp.should_upgrade() and any(name in _FRAMING for name, _ in self._fields):
            self._refuse(400, "an offer to upgrade has no body here")  # llhttp would read it as a request
        if any(b"\0" in value or b"\r" in value or b"\n" in value for _, value in self._fields):
            self._refuse(400, "a header field has a control character")
        try:
            target = request_target(method, self._target)
        except TargetError as error:
            self._refuse(400, str(error))
        # An HTTP/1.0 client would have to be told that its connection is kept; it is closed instead.
        keep_alive = version == "1.1" and self._llhttp.should_keep_alive()
        head = Head.of(tuple(self._fields), keep_alive=keep_alive)
        self._on_request(Request(method, target, self._rules.key(target), head, version.encode()))

    def on_body(self, chunk: bytes) -> None:
        self._on_body(chunk)

    def on_message_complete(self) -> None:
        self.in_message = self._is_at_start = False
        self._on_end()

    def _refuse(self, status: int, reason: str) -> None:
        """httptools replaces what a callback raises by an error of its own; keep the reason."""
        self._error = BadRequest(status, reason)
        raise self._error


def _said(error: httptools.HttpParserError, data: bytes) -> BadRequest:
    """What is wrong with a request; `data` is where it begins, as far as that is known."""
    if isinstance(error, httptools.HttpParserInvalidMethodError):
        if _METHOD.match(data):  # a token: what llhttp does not know cannot go on (RFC 9110, 9.1)
            return BadRequest(501, "the method is not known here")
        return BadRequest(400, "the method is not one of HTTP")
    if isinstance(error, httptools.HttpParserInvalidURLError):
        return BadRequest(400, "the request target is not a URL")
    return BadRequest(400, "malformed request")
