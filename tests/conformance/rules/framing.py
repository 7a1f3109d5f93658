"""Where messages begin and end, and which are refused (RFC 9112; RFC 9110, 5 and 15.5)."""

from __future__ import annotations

from tests.conformance.words import Answer, Row, ask, hit, miss, row, says

FRESH = says("max-age=60")
WIRE = "the answer is read off the wire"
DATED = b"Date: Tue, 14 Nov 2023 22:13:20 GMT\r\nCache-Control: max-age=60\r\n"


def refused(rule: str, section: str, raw: bytes, status: int | tuple[int, ...] = 400) -> Row:
    """The request is refused, the connection ends, and the origin hears nothing."""
    return row(rule, section, ask(None, raw=raw, status=status, gives=None, is_closed=True))


def get(fields: bytes = b"", line: bytes = b"GET /it HTTP/1.1", host: bytes = b"Host: a\r\n") -> bytes:
    return line + b"\r\n" + host + fields + b"\r\n"


def post(fields: bytes, body: bytes = b"") -> bytes:
    return get(fields, b"POST /it HTTP/1.1") + body


def accepted(rule: str, section: str, raw: bytes) -> Row:
    return row(rule, section, miss(FRESH, raw=raw), hit(after=1))


def _again_and_again(raw: bytes) -> tuple[Answer, ...]:
    """What is sent however often a safe request is tried again."""
    return (Answer(raw=raw, cut_after=0),) * 4


def broken(rule: str, section: str, raw: bytes) -> Row:
    """An answer whose end cannot be known is an error, and nothing of it is kept."""
    return row(
        rule,
        section,
        ask(_again_and_again(raw), may_ask=True, status=502, gives=None),
        miss(FRESH),
        sockets_only=WIRE,
    )


def cut(rule: str, section: str, raw: bytes) -> Row:
    """An answer that breaks off is seen to break off, and nothing of it is kept."""
    return row(
        rule,
        section,
        ask(_again_and_again(raw), may_ask=True, status=200, is_cut=True),
        miss(FRESH),
        sockets_only=WIRE,
    )


def read(rule: str, section: str, raw: bytes) -> Row:
    """The answer is understood and kept."""
    return row(
        rule,
        section,
        ask(Answer(raw=raw, cut_after=0), status=200, gives=b"0123456789"),
        hit(after=1),
        sockets_only=WIRE,
    )


REQUESTS = [
    refused(
        "length-and-chunked-together",
        "9112 6.1",
        post(b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\n"),
    ),
    refused(
        "chunked-and-length-together",
        "9112 6.1",
        post(b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n", b"0\r\n\r\n"),
    ),
    refused(
        "two-lengths-that-differ", "9112 6.3", post(b"Content-Length: 3\r\nContent-Length: 4\r\n", b"abcd")
    ),
    refused("a-list-of-lengths-that-differ", "9112 6.3", post(b"Content-Length: 3, 4\r\n", b"abcd")),
    refused("a-negative-length", "9110 8.6", post(b"Content-Length: -1\r\n")),
    refused("a-length-with-a-plus", "9110 8.6", post(b"Content-Length: +3\r\n", b"abc")),
    refused("a-length-of-letters", "9110 8.6", post(b"Content-Length: three\r\n", b"abc")),
    refused("a-length-in-hexadecimal", "9110 8.6", post(b"Content-Length: 0x3\r\n", b"abc")),
    refused("an-empty-length", "9110 8.6", post(b"Content-Length: \r\n")),
    refused(
        "a-length-beyond-64-bits",
        "9110 8.6",
        post(b"Content-Length: 99999999999999999999999\r\n"),
        (400, 413),
    ),
    refused(
        "a-coding-nobody-knows",
        "9112 6.1",
        post(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n"),
        (400, 501),
    ),
    refused(
        "chunked-that-is-not-last",
        "9112 6.3",
        post(b"Transfer-Encoding: chunked, gzip\r\n", b"0\r\n\r\n"),
        (400, 501),
    ),
    refused(
        "chunked-twice",
        "9112 6.1",
        post(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
        (400, 501),
    ),
    refused(
        "chunked-misspelt", "9112 6.1", post(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"), (400, 501)
    ),
    refused(
        "chunked-behind-a-control-character",
        "9112 6.1",
        post(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
        (400, 501),
    ),
    refused(
        "a-chunk-size-of-letters",
        "9112 7.1",
        post(b"Transfer-Encoding: chunked\r\n", b"zz\r\nabc\r\n0\r\n\r\n"),
    ),
    refused(
        "a-chunk-size-with-a-minus",
        "9112 7.1",
        post(b"Transfer-Encoding: chunked\r\n", b"-3\r\nabc\r\n0\r\n\r\n"),
    ),
    refused(
        "a-chunk-without-its-end",
        "9112 7.1",
        post(b"Transfer-Encoding: chunked\r\n", b"3\r\nabcdef\r\n0\r\n\r\n"),
    ),
    refused("no-host", "9112 3.2", b"GET /it HTTP/1.1\r\n\r\n"),
    refused("two-hosts", "9112 3.2", get(b"Host: b\r\n")),
    refused("two-equal-hosts", "9112 3.2", get(b"Host: a\r\n")),
    refused("a-host-that-is-none", "9112 3.2", get(host=b"Host: a b\r\n")),
    refused("a-host-with-a-path", "9112 3.2", get(host=b"Host: a/b\r\n")),
    refused("a-host-with-a-user", "9112 3.2", get(host=b"Host: me@a\r\n")),
    refused("a-host-with-a-comma", "9112 3.2", get(host=b"Host: a, b\r\n")),
    refused("white-space-before-the-colon", "9112 5.1", get(b"X-A : 1\r\n")),
    refused("white-space-before-the-first-field", "9112 2.2", get(host=b" Host: a\r\n")),
    refused("a-folded-line", "9112 5.2", get(b"X-A: 1\r\n 2\r\n")),
    refused("a-field-without-a-name", "9110 5.1", get(b": 1\r\n")),
    refused("a-field-without-a-colon", "9110 5.1", get(b"X-A\r\n")),
    refused("a-name-with-a-space", "9110 5.1", get(b"X A: 1\r\n")),
    refused("a-name-of-obs-text", "9110 5.1", get(b"X-\xe9: 1\r\n")),
    refused("a-nul-in-a-value", "9110 5.5", get(b"X-A: a\0b\r\n")),
    refused("a-lone-cr-in-a-value", "9112 2.2", get(b"X-A: a\rb\r\n")),
    refused("a-lone-cr-in-the-request-line", "9112 2.2", get(line=b"GET /it\r HTTP/1.1")),
    refused("no-version", "9112 3", b"GET /it\r\nHost: a\r\n\r\n", (400, 505)),
    refused("a-version-in-small-letters", "9112 2.3", get(line=b"GET /it http/1.1")),
    refused("a-version-without-a-number", "9112 2.3", get(line=b"GET /it HTTP/x")),
    refused("a-version-of-another-major", "9110 15.6.6", get(line=b"GET /it HTTP/3.0"), (400, 505)),
    refused("a-space-in-the-target", "9112 3.2", get(line=b"GET /i t HTTP/1.1")),
    refused("a-target-without-a-slash", "9112 3.2", get(line=b"GET it HTTP/1.1")),
    refused("a-target-of-obs-text", "9112 3.2", get(line=b"GET /\xe9 HTTP/1.1")),
    refused("a-fragment-in-the-target", "9112 3.2", get(line=b"GET /it#part HTTP/1.1")),
    refused("an-asterisk-for-get", "9112 3.2.4", get(line=b"GET * HTTP/1.1")),
    refused("an-authority-for-get", "9112 3.2.3", get(line=b"GET edge.example:80 HTTP/1.1")),
    refused("a-target-that-is-too-long", "9112 3", get(line=b"GET /" + b"a" * 20_000 + b" HTTP/1.1"), 414),
    refused("a-field-that-is-too-long", "6585 5", get(b"X-A: " + b"a" * 100_000 + b"\r\n"), 431),
    refused("fields-that-are-too-many", "6585 5", get(b"X-A: 1\r\n" * 5_000), 431),
    refused("a-method-that-is-no-token", "9110 9.1", get(line=b"G(T /it HTTP/1.1")),
    refused("no-method", "9112 3", get(line=b" /it HTTP/1.1")),
    accepted("empty-lines-before-the-request", "9112 2.2", b"\r\n\r\n" + get()),
    row(
        "a-target-of-8000-bytes-is-read",
        "9112 3",
        miss(FRESH, at="?" + "a" * 7985),
        hit(after=1, at="?" + "a" * 7985),
    ),
    accepted("a-name-in-any-case", "9110 5.1", get(host=b"hOsT: a\r\n")),
    accepted("no-white-space-after-the-colon", "9112 5.1", get(b"X-A:1\r\n")),
    accepted("white-space-around-a-value", "9112 5.1", get(b"X-A: \t 1 \t \r\n")),
    accepted("an-empty-value", "9110 5.5", get(b"X-A:\r\n")),
    accepted("a-value-of-obs-text", "9110 5.5", get(b"X-A: \xe9\r\n")),
    accepted("a-host-with-a-port", "9110 7.2", get(host=b"Host: edge.example:8080\r\n")),
    accepted("a-host-of-ipv6", "9110 7.2", get(host=b"Host: [::1]:8080\r\n")),
    accepted("an-absolute-target-wins-over-host", "9112 3.2.2", get(line=b"GET http://b/it HTTP/1.1")),
    row(
        "a-client-of-1-0-needs-no-host",
        "9112 3.2",
        miss(FRESH, raw=b"GET /it HTTP/1.0\r\n\r\n"),
        hit(after=1),
    ),
    row(
        "a-client-of-1-0-is-let-go", "9112 9.3", miss(FRESH, raw=b"GET /it HTTP/1.0\r\n\r\n", is_closed=True)
    ),
    row(
        "a-hit-of-a-client-of-1-0-is-let-go",
        "9112 9.3",
        miss(FRESH),
        hit(raw=b"GET /it HTTP/1.0\r\n\r\n", is_closed=True),
    ),
    row(
        "a-client-that-says-close-is-let-go",
        "9112 9.6",
        miss(FRESH, sent={"connection": "close"}, gets={"connection": "close"}, is_closed=True),
    ),
    row(
        "a-hit-of-a-client-that-says-close",
        "9112 9.6",
        miss(FRESH),
        hit(sent={"connection": "close"}, gets={"connection": "close"}, is_closed=True),
    ),
    row(
        "close-among-others-is-close",
        "9112 9.6",
        miss(FRESH, sent={"connection": "x-hop, Close"}, is_closed=True),
    ),
    row(
        "the-answer-is-of-1-1-to-a-client-of-1-0",
        "9112 2.3",
        miss(FRESH, raw=b"GET /it HTTP/1.0\r\n\r\n", gets={"transfer-encoding": None}),
    ),
]

HEAD_10 = b"HTTP/1.1 200 OK\r\n" + DATED

ANSWERS = [
    read("a-length", "9112 6.3", HEAD_10 + b"Content-Length: 10\r\n\r\n0123456789"),
    read(
        "chunks-with-extensions",
        "9112 7.1.1",
        HEAD_10 + b"Transfer-Encoding: chunked\r\n\r\n4;a=b\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n",
    ),
    read(
        "chunks-with-a-trailer",
        "9112 7.1.2",
        HEAD_10 + b"Transfer-Encoding: chunked\r\n\r\na\r\n0123456789\r\n0\r\nX-T: 1\r\n\r\n",
    ),
    read(
        "a-chunk-size-in-capitals-with-zeros",
        "9112 7.1",
        HEAD_10 + b"Transfer-Encoding: chunked\r\n\r\n00A\r\n0123456789\r\n0\r\n\r\n",
    ),
    read(
        "the-end-of-the-connection-is-the-end", "9112 6.3", HEAD_10 + b"Connection: close\r\n\r\n0123456789"
    ),
    read(
        "an-answer-of-1-0",
        "9112 2.3",
        b"HTTP/1.0 200 OK\r\n" + DATED + b"Content-Length: 10\r\n\r\n0123456789",
    ),
    broken(
        "two-lengths-that-differ-in-an-answer",
        "9112 6.3",
        HEAD_10 + b"Content-Length: 10\r\nContent-Length: 11\r\n\r\n0123456789",
    ),
    broken(
        "a-list-of-lengths-that-differ-in-an-answer",
        "9112 6.3",
        HEAD_10 + b"Content-Length: 10, 11\r\n\r\n0123456789",
    ),
    broken("a-negative-length-in-an-answer", "9112 6.3", HEAD_10 + b"Content-Length: -10\r\n\r\n0123456789"),
    broken(
        "a-length-of-letters-in-an-answer", "9112 6.3", HEAD_10 + b"Content-Length: ten\r\n\r\n0123456789"
    ),
    broken("an-answer-that-is-no-http", "9112 4", b"SSH-2.0-OpenSSH\r\n\r\n"),
    broken(
        "a-field-of-an-answer-without-a-colon",
        "9112 5",
        HEAD_10 + b"Oops\r\nContent-Length: 10\r\n\r\n0123456789",
    ),
    broken(
        "a-nul-in-a-value-of-an-answer",
        "9110 5.5",
        HEAD_10 + b"X-A: a\0b\r\nContent-Length: 10\r\n\r\n0123456789",
    ),
    broken(
        "a-status-of-two-digits",
        "9112 4",
        b"HTTP/1.1 20 OK\r\n" + DATED + b"Content-Length: 10\r\n\r\n0123456789",
    ),
    broken("a-head-that-breaks-off", "9112 8", HEAD_10),
    cut("a-body-shorter-than-its-length", "9112 8", HEAD_10 + b"Content-Length: 10\r\n\r\n0123"),
    cut(
        "a-body-without-its-last-chunk",
        "9112 8",
        HEAD_10 + b"Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n",
    ),
    cut("a-chunk-that-breaks-off", "9112 8", HEAD_10 + b"Transfer-Encoding: chunked\r\n\r\na\r\n0123"),
    cut(
        "a-chunk-size-that-is-none",
        "9112 7.1",
        HEAD_10 + b"Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\nxyz\r\n456\r\n0\r\n\r\n",
    ),
]

ROWS = [*REQUESTS, *ANSWERS]
