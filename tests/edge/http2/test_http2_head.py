"""Which requests of HTTP/2 are malformed (RFC 9113, 8.2 and 8.3), and what well-formed ones say."""

from __future__ import annotations

import pytest

from edge.http2.head import Malformed, check_trailers, read_head
from edge.http2.hpack import Field
from edge.http2.priority import read_priority

GET: list[Field] = [
    (b":method", b"GET"),
    (b":scheme", b"https"),
    (b":authority", b"a.example"),
    (b":path", b"/x"),
]


def _with(name: bytes, value: bytes) -> list[Field]:
    return [(key, value if key == name else old) for key, old in GET]


MALFORMED = [
    pytest.param([*GET, (b"X", b"a")], id="8.2.1-upper-case"),
    pytest.param([*GET, (b"a b", b"a")], id="8.2.1-space-in-a-name"),
    pytest.param([*GET, (b"", b"a")], id="8.2.1-empty-name"),
    pytest.param([*GET, (b"x:y", b"a")], id="8.2.1-colon-in-a-name"),
    pytest.param([*GET, (b"x\xe9", b"a")], id="8.2.1-name-beyond-ascii"),
    pytest.param([*GET, (b"x", b"a\r\nb: c")], id="8.2.1-line-break-in-a-value"),
    pytest.param([*GET, (b"x", b"a\0")], id="8.2.1-nul-in-a-value"),
    pytest.param([*GET, (b"x", b" a")], id="8.2.1-space-before-a-value"),
    pytest.param([*GET, (b"x", b"a\t")], id="8.2.1-space-after-a-value"),
    pytest.param([*GET, (b"connection", b"close")], id="8.2.2-connection"),
    pytest.param([*GET, (b"transfer-encoding", b"chunked")], id="8.2.2-transfer-encoding"),
    pytest.param([*GET, (b"upgrade", b"h2c")], id="8.2.2-upgrade"),
    pytest.param([*GET, (b"keep-alive", b"1")], id="8.2.2-keep-alive"),
    pytest.param([*GET, (b"proxy-connection", b"a")], id="8.2.2-proxy-connection"),
    pytest.param([*GET, (b"te", b"gzip")], id="8.2.2-te"),
    pytest.param([(b"x", b"a"), *GET], id="8.3-pseudo-after-plain"),
    pytest.param([*GET, (b":path", b"/y")], id="8.3-pseudo-twice"),
    pytest.param([*GET, (b":status", b"200")], id="8.3-pseudo-of-an-answer"),
    pytest.param([(b":unknown", b"a"), *GET], id="8.3-unknown-pseudo"),
    pytest.param([(b":protocol", b"websocket"), *GET], id="8441-not-offered"),
    pytest.param(GET[1:], id="8.3.1-no-method"),
    pytest.param([GET[0], *GET[2:]], id="8.3.1-no-scheme"),
    pytest.param(GET[:3], id="8.3.1-no-path"),
    pytest.param(_with(b":path", b""), id="8.3.1-empty-path"),
    pytest.param(_with(b":method", b"GET /y HTTP/1.1\r\n"), id="8.3.1-method-that-is-no-token"),
    pytest.param(_with(b":authority", b"a@b c"), id="8.3.1-authority-with-a-space"),
    pytest.param(_with(b":authority", b"me@a"), id="8.3.1-authority-with-a-user"),
    pytest.param(_with(b":authority", b"a:b"), id="8.3.1-authority-with-no-port"),
    pytest.param(_with(b":authority", b""), id="8.3.1-empty-authority"),
    pytest.param([*GET, (b"host", b"b.example")], id="8.3.1-host-that-differs"),
    pytest.param([*GET, (b"host", b"a.example"), (b"host", b"b.example")], id="8.3.1-two-hosts"),
    pytest.param([*GET, (b"content-length", b"1"), (b"content-length", b"2")], id="8.1.1-two-lengths"),
    pytest.param([*GET, (b"content-length", b"-1")], id="8.1.1-negative-length"),
    pytest.param([(b":method", b"CONNECT")], id="8.5-connect-without-authority"),
    pytest.param([(b":method", b"CONNECT"), *GET[1:]], id="8.5-connect-with-a-path"),
    pytest.param([], id="8.3.1-nothing"),
]


@pytest.mark.parametrize("fields", MALFORMED)
def test_a_malformed_head_is_refused(fields: list[Field]) -> None:
    with pytest.raises(Malformed):
        read_head(fields)


def test_what_a_head_says_is_said_as_on_http_1() -> None:
    cookies = [(b"cookie", b"a=1"), (b"x", b"y"), (b"cookie", b"b=2"), (b"te", b"trailers")]
    asked = read_head([*GET, *cookies, (b"content-length", b"3"), (b"priority", b"u=1")])
    assert (asked.method, asked.path, asked.authority) == (b"GET", b"/x", b"a.example")
    assert asked.fields == (
        (b"host", b"a.example"),
        (b"x", b"y"),
        (b"content-length", b"3"),
        (b"priority", b"u=1"),
        (b"cookie", b"a=1; b=2"),
    )
    assert (asked.length_bytes, asked.priority) == (3, b"u=1")


def test_host_stands_in_for_an_authority() -> None:
    asked = read_head([*GET[:2], GET[3], (b"host", b"b.example")])
    assert (asked.authority, asked.fields) == (b"b.example", ((b"host", b"b.example"),))


def test_connect_has_an_authority_and_no_path() -> None:
    asked = read_head([(b":method", b"CONNECT"), (b":authority", b"b.example:443")])
    assert (asked.authority, asked.path) == (b"b.example:443", None)


def test_trailers_have_no_pseudo_header_fields() -> None:
    check_trailers([(b"x-sum", b"1")])
    with pytest.raises(Malformed):
        check_trailers([(b":path", b"/")])


PRIORITIES = [  # RFC 9218, 4; the value, urgency, incremental
    pytest.param(b"", 3, False, id="4-default"),
    pytest.param(b"u=0", 0, False, id="4.1-most-urgent"),
    pytest.param(b"u=7, i", 7, True, id="4.2-incremental"),
    pytest.param(b"i=?0, u=2", 2, False, id="4.2-not-incremental"),
    pytest.param(b"i=?1", 3, True, id="4.2-spelt-out"),
    pytest.param(b"u=9", 3, False, id="4.1-out-of-range"),
    pytest.param(b"u=1, u=5", 5, False, id="9651-4.2-the-last-counts"),
    pytest.param(b"x=1, u=4;q=1", 4, False, id="4-others-are-passed-over"),
    pytest.param(b"=, u", 3, False, id="4-no-sense"),
]


@pytest.mark.parametrize(("value", "urgency", "is_incremental"), PRIORITIES)
def test_what_a_priority_says(value: bytes, urgency: int, is_incremental: bool) -> None:
    assert read_priority(value) == (urgency, is_incremental)
