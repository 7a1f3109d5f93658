"""The hot path's memory of request lines: it never knows better than the parser."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.config import EdgeConfig
from edge.hot import HeadMemory, LineMemory
from edge.http1 import BadRequest, RequestParser
from edge.key import KeyRules
from edge.message import Head, Request
from edge.protocol import Connection
from edge.server import Server
from edge.stored import StoredResponse
from tests.edge.messages import NOW_S, stored
from tests.edge.wire import HERE


def parsed_key(line: bytes) -> bytes:
    """The key that the parser makes of a request with this line; empty where it refuses it."""
    heard: list[Request] = []
    parser = RequestParser(KeyRules(), lambda: None, heard.append, lambda _: None, lambda: None)
    try:
        parser.feed(line + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    except BadRequest:
        return b""
    return heard[0].key if heard else b""


class NoTransport(asyncio.Transport):
    """Takes what is written, and does no more."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += data

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def is_closing(self) -> bool:
        return False


class AskedFor(dict[bytes, StoredResponse]):
    """A store that has something under any key, and notes the last one."""

    key = b""

    def get(self, key: bytes, default: object = None) -> StoredResponse | None:  # type: ignore[override]  # noqa: ARG002
        self.key = key
        return stored(b"body", cache_control="max-age=60") if key else None


class Watched(Connection):
    """Tells what left the hot path."""

    has_asked = has_left = False

    def _feed(self, data: bytes) -> None:
        self.has_left = True
        if not self.has_asked:
            super()._feed(data)


def answered_key(line: bytes, tail: bytes = b" HTTP/1.1\r\nHost: a\r\n\r\n") -> bytes:
    """Under which key the hot path answers `line` on a connection that has asked before; empty where not."""
    server = Server(EdgeConfig(upstream="http://127.0.0.1:1", listen=HERE), lambda: NOW_S)
    server.entries = entries = AskedFor()
    connection = Watched(server)
    connection.connection_made(transport := NoTransport())
    connection.data_received(b"GET /first" + tail)
    assert transport.written.endswith(b"\r\n\r\nbody")
    connection.has_asked, connection.has_left, transport.written = True, False, b""
    connection.data_received(line + tail)
    if connection.has_left:
        return b""
    assert transport.written.endswith(b"\r\n\r\nbody")
    return entries.key


def agree(line: bytes) -> None:
    expected = parsed_key(line)
    memory = LineMemory(KeyRules())
    for _ in range(2):  # at first sight and out of memory
        assert (memory.keys.get(line) or memory.key_of(line)) in (b"", expected)
    assert answered_key(line) in (b"", expected)


ODD = st.binary(max_size=3).filter(lambda piece: b"\r" not in piece)
PIECES = st.sampled_from(
    [
        b"/",
        b"seg1.m4s",
        b"..",
        b".",
        b"%2e",
        b"%",
        b"?",
        b"&",
        b"CMCD=br%3D1",
        b"a=1",
        b"#",
        b"@",
        b":",
        b"//",
        b" ",
    ]
)
TARGETS = st.lists(PIECES | ODD, max_size=6).map(b"".join)
LINES = st.builds(
    lambda before, target, after: before + target + after,
    st.sampled_from([b"GET /", b"GET ", b"GET  /", b"HEAD /", b"get /", b"GET\t/", b"\nGET /"]),
    TARGETS,
    st.sampled_from([b"", b" ", b" HTTP/1.0", b" HTTP/1.1", b"\t", b"\r\n"]),
)


@settings(max_examples=600, deadline=None)
@given(LINES)
@example(b"GET /x?CMCD=br%3D1")
@example(b"GET /x?a=1&CMCD=br%3D1")
@example(b"GET /x\n")
@example(b"GET /x?")
def test_a_line_has_the_key_that_the_parser_gives_it_or_none(line: bytes) -> None:
    agree(line)


@settings(max_examples=300, deadline=None)
@given(st.builds(b"GET http://%b/x".__mod__, TARGETS))
@example(b'GET http://a"b/x HTTP/1.1')
@example(b"GET http://a b/x")
@example(b"GET http://a@b@c/x")
@example(b"GET http://h?q")
def test_so_has_a_line_in_absolute_form(line: bytes) -> None:
    agree(line)


@pytest.mark.parametrize("target", [b"/" + b"a" * 9000, b"/x?CMCD=" + b"a" * 9000], ids=["path", "query"])
def test_a_line_that_is_too_long_has_no_key(target: bytes) -> None:
    agree(b"GET " + target + b"")


SECTION = b" HTTP/1.1\r\nHost: a\r\nUser-Agent: player\r\n\r\n"


class Heard(Connection):
    """Keeps what it would answer, and tells whether the parser had to read it."""

    requests: list[Request]

    def _go_on(self) -> None:
        self.requests = [request for request, _ in self._queue]
        self._queue.clear()


def heard(server: Server, data: bytes) -> tuple[list[Request], bool]:
    """The requests that `data` is on a new connection, and whether they went through the parser."""
    connection = Heard(server)
    connection.connection_made(NoTransport())
    connection.data_received(data)
    return getattr(connection, "requests", []), connection._parsed > 0


def knowing(*sections: bytes) -> Server:
    """A server that was asked once with each of these."""
    server = Server(EdgeConfig(upstream="http://127.0.0.1:1", listen=HERE), lambda: NOW_S)
    for section in sections:
        assert heard(server, b"GET /first" + section)[1]
    return server


@settings(max_examples=300, deadline=None)
@given(LINES)
@example(b"GET /x")
@example(b"GET /%7Ex?b=1&CMCD=br%3D1&a=%2f")
@example(b"GET /x HTTP/1.0\r\nX: y")
@example(b"GET http://a/x")
def test_another_clients_header_section_is_read_as_the_parser_reads_it(line: bytes) -> None:
    known, is_parsed = heard(knowing(SECTION), line + SECTION)
    expected, _ = heard(knowing(), line + SECTION)
    assert is_parsed or known == expected


def test_a_first_request_with_a_header_section_that_another_client_sent_needs_no_parser() -> None:
    (request,), is_parsed = heard(knowing(SECTION), b"GET /%7Ex?CMCD=br%3D1" + SECTION)
    assert not is_parsed
    assert (request.target, request.key) == (b"/%7Ex?CMCD=br%3D1", b"/~x")
    assert request.field(b"user-agent") == b"player"


SPECIAL = [
    pytest.param(b"Range: bytes=0-1", id="a-range"),
    pytest.param(b"If-None-Match: x", id="a-condition"),
    pytest.param(b"Cache-Control: no-cache", id="a-wish"),
    pytest.param(b"Connection: close", id="the-last"),
    pytest.param(b"Content-Length: 2\r\n\r\nhi", id="a-body"),
    pytest.param(b"Authorization: Bearer x", id="a-secret"),
    pytest.param(b"Cookie: a=b", id="a-cookie"),
    pytest.param(b"X: " + b"y" * 4000, id="a-long-one"),
]


@pytest.mark.parametrize("line", SPECIAL)
def test_a_header_section_with_something_special_is_parsed_each_time(line: bytes) -> None:
    section = b" HTTP/1.1\r\nHost: a\r\n" + line + (b"" if b"\r\n\r\n" in line else b"\r\n\r\n")
    (request,), is_parsed = heard(knowing(section), b"GET /x" + section)
    assert is_parsed
    assert request.target == b"/x"


def test_two_requests_at_once_are_for_the_parser() -> None:
    requests, is_parsed = heard(knowing(SECTION), b"GET /x" + SECTION + b"GET /y" + SECTION)
    assert is_parsed
    assert [request.target for request in requests] == [b"/x", b"/y"]


def test_the_memory_of_header_sections_is_bounded() -> None:
    memory, said = HeadMemory(), Head(())
    for number in range(1025):
        memory.keep(b"%d" % number, said)
    assert memory.get(b"0") is None
    assert memory.get(b"1024") is said


def test_a_path_is_remembered_once_for_all_that_players_say_about_themselves() -> None:
    memory = LineMemory(KeyRules())
    keys = {memory.key_of(b"GET /seg1.m4s?CMCD=bl%%3D%d" % buffer_ms) for buffer_ms in range(100)}
    assert keys == {b"/seg1.m4s"}
    assert memory.keys == {b"GET /seg1.m4s": b"/seg1.m4s"}


def test_a_line_that_the_parser_judges_is_not_remembered() -> None:
    memory = LineMemory(KeyRules())
    assert memory.key_of(b"GET /../x") == b""
    assert memory.keys == {}


def test_the_memory_starts_anew_when_it_is_full() -> None:
    memory = LineMemory(KeyRules())
    for number in range(65_536 + 1):
        assert memory.key_of(b"GET /%d" % number) == b"/%d" % number
    assert len(memory.keys) == 1
    assert memory.key_of(b"GET /0") == b"/0"


def test_the_memory_of_long_lines_is_bounded_too() -> None:
    """One client may send as many lines as it likes, and none of them needs to be stored."""
    memory = LineMemory(KeyRules())
    for number in range(2000):
        memory.key_of(b"GET /%d%s" % (number, b"a" * 8000))
    assert sum(len(line) + len(key) for line, key in memory.keys.items()) < 2**20


USUAL = [  # line, the key that the hot path finds
    pytest.param(b"GET /seg1.m4s", b"/seg1.m4s", id="path"),
    pytest.param(b"GET /seg1.m4s?CMCD=bl%3D1%2Csid%3D%22a%22", b"/seg1.m4s", id="cmcd"),
    pytest.param(b"GET /seg1.m4s?CMCD=bl%3D1&a=1", b"/seg1.m4s?a=1", id="cmcd-before-another"),
    pytest.param(b"GET /seg1.m4s?a=1&CMCD=bl%3D1", b"/seg1.m4s?a=1", id="cmcd-after-another"),
    pytest.param(b"GET /seg1.m4s?a=1?CMCD=b", b"/seg1.m4s?a=1?CMCD=b", id="cmcd-is-a-value"),
]


@pytest.mark.parametrize(("line", "key"), USUAL)
def test_the_hot_path_answers_what_players_ask(line: bytes, key: bytes) -> None:
    assert answered_key(line) == key


NOT_LEARNT = [  # a head that must not be remembered as what stands behind a target
    pytest.param(b" HTTP/1.1\r\nHost: a\r\nCache-Control: no-cache\r\n\r\n", id="not-plain"),
    pytest.param(b" HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\na", id="with-a-body"),
    pytest.param(b"  HTTP/1.1\r\nHost: a\r\n\r\n", id="two-spaces"),
    pytest.param(b" HTTP/1.1\nHost: a\r\nX: GET / HTTP/1.1\r\n\r\n", id="a-line-feed-alone"),
]


@pytest.mark.parametrize("tail", NOT_LEARNT)
async def test_an_unusual_head_is_left_to_the_parser_each_time(tail: bytes) -> None:
    server = Server(EdgeConfig(upstream="http://127.0.0.1:1", listen=HERE), lambda: NOW_S)
    connection = Watched(server)
    connection.connection_made(NoTransport())
    server.entries = AskedFor()
    connection.data_received(b"GET /first" + tail)
    connection.has_asked, connection.has_left = True, False
    connection.data_received(b"GET /second" + tail)
    assert connection.has_left
    connection.connection_lost(None)
