"""What a shared cache may keep (RFC 9111, 3), and what of it (3.1)."""

from __future__ import annotations

from tests.conformance.words import BODY, PRESENT, ask, at, hit, holds, kept, miss, not_kept, row, says

WITH_TOKEN = {"authorization": "Bearer abc"}

BY_STATUS = [
    *(
        kept(f"a-{status}-with-an-explicit-lifetime-is-kept", "9111 3", says("max-age=60", status=status))
        for status in (200, 201, 202, 203, 204, 299, 300, 301, 302, 303, 307, 308)
    ),
    *(
        kept(f"a-{status}-with-an-explicit-lifetime-is-kept", "9111 3", says("max-age=60", status=status))
        for status in (400, 402, 403, 404, 405, 410, 414, 418, 429, 451, 499, 500, 501, 502, 503, 504, 599)
    ),
    not_kept("a-302-without-a-lifetime-is-not-kept", "9111 3", says(status=302, location="/there")),
    not_kept("a-500-without-a-lifetime-is-not-kept", "9111 3", says(status=500)),
    kept("expires-is-an-explicit-lifetime-for-any-status", "9111 3", says(status=403, expires=at(60))),
    kept("s-maxage-is-an-explicit-lifetime-for-any-status", "9111 3", says("s-maxage=60", status=403)),
]

BY_DIRECTIVE = [
    not_kept("no-store-is-not-kept", "9111 5.2.2.5", says("no-store", etag='"1"')),
    not_kept("no-store-wins-over-max-age", "9111 5.2.2.5", says("max-age=60, no-store")),
    not_kept("no-store-wins-over-public-and-s-maxage", "9111 5.2.2.5", says("public, s-maxage=60, no-store")),
    not_kept("no-store-in-capitals", "9111 5.2", says("max-age=60, NO-STORE")),
    not_kept("no-store-on-another-line", "9110 5.3", says(("max-age=60", "no-store"))),
    not_kept("no-store-with-an-argument-is-no-store", "9111 5.2.2.5", says("no-store=1, max-age=60")),
    not_kept("private-is-not-kept", "9111 5.2.2.7", says("private", etag='"1"')),
    not_kept("private-wins-over-max-age", "9111 5.2.2.7", says("private, max-age=60")),
    not_kept("private-wins-over-s-maxage", "9111 5.2.2.7", says("s-maxage=60, private")),
    not_kept("private-in-capitals", "9111 5.2", says("Private, max-age=60")),
    kept("a-directive-that-only-looks-like-no-store", "9111 5.2", says("x-no-store, max-age=60")),
    kept("an-unknown-directive-forbids-nothing", "9111 5.2.3", says("max-age=60, frobnicate=2")),
    kept("no-transform-forbids-no-keeping", "9111 5.2.2.6", says("max-age=60, no-transform")),
    row(
        "a-field-named-by-private-is-another-users-no-more",
        "9111 5.2.2.7",
        miss(says('max-age=60, private="x-user"', x_user="ann"), gets={"x-user": "ann"}),
        ask(says("max-age=60"), after=1, may_ask=True, gets={"x-user": None}),
    ),
    row(
        "several-fields-named-by-private",
        "9111 5.2.2.7",
        miss(says('max-age=60, private="x-user, x-cart"', x_user="ann", x_cart="7")),
        ask(says("max-age=60"), after=1, may_ask=True, gets={"x-user": None, "x-cart": None}),
    ),
    row(
        "a-field-named-by-no-cache-is-not-used-unvalidated",
        "9111 5.2.2.4",
        miss(says('max-age=60, no-cache="x-once"', x_once="a")),
        ask(says("max-age=60"), after=1, may_ask=True, gets={"x-once": None}),
    ),
    kept(
        "must-understand-lifts-no-store-of-a-200",
        "9111 5.2.2.3",
        says("must-understand, no-store, max-age=60"),
    ),
    kept(
        "must-understand-lifts-no-store-of-a-404",
        "9111 5.2.2.3",
        says("no-store, must-understand, max-age=60", status=404),
    ),
    not_kept(
        "must-understand-keeps-no-unknown-status",
        "9111 5.2.2.3",
        says("must-understand, max-age=60", status=299),
    ),
    not_kept(
        "must-understand-leaves-no-store-of-an-unknown-status",
        "9111 5.2.2.3",
        says("must-understand, no-store, max-age=60", status=499),
    ),
    not_kept(
        "must-understand-does-not-lift-private", "9111 5.2.2.3", says("must-understand, private, max-age=60")
    ),
    row(
        "no-cache-is-kept-and-validated-each-time",
        "9111 5.2.2.4",
        miss(says("no-cache", etag='"1"')),
        ask(says("no-cache", status=304, etag='"1"'), asked={"if-none-match": '"1"'}, status=200),
        ask(says("no-cache", status=304, etag='"1"'), asked={"if-none-match": '"1"'}, status=200),
    ),
    row(
        "no-cache-wins-over-max-age",
        "9111 5.2.2.4",
        miss(says("max-age=60, no-cache", etag='"1"')),
        ask(says("max-age=60, no-cache", status=304, etag='"1"'), asked={"if-none-match": '"1"'}, status=200),
    ),
    row(
        "pragma-in-a-response-means-nothing",
        "9111 5.4",
        miss(says("max-age=60", pragma="no-cache")),
        hit(after=1),
    ),
]

WITH_AUTHORIZATION = [
    not_kept("with-authorization-max-age-is-not-enough", "9111 3.5", says("max-age=60"), **WITH_TOKEN),
    not_kept("with-authorization-expires-is-not-enough", "9111 3.5", says(expires=at(60)), **WITH_TOKEN),
    not_kept(
        "with-authorization-a-heuristic-is-not-enough",
        "9111 3.5",
        says(last_modified=at(-(10**5))),
        **WITH_TOKEN,
    ),
    not_kept(
        "with-authorization-proxy-revalidate-is-not-enough",
        "9111 3.5",
        says("max-age=60, proxy-revalidate"),
        **WITH_TOKEN,
    ),
    not_kept(
        "with-authorization-no-cache-is-not-enough", "9111 3.5", says("no-cache", etag='"1"'), **WITH_TOKEN
    ),
    not_kept("with-authorization-private-is-private", "9111 3.5", says("private, s-maxage=60"), **WITH_TOKEN),
    kept("with-authorization-public-is-kept", "9111 3.5", says("public, max-age=60"), **WITH_TOKEN),
    kept("with-authorization-s-maxage-is-kept", "9111 3.5", says("s-maxage=60"), **WITH_TOKEN),
    kept(
        "with-authorization-must-revalidate-is-kept",
        "9111 3.5",
        says("max-age=60, must-revalidate"),
        **WITH_TOKEN,
    ),
    row(
        "what-public-keeps-answers-another-user-too",
        "9111 3.5",
        miss(says("public, max-age=60"), sent=WITH_TOKEN, asked={"authorization": "Bearer abc"}),
        hit(sent={"authorization": "Bearer xyz"}),
        hit(),
    ),
    row(
        "what-was-kept-without-authorization-answers-with-it",
        "9111 3.5",
        miss(says("max-age=60")),
        hit(sent=WITH_TOKEN),
    ),
    row(
        "an-answer-to-one-user-does-not-displace-what-is-kept",
        "9111 3.5",
        miss(says("max-age=60", etag='"1"')),
        ask(
            says("max-age=60", body=b"for ann", etag='"a"'),
            sent={**WITH_TOKEN, "cache-control": "no-cache"},
            cache="fwd; !stored",
        ),
        hit(after=1),
    ),
]

BY_METHOD = [
    *(
        row(
            f"the-answer-to-{method}-answers-no-get",
            "9111 3",
            ask(says("max-age=60", body=b"of another method"), method=method, cache="fwd=method; !stored"),
            miss(says("max-age=60")),
        )
        for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "REPORT")
    ),
    row(
        "a-post-without-content-location-answers-no-get",
        "9110 9.3.3",
        ask(says("max-age=60", body=b"made"), method="POST", body=b"make", cache="fwd=method; !stored"),
        miss(says("max-age=60")),
    ),
    row(
        "a-post-without-a-lifetime-answers-no-get",
        "9110 9.3.3",
        ask(
            says(content_location="/it", body=b"made"),
            method="POST",
            body=b"make",
            cache="fwd=method; !stored",
        ),
        miss(says("max-age=60")),
    ),
    row(
        "a-post-with-another-content-location-answers-no-get",
        "9110 9.3.3",
        ask(says("max-age=60", content_location="/other", body=b"made"), method="POST", body=b"make"),
        miss(says("max-age=60")),
    ),
    row(
        "a-post-that-says-what-get-would-bring-may-answer-get",
        "9110 9.3.3",
        ask(says("max-age=60", content_location="/it"), method="POST", body=b"make"),
        ask(says("max-age=60"), after=1, may_ask=True),
    ),
    row(
        "a-put-with-a-content-location-answers-no-get",
        "9110 9.3.4",
        ask(says("max-age=60", content_location="/it", body=b"done"), method="PUT", body=b"make"),
        miss(says("max-age=60")),
    ),
    row(
        "a-post-is-asked-each-time",
        "9110 9.3.3",
        ask(says("max-age=60", content_location="/it", body=b"1"), method="POST", body=b"make"),
        ask(
            says("max-age=60", content_location="/it", body=b"2"),
            method="POST",
            body=b"make",
            asked_method="POST",
        ),
    ),
    row(
        "what-is-kept-for-get-answers-no-post",
        "9111 4",
        miss(says("max-age=60")),
        ask(says(body=b"made"), method="POST", body=b"make", asked_method="POST", asked_body=b"make"),
    ),
    row(
        "what-is-kept-for-get-answers-no-options",
        "9110 9.3.7",
        miss(says("max-age=60")),
        ask(says(status=204, allow="GET"), method="OPTIONS", asked_method="OPTIONS", gets={"allow": "GET"}),
        hit(after=1),
    ),
    row(
        "a-head-answers-no-get",
        "9110 9.3.2",
        ask(says("max-age=60"), method="HEAD"),
        miss(says("max-age=60"), asked_method="GET"),
    ),
]

BY_REQUEST = [
    not_kept(
        "a-request-with-no-store-leaves-nothing", "9111 5.2.1.5", says("max-age=60"), cache_control="no-store"
    ),
    row(
        "a-request-with-no-store-may-be-answered-by-what-is-kept",
        "9111 5.2.1.5",
        miss(says("max-age=60")),
        ask(says("max-age=60"), sent={"cache-control": "no-store"}, may_ask=True),
        hit(after=1),
    ),
    row(
        "the-query-is-part-of-the-uri",
        "9111 2",
        miss(says("max-age=60"), at="?a=1"),
        miss(says("max-age=60", body=b"another"), at="?a=2"),
        hit(at="?a=1"),
        hit(at="?a=2", gives=b"another"),
    ),
    row(
        "a-path-has-case",
        "9110 4.2.3",
        miss(says("max-age=60"), at="/a"),
        miss(says("max-age=60", body=b"another"), at="/A"),
    ),
    row(
        "an-empty-query-is-a-query",
        "9110 4.2.3",
        miss(says("max-age=60")),
        ask(says("max-age=60", body=b"another"), at="?", gives=b"another"),
        hit(),
    ),
]

INCOMPLETE = [
    row(
        "a-body-cut-short-of-its-length-is-not-kept",
        "9111 3.3",
        ask(says("max-age=60", cut_after=4), is_cut=True),
        miss(says("max-age=60")),
        hit(after=1),
    ),
    row(
        "a-body-cut-before-its-last-chunk-is-not-kept",
        "9111 3.3",
        ask(says("max-age=60", is_chunked=True, cut_after=6), is_cut=True),
        miss(says("max-age=60")),
        hit(after=1),
    ),
    row(
        "a-cut-of-one-with-validators-is-not-kept-as-a-whole",
        "9111 3.3",
        ask((says("max-age=60", etag='"1"', cut_after=4),) * 5, may_ask=True, is_cut=True, status=200),
        ask(holds("max-age=60", etag='"1"')),
        hit(after=1),
    ),
    kept("an-empty-body-is-a-complete-one", "9111 3.3", says("max-age=60", body=b"")),
    kept("a-chunked-body-is-kept", "9111 3.3", says("max-age=60", is_chunked=True)),
    row(
        "what-was-chunked-has-a-length-once-it-is-kept",
        "9110 8.6",
        miss(says("max-age=60", is_chunked=True)),
        hit(gets={"content-length": "10", "transfer-encoding": None}),
    ),
]

FIELDS = [
    row(
        "every-end-to-end-field-is-kept",
        "9111 3.1",
        miss(says("max-age=60", content_type="video/mp4", x_unheard_of="of", link="</a>; rel=preload")),
        hit(
            gets={
                "content-type": "video/mp4",
                "x-unheard-of": "of",
                "link": "</a>; rel=preload",
                "cache-control": "max-age=60",
            }
        ),
    ),
    row(
        "the-lines-of-a-field-keep-their-order",
        "9110 5.3",
        miss(says("max-age=60", x_list=("a", "b", "c"))),
        hit(gets={"x-list": "a, b, c"}),
    ),
    row(
        "set-cookie-does-not-keep-from-keeping",
        "9111 7.3",
        miss(says("max-age=60", set_cookie=("a=1", "b=2"))),
        hit(gets={"set-cookie": "a=1, b=2"}),
    ),
    row(
        "date-is-kept-as-the-origin-said-it",
        "9110 6.6.1",
        miss(says("max-age=60", date=at(-7))),
        hit(after=1, gets={"date": at(-7)}),
    ),
    row(
        "what-came-without-a-date-gets-that-of-its-arrival",
        "9110 6.6.1",
        ask(says("max-age=60", is_dated=False), gets={"date": at(0)}),
        hit(after=5, gets={"date": at(0)}, age=5),
    ),
    row(
        "a-field-named-by-connection-is-not-kept",
        "9111 3.1",
        miss(says("max-age=60", connection="x-hop", x_hop="1"), gets={"x-hop": None}),
        hit(gets={"x-hop": None}),
    ),
    row(
        "proxy-fields-are-not-kept",
        "9111 3.1",
        miss(says("max-age=60", proxy_authenticate="Basic", proxy_authentication_info="x")),
        hit(gets={"proxy-authenticate": None, "proxy-authentication-info": None}),
    ),
    row(
        "etag-and-last-modified-are-kept-verbatim",
        "9111 3.1",
        miss(says("max-age=60", etag='W/"a b"', last_modified=at(-5))),
        hit(gets={"etag": 'W/"a b"', "last-modified": at(-5)}),
    ),
    row(
        "a-value-of-obs-text-is-kept-byte-for-byte",
        "9110 5.5",
        miss(says("max-age=60", x_name="caf\xe9")),
        hit(gets={"x-name": "caf\xe9"}),
    ),
    row(
        "the-headers-of-a-redirect-are-kept",
        "9111 3.1",
        miss(says("max-age=60", status=301, location="/there", body=b"moved")),
        hit(status=301, gives=b"moved", gets={"location": "/there"}),
    ),
    row(
        "a-kept-answer-says-its-length",
        "9110 8.6",
        miss(says("max-age=60")),
        hit(gets={"content-length": "10"}),
    ),
    row(
        "the-content-coding-is-kept",
        "9110 8.4",
        miss(says("max-age=60", content_encoding="gzip")),
        hit(gets={"content-encoding": "gzip", "content-length": PRESENT}, gives=BODY),
    ),
]

ROWS = [
    *BY_STATUS,
    *BY_DIRECTIVE,
    *WITH_AUTHORIZATION,
    *BY_METHOD,
    *BY_REQUEST,
    *INCOMPLETE,
    *FIELDS,
]
