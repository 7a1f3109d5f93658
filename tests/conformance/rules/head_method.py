"""HEAD (RFC 9110, 9.3.2; RFC 9111, 4.3.5)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import ask, at, hit, holds, miss, row, says

E1: dict[str, Any] = {"etag": '"1"'}

DIFFERENT: list[tuple[str, dict[str, Any], dict[str, Any]]] = [  # what differs, before and after
    ("tag", E1, {"etag": '"2"'}),
    ("length", {}, {}),
    ("date", {"last_modified": at(-2000)}, {"last_modified": at(-1000)}),
]

ROWS = [
    row(
        "what-get-stored-answers-head",
        "9110 9.3.2",
        miss(says("max-age=60", content_type="video/mp4", **E1)),
        hit(method="HEAD", gets={"content-length": "10", "content-type": "video/mp4", "etag": '"1"'}),
    ),
    row(
        "a-cold-head-goes-forward-as-head-or-get",
        "9110 9.3.2",
        ask(says("max-age=60"), method="HEAD", gets={"content-length": "10"}),
    ),
    row(
        "a-head-to-what-may-not-be-kept-goes-forward",
        "9110 9.3.2",
        miss(says("no-store")),
        ask(says("no-store"), method="HEAD", gets={"cache-control": "no-store"}),
    ),
    row(
        "an-error-to-head-has-no-body",
        "9110 9.3.2",
        ask(says(status=404, body=b"none"), method="HEAD", status=404),
    ),
    row(
        "a-stored-404-answers-head",
        "9110 9.3.2",
        miss(says("max-age=60", status=404, body=b"none")),
        hit(method="HEAD", status=404, gets={"content-length": "4"}),
    ),
    row(
        "a-head-that-agrees-freshens-what-is-stored",
        "9111 4.3.5",
        miss(says("max-age=60", **E1)),
        ask(holds("max-age=60", **E1), after=61, method="HEAD"),
        hit(after=1, age=1),
    ),
    row(
        "a-head-that-agrees-brings-its-fields",
        "9111 4.3.5",
        miss(says("max-age=60", x_note="old", **E1)),
        ask(holds("max-age=60", x_note="new", **E1), after=61, method="HEAD", gets={"x-note": "new"}),
        hit(after=1, gets={"x-note": "new"}),
    ),
    *(
        row(
            f"a-head-of-another-{name}-makes-stale-what-is-stored",
            "9111 4.3.5",
            miss(says("max-age=60", **old)),
            ask(
                holds("max-age=60", body=b"newer", **new),
                after=1,
                method="HEAD",
                sent={"cache-control": "no-cache"},
                gets={"content-length": "5"},
            ),
            ask(holds("max-age=60", body=b"newer", **new), after=1, may_ask=True, gives=b"newer"),
        )
        for name, old, new in DIFFERENT
    ),
    row(
        "a-head-that-agrees-leaves-a-fresh-hit",
        "9111 4.3.5",
        miss(says("max-age=60", **E1)),
        ask(holds("max-age=60", **E1), after=30, method="HEAD", sent={"cache-control": "no-cache"}),
        hit(after=45, age=45),
    ),
    row(
        "a-head-that-fails-ends-nothing",
        "9111 4.3.5",
        miss(says("max-age=60, stale-if-error=600", **E1)),
        ask(says(status=503, body=b""), after=61, method="HEAD", status=(200, 503), gives=b""),
        ask(says("max-age=60", status=304, **E1), after=1, status=200, asked={"if-none-match": '"1"'}),
    ),
    row(
        "a-head-with-only-if-cached-takes-the-fresh",
        "9111 5.2.1.7",
        miss(says("max-age=60")),
        hit(method="HEAD", sent={"cache-control": "only-if-cached"}),
    ),
    row(
        "a-head-ends-nothing-that-is-fresh",
        "9111 4.4",
        miss(says("max-age=60")),
        hit(method="HEAD"),
        hit(after=1),
    ),
    row(
        "a-chunked-whole-says-its-length-to-head",
        "9110 8.6",
        miss(says("max-age=60", is_chunked=True)),
        hit(method="HEAD", gets={"content-length": "10", "transfer-encoding": None}),
    ),
    row(
        "a-window-of-stale-while-revalidate-answers-head",
        "5861 3",
        miss(says("max-age=60, stale-while-revalidate=30", **E1)),
        ask(says("max-age=60", status=304, **E1), after=70, behind=True, method="HEAD", status=200, age=70),
    ),
]
