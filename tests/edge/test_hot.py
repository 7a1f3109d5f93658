"""The hot path's memory of request lines: it never knows better than the parser."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edge.hot import LineMemory
from edge.http1 import BadRequest, RequestParser
from edge.message import Request


def parsed_key(line: bytes) -> bytes:
    """The key that the parser makes of a request with this line; empty where it refuses it."""
    heard: list[Request] = []
    parser = RequestParser(lambda: None, heard.append, lambda _: None, lambda: None)
    try:
        parser.feed(line + b"\r\nHost: a\r\n\r\n")
    except BadRequest:
        return b""
    return heard[0].key if heard else b""


def agree(line: bytes) -> None:
    memory = LineMemory()
    for _ in range(2):  # at first sight and out of memory
        key = memory.keys.get(line) or memory.key_of(line)
        assert key in (b"", parsed_key(line))


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
    st.sampled_from([b" HTTP/1.1", b"  HTTP/1.1", b" HTTP/1.0", b" HTTP/1.1 ", b"\tHTTP/1.1", b""]),
)


@settings(max_examples=600, deadline=None)
@given(LINES)
@example(b"GET /x?CMCD=br%3D1 HTTP/1.1")
@example(b"GET /x?a=1&CMCD=br%3D1 HTTP/1.1")
@example(b"GET /x\n HTTP/1.1")
@example(b"GET /x? HTTP/1.1")
def test_a_line_has_the_key_that_the_parser_gives_it_or_none(line: bytes) -> None:
    agree(line)


@settings(max_examples=300, deadline=None)
@given(st.builds(b"GET http://%b/x HTTP/1.1".__mod__, TARGETS))
@example(b'GET http://a"b/x HTTP/1.1')
@example(b"GET http://a b/x HTTP/1.1")
@example(b"GET http://a@b@c/x HTTP/1.1")
@example(b"GET http://h?q HTTP/1.1")
def test_so_has_a_line_in_absolute_form(line: bytes) -> None:
    agree(line)


@pytest.mark.parametrize("target", [b"/" + b"a" * 9000, b"/x?CMCD=" + b"a" * 9000], ids=["path", "query"])
def test_a_line_that_is_too_long_has_no_key(target: bytes) -> None:
    agree(b"GET " + target + b" HTTP/1.1")


def test_a_path_is_remembered_once_for_all_that_players_say_about_themselves() -> None:
    memory = LineMemory()
    keys = {memory.key_of(b"GET /seg1.m4s?CMCD=bl%%3D%d HTTP/1.1" % buffer_ms) for buffer_ms in range(100)}
    assert keys == {b"/seg1.m4s"}
    assert memory.keys == {}


def test_a_line_that_the_parser_judges_is_not_remembered() -> None:
    memory = LineMemory()
    assert memory.key_of(b"GET /../x HTTP/1.1") == b""
    assert memory.keys == {}


def test_the_memory_starts_anew_when_it_is_full() -> None:
    memory = LineMemory()
    for number in range(65_536 + 1):
        assert memory.key_of(b"GET /%d HTTP/1.1" % number) == b"/%d" % number
    assert len(memory.keys) == 1
    assert memory.key_of(b"GET /0 HTTP/1.1") == b"/0"


def test_the_memory_of_long_lines_is_bounded_too() -> None:
    """One client may send as many lines as it likes, and none of them needs to be stored."""
    memory = LineMemory()
    for number in range(2000):
        memory.key_of(b"GET /%d%s HTTP/1.1" % (number, b"a" * 8000))
    assert sum(len(line) + len(key) for line, key in memory.keys.items()) < 2**20
