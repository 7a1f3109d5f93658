"""A client's conditions against what is stored (RFC 9110, 13 and 15.4.5; RFC 9111, 4.3.2)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import PRESENT, Row, ask, at, hit, miss, row, says

E1: dict[str, Any] = {"etag": '"1"'}
L1: dict[str, Any] = {"last_modified": at(-1000)}


def known(rule: str, section: str, sent: dict[str, str], **validators: Any) -> Row:
    """The client holds what is stored: 304, and the origin is not asked."""
    return row(rule, section, miss(says("max-age=60", **validators)), hit(after=1, sent=sent, status=304))


def unknown(rule: str, section: str, sent: dict[str, str], **validators: Any) -> Row:
    """The client holds something else: 200 with the body, and the origin is not asked."""
    return row(rule, section, miss(says("max-age=60", **validators)), hit(after=1, sent=sent, status=200))


def none(tags: str) -> dict[str, str]:
    return {"if-none-match": tags}


def since(date: str) -> dict[str, str]:
    return {"if-modified-since": date}


ROWS = [
    # If-None-Match
    known("the-same-strong-tag", "9110 13.1.2", none('"1"'), **E1),
    known("a-weak-tag-of-the-client-matches-a-strong-one", "9110 8.8.3.2", none('W/"1"'), **E1),
    known("a-strong-tag-of-the-client-matches-a-weak-one", "9110 8.8.3.2", none('"1"'), etag='W/"1"'),
    known("the-same-weak-tag", "9110 8.8.3.2", none('W/"1"'), etag='W/"1"'),
    known("one-tag-of-a-list", "9110 13.1.2", none('"0", W/"1", "2"'), **E1),
    known("a-list-without-spaces", "9110 5.6.1", none('"0","1"'), **E1),
    known("a-list-with-empty-members", "9110 5.6.1.2", none(', "0",, "1"'), **E1),
    known("a-tag-with-a-comma", "9110 8.8.3", none('"a", "b,c"'), etag='"b,c"'),
    known("a-star-matches-whatever-is-stored", "9110 13.1.2", none("*"), **E1),
    known("a-star-needs-no-tag", "9110 13.1.2", none("*"), **L1),
    unknown("another-tag", "9110 13.1.2", none('"2"'), **E1),
    unknown("a-tag-has-case", "9110 8.8.3.2", none('"A"'), etag='"a"'),
    unknown("a-tag-that-only-begins-alike", "9110 8.8.3.2", none('"11"'), **E1),
    unknown("a-part-of-a-tag-is-none", "9110 8.8.3", none('"b"'), etag='"b,c"'),
    unknown("a-tag-without-quotes-is-none", "9110 8.8.3", none("1"), **E1),
    unknown("a-tag-against-what-has-none", "9110 13.1.2", none('"1"'), **L1),
    row(
        "tags-of-several-lines",
        "9110 5.3",
        miss(says("max-age=60", **E1)),
        hit(sent={"if-none-match": ('"0"', '"1"')}, status=304),
    ),
    # If-Modified-Since
    known("since-the-very-date", "9110 13.1.3", since(at(-1000)), **L1),
    known("since-a-later-date", "9110 13.1.3", since(at(-999)), **L1),
    unknown("since-an-earlier-date", "9110 13.1.3", since(at(-1001)), **L1),
    unknown("since-what-is-no-date", "9110 13.1.3", since("yesterday"), **L1),
    known(
        "since-a-date-in-the-form-of-rfc-850", "9110 5.6.7", since("Tuesday, 14-Nov-23 22:00:00 GMT"), **L1
    ),
    known("without-last-modified-date-stands-in", "9111 4.3.2", since(at(0)), **E1),
    unknown("without-last-modified-an-earlier-date-does-not-do", "9111 4.3.2", since(at(-1)), **E1),
    # Which condition counts.
    unknown(
        "a-tag-that-fails-wins-over-a-date-that-holds",
        "9110 13.2.2",
        {**none('"2"'), **since(at(0))},
        **E1,
        **L1,
    ),
    known(
        "a-tag-that-holds-wins-over-a-date-that-fails",
        "9110 13.2.2",
        {**none('"1"'), **since(at(-2000))},
        **E1,
        **L1,
    ),
    unknown(
        "a-tag-that-is-invalid-still-wins-over-a-date",
        "9110 13.1.3",
        {**none("1"), **since(at(0))},
        **E1,
        **L1,
    ),
    row(
        "if-match-is-not-for-a-cache-to-judge",
        "9111 4.3.2",
        miss(says("max-age=60", **E1)),
        ask(says("max-age=60", **E1), sent={"if-match": '"2"'}, may_ask=True, status=200),
    ),
    row(
        "if-unmodified-since-is-not-for-a-cache-to-judge",
        "9111 4.3.2",
        miss(says("max-age=60", **L1)),
        ask(says("max-age=60", **L1), sent={"if-unmodified-since": at(-2000)}, may_ask=True, status=200),
    ),
    row(
        "the-condition-of-a-change-goes-to-the-origin",
        "9110 13.1.1",
        miss(says("max-age=60", **E1)),
        ask(
            says(status=412, body=b"changed"),
            method="PUT",
            body=b"x",
            sent={"if-match": '"1"'},
            asked={"if-match": '"1"'},
        ),
        hit(after=1),
    ),
    row(
        "if-none-match-of-a-change-goes-to-the-origin",
        "9110 13.1.2",
        miss(says("max-age=60", **E1)),
        ask(
            says(status=412, body=b"is there"),
            method="PUT",
            body=b"x",
            sent=none("*"),
            asked={"if-none-match": "*"},
        ),
    ),
    # What has conditions at all.
    row(
        "a-stored-404-has-no-conditions",
        "9110 13.2.1",
        miss(says("max-age=60", status=404, body=b"none", **E1)),
        hit(sent=none('"1"'), status=404, gives=b"none"),
    ),
    row(
        "a-stored-redirect-has-no-conditions",
        "9110 13.2.1",
        miss(says("max-age=60", status=301, location="/there", **E1)),
        hit(sent=none('"1"'), status=301, gives=b"0123456789"),
    ),
    row(
        "a-head-has-conditions",
        "9110 13.1.2",
        miss(says("max-age=60", **E1)),
        hit(method="HEAD", sent=none('"1"'), status=304),
    ),
    row(
        "a-head-has-dates",
        "9110 13.1.3",
        miss(says("max-age=60", **L1)),
        hit(method="HEAD", sent=since(at(-1000)), status=304),
    ),
    # The 304 itself.
    row(
        "a-304-repeats-what-a-cache-below-needs",
        "9110 15.4.5",
        miss(
            says(
                "max-age=60",
                content_location="/it.en",
                expires=at(60),
                vary="accept-language",
                last_modified=at(-1000),
                **E1,
            )
        ),
        hit(
            sent=none('"1"'),
            status=304,
            gets={
                "cache-control": "max-age=60",
                "content-location": "/it.en",
                "date": at(0),
                "etag": '"1"',
                "expires": at(60),
                "vary": "accept-language",
            },
        ),
    ),
    row(
        "a-304-says-nothing-of-the-content",
        "9110 15.4.5",
        miss(says("max-age=60", content_type="video/mp4", content_encoding="gzip", **E1)),
        hit(sent=none('"1"'), status=304, gets={"content-type": None, "content-encoding": None}),
    ),
    row(
        "a-304-has-no-length-but-that-of-the-whole",
        "9110 8.6",
        miss(says("max-age=60", **E1)),
        hit(sent=none('"1"'), status=304, gets={"transfer-encoding": None}),
    ),
    row(
        "a-304-of-a-miss-has-no-body-either",
        "9110 13.1.2",
        ask(says("max-age=60", **E1), sent=none('"1"'), status=304, gets={"etag": '"1"'}),
        hit(after=1),
    ),
    row(
        "a-304-tells-of-a-targeted-lifetime",
        "9213 2.2",
        miss(says("max-age=60", cdn_cache_control="max-age=90", **E1)),
        hit(sent=none('"1"'), status=304, gets={"cdn-cache-control": "max-age=90", "date": PRESENT}),
    ),
]
