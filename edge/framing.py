"""An answer's head on an HTTP/1 connection: status line, and the fields that frame the body (RFC 9112, 6)."""

from __future__ import annotations

from edge.reply import AnswerHead
from edge.stored import lines, status_line

_CLOSE = b"connection: close\r\n"


def is_chunked(head: AnswerHead, *, is_http11: bool) -> bool:
    """The body's end is told by its last chunk: its size is not known beforehand."""
    return head.has_body and head.size_bytes is None and is_http11


def ends_by_close(head: AnswerHead, *, is_http11: bool) -> bool:
    """An HTTP/1.0 client learns the end of a body of unknown size from the connection's."""
    return head.has_body and head.size_bytes is None and not is_http11


def head_bytes(head: AnswerHead, *, is_http11: bool, close: bool) -> bytes:
    """The head on the wire, with `connection: close` where the connection ends after this answer."""
    length = b"" if head.size_bytes is None else b"content-length: %d\r\n" % head.size_bytes
    if is_chunked(head, is_http11=is_http11):
        length = b"transfer-encoding: chunked\r\n"
    return b"%s%s%s%s\r\n" % (status_line(head.status), lines(head.fields), length, _CLOSE if close else b"")


def interim_bytes(status: int, fields: tuple[tuple[bytes, bytes], ...]) -> bytes:
    """A 1xx response (RFC 9110, 15.2)."""
    return b"%s%s\r\n" % (status_line(status), lines(fields))


def chunk_bytes(data: bytes | memoryview) -> bytes:
    """One chunk of a chunked body (RFC 9112, 7.1)."""
    return b"".join((b"%x\r\n" % len(data), data, b"\r\n"))
