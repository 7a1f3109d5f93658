"""The body of a request between two sockets."""

from __future__ import annotations

import asyncio

import pytest

from edge.body import RequestBody

KIB = 1024


async def test_chunks_come_out_in_order_as_they_come_in() -> None:
    body = RequestBody(lambda: None)
    chunks = aiter(body)
    body.feed(b"a")
    assert await anext(chunks) == b"a"
    waiting = asyncio.ensure_future(anext(chunks))
    await asyncio.sleep(0)
    assert not waiting.done()
    body.feed(b"b")
    assert await waiting == b"b"
    body.feed(b"c")
    body.end()
    assert [chunk async for chunk in chunks] == [b"c"]


async def test_an_empty_body_ends_at_once() -> None:
    body = RequestBody(lambda: None)
    body.end()
    assert [chunk async for chunk in body] == []


async def test_it_says_when_so_much_is_waiting_that_no_more_should_be_read() -> None:
    levels: list[bool] = []
    body = RequestBody(lambda: levels.append(body.is_full))
    for _ in range(4):
        body.feed(b"x" * 64 * KIB)
    body.feed(b"x")
    assert levels == [False] * 4 + [True]
    await anext(aiter(body))
    assert levels[-1] is False


async def test_a_body_that_was_cut_gives_what_came_and_then_fails() -> None:
    body = RequestBody(lambda: None)
    body.feed(b"half")
    body.end(is_broken=True)
    chunks = aiter(body)
    assert await anext(chunks) == b"half"
    with pytest.raises(ConnectionResetError, match="the client left"):
        await anext(chunks)
