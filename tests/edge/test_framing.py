"""Heads and bodies of answers on an HTTP/1 connection, byte by byte (RFC 9112, 6 and 7)."""

from __future__ import annotations

import pytest

from edge.framing import chunk_bytes, ends_by_close, head_bytes, interim_bytes, is_chunked
from edge.reply import AnswerHead
from tests.edge.messages import fields

TYPE = fields(content_type="video/mp4")
START = b"HTTP/1.1 200 OK\r\ncontent-type: video/mp4\r\n"

HEADS = [  # head, is the client's HTTP/1.1, is it the connection's last answer, bytes
    pytest.param(AnswerHead(200, TYPE, 10), True, False, START + b"content-length: 10\r\n\r\n", id="length"),
    pytest.param(
        AnswerHead(200, TYPE, 10),
        True,
        True,
        START + b"content-length: 10\r\nconnection: close\r\n\r\n",
        id="the-last-answer-of-a-connection-says-so",
    ),
    pytest.param(
        AnswerHead(200, TYPE, None), True, False, START + b"transfer-encoding: chunked\r\n\r\n", id="chunked"
    ),
    pytest.param(
        AnswerHead(200, TYPE, None), False, True, START + b"connection: close\r\n\r\n", id="http-1.0-by-close"
    ),
    pytest.param(
        AnswerHead(200, TYPE, 10, has_body=False),
        True,
        False,
        START + b"content-length: 10\r\n\r\n",
        id="head-tells-gets-length",
    ),
    pytest.param(
        AnswerHead(200, TYPE, None, has_body=False), True, False, START + b"\r\n", id="head-of-unknown-length"
    ),
    pytest.param(
        AnswerHead(304, (), None, has_body=False), True, False, b"HTTP/1.1 304 Not Modified\r\n\r\n", id="304"
    ),
    pytest.param(
        AnswerHead(599, (), 0), True, False, b"HTTP/1.1 599 Unknown\r\ncontent-length: 0\r\n\r\n", id="599"
    ),
]


@pytest.mark.parametrize(("head", "is_http11", "close", "wire"), HEADS)
def test_a_head_frames_its_body_in_one_way(
    head: AnswerHead, is_http11: bool, close: bool, wire: bytes
) -> None:
    assert head_bytes(head, is_http11=is_http11, close=close) == wire
    assert is_chunked(head, is_http11=is_http11) is (b"chunked" in wire)
    assert ends_by_close(head, is_http11=is_http11) is (not is_http11 and head.size_bytes is None)


def test_an_interim_response_is_a_head_and_nothing_else() -> None:
    """RFC 9110, 15.2."""
    assert interim_bytes(103, fields(link="</a>")) == b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"


@pytest.mark.parametrize("data", [b"x" * 26, memoryview(b"x" * 26)], ids=["bytes", "view"])
def test_a_chunk_tells_its_size_in_hexadecimal(data: bytes | memoryview) -> None:
    assert chunk_bytes(data) == b"1a\r\n" + b"x" * 26 + b"\r\n"
