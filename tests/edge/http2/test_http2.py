"""The edge in HTTP/2 on a cleartext port: requests, streams that share a connection, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from h2.errors import ErrorCodes
from h2.settings import SettingCodes

from edge.http2.frames import PREFACE, PRIORITY_UPDATE, frame, settings_frame
from edge.http2.session import MAX_STREAMS
from tests.edge.wire import Asked, Clock, HangUp, Held, Origin, connected, echo, head_of, serving, so
from tests.edge.wire2 import Answer, connected2

KIB = 1024
pytestmark = pytest.mark.socket


@pytest.fixture
def origin(clock: Clock) -> Origin:
    return Origin(echo, clock)


def large(asked: Asked) -> bytes:
    """A megabyte that tells which target it is of."""
    return asked.reply(asked.target[-1:].encode() * KIB * KIB, cache_control="max-age=60")


async def test_a_miss_and_a_hit_say_what_they_say_on_http_1(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        assert (await client.get()).cache == "penstock; fwd=uri-miss; fwd-status=200; stored"
        clock.now_s += 3
        hit = await client.get()
        assert (hit.status, hit.body, hit.cache, hit.fields["age"]) == (
            200,
            b"/x",
            "penstock; hit; ttl=57",
            "3",
        )
        async with connected(server) as other:
            same = await other.get()
        assert hit.fields == same.fields
        assert len(origin.asked) == 1
        assert (server.counters.hits, server.counters.hit_bytes) == (2, 4)


async def test_what_a_connection_said_does_not_go_upstream(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        await client.get("/private", te="trailers", cookie="a=b")
        asked = origin.asked[0]
        assert asked.fields["cookie"] == "a=b"
        assert not {"te", ":path", ":method", ":authority", ":scheme"} & asked.fields.keys()
        assert asked.fields["via"] == "2 penstock"  # RFC 9110, 7.6.3: what was spoken on the way here


async def test_cmcd_is_not_in_the_key(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        for query in ("", "?CMCD=sid%3D%221%22", "?CMCD=sid%3D%222%22"):
            assert (await client.get("/x" + query)).body == b"/x"
        assert len(origin.asked) == 1


async def test_a_conditional_request_and_a_range_are_answered_from_the_store(clock: Clock) -> None:
    origin = Origin(lambda asked: asked.reply(b"0123456789", cache_control="max-age=60", etag='"1"'), clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        await client.get()
        unchanged = await client.get(if_none_match='"1"')
        part = await client.get(range="bytes=2-4")
        head = await client.get("/x", "HEAD")
        assert (unchanged.status, unchanged.body) == (304, b"")
        assert (part.status, part.body) == (206, b"234")
        assert (head.status, head.fields["content-length"], head.body) == (200, "10", b"")
        assert len(origin.asked) == 1


async def test_streams_do_not_wait_for_one_another(clock: Clock) -> None:
    held = Held()

    def script(asked: Asked) -> bytes | AsyncIterator[bytes]:
        return held(asked) if asked.target == "/slow" else echo(asked)

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        slow = client.ask("/slow")
        assert (await client.get("/quick")).body == b"/quick"
        held.may_answer.set()
        assert (await client.answer(slow)).body == b"/slow"


async def test_a_stream_that_is_not_read_holds_up_no_other(clock: Clock) -> None:
    origin = Origin(large, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        client.h2.increment_flow_control_window(2**24)  # the connection's; each stream has its 64 KiB
        for target in ("/1", "/2"):
            await client.get(target)
        client.takes = False
        stuck = client.ask("/1")
        await client.until(lambda: len(client.answers[stuck].body) == 65535)
        client.takes = True
        assert (await client.get("/2")).body == b"2" * KIB * KIB
        client.h2.increment_flow_control_window(2**21, stuck)
        assert (await client.answer(stuck)).body == b"1" * KIB * KIB


async def test_a_body_that_nobody_reads_stays_at_the_origin(clock: Clock) -> None:
    async def endless(_: Asked) -> AsyncIterator[bytes]:
        yield head_of("HTTP/1.1 200 OK", {"cache-control": "no-store", "content-length": str(2**26)})
        for _piece in range(1024):
            yield b"a" * 65536

    origin = Origin(endless, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        client.takes = False
        stuck = client.ask("/1")
        await client.until(lambda: len(client.answers[stuck].body) == 65535)
        sent_bytes = -1
        while origin.sent_bytes != sent_bytes:  # until nothing moves any more
            sent_bytes = origin.sent_bytes
            await asyncio.sleep(0.1)
        assert sent_bytes < 2**25
        (session,) = [connection.session for connection in server.connections]  # type: ignore[attr-defined]
        assert session.streams[stuck].queued_bytes < 2**19


async def test_a_request_body_goes_upstream_as_it_comes(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        body = b"b" * 300 * KIB
        stream_id = client.ask("/private", "POST", ends=False, content_length=str(len(body)))
        await client.send(stream_id, body)
        assert (await client.answer(stream_id)).body == b"/private" + body


async def test_trailers_of_a_request_are_taken_and_dropped(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        stream_id = client.ask("/private", "POST", ends=False)
        await client.send(stream_id, b"abc", ends=False)
        client.h2.send_headers(stream_id, [("x-sum", "1")], end_stream=True)
        client.flush()
        assert (await client.answer(stream_id)).body == b"/privateabc"
        assert "x-sum" not in origin.asked[0].fields


async def test_a_client_that_waits_to_be_asked_for_its_body_is_asked(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        stream_id = client.ask("/private", "POST", ends=False, expect="100-continue")
        answer = client.answers[stream_id]
        await client.until(lambda: bool(answer.interim))
        assert answer.interim == [100]
        await client.send(stream_id, b"abc")
        assert (await client.answer(stream_id)).body == b"/privateabc"


async def test_interim_answers_are_passed_on(clock: Clock) -> None:
    def early(asked: Asked) -> bytes:
        hints = head_of("HTTP/1.1 103 Early Hints", {"link": "</a.css>; rel=preload"})
        return hints + asked.reply(b"x", cache_control="no-store")

    origin = Origin(early, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        answer = await client.get()
        assert (answer.interim, answer.status) == ([103], 200)


async def test_a_cut_from_upstream_breaks_one_stream_and_not_the_connection(clock: Clock) -> None:
    async def cut(_: Asked) -> AsyncIterator[bytes]:
        yield head_of("HTTP/1.1 200 OK", {"content-length": "100", "cache-control": "no-store"}) + b"abc"
        raise HangUp

    def script(asked: Asked) -> bytes | AsyncIterator[bytes]:
        return cut(asked) if asked.target == "/cut" else echo(asked)

    origin = Origin(script, clock)
    async with origin, serving(origin.url, clock, resume_tries=0) as server, connected2(server) as client:
        assert (await client.get("/cut")).reset == ErrorCodes.INTERNAL_ERROR
        assert (await client.get("/x")).body == b"/x"


async def test_a_stream_that_is_reset_stops_only_its_own_answer(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        first, second = client.ask("/1"), client.ask("/2")
        await so(lambda: len(origin.asked) == 2)
        client.h2.reset_stream(first, ErrorCodes.CANCEL)
        client.flush()
        await so(lambda: server.counters.statuses.get(499) == 1)
        held.may_answer.set()
        assert (await client.answer(second)).body == b"/2"


async def test_streams_beyond_the_limit_are_refused_and_may_be_sent_again(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        asked = [client.ask(f"/{number}") for number in range(MAX_STREAMS)]  # before the edge's SETTINGS came
        extra = client.ask("/extra")
        assert (await client.answer(extra)).reset == ErrorCodes.REFUSED_STREAM
        held.may_answer.set()
        for number, stream_id in enumerate(asked):
            assert (await client.answer(stream_id)).body == f"/{number}".encode()
        assert (await client.get("/extra")).status == 200


REFUSED = [  # method, target, more fields, status
    pytest.param("GET", "/a/../b", {}, 400, id="dot-segments"),
    pytest.param("GET", "/" + "a" * 9000, {}, 414, id="a-target-too-long"),
    pytest.param("GET", "/x", {"x": "a" * 33_000}, 431, id="a-head-too-large"),
    pytest.param("GET", "/x", {f"x{number}": "a" for number in range(120)}, 431, id="too-many-fields"),
    pytest.param("GET", "x", {}, 400, id="no-path"),
]


@pytest.mark.parametrize(("method", "target", "fields", "status"), REFUSED)
async def test_what_is_not_served_is_told_on_its_stream(
    origin: Origin, clock: Clock, method: str, target: str, fields: dict[str, str], status: int
) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        answer = await client.get(target, method, **fields)
        assert (answer.status, answer.is_whole) == (status, True)
        assert (await client.get("/x")).status == 200
        assert server.counters.statuses[status] == 1


async def test_connect_is_refused(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        stream_id = client.h2.get_next_available_stream_id()
        client.h2.send_headers(stream_id, [(":method", "CONNECT"), (":authority", "other:443")])
        answer = client.answers[stream_id] = Answer()
        await client.until(lambda: answer.is_whole)
        assert answer.status == 405
        assert "allow" in answer.fields
        await client.until(lambda: answer.reset is not None)
        assert answer.reset == ErrorCodes.NO_ERROR  # it need not send what it had to say
        assert origin.asked == []


async def test_an_answer_that_does_not_wait_for_the_body_lets_the_client_off(
    origin: Origin, clock: Clock
) -> None:
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        stream_id = client.ask("/a/../b", "POST", ends=False)
        answer = client.answers[stream_id]
        await client.until(lambda: answer.reset is not None)
        assert (answer.status, answer.is_whole, answer.reset) == (400, True, ErrorCodes.NO_ERROR)
        assert (await client.get("/x")).status == 200


async def test_the_more_urgent_answer_comes_first(clock: Clock) -> None:
    origin = Origin(large, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        for target in ("/1", "/2"):
            await client.get(target)
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**21})
        client.flush()
        await client.get("/1")
        client.takes = False
        later, sooner = client.ask("/1", priority="u=5"), client.ask("/2", priority="u=1")
        await so(lambda: server.counters.hits == 3)
        client.order.clear()
        client.h2.increment_flow_control_window(2**22)
        client.flush()
        await client.answer(later)
        await client.answer(sooner)
        begun = client.order.index(sooner)
        ended = len(client.order) - client.order[::-1].index(sooner)
        assert set(client.order[begun:ended]) == {sooner}


async def test_a_priority_may_be_changed_while_the_answer_waits(clock: Clock) -> None:
    origin = Origin(large, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        for target in ("/1", "/2"):
            await client.get(target)
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 2**21})
        client.flush()
        await client.get("/1")
        client.takes = False
        first, second = client.ask("/1", priority="u=3"), client.ask("/2", priority="u=3")
        await so(lambda: server.counters.hits == 3)
        client.raw(frame(PRIORITY_UPDATE, 0, 0, second.to_bytes(4, "big") + b"u=0"))
        client.h2.increment_flow_control_window(2**22)
        client.flush()
        await client.answer(first)
        await client.answer(second)
        assert client.order[-1] == first


async def test_a_server_that_ends_says_so_and_finishes_what_was_asked(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin:
        serve = serving(origin.url, clock)
        server = await serve.__aenter__()
        async with connected2(server) as client:
            stream_id = client.ask("/1")
            await so(lambda: len(origin.asked) == 1)
            ending = asyncio.create_task(serve.__aexit__(None, None, None))
            await client.until(lambda: client.goaway is not None)
            assert client.goaway is not None
            assert (client.goaway.error_code, client.goaway.last_stream_id) == (0, stream_id)
            held.may_answer.set()
            assert (await client.answer(stream_id)).body == b"/1"
            await client.end()
            await ending


async def test_a_request_that_crossed_the_goaway_is_not_served(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        first = client.ask("/1")
        await so(lambda: len(origin.asked) == 1)
        (connection,) = server.connections
        connection.finish()
        late = client.ask("/2", "POST", ends=False)
        client.h2.send_data(late, b"abc", end_stream=True)
        client.flush()
        held.may_answer.set()
        assert (await client.answer(first)).body == b"/1"
        assert await client.end() == ErrorCodes.NO_ERROR
        assert len(origin.asked) == 1


async def test_a_client_that_leaves_ends_its_answers(clock: Clock) -> None:
    held = Held()
    origin = Origin(held, clock)
    async with origin, serving(origin.url, clock) as server, connected2(server) as client:
        client.ask("/1")
        client.ask("/2")
        await so(lambda: len(origin.asked) == 2)
        client.leave()
        await so(lambda: server.counters.statuses.get(499) == 2)
        held.may_answer.set()


async def test_a_connection_too_many_is_told_so_in_http_2(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock, max_connections=1) as server, connected2(server) as client:
        assert (await client.get()).status == 200
        async with connected2(server) as other:
            assert (await other.get()).status == 0
        assert (await client.get()).status == 200


async def test_a_preface_in_pieces_is_still_one(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        for octet in PREFACE + settings_frame():
            client.send(bytes([octet]))
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            assert (await client.reader.readexactly(9))[3] == 4  # SETTINGS
        assert server.counters.connections == 1
        assert len(server.connections) == 1


async def test_what_only_begins_like_the_preface_is_a_request_of_http_1(origin: Origin, clock: Clock) -> None:
    async with origin, serving(origin.url, clock) as server, connected(server) as client:
        client.send(b"P")
        await asyncio.sleep(0)
        client.send(b"OST /private HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n")
        assert (await client.answer()).body == b"/private"


async def test_the_log_says_of_a_hit_what_it_says_on_http_1(
    origin: Origin, clock: Clock, tmp_path: Path
) -> None:
    log = tmp_path / "access.log"
    async with origin, serving(origin.url, clock, access_log=log) as server, connected2(server) as client:
        await client.get("/x", user_agent="a")
        await client.get("/x?CMCD=sid%3D%221%22", user_agent="a")
        async with connected(server) as other:
            await other.get("/x?CMCD=sid%3D%221%22", user_agent="a")
            await other.get("/x?CMCD=sid%3D%221%22", user_agent="a")
    lines = [json.loads(line) | {"protocol": ""} for line in log.read_text().splitlines()]
    assert len(lines) == 4
    assert lines[1] == lines[2] == lines[3]
