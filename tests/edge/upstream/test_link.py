"""One upstream over real sockets: interim responses, time limits, and answers that are none."""

from __future__ import annotations

import asyncio
import os
import random
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from edge.fields import Fields
from edge.upstream.client import UpstreamError
from edge.upstream.link import LinkError, RequestError
from edge.upstream.retry import Failure
from tests.edge.messages import fields
from tests.edge.upstreams import chunks, fetch, opened
from tests.edge.wire import PATIENCE_S, Asked, Clock, HangUp, Origin, so
from tests.needs import ROOT, program

pytestmark = pytest.mark.socket

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@asynccontextmanager
async def raw(serve: Serve) -> AsyncIterator[str]:
    """A server that is handed its connections; its URL."""
    writers: list[asyncio.StreamWriter] = []

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        result = serve(reader, writer)
        if asyncio.iscoroutine(result):
            await result

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    try:
        yield "http://{}:{}".format(*server.sockets[0].getsockname()[:2])
    finally:
        server.close()
        for writer in writers:
            writer.transport.abort()


def heard() -> tuple[list[tuple[int, Fields]], Callable[[int, Fields], None]]:
    interims: list[tuple[int, Fields]] = []
    return interims, lambda status, named: interims.append((status, named))


def interim(status: int, *lines: str) -> bytes:
    return f"HTTP/1.1 {status} Interim\r\n{''.join(line + chr(13) + chr(10) for line in lines)}\r\n".encode()


# Interim responses (RFC 9110, 15.2).


async def test_early_hints_are_passed_on_and_the_final_answer_is_whole(clock: Clock) -> None:
    link = "</v/1.m4s>; rel=preload; as=fetch"
    origin = Origin(lambda asked: interim(103, f"Link: {link}") + asked.reply(b"body"), clock)
    interims, on_interim = heard()
    async with origin, opened(clock, origin.url) as upstream:
        head, body = await fetch(upstream, on_interim=on_interim)
        assert (head.status, body) == (200, b"body")
        assert head.field(b"link") is None
        await fetch(upstream, on_interim=on_interim)
    assert interims == [(103, fields(link=link))] * 2


async def test_several_interim_responses_come_in_their_order(clock: Clock) -> None:
    many = interim(102) + interim(103, "Link: <a>") + interim(103, "Link: <b>", "Link: <c>") + interim(199)
    origin = Origin(lambda asked: many + asked.reply(b"body"), clock)
    interims, on_interim = heard()
    async with origin, opened(clock, origin.url) as upstream:
        assert (await fetch(upstream, on_interim=on_interim))[1] == b"body"
    assert interims == [
        (102, ()),
        (103, fields(link="<a>")),
        (103, fields(link="<b>") + fields(link="<c>")),
        (199, ()),
    ]


async def test_an_interim_response_is_heard_before_the_final_one_is_there(clock: Clock) -> None:
    may_answer = asyncio.Event()

    async def hinting(asked: Asked) -> AsyncIterator[bytes]:
        yield interim(103, "Link: <a>", "Connection: x-private", "X-Private: 1")
        await may_answer.wait()
        yield asked.reply(b"body")

    origin = Origin(hinting, clock)

    def on_interim(status: int, named: Fields) -> None:
        assert (status, named) == (103, fields(link="<a>"))
        may_answer.set()

    async with origin, opened(clock, origin.url) as upstream, asyncio.timeout(PATIENCE_S):
        assert (await fetch(upstream, on_interim=on_interim))[1] == b"body"


async def test_a_100_ends_at_this_hop(clock: Clock) -> None:
    origin = Origin(lambda asked: interim(100) + asked.reply(asked.body), clock)
    interims, on_interim = heard()
    async with origin, opened(clock, origin.url) as upstream:
        sent = chunks(b"ab", b"cd")
        assert (await fetch(upstream, "/x", "PUT", body=sent, on_interim=on_interim))[1] == b"abcd"
    assert interims == []


async def test_interim_responses_without_end_are_an_error(clock: Clock) -> None:
    origin = Origin(lambda asked: interim(103) * 1000 + asked.reply(b"body"), clock)
    interims, on_interim = heard()
    async with origin, opened(clock, origin.url) as upstream:
        with pytest.raises(UpstreamError, match="interim responses without end"):
            await fetch(upstream, on_interim=on_interim)
    assert len(interims) <= 2 * 32


async def test_silence_after_an_interim_response_is_a_time_out(clock: Clock) -> None:
    async def stops(asked: Asked) -> AsyncIterator[bytes]:
        yield interim(103)
        await asked.reader.read()

    origin = Origin(stops, clock)
    async with origin, opened(clock, origin.url, first_byte_timeout_s=0.05) as upstream:
        with pytest.raises(UpstreamError, match="did not answer in time") as caught:
            await fetch(upstream)
    assert caught.value.status == 504


async def test_a_101_that_nobody_asked_for_is_an_error(clock: Clock) -> None:
    answer = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00"
    origin = Origin(lambda _: answer, clock)
    async with origin, opened(clock, origin.url) as upstream:
        with pytest.raises(LinkError, match="switched protocols") as caught:
            await fetch(upstream)
    assert caught.value.status == 502


# Time limits.


async def test_an_upload_that_upstream_does_not_take_is_given_up(clock: Clock) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(2**20)

    async with (
        raw(lambda reader, _: reader._transport.pause_reading()) as url,  # type: ignore[attr-defined]
        opened(clock, url, upload_timeout_s=0.1, first_byte_timeout_s=60.0) as upstream,
        asyncio.timeout(PATIENCE_S),
    ):
        with pytest.raises(LinkError, match="does not take the request's body") as caught:
            await fetch(upstream, "/x", "POST", body=endless())
    assert (caught.value.status, caught.value.kind) == (504, Failure.SILENT)


async def test_a_client_that_uploads_slowly_is_no_fault_of_upstreams(clock: Clock) -> None:
    """Longer between two pieces than upstream may take for anything."""

    async def slow() -> AsyncIterator[bytes]:
        yield b"ab"
        await asyncio.sleep(0.2)
        yield b"cd"

    origin = Origin(lambda asked: asked.reply(asked.body), clock)
    limits = {"connect_timeout_s": 0.1, "upload_timeout_s": 0.1, "first_byte_timeout_s": 0.1}
    async with origin, opened(clock, origin.url, **limits) as upstream:
        assert (await fetch(upstream, "/x", "POST", body=slow()))[1] == b"abcd"


async def test_after_an_upload_the_head_has_its_time(clock: Clock) -> None:
    async def silent(asked: Asked) -> AsyncIterator[bytes]:
        await asked.reader.read()
        yield b""

    origin = Origin(silent, clock)
    async with origin, opened(clock, origin.url, first_byte_timeout_s=0.05) as upstream:
        with pytest.raises(LinkError, match="did not answer in time"):
            await fetch(upstream, "/x", "POST", body=chunks(b"ab"))


async def test_a_connection_that_is_not_accepted_is_given_up(clock: Clock) -> None:
    """A TLS server that says nothing: the connection is never ready to carry a request."""
    async with raw(lambda *_: None) as url:
        secure = url.replace("http:", "https:")
        async with opened(clock, secure, connect_timeout_s=0.05) as upstream:
            with pytest.raises(LinkError, match="cannot be reached in time") as caught:
                await fetch(upstream, "/x", "POST", body=chunks(b"ab"))
    assert (caught.value.status, caught.value.kind) == (504, Failure.UNREACHED)


async def test_a_body_may_take_any_time_while_pieces_come(clock: Clock) -> None:
    async def drips(asked: Asked) -> AsyncIterator[bytes]:
        yield asked.reply(content_length="5")
        for _ in range(5):
            await asyncio.sleep(0.05)
            yield b"x"

    origin = Origin(drips, clock)
    limits = {"connect_timeout_s": 0.15, "first_byte_timeout_s": 0.15, "read_timeout_s": 0.15}
    async with origin, opened(clock, origin.url, **limits) as upstream:
        assert (await fetch(upstream))[1] == b"xxxxx"


async def test_a_client_that_breaks_off_its_upload_is_not_upstreams_failure(clock: Clock) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"ab"
        raise ConnectionResetError("the client left")

    origin = Origin(lambda asked: asked.reply(b"?"), clock)
    async with origin, opened(clock, origin.url, breaker_failures=1) as upstream:
        with pytest.raises(RequestError, match="body broke off"):
            await fetch(upstream, "/x", "POST", body=broken())
        assert upstream.failures == 0
        assert (await fetch(upstream))[1] == b"?"


async def test_a_caller_that_is_cancelled_leaves_nothing_behind(clock: Clock) -> None:
    async def silent(asked: Asked) -> AsyncIterator[bytes]:
        await asked.reader.read()
        has_gone.set()
        yield b""

    has_gone = asyncio.Event()
    origin = Origin(silent, clock)
    async with origin, opened(clock, origin.url) as upstream:
        task = asyncio.create_task(fetch(upstream))
        await so(lambda: len(origin.asked) == 1)
        task.cancel()
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(task, return_exceptions=True)
            await has_gone.wait()
        assert task.cancelled()
        assert upstream.failures == 0


# Answers that are none: each ends as an UpstreamError of one line.


def answering(data: bytes) -> Serve:
    """Sends `data` once a request is there, and closes."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(data)
            writer.close()

    async def quietly(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return quietly


OK = b"HTTP/1.1 200 OK\r\n"
BOMBS = [
    pytest.param(OK + b"X: 1\r\n" * 100_000 + b"\r\n", id="a-hundred-thousand-fields"),
    pytest.param(OK + b"X: " + b"a" * 1_000_000 + b"\r\n\r\n", id="a-field-without-end"),
    pytest.param(OK + b"a" * 1_000_000, id="a-name-without-end"),
    pytest.param(b"HTTP/1.1 200 " + b"a" * 1_000_000, id="a-status-line-without-end"),
    pytest.param(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", id="two-lengths"),
    pytest.param(OK + b"Content-Length: 99999999999999999999\r\n\r\nabc", id="a-length-beyond-all"),
    pytest.param(OK + b"Content-Length: 1e3\r\n\r\nabc", id="a-length-that-is-none"),
    pytest.param(OK + b"Transfer-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", id="another-coding"),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n", id="a-chunk-beyond-all"),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n", id="a-chunk-too-long"),
    pytest.param(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", id="chunks-without-an-end"),
    pytest.param(OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n", id="two-codings"),
    pytest.param(OK + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="no-such-coding"),
    pytest.param(OK + b"na me: 1\r\n\r\n", id="a-space-in-a-name"),
    pytest.param(b"HTTP/1.1 20 OK\r\n\r\n", id="a-short-status"),
    pytest.param(b"HTTP/1.1 2000 OK\r\n\r\n", id="a-long-status"),
    pytest.param(b"HTTP/9.9 200 OK\r\n\r\n", id="another-version"),
    pytest.param(b"SSH-2.0-OpenSSH_9.6\r\n", id="another-protocol"),
    pytest.param(b"\x15\x03\x01\x00\x02\x02\x28", id="tls"),
    pytest.param(b"", id="nothing"),
    pytest.param(OK[:10], id="half-a-line"),
    pytest.param(OK, id="half-a-head"),
    pytest.param(interim(103, "X: " + "a" * 100_000), id="an-oversized-interim-response"),
]


@pytest.mark.parametrize("answer", BOMBS)
async def test_an_answer_that_is_none_ends_as_one_clear_line(clock: Clock, answer: bytes) -> None:
    async with raw(answering(answer)) as url, opened(clock, url) as upstream:
        with pytest.raises(UpstreamError) as caught:
            await fetch(upstream)
    assert caught.value.status == 502
    assert str(caught.value).startswith("upstream")
    assert "\n" not in str(caught.value)


async def test_random_answers_end_as_an_answer_or_as_an_upstream_error(clock: Clock) -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    seeds = [OK + b'Content-Length: 4\r\nETag: "1"\r\n\r\nbody', interim(103, "Link: <a>") + OK + b"\r\n"]
    seeds.append(OK + b"Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nX: y\r\n\r\n")
    seeds.append(b"HTTP/1.0 404 No\r\n\r\nx")
    for number in range(300):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data))
            match chance.randrange(3):
                case 0:
                    data[at] = chance.randrange(256)
                case 1:
                    del data[at : at + chance.randrange(1, 9)]
                case _:
                    data[at:at] = chance.choice((b"\r\n", b"\0", b":", b"9" * 30, b"HTTP/1.1 ", b"\xff"))
            if not data:
                break
        async with raw(answering(bytes(data))) as url, opened(clock, url, retry_floor=0) as upstream:
            (ended,) = await asyncio.gather(fetch(upstream), return_exceptions=True)
            assert isinstance(ended, tuple | UpstreamError), f"seed {seed}, {number}: {bytes(data)!r}"
            assert isinstance(ended, tuple) or "\n" not in str(ended), f"seed {seed}, {number}: {ended}"


async def test_bytes_after_an_answer_are_no_answer_to_the_next_request(clock: Clock) -> None:
    smuggled = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
    origin = Origin(lambda asked: asked.reply(asked.target.encode()) + smuggled, clock)
    async with origin, opened(clock, origin.url) as upstream:
        for number in range(5):
            head, body = await fetch(upstream, f"/{number}")
            assert (head.status, body) == (200, b"/%d" % number)


async def test_a_target_that_no_url_can_hold_is_the_requests_fault(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(asked.target.encode()), clock)
    async with origin, opened(clock, origin.url) as upstream:
        for target in ("//other.example/x", "/a//b/../c", "/%zz", "/?q=a?b&%", "/x[1]{2}|^`", "/:80@h"):
            assert (await fetch(upstream, target))[1].decode() == target
        assert upstream.failures == 0


# Connections.


async def test_a_kept_connection_that_was_closed_costs_another_one_and_no_failure(clock: Clock) -> None:
    class ClosesTheSecond:
        """Answers each connection's first request, and hangs up on its second."""

        def __init__(self) -> None:
            self.seen: set[int] = set()

        async def __call__(self, asked: Asked) -> AsyncIterator[bytes]:
            if id(asked.reader) in self.seen:
                raise HangUp
            self.seen.add(id(asked.reader))
            yield asked.reply(b"answered")

    origin = Origin(ClosesTheSecond(), clock)
    async with origin, opened(clock, origin.url, breaker_failures=1) as upstream:
        await fetch(upstream)
        assert (await fetch(upstream))[1] == b"answered"
        assert len(origin.asked) == 3
        assert upstream.budget.granted == 1
        with pytest.raises(UpstreamError, match="closed the connection"):
            await fetch(upstream, "/x", "POST")
        assert upstream.peers[0].may_ask(), "its circuit is closed"


async def test_a_connection_is_kept_after_an_answer_that_was_read(clock: Clock) -> None:
    readers: set[int] = set()

    def script(asked: Asked) -> bytes:
        readers.add(id(asked.reader))
        return asked.reply(b"x" * 100_000)

    origin = Origin(script, clock)
    async with origin, opened(clock, origin.url) as upstream:
        for _ in range(5):
            await fetch(upstream)
    assert len(readers) == 1


async def test_a_socket_of_this_machine_is_an_upstream_too(clock: Clock, tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(asked) + asked)
        await writer.drain()
        writer.close()

    path = tmp_path / "worker.sock"
    server = await asyncio.start_unix_server(serve, path)
    async with server, opened(clock, f"unix:{path}") as upstream:
        _, body = await fetch(upstream, "/v/1.m4s?a=1")
    lines = body.split(b"\r\n")
    assert lines[0] == b"GET /v/1.m4s?a=1 HTTP/1.1"
    assert b"Host: localhost" in lines
    assert not any(line.lower().startswith(b"cdn-loop") for line in lines), "another process of this cache"


async def test_a_socket_that_is_not_there_cannot_be_reached(clock: Clock, tmp_path: Path) -> None:
    async with opened(clock, f"unix:{tmp_path}/none.sock") as upstream:
        with pytest.raises(LinkError, match="cannot be reached") as caught:
            await fetch(upstream)
    assert (caught.value.status, caught.value.kind) == (502, Failure.UNREACHED)


def certified(folder: Path) -> ssl.SSLContext:
    """A server's, with a certificate that nobody vouches for."""
    openssl = program("openssl", "openssl")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    made = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    named = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [openssl, *made, *named, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


@asynccontextmanager
async def secure(context: ssl.SSLContext) -> AsyncIterator[str]:
    """A server that answers one request a connection; its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield "https://{}:{}".format(*server.sockets[0].getsockname()[:2])


async def test_a_certificate_that_nobody_vouches_for_is_refused(clock: Clock, tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: None)  # the server's side of a handshake that was refused
    async with secure(certified(tmp_path)) as url, opened(clock, url) as upstream:
        with pytest.raises(LinkError, match="certificate is not to be trusted"):
            await fetch(upstream)
    loop.set_exception_handler(None)


FETCH = """
import asyncio, sys
from tests.edge.upstreams import fetch, opened
from tests.edge.wire import Clock

async def main():
    async with opened(Clock(), sys.argv[1]) as upstream:
        print((await fetch(upstream))[1].decode())

asyncio.run(main())
"""


async def test_a_certificate_that_the_machine_trusts_is_taken(tmp_path: Path) -> None:
    """In a process of its own: what is trusted is read once."""
    async with secure(certified(tmp_path)) as url:
        trusting = os.environ | {"SSL_CERT_FILE": str(tmp_path / "certificate.pem")}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", FETCH, url), env=trusting, cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        async with asyncio.timeout(30):
            assert (await process.communicate())[0] == b"secret\n"
