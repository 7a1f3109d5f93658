"""Large representations of which only parts are stored (RFC 9111, 3.3, 3.4 and 4.3; RFC 9110, 14 and 15.3.7).

How much a cache fetches around a range is its own business. So these rows say what the client must get, which
ranges must be hits, and which must not be answered without a word to the origin.
"""

from __future__ import annotations

from typing import Any

from tests.conformance.words import DEAD, Resource, Step, Value, ask, at, hit, holds, row, says

E1: dict[str, Any] = {"etag": '"1"'}
E2: dict[str, Any] = {"etag": '"2"'}
WEAK: dict[str, Any] = {"etag": 'W/"1"'}
L1: dict[str, Any] = {"last_modified": at(-100_000)}
L2: dict[str, Any] = {"last_modified": at(-50_000)}
SIZE = 10_240  # two slices and a half, as the edge under test is set up
BIG = b"".join(b"%04d" % number for number in range(SIZE // 4))
OTHER = BIG[::-1]
ONE = holds("max-age=600", body=BIG, **E1)


def part(first: int, last: int, **more: Value) -> dict[str, Value]:
    return {
        "range": f"bytes={first}-{last}",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }


def fetched(
    first: int, last: int, origin: Resource = ONE, *, after: float = 0, cache: str = "fwd", **more: Value
) -> Step:
    """The range comes from the origin, in however many questions."""
    return ask(
        (origin,) * 5,
        may_ask=True,
        after=after,
        sent=part(first, last, **more),
        status=206,
        gives=origin.body[first : last + 1],
        gets={"content-range": f"bytes {first}-{last}/{len(origin.body)}"},
        cache=cache,
    )


def held(
    first: int, last: int, *, body: bytes = BIG, after: float = 0, age: int | None = None, **more: Value
) -> Step:
    """The range comes from what is stored, without a word to the origin."""
    return hit(
        after=after,
        age=age,
        sent=part(first, last, **more),
        status=206,
        gives=body[first : last + 1],
        gets={"content-range": f"bytes {first}-{last}/{len(body)}", "content-length": str(last - first + 1)},
    )


def whole(origin: Resource = ONE, *, after: float = 0, **sent: Value) -> Step:
    """The whole is answered as a whole, wherever it comes from."""
    fields = {name.replace("_", "-"): value for name, value in sent.items()}
    return ask(
        (origin,) * 5,
        may_ask=True,
        after=after,
        sent=fields,
        status=200,
        gives=origin.body,
        gets={"content-range": None, "content-length": str(len(origin.body))},
    )


FROM_PARTS = [
    row("a-range-of-a-large-body-is-answered-by-206", "9110 14.2", fetched(100, 199)),
    row("what-was-fetched-is-a-hit", "9111 3.3", fetched(100, 199), held(100, 199, after=5, age=5)),
    row("a-range-inside-is-a-hit", "9111 3.3", fetched(100, 199), held(120, 130, after=1)),
    row("a-range-at-the-end", "9110 14.1.2", fetched(10_200, 10_239), held(10_200, 10_239)),
    row("a-range-across-is-one-answer", "9110 14.2", fetched(4000, 4200), held(4000, 4200, after=1)),
    row("a-range-over-the-whole-is-206", "9110 14.2", fetched(0, 10_239), held(4000, 9000, after=1)),
    row(
        "a-range-elsewhere-is-fetched",
        "9111 3.3",
        fetched(0, 99),
        fetched(9000, 9099, after=1),
        held(0, 99),
        held(9000, 9099),
    ),
    row(
        "a-range-half-stored-is-fwd-partial",
        "9211 2.2",
        fetched(0, 99),
        fetched(50, 8999, cache="fwd=partial"),
    ),
    row("parts-are-no-whole", "9111 3.3", fetched(0, 99), whole(after=1)),
    row(
        "parts-become-a-whole",
        "9111 3.4",
        fetched(0, 4095),
        fetched(4096, 8191),
        fetched(8192, 10_239),
        hit(after=1, gives=BIG, gets={"content-range": None, "content-length": "10240"}),
    ),
    row(
        "the-order-of-parts-does-not-count",
        "9111 3.4",
        fetched(8192, 10_239),
        fetched(0, 4095),
        fetched(4096, 8191),
        hit(after=1, gives=BIG),
    ),
    row(
        "once-a-whole-every-range-is-a-hit",
        "9111 3.4",
        fetched(0, 10_239),
        held(0, 0),
        held(10_239, 10_239),
        held(4090, 8200),
    ),
    row(
        "a-suffix-of-what-is-stored-is-a-hit",
        "9110 14.1.2",
        fetched(10_000, 10_239),
        hit(
            sent={"range": "bytes=-10"},
            status=206,
            gives=BIG[-10:],
            gets={"content-range": "bytes 10230-10239/10240"},
        ),
    ),
    row(
        "a-cold-suffix",
        "9110 14.1.2",
        ask(
            (ONE,) * 3,
            may_ask=True,
            sent={"range": "bytes=-10"},
            status=206,
            gives=BIG[-10:],
            gets={"content-range": "bytes 10230-10239/10240"},
        ),
    ),
    row(
        "an-open-range",
        "9110 14.1.2",
        ask(
            (ONE,) * 5,
            may_ask=True,
            sent={"range": "bytes=9000-"},
            status=206,
            gives=BIG[9000:],
            gets={"content-range": "bytes 9000-10239/10240"},
        ),
    ),
    row(
        "an-end-beyond-the-end-of-parts",
        "9110 14.1.2",
        fetched(10_000, 10_239),
        hit(
            sent={"range": "bytes=10200-99999"},
            status=206,
            gives=BIG[10_200:],
            gets={"content-range": "bytes 10200-10239/10240"},
        ),
    ),
    row(
        "a-range-beyond-what-parts-know-is-416",
        "9110 15.5.17",
        fetched(0, 99),
        ask(
            (ONE,) * 2,
            may_ask=True,
            sent={"range": "bytes=10240-"},
            status=416,
            gets={"content-range": "bytes */10240"},
        ),
    ),
    row(
        "a-cold-range-beyond-a-large-end-is-416",
        "9110 15.5.17",
        ask(
            (ONE,) * 3,
            may_ask=True,
            sent={"range": "bytes=99999-"},
            status=416,
            gets={"content-range": "bytes */10240"},
        ),
    ),
    row(
        "several-ranges-out-of-parts",
        "9110 15.3.7.2",
        fetched(0, 10_239),
        hit(
            sent={"range": "bytes=0-3,8000-8003"},
            status=206,
            parts={"bytes 0-3/10240": BIG[:4], "bytes 8000-8003/10240": BIG[8000:8004]},
        ),
    ),
    row(
        "the-fields-of-a-part-are-those-of-the-whole",
        "9110 15.3.7",
        ask(
            (holds("max-age=600", body=BIG, content_type="video/mp4", x_note="n", **E1),) * 3,
            may_ask=True,
            sent=part(0, 9),
            status=206,
            gives=BIG[:10],
        ),
        hit(
            sent=part(0, 9),
            status=206,
            gives=BIG[:10],
            gets={"content-type": "video/mp4", "x-note": "n", "etag": '"1"', "cache-control": "max-age=600"},
        ),
    ),
]

CONDITIONS = [
    row("if-range-of-the-stored-tag", "9110 13.1.5", fetched(0, 99), held(0, 99, if_range='"1"')),
    row(
        "if-range-of-another-tag-is-the-whole",
        "9110 13.1.5",
        fetched(0, 99),
        ask((ONE,) * 5, may_ask=True, sent=part(0, 99, if_range='"0"'), status=200, gives=BIG),
    ),
    row(
        "if-none-match-of-the-stored-tag",
        "9110 13.2.2",
        fetched(0, 99),
        ask((ONE,) * 2, may_ask=True, sent=part(0, 99, if_none_match='"1"'), status=304),
    ),
    row(
        "if-none-match-of-the-stored-tag-without-a-range",
        "9110 13.1.2",
        fetched(0, 99),
        ask((ONE,) * 2, may_ask=True, sent={"if-none-match": '"1"'}, status=304),
    ),
    row(
        "a-cold-if-range-that-fails-is-the-whole",
        "9110 13.1.5",
        ask((ONE,) * 5, may_ask=True, sent=part(0, 99, if_range='"0"'), status=200, gives=BIG),
    ),
    row(
        "a-cold-if-range-that-holds-is-the-part",
        "9110 13.1.5",
        ask((ONE,) * 5, may_ask=True, sent=part(0, 99, if_range='"1"'), status=206, gives=BIG[:100]),
    ),
    row(
        "a-head-of-what-is-partly-stored",
        "9110 9.3.2",
        fetched(0, 99),
        ask(
            (ONE,) * 2,
            may_ask=True,
            method="HEAD",
            status=200,
            gets={"content-length": "10240", "content-range": None},
        ),
    ),
]

CHANGES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("two-strong-tags", E1, E2),
    ("one-weak-tag", WEAK, WEAK),
    ("no-validator", {}, {}),
    ("a-strong-and-a-weak-tag", E1, WEAK),
    ("two-dates", L1, L2),
]

UNCHANGED: list[tuple[str, dict[str, Any]]] = [
    ("a-weak-tag", WEAK),
    ("a-date", L1),
    ("no-validator", {}),
]

NEVER_MIXED = [
    *(
        row(
            f"a-second-range-of-an-unchanged-body-with-{name}",
            "9110 14.2",
            fetched(0, 99, holds("max-age=600", body=BIG, **validators)),
            fetched(9000, 9099, holds("max-age=600", body=BIG, **validators), after=1),
        )
        for name, validators in UNCHANGED
    ),
    *(
        row(
            f"large-parts-of-{name}-are-never-mixed",
            "9111 3.4",
            ask(
                (holds("max-age=600", body=BIG, **old),) * 5,
                may_ask=True,
                sent=part(0, 99),
                status=206,
                gives=BIG[:100],
            ),
            ask(
                (holds("max-age=600", body=OTHER, **new),) * 5,
                after=1,
                may_ask=True,
                sent=part(9000, 9099),
                status=206,
                gives=(BIG[9000:9100], OTHER[9000:9100]),
            ),
            ask(
                (holds("max-age=600", body=OTHER, **new),) * 5,
                after=1,
                may_ask=True,
                status=200,
                gives=(BIG, OTHER),
                is_cut=None,
            ),
        )
        for name, old, new in CHANGES
        if name != "two-strong-tags"
    ),
    row(
        "a-range-across-a-change-is-of-one-or-cut",
        "9111 3.4",
        fetched(0, 99),
        ask(
            (holds("max-age=600", body=OTHER, **E2),) * 5,
            after=1,
            may_ask=True,
            sent=part(0, 9099),
            status=206,
            gives=(OTHER[:9100], BIG[:4096], b""),
            is_cut=None,
        ),
    ),
    row(
        "a-change-that-was-seen-costs-no-second-answer",
        "9111 3.4",
        fetched(0, 99),
        ask(
            (holds("max-age=600", body=OTHER, **E2),) * 5,
            after=1,
            may_ask=True,
            sent=part(9000, 9099),
            status=206,
            gives=(OTHER[9000:9100], b""),
            is_cut=None,
        ),
        fetched(9000, 9099, holds("max-age=600", body=OTHER, **E2), after=1, cache=""),
    ),
    row(
        "a-change-that-is-seen-before-a-byte-is-sent-cuts-nothing",
        "9111 3.4",
        fetched(0, 99),
        fetched(9000, 9099, holds("max-age=600", body=OTHER, **E2), after=1),
    ),
    row(
        "an-origin-that-now-answers-with-the-whole-cuts-nothing",
        "9110 14.2",
        fetched(0, 99),
        ask(
            (says("max-age=600", body=OTHER, **E2),) * 5,
            after=1,
            may_ask=True,
            sent=part(9000, 9099),
            status=(200, 206),
            gives=(OTHER, OTHER[9000:9100]),
        ),
    ),
    row(
        "another-length-under-the-same-tag-is-not-combined",
        "9111 3.4",
        fetched(0, 99),
        ask(
            (holds("max-age=600", body=OTHER[:9500], **E1),) * 5,
            after=1,
            may_ask=True,
            sent=part(9000, 9099),
            status=206,
            gives=(OTHER[9000:9100], b""),
            is_cut=None,
        ),
        ask(
            (holds("max-age=600", body=OTHER[:9500], **E1),) * 5,
            after=1,
            may_ask=True,
            status=200,
            gives=(OTHER[:9500], b"", BIG[:4096]),
            is_cut=None,
        ),
    ),
]

STALE = [
    row("a-stale-part-is-asked-for", "9111 4.2", fetched(0, 99), fetched(0, 99, after=601)),
    row(
        "a-stale-part-is-validated-by-its-tag",
        "9111 4.3.1",
        fetched(0, 99),
        fetched(0, 99, after=601),
        held(0, 99, after=599, age=599),
    ),
    row(
        "a-stale-part-that-changed-is-of-the-new",
        "9111 4.3.3",
        fetched(0, 99),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=601),
        held(0, 99, body=OTHER, after=1),
    ),
    row(
        "other-parts-of-what-changed-are-gone",
        "9111 3.4",
        fetched(0, 4095),
        fetched(8192, 9000),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=601),
        fetched(8192, 9000, holds("max-age=600", body=OTHER, **E2), after=1),
    ),
    row("parts-age", "9111 4.2.3", fetched(0, 99), held(0, 99, after=599, age=599)),
    row(
        "a-part-may-not-outlive-its-lifetime-through-another",
        "9111 4.2",
        fetched(0, 99),
        fetched(9000, 9099, after=599),
        ask(
            (holds("max-age=600", body=BIG, **E1),) * 5,
            after=602,
            may_ask=True,
            sent=part(0, 99),
            status=206,
            gives=BIG[:100],
            cache="fwd",
        ),
    ),
    row(
        "must-revalidate-parts-and-a-dead-origin",
        "9111 5.2.2.2",
        fetched(0, 99, holds("max-age=600, must-revalidate", body=BIG, **E1)),
        ask(DEAD, after=601, sent=part(0, 99), status=504),
    ),
    row(
        "fresh-parts-and-a-dead-origin",
        "9111 4.2",
        fetched(0, 99),
        ask(DEAD, after=1, sent=part(0, 99), status=206, gives=BIG[:100], cache="hit"),
    ),
    row(
        "stale-parts-and-a-dead-origin",
        "9111 4.2.4",
        fetched(0, 99),
        ask(DEAD, after=601, sent=part(0, 99), status=(206, 502, 504), gives=None),
    ),
]

WISHES = [
    row(
        "no-cache-of-a-client-asks-for-a-part",
        "9111 5.2.1.4",
        fetched(0, 99),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=1, cache_control="no-cache"),
    ),
    row(
        "max-age-of-a-client-asks-for-a-part",
        "9111 5.2.1.1",
        fetched(0, 99),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=11, cache_control="max-age=10"),
    ),
    row(
        "max-age-of-a-client-takes-a-young-part",
        "9111 5.2.1.1",
        fetched(0, 99),
        held(0, 99, after=10, cache_control="max-age=10"),
    ),
    row(
        "min-fresh-of-a-client-asks-for-a-part",
        "9111 5.2.1.3",
        fetched(0, 99),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=500, cache_control="min-fresh=200"),
    ),
    row(
        "pragma-asks-for-a-part",
        "9111 5.4",
        fetched(0, 99),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=1, pragma="no-cache"),
    ),
    row(
        "only-if-cached-takes-a-part",
        "9111 5.2.1.7",
        fetched(0, 99),
        held(0, 99, after=1, cache_control="only-if-cached"),
    ),
    row(
        "only-if-cached-without-the-part-is-504",
        "9111 5.2.1.7",
        fetched(0, 99),
        ask(None, sent=part(9000, 9099, cache_control="only-if-cached"), status=504),
    ),
    row(
        "only-if-cached-with-parts-for-a-whole-is-504",
        "9111 5.2.1.7",
        fetched(0, 99),
        ask(None, sent={"cache-control": "only-if-cached"}, status=504),
    ),
    row(
        "no-store-of-a-client-leaves-no-part",
        "9111 5.2.1.5",
        ask(
            (ONE,) * 3, may_ask=True, sent=part(0, 99, cache_control="no-store"), status=206, gives=BIG[:100]
        ),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=1),
    ),
    row(
        "no-cache-in-the-response-asks-for-a-part-each-time",
        "9111 5.2.2.4",
        fetched(0, 99, holds("max-age=600, no-cache", body=BIG, **E1)),
        fetched(0, 99, holds("max-age=600, no-cache", body=OTHER, **E2), after=1),
    ),
    row(
        "authorization-leaves-no-part",
        "9111 3.5",
        ask((ONE,) * 3, may_ask=True, sent=part(0, 99, authorization="x"), status=206, gives=BIG[:100]),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2), after=1),
    ),
    row(
        "a-change-ends-large-parts",
        "9111 4.4",
        fetched(0, 99),
        ask(says(status=204), method="PUT", body=b"x"),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2)),
    ),
    row(
        "a-group-ends-large-parts",
        "9875 3",
        fetched(0, 99, holds("max-age=600", body=BIG, cache_groups='"live"', **E1)),
        ask(says(status=204, cache_group_invalidation='"live"'), method="POST", at="/c"),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2)),
    ),
    row(
        "the-head-of-a-change-ends-large-parts",
        "9111 4.4",
        fetched(0, 99),
        ask(says(status=201, location="/it"), method="POST", at="/c"),
        fetched(0, 99, holds("max-age=600", body=OTHER, **E2)),
    ),
    row(
        "large-parts-vary",
        "9111 4.1",
        fetched(0, 99, holds("max-age=600", body=BIG, vary="x-a", **E1), x_a="1"),
        fetched(0, 99, holds("max-age=600", body=OTHER, vary="x-a", **E2), x_a="2"),
        held(0, 99, after=1, x_a="1"),
    ),
    row(
        "large-parts-of-vary-star-are-used-for-nobody",
        "9111 4.1",
        ask(
            (holds("max-age=600", body=BIG, vary="*", **E1),) * 3,
            may_ask=True,
            sent=part(0, 99),
            status=206,
            gives=BIG[:100],
        ),
        ask(
            (holds("max-age=600", body=OTHER, vary="*", **E2),) * 3,
            may_ask=True,
            after=1,
            sent=part(0, 99),
            status=206,
            gives=OTHER[:100],
        ),
    ),
    row(
        "a-targeted-lifetime-holds-for-parts",
        "9213 2.2",
        fetched(0, 99, holds("max-age=5", body=BIG, cdn_cache_control="max-age=600", **E1)),
        held(0, 99, after=599),
    ),
    row(
        "a-part-of-an-uncacheable-body-is-still-a-part",
        "9110 14.2",
        ask(
            (holds("no-store", body=BIG, **E1),) * 3,
            may_ask=True,
            sent=part(100, 199),
            status=206,
            gives=BIG[100:200],
        ),
    ),
]

ODD_ORIGINS = [
    row(
        "a-206-nobody-asked-for-is-not-kept",
        "9110 15.3.7",
        ask(
            says("max-age=60", status=206, body=b"01234", content_range="bytes 0-4/10", **E1),
            status=(200, 206, 502),
            gives=None,
        ),
        ask((says("max-age=60"),) * 3, after=1, may_ask=True, status=200, gives=b"0123456789"),
    ),
    row(
        "a-416-is-not-kept-for-the-whole",
        "9110 15.5.17",
        ask(
            (says("max-age=60", status=416, body=b"", content_range="bytes */5"),) * 2,
            may_ask=True,
            sent=part(10, 19),
            status=416,
        ),
        ask(says("max-age=60"), after=1),
    ),
    row(
        "a-part-of-another-range-than-was-asked-is-not-passed-off",
        "9110 15.3.7",
        ask(
            (says("max-age=60", status=206, body=b"789", content_range="bytes 7-9/10", **E1),) * 5,
            may_ask=True,
            sent=part(2, 4),
            status=(206, 416, 502, 504),
            gives=None,
            is_cut=None,
        ),
        ask(
            (holds("max-age=60", **E1),) * 3, after=1, may_ask=True, sent=part(2, 4), status=206, gives=b"234"
        ),
    ),
    row(
        "a-part-shorter-than-it-says-is-not-kept",
        "9110 15.3.7",
        ask(
            (says("max-age=60", status=206, body=b"234", content_range="bytes 0-9/10", **E1),) * 5,
            may_ask=True,
            sent=part(0, 9),
            status=(206, 502),
            gives=None,
            is_cut=None,
        ),
        ask(
            (holds("max-age=60", **E1),) * 3,
            after=1,
            may_ask=True,
            sent=part(0, 9),
            status=206,
            gives=b"0123456789",
        ),
    ),
]

ROWS = [*FROM_PARTS, *CONDITIONS, *NEVER_MIXED, *STALE, *WISHES, *ODD_ORIGINS]
