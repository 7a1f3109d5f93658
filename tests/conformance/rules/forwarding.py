"""What goes on and what stays (RFC 9110, 6.6, 7.6, 9 and 15.2; RFC 9112, 3.2)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import PRESENT, Answer, Row, ask, at, hit, miss, row, says

FRESH = says("max-age=60")
WIRE = "the answer is read off the wire"
CONTINUE = "the connection answers it"


HOPS: dict[str, dict[str, Any]] = {
    "keep-alive": {"keep_alive": "timeout=5"},
    "proxy-connection": {"proxy_connection": "close"},
    "upgrade": {"upgrade": "h2c"},
    "trailer": {"trailer": "x-t"},
}

Interim = tuple[int, tuple[str, str]]

HINT: Interim = (103, ("link", "</a.css>; rel=preload"))


def hinted(rule: str, section: str, *interim: Interim) -> Row:
    """What comes before the answer goes to the client before the answer."""
    return row(rule, section, ask(says("no-store", interim=interim), hints=interim))


REQUESTS = [
    row(
        "end-to-end-fields-go-on",
        "9110 7.6",
        miss(FRESH, sent={"x-any": "1", "accept": "video/*"}, asked={"x-any": "1", "accept": "video/*"}),
    ),
    *(
        row(
            f"{name}-stays",
            "9110 7.6.1",
            ask(says(status=204), method="POST", sent={name: value}, asked={name: None}),
        )
        for name, value in (
            ("keep-alive", "timeout=5"),
            ("proxy-connection", "keep-alive"),
            ("te", "trailers"),
            ("proxy-authorization", "Basic eA=="),
        )
    ),
    row(
        "a-field-named-by-connection-stays",
        "9110 7.6.1",
        ask(
            says(status=204),
            method="POST",
            sent={"connection": "x-hop, X-Two", "x-hop": "1", "x-two": "2"},
            asked={"x-hop": None, "x-two": None},
        ),
    ),
    row(
        "a-field-named-by-connection-stays-on-a-miss",
        "9110 7.6.1",
        miss(FRESH, sent={"connection": "x-hop", "x-hop": "1"}, asked={"x-hop": None}),
    ),
    row(
        "an-offer-to-upgrade-stays",
        "9110 7.8",
        miss(FRESH, sent={"connection": "upgrade", "upgrade": "websocket"}, asked={"upgrade": None}),
    ),
    row("via-names-this-cache", "9110 7.6.3", miss(FRESH, asked={"via": "1.1 penstock"})),
    row(
        "via-comes-after-those-before",
        "9110 7.6.3",
        miss(
            FRESH, sent={"via": "1.0 first, 1.1 second"}, asked={"via": "1.0 first, 1.1 second, 1.1 penstock"}
        ),
    ),
    row(
        "via-of-several-lines-stays-in-order",
        "9110 7.6.3",
        miss(
            FRESH,
            sent={"via": ("1.0 first", "1.1 second")},
            asked={"via": "1.0 first, 1.1 second, 1.1 penstock"},
        ),
    ),
    row(
        "via-of-a-client-that-speaks-1-0",
        "9110 7.6.3",
        miss(FRESH, raw=b"GET /it HTTP/1.0\r\n\r\n", asked={"via": "1.0 penstock"}),
    ),
    row(
        "the-origin-is-asked-in-the-name-of-itself",
        "9112 3.2.1",
        miss(FRESH, asked={"host": PRESENT}),
        sockets_only="the client library writes it",
    ),
    row(
        "the-method-goes-on",
        "9110 9.1",
        *(
            ask(says(status=204), method=method, asked_method=method)
            for method in ("PROPFIND", "REPORT", "SEARCH", "LOCK", "PURGE")
        ),
    ),
    # The parser knows the methods of the IANA registry, so what it cannot read cannot go on: 501 is what a
    # server says that does not recognise a method.
    row(
        "a-method-nobody-knows-is-501",
        "9110 9.1",
        ask(None, method="FROBNICATE", status=501, is_closed=True),
    ),
    row(
        "a-method-has-case",
        "9110 9.1",
        miss(FRESH),
        ask(says(status=501, body=b""), method="get", may_ask=True, status=(400, 405, 501), cache="!hit"),
    ),
    row(
        "the-body-of-a-request-goes-on",
        "9110 9.3.3",
        ask(says(status=204), method="POST", body=b"a body", asked_body=b"a body"),
    ),
    row(
        "a-chunked-body-of-a-request-goes-on",
        "9112 7.1",
        ask(
            says(status=204),
            method="POST",
            raw=b"POST /it HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\na b\r\n3;x=y\r\nody\r\n0\r\nX-T: 1\r\n\r\n",
            asked_body=b"a body",
        ),
    ),
    row(
        "an-empty-body-of-a-request-goes-on",
        "9110 8.6",
        ask(says(status=204), method="POST", sent={"content-length": "0"}, asked_body=b""),
    ),
    row("the-body-of-a-get-has-no-part-in-the-answer", "9110 9.3.1", miss(FRESH, body=b"why"), hit(after=1)),
    row(
        "the-target-goes-on-as-it-is",
        "9110 4.2",
        miss(FRESH, at="/a%2Fb;c=1?q=%20+&r", asked_target="/it/a%2Fb;c=1?q=%20+&r"),
    ),
    row(
        "an-absolute-target-is-a-path",
        "9112 3.2.2",
        miss(
            FRESH,
            raw=b"GET http://edge.example/it HTTP/1.1\r\nHost: edge.example\r\n\r\n",
            asked_target="/it",
        ),
        hit(after=1),
    ),
    row(
        "options-of-the-server-itself",
        "9112 3.2.4",
        ask(
            says(status=204, allow="GET"),
            method="OPTIONS",
            raw=b"OPTIONS * HTTP/1.1\r\nHost: edge.example\r\n\r\n",
            asked_method="OPTIONS",
            asked_target="*",
            may_ask=True,
            status=(200, 204),
            gives=None,
        ),
    ),
    row(
        "options-of-a-url-without-a-path-is-of-the-server",
        "9112 3.2.4",
        ask(
            None,
            method="OPTIONS",
            raw=b"OPTIONS http://edge.example HTTP/1.1\r\nHost: edge.example\r\n\r\n",
            status=204,
            gets={"allow": PRESENT},
        ),
    ),
    row(
        "options-goes-on-while-max-forwards-lasts",
        "9110 7.6.2",
        ask(says(status=204), method="OPTIONS", sent={"max-forwards": "3"}, asked={"max-forwards": "2"}),
    ),
    row(
        "options-with-max-forwards-0-ends-here",
        "9110 7.6.2",
        ask(None, method="OPTIONS", sent={"max-forwards": "0"}, status=(200, 204), gives=None),
    ),
    row("max-forwards-of-a-get-means-nothing", "9110 7.6.2", miss(FRESH, sent={"max-forwards": "0"})),
    row(
        "connect-is-refused",
        "9110 9.3.6",
        ask(
            None,
            raw=b"CONNECT edge.example:443 HTTP/1.1\r\nHost: edge.example:443\r\n\r\n",
            status=(400, 405, 501),
        ),
    ),
    row(
        "a-405-says-what-is-allowed",
        "9110 15.5.6",
        ask(
            None,
            raw=b"CONNECT edge.example:443 HTTP/1.1\r\nHost: edge.example:443\r\n\r\n",
            status=405,
            gets={"allow": PRESENT},
        ),
    ),
    row(
        "trace-goes-on-or-is-refused",
        "9110 9.3.8",
        miss(FRESH),
        ask(says(body=b"TRACE /it"), method="TRACE", may_ask=True, status=(200, 405, 501), cache="!hit"),
        ask(says(body=b"TRACE /it"), method="TRACE", may_ask=True, status=(200, 405, 501), cache="!hit"),
        hit(after=1),
    ),
    row(
        "trace-with-max-forwards-0-ends-here",
        "9110 7.6.2",
        ask(None, method="TRACE", sent={"max-forwards": "0"}, status=(200, 405, 501), gives=None),
    ),
    row(
        "100-continue-is-answered-or-passed-on",
        "9110 10.1.1",
        ask(
            says(status=204),
            method="POST",
            body=b"x",
            sent={"expect": "100-continue"},
            asked_body=b"x",
            hints=((100, ("", "")),),
        ),
        sockets_only=CONTINUE,
    ),
]

ANSWERS = [
    *(
        row(
            f"{name}-of-an-answer-stays",
            "9110 7.6.1",
            ask(says("no-store", **field), gets={name: None}),
        )
        for name, field in HOPS.items()
    ),
    row(
        "a-field-named-by-connection-of-an-answer-stays",
        "9110 7.6.1",
        ask(says("no-store", connection="x-hop", x_hop="1"), gets={"x-hop": None}),
    ),
    row("a-missing-date-is-added", "9110 6.6.1", ask(says("no-store", is_dated=False), gets={"date": at(0)})),
    row("a-date-goes-on-as-it-is", "9110 6.6.1", ask(says("no-store", date=at(-9)), gets={"date": at(-9)})),
    row("a-content-length-goes-on", "9110 8.6", ask(says("no-store"), gets={"content-length": "10"})),
    row("a-404-goes-on", "9110 15.5.5", ask(says("no-store", status=404, body=b"none"))),
    row("a-status-nobody-knows-goes-on", "9110 15", ask(says("no-store", status=299, body=b"odd"))),
    row(
        "a-416-goes-on",
        "9110 15.5.17",
        ask(
            says("no-store", status=416, content_range="bytes */3"),
            sent={"range": "bytes=9-"},
            gets={"content-range": "bytes */3"},
        ),
    ),
    row("an-empty-answer-goes-on", "9110 8.6", ask(says("no-store", body=b""), gets={"content-length": "0"})),
    row(
        "set-cookie-lines-go-on",
        "9110 5.3",
        ask(says("no-store", set_cookie=("a=1", "b=2")), gets={"set-cookie": "a=1, b=2"}),
    ),
    row(
        "an-answer-of-unknown-length-is-chunked",
        "9112 7.1",
        ask(says("no-store", is_chunked=True), gets={"transfer-encoding": "chunked", "content-length": None}),
    ),
    row(
        "an-answer-of-unknown-length-ends-a-1-0-connection",
        "9112 6.1",
        ask(
            says("no-store", is_chunked=True),
            raw=b"GET /it HTTP/1.0\r\n\r\n",
            gets={"transfer-encoding": None},
            is_closed=True,
        ),
    ),
    row("a-cut-answer-is-seen-as-cut", "9112 8", ask(says("no-store", cut_after=4), is_cut=True)),
    row(
        "a-cut-chunked-answer-is-seen-as-cut",
        "9112 8",
        ask(says("no-store", is_chunked=True, cut_after=6), is_cut=True),
    ),
    hinted("a-hint-goes-on-before-the-answer", "9110 15.2", HINT),
    hinted("several-hints-go-on-in-order", "9110 15.2", HINT, (103, ("link", "</b.css>; rel=preload"))),
    hinted("an-interim-status-nobody-knows-goes-on", "9110 15.2", (199, ("x-a", "1"))),
    hinted("a-102-goes-on", "9110 15.2", (102, ("x-a", "1"))),
    row(
        "a-hint-before-a-change-goes-on",
        "9110 15.2",
        ask(says(status=204, interim=(HINT,)), method="POST", body=b"x", hints=(HINT,)),
    ),
    row(
        "a-client-of-1-0-gets-no-hint",
        "9110 15.2",
        ask(says("no-store", interim=(HINT,)), raw=b"GET /it HTTP/1.0\r\n\r\n", hints=()),
    ),
    row(
        "a-hint-is-no-answer-to-keep",
        "9111 3",
        ask(says("max-age=60", interim=(HINT,)), hints=(HINT,)),
        hit(gets={"link": None}, hints=()),
    ),
    row(
        "a-100-nobody-waits-for-is-no-answer",
        "9110 15.2.1",
        ask(says("no-store", interim=((100, ("x-a", "1")),)), hints=()),
    ),
    row(
        "an-answer-without-a-reason-phrase",
        "9112 4",
        ask(
            Answer(
                raw=b"HTTP/1.1 200 \r\nDate: %s\r\n" % at(0).encode()
                + b"Cache-Control: max-age=60\r\nContent-Length: 10\r\n\r\n0123456789"
            ),
            status=200,
        ),
        hit(),
        sockets_only=WIRE,
    ),
]

ROWS = [*REQUESTS, *ANSWERS]
