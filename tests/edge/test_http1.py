"""The parser of requests: what it hears, and what it refuses, in whatever pieces the bytes come."""

from __future__ import annotations

from contextlib import suppress

import pytest

from edge.http1 import MAX_FIELDS, MAX_HEAD_BYTES, BadRequest, RequestParser
from edge.key import MAX_TARGET_BYTES, KeyRules
from edge.message import Request

HOST = b"Host: edge.example\r\n"


class Heard:
    """A parser, and what it called back with."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.body = b""
        self.begun = self.ended = 0
        self.parser = RequestParser(
            KeyRules(), self._on_begin, self.requests.append, self._on_body, self._on_end
        )

    def _on_begin(self) -> None:
        self.begun += 1

    def _on_body(self, chunk: bytes) -> None:
        self.body += chunk

    def _on_end(self) -> None:
        self.ended += 1

    def feed(self, data: bytes, piece_bytes: int) -> Heard:
        for start in range(0, len(data), piece_bytes):
            self.parser.feed(data[start : start + piece_bytes])
        return self


def get(target: bytes = b"/x", *lines: bytes, version: bytes = b"1.1", method: bytes = b"GET") -> bytes:
    head = b"".join(line + b"\r\n" for line in lines)
    return b"%b %b HTTP/%b\r\n%b%b\r\n" % (method, target, version, HOST, head)


PIECES = pytest.mark.parametrize("piece_bytes", [1, 7, 2**20], ids=["bytes", "sevens", "at-once"])


@PIECES
def test_a_request_is_heard_once_with_its_fields_in_lower_case(piece_bytes: int) -> None:
    data = get(b"/v/seg?CMCD=br%3D1", b"X-Odd:  two words \t", b"Cache-Control: no-cache")
    heard = Heard().feed(data, piece_bytes)
    (request,) = heard.requests
    assert (request.method, request.target, request.key) == (b"GET", b"/v/seg?CMCD=br%3D1", b"/v/seg")
    assert request.head.fields == (
        (b"host", b"edge.example"),
        (b"x-odd", b"two words"),
        (b"cache-control", b"no-cache"),
    )
    assert request.head.directives == {"no-cache": None}
    assert (heard.ended, heard.parser.in_head, heard.parser.in_message) == (1, False, False)


@PIECES
def test_bodies_and_pipelined_requests_are_kept_apart(piece_bytes: int) -> None:
    data = get(b"/1", b"Content-Length: 5", method=b"POST") + b"GET /" + get(b"/2")
    data += get(b"/3", b"Transfer-Encoding: chunked", method=b"PUT") + b"3;x=y\r\nabc\r\n1\r\nd\r\n0\r\n\r\n"
    heard = Heard().feed(data, piece_bytes)
    assert [(request.method, request.target) for request in heard.requests] == [
        (b"POST", b"/1"),
        (b"GET", b"/2"),
        (b"PUT", b"/3"),
    ]
    assert heard.body == b"GET /abcd"
    assert (heard.begun, heard.ended) == (3, 3)


@PIECES
def test_a_half_head_is_known_as_such(piece_bytes: int) -> None:
    heard = Heard().feed(get()[:-2], piece_bytes)
    assert (heard.requests, heard.parser.in_head, heard.parser.in_message) == ([], True, True)


@PIECES
def test_a_half_body_is_known_as_such(piece_bytes: int) -> None:
    heard = Heard().feed(get(b"/x", b"Content-Length: 9", method=b"POST") + b"abc", piece_bytes)
    assert (heard.ended, heard.parser.in_head, heard.parser.in_message) == (0, False, True)


KEPT = [  # version, Connection, is the connection kept
    pytest.param(b"1.1", None, True, id="9112-9.3-persistent"),
    pytest.param(b"1.1", b"close", False, id="9112-9.6-close"),
    pytest.param(b"1.1", b"x, Close", False, id="9112-9.6-close-in-a-list"),
    pytest.param(b"1.0", None, False, id="9112-9.3-http-1.0"),
]


@pytest.mark.parametrize(("version", "connection", "is_kept"), KEPT)
def test_whether_the_connection_is_kept(version: bytes, connection: bytes | None, is_kept: bool) -> None:
    lines = () if connection is None else (b"Connection: " + connection,)
    (request,) = Heard().feed(get(b"/x", *lines, version=version), 2**20).requests
    assert request.head.keep_alive is is_kept
    assert request.is_http11 is (version == b"1.1")


PLAIN = [
    pytest.param(b"User-Agent: x", True, id="user-agent"),
    pytest.param(b"Cookie: x", True, id="cookie"),
    pytest.param(b"Range: bytes=0-1", False, id="range"),
    pytest.param(b'If-None-Match: "x"', False, id="condition"),
    pytest.param(b"Cache-Control: max-age=0", False, id="cache-control"),
    pytest.param(b"Pragma: no-cache", False, id="pragma"),
    pytest.param(b"Connection: close", False, id="close"),
]


@pytest.mark.parametrize(("line", "is_plain"), PLAIN)
def test_a_plain_head_is_one_that_any_stored_response_answers(line: bytes, is_plain: bool) -> None:
    (request,) = Heard().feed(get(b"/x", line), 2**20).requests
    assert request.head.is_plain is is_plain


MALFORMED = [  # bytes, status
    pytest.param(b"GARBAGE\r\n\r\n", 400, id="garbage"),
    pytest.param(get(method=b"ST(EAL"), 400, id="9110-9.1-a-method-is-a-token"),
    pytest.param(b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", 405, id="connect"),
    pytest.param(get(version=b"9.9"), 400, id="version-9.9"),
    pytest.param(get(version=b"2.0"), 505, id="version-2.0"),
    pytest.param(get(version=b"0.9"), 505, id="version-0.9"),
    pytest.param(b"GET /x\r\n\r\n", 505, id="http-0.9"),
    pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, id="http-2-preface"),
    pytest.param(b"GET /x HTTP/1.1\r\n\r\n", 400, id="9112-3.2-no-host"),
    pytest.param(get(b"/x", b"Host: b"), 400, id="9112-3.2-two-hosts"),
    pytest.param(get(b"/../x"), 400, id="dot-segments"),
    pytest.param(get(b"*"), 400, id="9112-3.2.4-asterisk-is-for-options"),
    pytest.param(get(b"x", method=b"OPTIONS"), 400, id="9112-3.2.4-options-of-no-path"),
    pytest.param(b"GET /x HTTP/1.1\r\nHost: a b\r\n\r\n", 400, id="9112-3.2-host-with-a-space"),
    pytest.param(b"GET /x HTTP/1.1\r\nHost: a/b\r\n\r\n", 400, id="9112-3.2-host-with-a-path"),
    pytest.param(b"GET /x HTTP/1.1\r\nHost: me@a\r\n\r\n", 400, id="9112-3.2-host-with-a-user"),
    pytest.param(b"GET /x HTTP/1.0\r\nHost: a:b\r\n\r\n", 400, id="9112-3.2-host-with-no-port"),
    pytest.param(get(b"/x#y"), 400, id="fragment"),
    pytest.param(get(b"/\xff"), 400, id="odd-byte-in-target"),
    pytest.param(
        get(b"/x", b"Content-Length: 1", b"Content-Length: 2", method=b"POST"), 400, id="9112-6.3-two"
    ),
    pytest.param(
        get(b"/x", b"Content-Length: 1", b"Content-Length: 1", method=b"POST"), 400, id="9112-6.3-twice"
    ),
    pytest.param(get(b"/x", b"Content-Length: 1, 1", method=b"POST"), 400, id="9112-6.3-list"),
    pytest.param(get(b"/x", b"Content-Length: -1", method=b"POST"), 400, id="negative-length"),
    pytest.param(get(b"/x", b"Content-Length: +1", method=b"POST"), 400, id="signed-length"),
    pytest.param(get(b"/x", b"Content-Length: " + b"9" * 25, method=b"POST"), 400, id="length-overflow"),
    pytest.param(
        get(b"/x", b"Content-Length: 1", b"Transfer-Encoding: chunked", method=b"POST"),
        400,
        id="9112-6.1-both",
    ),
    pytest.param(
        get(b"/x", b"Transfer-Encoding: chunked", b"Content-Length: 1", method=b"POST"),
        400,
        id="9112-6.1-both-2",
    ),
    pytest.param(
        get(b"/x", b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked", method=b"POST"),
        400,
        id="te-twice",
    ),
    pytest.param(get(b"/x", b"Transfer-Encoding: chunked, identity", method=b"POST"), 400, id="te-not-last"),
    pytest.param(
        get(b"/x", b"Transfer-Encoding: chunked", method=b"POST") + b"f" * 17 + b"\r\n", 400, id="chunk-size"
    ),
    pytest.param(
        get(b"/x", b"Transfer-Encoding: chunked", method=b"POST") + b"1\nx\r\n", 400, id="chunk-bare-lf"
    ),
    pytest.param(get(b"/x", b"X: 1", b" 2"), 400, id="9112-5.2-obs-fold"),
    pytest.param(get(b"/x", b"X : 1"), 400, id="9112-5.1-space-before-colon"),
    pytest.param(get(b"/x", b": 1"), 400, id="no-name"),
    pytest.param(get(b"/x", b"X(Y): 1"), 400, id="9110-5.1-name-is-a-token"),
    pytest.param(get(b"/x", b"X: a\0b"), 400, id="9110-5.5-nul"),
    pytest.param(get(b"/x", b"X: a\rb"), 400, id="9110-5.5-cr"),
    pytest.param(b"GET /x HTTP/1.1\n" + HOST + b"\r\n", 400, id="9112-2.2-bare-lf"),
    pytest.param(b"GET /x HTTP/1.1\r\nHost: a\n\r\n", 400, id="9112-2.2-bare-lf-in-field"),
    pytest.param(get(b"/x", *[b"X: 1"] * MAX_FIELDS), 431, id="too-many-fields"),
    pytest.param(get(b"/x", b"X: " + b"a" * MAX_HEAD_BYTES), 431, id="oversized-head"),
    pytest.param(get(b"/" + b"a" * MAX_TARGET_BYTES), 414, id="long-target"),
]


@PIECES
@pytest.mark.parametrize(("data", "status"), MALFORMED)
def test_what_is_malformed_is_refused_with_its_status(data: bytes, status: int, piece_bytes: int) -> None:
    with pytest.raises(BadRequest) as caught:
        Heard().feed(data, piece_bytes)
    assert caught.value.status == status
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("method", [b"get", b"STEAL", b"X-1"])
def test_a_method_that_nobody_knows_is_not_implemented(method: bytes) -> None:
    """RFC 9110, 9.1."""
    with pytest.raises(BadRequest) as caught:
        Heard().feed(get(method=method), 2**20)
    assert caught.value.status == 501


def test_what_follows_a_request_and_is_none_is_malformed_whatever_it_looks_like() -> None:
    heard = Heard()
    with pytest.raises(BadRequest) as caught:
        heard.feed(get(b"/x", b"Content-Length: 1", method=b"POST") + b"ab /c HTTP/1.1\r\n\r\n", 2**20)
    assert (len(heard.requests), caught.value.status) == (1, 400)


@PIECES
@pytest.mark.parametrize("target", [b"*", b"http://edge.example", b"HTTPS://a:8443"])
def test_options_may_be_about_the_server_itself(target: bytes, piece_bytes: int) -> None:
    """RFC 9112, 3.2.4."""
    (request,) = Heard().feed(get(target, method=b"OPTIONS"), piece_bytes).requests
    assert (request.target, request.key) == (b"*", b"*")


@PIECES
def test_what_is_within_the_bounds_is_served(piece_bytes: int) -> None:
    assert Heard().feed(get(b"/" + b"a" * (MAX_TARGET_BYTES - 1)), piece_bytes).ended == 1
    assert Heard().feed(get(b"/x", *[b"X: 1"] * (MAX_FIELDS - 1)), piece_bytes).ended == 1


def test_a_field_without_end_is_refused_before_it_fills_the_memory() -> None:
    with pytest.raises(BadRequest) as caught:
        Heard().feed(get()[:-2] + b"X: " + b"a" * (MAX_HEAD_BYTES + 2048), 1024)
    assert caught.value.status == 431


def test_a_head_may_be_as_large_in_pieces_as_it_may_be_at_once() -> None:
    data = get(b"/x", b"X: " + b"a" * 20_000)
    assert Heard().feed(data, 2**20).ended == 1
    assert Heard().feed(data, 1000).ended == 1


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(get() * 1000, id="pipelined-requests"),
        pytest.param(
            get(b"/x", b"Content-Length: 60000", method=b"POST") + b"a" * 60_000, id="the-body-of-another"
        ),
    ],
)
def test_what_comes_before_a_cut_head_does_not_count_for_it(before: bytes) -> None:
    heard = Heard()
    heard.parser.feed(before + get()[:-2])
    heard.parser.feed(b"\r\n")
    assert not heard.parser.in_message


@PIECES
def test_an_offer_to_upgrade_is_ignored(piece_bytes: int) -> None:
    """Java's client and `curl --http2` offer h2c with every first request."""
    offer = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAA")
    heard = Heard().feed(get(b"/1", *offer) + get(b"/2"), piece_bytes)
    assert [request.target for request in heard.requests] == [b"/1", b"/2"]


def test_a_transfer_coding_that_is_not_known_here_is_refused() -> None:
    """RFC 9112, 6.1."""
    with pytest.raises(BadRequest) as caught:
        Heard().feed(get(b"/x", b"Transfer-Encoding: gzip, chunked", method=b"POST"), 2**20)
    assert caught.value.status == 501


OFFER_WITH_BODY = [
    pytest.param([b"Content-Length: 24"], b"GET /inside HTTP/1.1\r\n\r\n"[:24], id="content-length"),
    pytest.param([b"Transfer-Encoding: chunked"], b"2\r\nhi\r\n0\r\n\r\n", id="chunked"),
]


@pytest.mark.parametrize(("framing", "body"), OFFER_WITH_BODY)
def test_the_body_of_an_offer_to_upgrade_is_never_read_as_a_request(
    framing: list[bytes], body: bytes
) -> None:
    """The way to smuggle one request inside another."""
    data = get(b"/1", b"Connection: Upgrade", b"Upgrade: h2c", *framing, method=b"POST") + body
    heard = Heard()
    with suppress(BadRequest):  # a refusal of the whole is right, a body heard as one too
        heard.feed(data, 2**20)
        assert heard.body
    assert [request.target for request in heard.requests] in ([], [b"/1"])
    assert heard.body or not heard.requests


def test_thousands_of_offers_in_one_piece_are_ignored() -> None:
    offer = get(b"/1", b"Connection: Upgrade", b"Upgrade: h2c")
    heard = Heard()
    try:
        heard.feed(offer * 3000, 2**20)
    except RecursionError:
        pytest.fail("one recursion for each", pytrace=False)
    assert heard.ended == 3000
