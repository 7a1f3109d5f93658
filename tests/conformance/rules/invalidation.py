"""What ends stored responses (RFC 9111, 4.4)."""

from __future__ import annotations

from tests.conformance.words import Answer, Row, Step, ask, hit, miss, row, says

KEPT = says("max-age=600", etag='"1"')
NEWER = says("max-age=600", body=b"newer")
DONE = says(status=204)


def change(answer: Answer = DONE, *, method: str = "POST", at: str = "") -> Step:
    return ask(
        answer,
        method=method,
        at=at,
        body=b"change",
        asked_method=method,
        asked_body=b"change",
        cache="fwd=method",
    )


def ends(
    rule: str, answer: Answer = DONE, *, method: str = "POST", target: str = "/a", section: str = "9111 4.4"
) -> Row:
    """A change of /it/c ends what is kept for /it`target`."""
    return row(
        rule,
        section,
        miss(KEPT, at=target),
        change(answer, method=method, at=target if not answer.fields else "/c"),
        ask(NEWER, at=target, cache="fwd"),
        hit(at=target, gives=b"newer"),
    )


def leaves(
    rule: str, answer: Answer, *, method: str = "POST", same: bool = False, section: str = "9111 4.4"
) -> Row:
    """A change of /it/c, or of /it/a itself, leaves what is kept for /it/a."""
    return row(
        rule,
        section,
        miss(KEPT, at="/a"),
        change(answer, method=method, at="/a" if same else "/c"),
        hit(at="/a"),
    )


ROWS = [
    *(
        ends(f"a-successful-{method}-ends-its-target", method=method)
        for method in ("POST", "PUT", "DELETE", "PATCH")
    ),
    *(
        ends(f"a-method-of-unknown-safety-ends-its-target-{method}", method=method)
        for method in ("PROPPATCH", "MOVE", "LINK", "MKCOL")
    ),
    *(
        row(
            f"a-{status}-to-a-change-ends-its-target",
            "9111 4.4",
            miss(KEPT),
            change(says(status=status, body=b"")),
            ask(NEWER, cache="fwd"),
        )
        for status in (200, 201, 202, 204, 205, 301, 303, 399)
    ),
    *(
        leaves(f"a-{status}-to-a-change-leaves-its-target", says(status=status), same=True)
        for status in (400, 403, 404, 409, 412, 500, 503)
    ),
    *(
        row(
            f"a-safe-{method}-leaves-its-target",
            "9111 4.4",
            miss(KEPT),
            ask(says("no-store"), method=method),
            hit(after=1),
        )
        for method in ("OPTIONS",)
    ),
    row(
        "a-get-that-goes-forward-ends-nothing-else",
        "9111 4.4",
        miss(KEPT),
        miss(NEWER, at="?other"),
        hit(after=1),
    ),
    ends("the-location-of-a-change-ends-too", says(status=201, location="/it/a")),
    ends("the-content-location-of-a-change-ends-too", says(status=200, content_location="/it/a")),
    ends("an-absolute-location-of-the-same-origin", says(status=201, location="http://edge.example/it/a")),
    ends(
        "an-absolute-content-location-of-the-same-origin", says(content_location="http://edge.example/it/a")
    ),
    ends("a-default-port-is-the-same-origin", says(status=201, location="http://edge.example:80/it/a")),
    ends("a-host-has-no-case", says(status=201, location="http://EDGE.Example/it/a")),
    ends("a-location-relative-to-the-target", says(status=201, location="a")),
    ends("a-location-with-dot-segments", says(status=201, location="./b/../a")),
    ends("a-location-without-a-scheme", says(status=201, location="//edge.example/it/a")),
    ends("a-fragment-of-a-location-does-not-count", says(status=201, location="/it/a#part")),
    ends("a-location-with-a-query", says(status=201, location="/it/a?q=1"), target="/a?q=1"),
    ends("the-location-of-a-303", says(status=303, location="/it/a")),
    ends("the-location-of-a-delete", says(status=200, location="/it/a"), method="DELETE"),
    row(
        "location-content-location-and-target-all-end",
        "9111 4.4",
        miss(KEPT, at="/a"),
        miss(KEPT, at="/b"),
        miss(KEPT, at="/c"),
        change(says(status=201, location="/it/a", content_location="/it/b"), at="/c"),
        ask(NEWER, at="/a"),
        ask(NEWER, at="/b"),
        ask(NEWER, at="/c"),
    ),
    leaves("a-location-of-another-host-is-left", says(status=201, location="http://other.example/it/a")),
    leaves("a-content-location-of-another-host-is-left", says(content_location="http://other.example/it/a")),
    leaves("a-location-of-another-port-is-left", says(status=201, location="http://edge.example:8080/it/a")),
    leaves("a-location-of-another-scheme-is-left", says(status=201, location="ftp://edge.example/it/a")),
    leaves(
        "a-host-that-only-begins-alike-is-left", says(status=201, location="http://edge.example.net/it/a")
    ),
    leaves("the-location-of-an-error-is-left", says(status=409, location="/it/a")),
    leaves("the-content-location-of-an-error-is-left", says(status=500, content_location="/it/a")),
    leaves("a-location-that-is-no-uri-is-left", says(status=201, location="http://[oops/it/a")),
    leaves("other-paths-are-left", DONE),
    row(
        "other-queries-are-left",
        "9111 4.4",
        miss(KEPT, at="?a=1"),
        change(at="?a=2"),
        hit(at="?a=1"),
    ),
    row(
        "the-location-of-a-get-ends-nothing",
        "9111 4.4",
        miss(KEPT, at="/a"),
        ask(says("no-store", status=302, location="/it/a"), at="/c"),
        hit(at="/a"),
    ),
    row(
        "every-variant-of-the-target-ends",
        "9111 4.4",
        miss(says("max-age=600", vary="accept-language"), sent={"accept-language": "de"}),
        miss(says("max-age=600", vary="accept-language", body=b"en"), sent={"accept-language": "en"}),
        change(),
        ask(NEWER, sent={"accept-language": "de"}, cache="fwd"),
        ask(NEWER, sent={"accept-language": "en"}, may_ask=True, gives=b"newer"),
    ),
    row(
        "a-stale-one-ends-too",
        "9111 4.4",
        miss(says("max-age=60, stale-while-revalidate=600")),
        change(),
        ask(NEWER, after=61, cache="fwd"),
    ),
    row(
        "the-answer-to-a-change-is-not-kept-for-get",
        "9111 4.4",
        change(says("max-age=600", body=b"changed"), method="PUT"),
        miss(KEPT),
    ),
    row(
        "a-change-without-a-body-ends-its-target",
        "9111 4.4",
        miss(KEPT),
        ask(DONE, method="DELETE", asked_method="DELETE"),
        ask(NEWER, cache="fwd"),
    ),
    row("a-change-of-what-is-not-kept-harms-nothing", "9111 4.4", change(), miss(KEPT), hit(after=1)),
]
