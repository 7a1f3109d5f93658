"""Asking whether a stored response still holds, and what the answer does to it (RFC 9111, 4.3 and 3.2)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import BODY, ask, at, hit, holds, miss, row, says

E1: dict[str, Any] = {"etag": '"1"'}
L1: dict[str, Any] = {"last_modified": at(-1000)}
STALE = 61  # seconds after which max-age=60 is over

QUESTION = [
    row(
        "the-entity-tag-is-asked-for",
        "9111 4.3.1",
        miss(says("max-age=60", **E1)),
        ask(says("max-age=60", status=304, **E1), after=STALE, status=200, asked={"if-none-match": '"1"'}),
    ),
    row(
        "a-weak-entity-tag-is-asked-for-as-it-is",
        "9111 4.3.1",
        miss(says("max-age=60", etag='W/"1"')),
        ask(
            says("max-age=60", status=304, etag='W/"1"'),
            after=STALE,
            status=200,
            asked={"if-none-match": 'W/"1"'},
        ),
    ),
    row(
        "last-modified-is-asked-for",
        "9111 4.3.1",
        miss(says("max-age=60", **L1)),
        ask(
            says("max-age=60", status=304, **L1),
            after=STALE,
            status=200,
            asked={"if-modified-since": at(-1000), "if-none-match": None},
        ),
    ),
    row(
        "both-validators-are-asked-for",
        "9111 4.3.1",
        miss(says("max-age=60", **E1, **L1)),
        ask(
            says("max-age=60", status=304, **E1, **L1),
            after=STALE,
            status=200,
            asked={"if-none-match": '"1"', "if-modified-since": at(-1000)},
        ),
    ),
    row(
        "without-a-validator-the-whole-is-asked-for",
        "9111 4.3.1",
        miss(says("max-age=60")),
        ask(
            says("max-age=60", body=b"newer"),
            after=STALE,
            cache="fwd=stale; stored",
            asked={"if-none-match": None, "if-modified-since": None},
        ),
        hit(gives=b"newer"),
    ),
    row(
        "what-is-fresh-is-not-asked-for",
        "9111 4.2",
        miss(says("max-age=60", **E1)),
        hit(after=59),
    ),
    row(
        "an-empty-etag-is-a-validator",
        "9110 8.8.3",
        miss(says("max-age=60", etag='""')),
        ask(
            says("max-age=60", status=304, etag='""'), after=STALE, status=200, asked={"if-none-match": '""'}
        ),
    ),
]

UPDATE = [
    row(
        "a-304-makes-fresh-again",
        "9111 4.3.4",
        miss(says("max-age=60", **E1)),
        ask(says("max-age=60", status=304, **E1), after=STALE, status=200, cache="fwd=stale; fwd-status=304"),
        hit(after=59, age=59, cache="ttl=1"),
    ),
    row(
        "the-lifetime-of-the-304-counts",
        "9111 4.3.4",
        miss(says("max-age=60", **E1)),
        ask(
            says("max-age=300", status=304, **E1),
            after=STALE,
            status=200,
            gets={"cache-control": "max-age=300"},
        ),
        hit(after=299, gets={"cache-control": "max-age=300"}),
    ),
    row(
        "a-304-without-cache-control-leaves-the-old",
        "9111 3.2",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, **E1), after=STALE, status=200),
        hit(after=59, gets={"cache-control": "max-age=60"}),
    ),
    row(
        "the-expires-of-the-304-counts",
        "9111 4.3.4",
        miss(says(expires=at(60), **E1)),
        ask(says(status=304, expires=at(161), **E1), after=STALE, status=200),
        hit(after=99, gets={"expires": at(161)}),
    ),
    row(
        "the-date-of-the-304-takes-the-place-of-the-old",
        "9111 3.2",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, **E1), after=STALE, status=200, gets={"date": at(STALE)}),
        hit(after=1, gets={"date": at(STALE)}),
    ),
    row(
        "a-304-without-a-date-is-dated-on-arrival",
        "9110 6.6.1",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, is_dated=False, **E1), after=STALE, status=200),
        hit(after=9, age=9, gets={"date": at(STALE)}),
    ),
    row(
        "a-field-of-the-304-takes-the-place-of-the-old",
        "9111 3.2",
        miss(says("max-age=60", x_note="old", **E1)),
        ask(says(status=304, x_note="new", **E1), after=STALE, status=200, gets={"x-note": "new"}),
        hit(gets={"x-note": "new"}),
    ),
    row(
        "a-new-field-of-the-304-is-added",
        "9111 3.2",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, x_note="new", **E1), after=STALE, status=200),
        hit(gets={"x-note": "new"}),
    ),
    row(
        "a-field-that-the-304-does-not-name-stays",
        "9111 3.2",
        miss(says("max-age=60", x_note="old", **E1)),
        ask(says(status=304, **E1), after=STALE, status=200),
        hit(gets={"x-note": "old"}),
    ),
    row(
        "all-lines-of-a-field-are-replaced-at-once",
        "9111 3.2",
        miss(says("max-age=60", x_list=("a", "b"), **E1)),
        ask(says(status=304, x_list="c", **E1), after=STALE, status=200),
        hit(gets={"x-list": "c"}),
    ),
    row(
        "the-content-length-of-a-304-is-passed-over",
        "9111 3.2",
        miss(says("max-age=60", **E1)),
        ask(
            says(status=304, content_length="3", **E1), after=STALE, status=200, gets={"content-length": "10"}
        ),
        hit(gets={"content-length": "10"}),
    ),
    row(
        "the-content-encoding-of-a-304-is-passed-over",
        "9111 3.2",
        miss(says("max-age=60", content_encoding="gzip", **E1)),
        ask(says(status=304, content_encoding="br", **E1), after=STALE, status=200),
        hit(gets={"content-encoding": "gzip"}),
    ),
    row(
        "the-content-type-of-a-304-is-passed-over",
        "9111 3.2",
        miss(says("max-age=60", content_type="video/mp4", **E1)),
        ask(says(status=304, content_type="text/html", **E1), after=STALE, status=200),
        hit(gets={"content-type": "video/mp4"}),
    ),
    row(
        "the-content-range-of-a-304-is-passed-over",
        "9111 3.2",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, content_range="bytes 0-1/2", **E1), after=STALE, status=200),
        hit(gets={"content-range": None}),
    ),
    row(
        "fields-of-one-connection-in-a-304-are-passed-over",
        "9111 3.2",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, connection="x-hop", x_hop="1", **E1), after=STALE, status=200),
        hit(gets={"x-hop": None, "connection": None}),
    ),
    row(
        "a-304-may-forbid-further-keeping",
        "9111 4.3.4",
        miss(says("max-age=60", **E1)),
        ask(says("no-store", status=304, **E1), after=STALE, status=200),
        ask(says("no-store", body=b"newer"), may_ask=False, cache="fwd"),
    ),
    row(
        "a-304-may-bring-no-cache",
        "9111 4.3.4",
        miss(says("max-age=60", **E1)),
        ask(says("no-cache", status=304, **E1), after=STALE, status=200),
        ask(says("no-cache", status=304, **E1), status=200, asked={"if-none-match": '"1"'}),
    ),
    row(
        "a-304-with-the-same-weak-tag-updates",
        "9111 4.3.4",
        miss(says("max-age=60", etag='W/"1"')),
        ask(says("max-age=60", status=304, etag='W/"1"'), after=STALE, status=200),
        hit(after=1),
    ),
    row(
        "a-304-with-the-same-last-modified-updates",
        "9111 4.3.4",
        miss(says("max-age=60", **L1)),
        ask(says("max-age=60", status=304, **L1), after=STALE, status=200),
        hit(after=1),
    ),
    row(
        "a-304-of-another-strong-tag-updates-nothing",
        "9111 4.3.4",
        miss(says("max-age=60", **E1)),
        ask(
            (
                says("max-age=60", status=304, etag='"2"'),
                says("max-age=60", etag='"2"', body=b"newer"),
            ),
            after=STALE,
            status=200,
            gives=b"newer",
        ),
        hit(after=1, gives=b"newer", gets={"etag": '"2"'}),
    ),
    row(
        "a-304-of-another-last-modified-updates-nothing",
        "9111 4.3.4",
        miss(says("max-age=60", **L1)),
        ask(
            (
                says("max-age=60", status=304, last_modified=at(-10)),
                says("max-age=60", last_modified=at(-10), body=b"newer"),
            ),
            after=STALE,
            status=200,
            gives=b"newer",
        ),
    ),
    row(
        "validated-each-time-it-becomes-stale",
        "9111 4.3",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, **E1), after=STALE, status=200),
        ask(says(status=304, **E1), after=STALE, status=200, asked={"if-none-match": '"1"'}),
        hit(after=1),
    ),
]

OF_OTHERS = [
    *(
        row(
            f"a-stored-{status}-is-validated-too",
            "9111 4.3.4",
            miss(says("max-age=60", status=status, **E1)),
            ask(
                says("max-age=60", status=304, **E1),
                after=STALE,
                status=status,
                gives=b"" if status == 204 else BODY,
                asked={"if-none-match": '"1"'},
            ),
            hit(after=1, status=status, gives=b"" if status == 204 else BODY, age=1),
        )
        for status in (203, 204, 301, 404, 410)
    ),
    row(
        "a-304-nobody-asked-for-is-not-kept",
        "9110 15.4.5",
        ask(says("max-age=60", status=304, **E1), status=(304, 502), gives=None),
        ask(says("max-age=60"), after=1),
    ),
    row(
        "a-clock-that-was-set-back-makes-nothing-younger-than-0",
        "9111 4.2.3",
        miss(says("max-age=60")),
        hit(after=-5, age=0),
    ),
]

REPLACE = [
    row(
        "a-200-takes-the-place-of-the-old",
        "9111 4.3.3",
        miss(says("max-age=60", **E1)),
        ask(
            says("max-age=60", etag='"2"', body=b"newer"),
            after=STALE,
            cache="fwd=stale; fwd-status=200; stored",
        ),
        hit(after=1, gives=b"newer", gets={"etag": '"2"'}),
    ),
    row(
        "a-200-that-may-not-be-kept-ends-the-old",
        "9111 4.3.3",
        miss(says("max-age=60", **E1)),
        ask(says("no-store", body=b"newer"), after=STALE),
        ask(says("max-age=60", body=b"newest"), sent={"cache-control": "max-stale"}),
    ),
    row(
        "fields-of-the-old-do-not-live-on-in-the-new",
        "9111 4.3.3",
        miss(says("max-age=60", x_note="old", **E1)),
        ask(says("max-age=60", etag='"2"', body=b"newer"), after=STALE, gets={"x-note": None}),
        hit(gives=b"newer", gets={"x-note": None}),
    ),
    row(
        "a-404-to-a-validation-goes-to-the-client",
        "9111 4.3.3",
        miss(says("max-age=60", **E1)),
        ask(says("max-age=5", status=404, body=b"gone"), after=STALE, cache="fwd=stale; fwd-status=404"),
        hit(after=1, status=404, gives=b"gone"),
    ),
    row(
        "a-410-to-a-validation-ends-the-old",
        "9111 4.3.3",
        miss(says("max-age=60", **E1)),
        ask(says("no-store", status=410, body=b"gone"), after=STALE),
        ask(says("max-age=60", body=b"newest"), sent={"cache-control": "max-stale"}),
    ),
    row(
        "a-500-to-a-validation-may-go-to-the-client-and-costs-nothing",
        "9111 4.3.3",
        miss(says("max-age=60", **E1)),
        ask(says(status=500, body=b"trouble"), after=STALE),
        ask(says("max-age=60", status=304, **E1), status=200, asked={"if-none-match": '"1"'}),
    ),
    row(
        "a-validation-that-is-cut-costs-nothing",
        "9111 4.3.3",
        miss(says("max-age=60", **E1)),
        ask(
            (says("max-age=60", etag='"2"', body=b"newer", cut_after=2),) * 5,
            after=STALE,
            may_ask=True,
            is_cut=True,
            status=200,
        ),
        ask(holds("max-age=60", etag='"2"', body=b"newer"), gives=b"newer"),
    ),
]

CLIENTS_CONDITION = [
    row(
        "a-304-to-a-client-that-names-nothing-updates-nothing",
        "9111 4.3.4",
        miss(says("max-age=60", **E1)),
        ask(
            says("max-age=60", status=304),
            after=STALE,
            sent={"if-none-match": '"0"', "cache-control": "no-store"},
            status=304,
        ),
        ask(says("max-age=60", etag='"0"', body=b"the old again"), after=1, status=200),
    ),
    row(
        "a-304-of-a-weak-tag-confirms-the-strong-one-of-its-kind",
        "9111 4.3.4",
        miss(says("max-age=60", **E1)),
        ask(says("max-age=60", status=304, etag='W/"1"'), after=STALE, status=200),
    ),
    row(
        "a-304-of-the-same-tag-may-bring-another-date",
        "9111 4.3.4",
        miss(says("max-age=60", last_modified=at(-100), **E1)),
        ask(says("max-age=60", status=304, last_modified=at(-10), **E1), after=STALE, status=200),
        hit(after=1),
    ),
    row(
        "a-304-to-a-question-without-a-condition-is-an-error",
        "9110 15.4.5",
        ask(says("max-age=60", status=304, **E1), status=502),
    ),
    row(
        "a-client-that-holds-the-same-gets-304-after-validation",
        "9111 4.3.2",
        miss(says("max-age=60", **E1)),
        ask(holds("max-age=60", **E1), after=STALE, sent={"if-none-match": '"1"'}, status=304),
        hit(after=1, age=1),
    ),
    row(
        "a-client-that-holds-another-gets-the-whole-after-validation",
        "9111 4.3.2",
        miss(says("max-age=60", **E1)),
        ask(holds("max-age=60", **E1), after=STALE, sent={"if-none-match": '"0"'}, status=200),
        hit(after=1, age=1),
    ),
    row(
        "a-client-that-holds-what-is-new-gets-304-for-it",
        "9111 4.3.2",
        miss(says("max-age=60", **E1)),
        ask(
            holds("max-age=60", etag='"2"', body=b"newer"),
            after=STALE,
            sent={"if-none-match": '"2"'},
            status=304,
            gets={"etag": '"2"'},
        ),
        ask(holds("max-age=60", etag='"2"', body=b"newer"), after=1, may_ask=True, gives=b"newer"),
    ),
    row(
        "the-fields-of-a-304-for-the-client-are-merged",
        "9111 4.3.4",
        miss(says("max-age=60", x_note="old", **E1)),
        ask(says("max-age=60", status=304, x_note="new", **E1), after=STALE, sent={"if-none-match": '"1"'}),
        hit(after=1, gets={"x-note": "new"}),
    ),
    row(
        "a-client-with-if-modified-since-gets-304-after-validation",
        "9111 4.3.2",
        miss(says("max-age=60", **L1)),
        ask(holds("max-age=60", **L1), after=STALE, sent={"if-modified-since": at(-1000)}, status=304),
        hit(after=1, age=1),
    ),
    row(
        "a-cold-condition-of-a-client-that-holds-it-gives-304",
        "9110 13.1.2",
        ask(holds("max-age=60", **E1), sent={"if-none-match": '"1"'}, status=304, gets={"etag": '"1"'}),
    ),
    row(
        "a-304-to-a-cold-condition-is-not-kept-as-an-answer",
        "9111 3",
        ask(holds("max-age=60", **E1), sent={"if-none-match": '"1"'}, status=304),
        ask(holds("max-age=60", **E1), after=1, may_ask=True, status=200),
    ),
    row(
        "a-cold-condition-of-a-client-that-holds-another-gives-200",
        "9110 13.1.2",
        ask(holds("max-age=60", **E1), sent={"if-none-match": '"0"'}, status=200),
    ),
    row(
        "no-cache-of-a-client-with-a-condition-validates-both",
        "9111 5.2.1.4",
        miss(says("max-age=60", **E1)),
        ask(
            holds("max-age=60", **E1),
            after=10,
            sent={"if-none-match": '"1"', "cache-control": "no-cache"},
            status=304,
        ),
        hit(after=1, age=1),
    ),
]

ROWS = [*QUESTION, *UPDATE, *OF_OTHERS, *REPLACE, *CLIENTS_CONDITION]
