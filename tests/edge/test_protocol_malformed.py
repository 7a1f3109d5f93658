"""Malformed requests over the wire: the right 4xx or 5xx or a close, never a traceback, never a wrong body.

`serving` holds the second of these: it fails when the edge logs an error.
"""

from __future__ import annotations

import pytest

from edge.http1 import MAX_FIELDS, MAX_HEAD_BYTES
from edge.key import MAX_TARGET_BYTES
from tests.edge.wire import Asked, Clock, Message, Origin, ask, connected, get, serving, so

pytestmark = pytest.mark.socket

STORED = b"what is stored under /x"
HOST = b"Host: edge.example\r\n"
OUTSIDE = ("/../x", "/%2e%2e/x", "/.%2E/x", "/a/../../x")


@pytest.fixture
def origin(clock: Clock) -> Origin:
    def script(asked: Asked) -> bytes:
        assert asked.target not in OUTSIDE
        return asked.reply(STORED if asked.target == "/x" else b"other", cache_control="max-age=60")

    return Origin(script, clock)


def get_x(*lines: bytes) -> bytes:
    return b"GET /x HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n"


def post_x(*lines: bytes, body: bytes = b"") -> bytes:
    return b"POST /x HTTP/1.1\r\n" + HOST + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


CHUNKED = b"Transfer-Encoding: chunked"
REFUSED = [  # bytes, the status of the one answer; then the edge closes
    pytest.param(get_x(b"X: " + b"a" * MAX_HEAD_BYTES), 431, id="oversized-head"),
    pytest.param(get_x(*[b"X: 1"] * MAX_FIELDS), 431, id="101-fields"),
    pytest.param(ask("/" + "a" * MAX_TARGET_BYTES), 414, id="long-target"),
    pytest.param(ask("/x", "STEAL"), 501, id="9110-9.1-bad-method"),
    pytest.param(ask("/x", "get"), 501, id="9110-9.1-lower-case-method"),
    pytest.param(ask("/x", "ST(EAL"), 400, id="9110-9.1-a-method-is-a-token"),
    pytest.param(b"CONNECT db.internal:5432 HTTP/1.1\r\nHost: db.internal:5432\r\n\r\n", 405, id="connect"),
    pytest.param(b"GET /x HTTP/9.9\r\n" + HOST + b"\r\n", 400, id="http-9.9"),
    pytest.param(b"GET /x HTTP/2.0\r\n" + HOST + b"\r\n", 505, id="http-2.0"),
    pytest.param(b"GET /x\r\n\r\n", 505, id="http-0.9"),
    pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400, id="tls-hello"),
    pytest.param(b"GET /x HTTP/1.1\r\n\r\n", 400, id="no-host"),
    pytest.param(get_x(b"Host: other.example"), 400, id="two-hosts"),
    pytest.param(post_x(b"Content-Length: 1", b"Content-Length: 2", body=b"ab"), 400, id="two-lengths"),
    pytest.param(post_x(b"Content-Length: 1", b"Content-Length: 1", body=b"a"), 400, id="one-length-twice"),
    pytest.param(post_x(b"Content-Length: 6", CHUNKED, body=b"0\r\n\r\nX"), 400, id="length-and-chunked"),
    pytest.param(post_x(CHUNKED, b"Content-Length: 6", body=b"0\r\n\r\nX"), 400, id="chunked-and-length"),
    pytest.param(post_x(CHUNKED, CHUNKED, body=b"0\r\n\r\n"), 400, id="chunked-twice"),
    pytest.param(
        post_x(b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n"), 400, id="chunked-not-last"
    ),
    pytest.param(post_x(b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n"), 501, id="almost-chunked"),
    pytest.param(post_x(b"Content-Length: -1"), 400, id="negative-length"),
    pytest.param(post_x(b"Content-Length: 0x10"), 400, id="hexadecimal-length"),
    pytest.param(get_x(b"X: 1", b" folded"), 400, id="obs-fold"),
    pytest.param(get_x(b"X : 1"), 400, id="space-before-colon"),
    pytest.param(get_x(b"no colon"), 400, id="no-colon"),
    pytest.param(get_x(b"X: a\0b"), 400, id="nul-in-value"),
    pytest.param(b"GET /x HTTP/1.1\n" + HOST + b"\n", 400, id="bare-lf"),
    pytest.param(b"GET /x HTTP/1.1\r\rHost: a\r\r", 400, id="bare-cr"),
    pytest.param(b"GET /x\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="nul-in-target"),
    pytest.param(b"GET ftp://h/x HTTP/1.1\r\n" + HOST + b"\r\n", 400, id="another-scheme"),
    *[pytest.param(ask(target), 400, id=target) for target in OUTSIDE],
]


@pytest.mark.parametrize(("data", "status"), REFUSED)
async def test_what_is_malformed_is_refused_and_the_connection_closed(
    origin: Origin, clock: Clock, data: bytes, status: int
) -> None:
    async with origin, serving(origin.url, clock) as server:
        await get(server, "/x")
        for pieces in (
            [data],
            [bytes([byte]) for byte in data] if len(data) < 500 else [data[:99], data[99:]],
        ):
            async with connected(server) as client:
                for piece in pieces:
                    client.send(piece)
                answer = await client.answer()
                assert (answer.status, answer.fields["connection"]) == (status, "close")
                assert answer.body.startswith(b"%d " % status)
                assert answer.body.count(b"\n") == 1
                assert await client.rest() == b"", "one answer and no more"
        assert (await get(server, "/x")).body == STORED
        assert len(origin.asked) == 1, "nothing malformed reached the origin"


MALFORMED_CHUNKS = [
    pytest.param(b"fffffffffffffffff\r\n", id="size-overflow"),
    pytest.param(b"-1\r\n", id="negative-size"),
    pytest.param(b"1\r\nabc\r\n", id="longer-than-said"),
    pytest.param(b"1\na\n0\n\n", id="bare-lf"),
]


@pytest.mark.parametrize("chunk", MALFORMED_CHUNKS)
async def test_an_upload_that_is_malformed_from_the_start_is_not_begun(
    origin: Origin, clock: Clock, chunk: bytes
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(post_x(CHUNKED, body=chunk))
        assert (await client.answer()).status == 400
        assert await client.rest() == b""
        assert server.upstream.requests == 0


@pytest.mark.parametrize("chunk", MALFORMED_CHUNKS)
async def test_an_upload_that_turns_out_malformed_never_succeeds(
    origin: Origin, clock: Clock, chunk: bytes
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(post_x(CHUNKED))
        await so(lambda: server.upstream.requests == 1)
        client.send(chunk)
        answers = await client.rest()
        assert b" 400 Bad Request\r\n" in answers
        assert b"HTTP/1.1 2" not in answers
        assert (await get(server, "/x")).body == STORED


async def test_a_head_that_breaks_off_is_dropped(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server:
        for data in (b"", b"G", ask("/x")[:-1], b"\r\n"):
            async with connected(server) as client:
                client.send(data)
                client.writer.write_eof()
                assert await client.rest() == b""
        assert (await get(server, "/x")).body == STORED


SERVED = [  # bytes, what the origin is asked for
    pytest.param(
        b"GET http://evil.example/x HTTP/1.1\r\nHost: evil.example\r\n\r\n", "/x", id="absolute-target"
    ),
    pytest.param(ask("//evil.example/x"), "//evil.example/x", id="two-slashes"),
    pytest.param(ask("/http://evil.example/x"), "/http://evil.example/x", id="a-url-as-path"),
    pytest.param(b"GET /x HTTP/1.1\r\nHost: evil.example\r\n\r\n", "/x", id="another-host"),
    pytest.param(b"\r\n\r\n" + ask("/x"), "/x", id="9112-2.2-empty-lines-before"),
]


@pytest.mark.parametrize(("data", "target"), SERVED)
async def test_nobody_but_the_configuration_chooses_the_upstream(
    origin: Origin, clock: Clock, data: bytes, target: str
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(data)
        assert (await client.answer()).status == 200
        (asked,) = origin.asked
        assert (asked.target, asked.fields["host"]) == (target, origin.url.removeprefix("http://"))


@pytest.mark.parametrize("target", ["/x", "/never-seen"], ids=["hit", "miss"])
@pytest.mark.parametrize("garbage", [b"GARBAGE\r\n\r\n", get_x(b"X : 1")], ids=["garbage", "bad-field"])
async def test_what_follows_a_good_request_does_not_cost_its_answer(
    origin: Origin, clock: Clock, target: str, garbage: bytes
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        await get(server, "/x")
        client.send(ask(target) + garbage)
        assert (await client.answer()).status == 200
        assert (await client.answer()).status == 400
        assert await client.rest() == b""


async def test_garbage_after_an_answer_that_is_under_way_comes_after_it(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/never-seen"))
        await client.reader.read(1)  # the answer has begun
        client.send(b"GARBAGE\r\n\r\n")
        rest = await client.rest()
        assert rest.startswith(b"TTP/1.1 200 ")
        assert b"\r\n\r\nother" in rest
        assert b"otherHTTP/1.1 400 Bad Request\r\n" in rest


ODD_RANGES = [
    "bytes=9-3",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=0-0,2-1",
    "lines=0-1",
    "bytes 0-1",
    "bytes=0-1-2",
    "bytes=--1",
    "\xff",
]


@pytest.mark.parametrize("value", ODD_RANGES)
async def test_an_odd_range_is_ignored_and_the_body_is_right(
    origin: Origin, clock: Clock, value: str
) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):  # arriving, and stored
            answer: Message = await client.get("/x", range=value)
            assert (answer.status, answer.body) == (200, STORED)


@pytest.mark.parametrize("value", ["bytes=0-" + "9" * 40, "bytes=-" + "9" * 19, "bytes=0-" + "9" * 6000])
async def test_an_end_beyond_any_number_is_the_end(origin: Origin, clock: Clock, value: str) -> None:
    """RFC 9110, 14.1.2."""
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):
            answer: Message = await client.get("/x", range=value)
            assert (answer.status, answer.body) == (206, STORED)


@pytest.mark.parametrize(
    "value", ["bytes=99999-", "bytes=999999999999999999-", "bytes=" + "9" * 6000 + "-", "bytes=-0"]
)
async def test_a_range_past_the_end_is_told_so(origin: Origin, clock: Clock, value: str) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for _ in range(2):
            answer = await client.get("/x", range=value)
            assert (answer.status, answer.body) == (416, b"")
            assert answer.fields["content-range"] == f"bytes */{len(STORED)}"


async def test_a_method_that_is_not_served_is_told_which_are(origin: Origin, clock: Clock) -> None:
    """RFC 9110, 15.5.6."""
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(ask("/x", "TRACE", max_forwards="0"))
        answer = await client.answer()
        assert (answer.status, answer.fields["allow"]) == (
            405,
            "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        )
