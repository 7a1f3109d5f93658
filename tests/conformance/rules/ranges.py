"""Parts of a representation (RFC 9110, 14 and 15.3.7; RFC 9111, 3.3 and 3.4)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import BODY, Answer, Row, ask, at, hit, holds, miss, row, says

E1: dict[str, Any] = {"etag": '"1"'}
L1: dict[str, Any] = {"last_modified": at(-100_000)}
WHOLE = says("max-age=60", **E1)
OLD, NEW = b"aaaaaaaaaa", b"bbbbbbbbbb"
LONG = b"".join(b"%04d" % number for number in range(1000))

Validators = dict[str, Any]
CHANGES: list[tuple[str, Validators, Validators]] = [  # what it is, the validators before and after
    ("two-strong-tags", E1, {"etag": '"2"'}),
    ("one-weak-tag", {"etag": 'W/"1"'}, {"etag": 'W/"1"'}),
    ("no-validator", {}, {}),
    ("a-strong-and-a-weak-tag", E1, {"etag": 'W/"1"'}),
    ("two-dates", L1, {"last_modified": at(-50_000)}),
]
GOING_ON: list[tuple[str, Validators, Validators]] = [
    ("another-strong-tag", E1, {"etag": '"2"'}),
    ("the-same-weak-tag", {"etag": 'W/"1"'}, {"etag": 'W/"1"'}),
    ("nobody-knows-what", {}, {}),
]


def part(wanted: str, **more: str) -> dict[str, str]:
    return {"range": f"bytes={wanted}", **{name.replace("_", "-"): value for name, value in more.items()}}


def cut(rule: str, section: str, wanted: str, said: str, body: bytes, *, whole: bytes = BODY) -> Row:
    """The range `wanted` of a stored whole is answered by this cache."""
    return row(
        rule,
        section,
        miss(says("max-age=60", body=whole, **E1)),
        hit(
            sent={"range": wanted},
            status=206,
            gives=body,
            gets={"content-range": said, "content-length": str(len(body))},
        ),
    )


def ignored(rule: str, section: str, sent: dict[str, str], answer: Answer = WHOLE) -> Row:
    """The Range counts for nothing: the stored whole is the answer."""
    return row(
        rule,
        section,
        miss(answer),
        hit(sent=sent, status=200, gives=answer.body, gets={"content-range": None}),
    )


def unsatisfiable(rule: str, section: str, wanted: str, body: bytes = BODY) -> Row:
    return row(
        rule,
        section,
        miss(says("max-age=60", body=body, **E1)),
        hit(sent={"range": wanted}, status=416, gets={"content-range": f"bytes */{len(body)}"}),
    )


def several(rule: str, section: str, wanted: str, parts: dict[str, bytes]) -> Row:
    """Ranges of a stored body of 4000 bytes, too far apart to be sent as one."""
    return row(
        rule,
        section,
        miss(says("max-age=60", body=LONG, **E1)),
        hit(sent={"range": wanted}, status=206, parts=parts),
    )


FROM_A_WHOLE = [
    cut("the-first-bytes", "9110 14.1.2", "bytes=0-3", "bytes 0-3/10", b"0123"),
    cut("bytes-of-the-middle", "9110 14.1.2", "bytes=4-6", "bytes 4-6/10", b"456"),
    cut("a-single-byte", "9110 14.1.2", "bytes=9-9", "bytes 9-9/10", b"9"),
    cut("an-open-end", "9110 14.1.2", "bytes=7-", "bytes 7-9/10", b"789"),
    cut("everything-as-a-range", "9110 14.1.2", "bytes=0-", "bytes 0-9/10", BODY),
    cut("an-end-beyond-the-end", "9110 14.1.2", "bytes=8-99", "bytes 8-9/10", b"89"),
    cut("an-end-beyond-any-number", "9110 14.1.2", "bytes=8-99999999999999999999999", "bytes 8-9/10", b"89"),
    cut("the-last-bytes", "9110 14.1.2", "bytes=-3", "bytes 7-9/10", b"789"),
    cut("more-last-bytes-than-there-are", "9110 14.1.2", "bytes=-99", "bytes 0-9/10", BODY),
    cut("the-unit-has-no-case", "9110 14.1", "BYTES=0-3", "bytes 0-3/10", b"0123"),
    cut("empty-members-of-a-range-set", "9110 5.6.1.2", "bytes=,0-3,", "bytes 0-3/10", b"0123"),
    unsatisfiable("a-first-byte-beyond-the-end", "9110 15.5.17", "bytes=10-"),
    unsatisfiable("a-range-beyond-the-end", "9110 15.5.17", "bytes=50-60"),
    unsatisfiable("the-last-0-bytes", "9110 14.1.2", "bytes=-0"),
    unsatisfiable("any-byte-of-an-empty-body", "9110 15.5.17", "bytes=0-", body=b""),
    unsatisfiable("no-range-of-several-can-be-met", "9110 15.5.17", "bytes=10-12, 20-"),
    ignored("a-first-after-its-last-is-invalid", "9110 14.1.1", part("5-2")),
    ignored("a-range-of-letters-is-invalid", "9110 14.1.1", part("a-b")),
    ignored("an-empty-range-set-is-invalid", "9110 14.1.1", part("")),
    ignored("a-dash-alone-is-invalid", "9110 14.1.1", part("-")),
    ignored("one-invalid-of-several-spoils-all", "9110 14.1.1", part("0-1,x")),
    ignored("an-unknown-unit", "9110 14.2", {"range": "seconds=0-3"}),
    ignored("a-unit-without-ranges", "9110 14.1.1", {"range": "bytes"}),
    row(
        "a-head-has-no-ranges",
        "9110 14.2",
        miss(WHOLE),
        hit(method="HEAD", sent=part("0-3"), status=200, gets={"content-range": None}),
    ),
    row(
        "a-range-of-a-stored-404-counts-for-nothing",
        "9110 14.2",
        miss(says("max-age=60", status=404, body=b"none")),
        hit(sent=part("0-1"), status=404, gives=b"none"),
    ),
    row(
        "a-206-repeats-what-a-cache-below-needs",
        "9110 15.3.7",
        miss(
            says(
                "max-age=60",
                expires=at(60),
                vary="x-a",
                content_location="/it.mp4",
                content_type="video/mp4",
                **E1,
            )
        ),
        hit(
            sent=part("0-3"),
            status=206,
            gives=b"0123",
            gets={
                "date": at(0),
                "cache-control": "max-age=60",
                "etag": '"1"',
                "expires": at(60),
                "vary": "x-a",
                "content-location": "/it.mp4",
                "content-type": "video/mp4",
            },
        ),
    ),
    row(
        "a-range-of-what-is-stale-is-validated-as-a-whole",
        "9111 4.3.1",
        miss(WHOLE),
        ask(
            holds("max-age=60", **E1),
            after=61,
            sent=part("0-3"),
            status=206,
            gives=b"0123",
            asked={"if-none-match": '"1"'},
        ),
        hit(after=1),
    ),
    row(
        "a-range-of-what-was-replaced-is-of-the-new",
        "9111 4.3.3",
        miss(says("max-age=60", body=OLD, **E1)),
        ask(
            holds("max-age=60", body=NEW, etag='"2"'),
            after=61,
            sent=part("0-3"),
            status=206,
            gives=b"bbbb",
            gets={"etag": '"2"'},
        ),
    ),
    row(
        "a-whole-says-that-ranges-are-served",
        "9110 14.3",
        miss(says("max-age=60", accept_ranges="bytes")),
        hit(gets={"accept-ranges": "bytes"}),
    ),
]

SEVERAL = [
    several(
        "two-ranges-are-two-parts",
        "9110 15.3.7.2",
        "bytes=0-3,2000-2003",
        {"bytes 0-3/4000": b"0000", "bytes 2000-2003/4000": b"0500"},
    ),
    several(
        "a-range-and-the-last-bytes",
        "9110 15.3.7.2",
        "bytes=0-0, -2",
        {"bytes 0-0/4000": b"0", "bytes 3998-3999/4000": b"99"},
    ),
    several(
        "three-ranges-with-white-space",
        "9110 14.1.1",
        "bytes=0-0 ,2000-2003\t, 3996-",
        {"bytes 0-0/4000": b"0", "bytes 2000-2003/4000": b"0500", "bytes 3996-3999/4000": b"0999"},
    ),
    several(
        "of-several-those-that-can-be-met",
        "9110 14.1.2",
        "bytes=0-3,9000-,2000-2003",
        {"bytes 0-3/4000": b"0000", "bytes 2000-2003/4000": b"0500"},
    ),
    row(
        "ranges-that-touch-may-be-one-part",
        "9110 15.3.7.2",
        miss(says("max-age=60", body=LONG, **E1)),
        hit(sent=part("0-3,4-7"), status=206, gives=b"00000001", gets={"content-range": "bytes 0-7/4000"}),
    ),
    row(
        "a-cold-request-for-several-ranges",
        "9110 14.2",
        ask(holds("max-age=60", body=LONG, **E1), sent=part("0-3,2000-2003"), status=(200, 206), gives=None),
        hit(
            sent=part("0-3,2000-2003"),
            status=206,
            parts={"bytes 0-3/4000": b"0000", "bytes 2000-2003/4000": b"0500"},
        ),
    ),
    row(
        "the-one-range-of-several-that-can-be-met",
        "9110 15.3.7.2",
        miss(WHOLE),
        hit(sent=part("2-3,50-60"), status=206, gets={"content-range": "bytes 2-3/10"}, gives=b"23"),
    ),
    row(
        "a-part-says-its-type",
        "9110 15.3.7.2",
        miss(says("max-age=60", body=LONG, content_type="video/mp4", **E1)),
        hit(
            sent=part("0-3,2000-2003"),
            status=206,
            parts={"bytes 0-3/4000": b"0000", "bytes 2000-2003/4000": b"0500"},
            gets={"content-type": lambda said: said.startswith("multipart/byteranges"), "etag": '"1"'},
        ),
    ),
    row(
        "overlapping-ranges-give-no-byte-twice-over",
        "9110 14.2",
        miss(WHOLE),
        hit(
            sent=part(",".join(["0-9"] * 50)),
            status=(200, 206, 416),
            gives=None,
            gets={"content-length": lambda said: int(said) < 200},
        ),
    ),
    row(
        "several-ranges-of-which-one-is-everything",
        "9110 14.2",
        miss(WHOLE),
        hit(sent=part("0-,0-"), status=(200, 206), gets={"content-length": lambda said: int(said) < 200}),
    ),
]

IF_RANGE = [
    row(
        "the-same-strong-tag-gives-the-part",
        "9110 13.1.5",
        miss(WHOLE),
        hit(sent=part("0-3", if_range='"1"'), status=206, gives=b"0123"),
    ),
    ignored("another-tag-gives-the-whole", "9110 13.1.5", part("0-3", if_range='"2"')),
    ignored("a-weak-tag-of-the-client-gives-the-whole", "9110 13.1.5", part("0-3", if_range='W/"1"')),
    ignored(
        "a-weak-stored-tag-gives-the-whole",
        "9110 13.1.5",
        part("0-3", if_range='W/"1"'),
        says("max-age=60", etag='W/"1"'),
    ),
    ignored(
        "a-strong-tag-against-a-weak-one-gives-the-whole",
        "9110 13.1.5",
        part("0-3", if_range='"1"'),
        says("max-age=60", etag='W/"1"'),
    ),
    row(
        "the-very-date-gives-the-part",
        "9110 13.1.5",
        miss(says("max-age=60", **L1)),
        hit(sent=part("0-3", if_range=at(-100_000)), status=206, gives=b"0123"),
    ),
    ignored(
        "a-later-date-gives-the-whole",
        "9110 13.1.5",
        part("0-3", if_range=at(-99_999)),
        says("max-age=60", **L1),
    ),
    ignored(
        "an-earlier-date-gives-the-whole",
        "9110 13.1.5",
        part("0-3", if_range=at(-100_001)),
        says("max-age=60", **L1),
    ),
    ignored(
        "a-date-in-the-second-of-the-answer-is-weak",
        "9110 8.8.2.2",
        part("0-3", if_range=at(0)),
        says("max-age=60", last_modified=at(0)),
    ),
    ignored("a-date-where-only-a-tag-is-known", "9110 13.1.5", part("0-3", if_range=at(-1000))),
    ignored(
        "a-tag-where-only-a-date-is-known",
        "9110 13.1.5",
        part("0-3", if_range='"1"'),
        says("max-age=60", **L1),
    ),
    ignored("if-range-without-range-counts-for-nothing", "9110 13.1.5", {"if-range": '"2"'}),
    row(
        "if-range-that-fails-beats-416",
        "9110 13.2.2",
        miss(WHOLE),
        hit(sent=part("50-", if_range='"2"'), status=200),
    ),
    row(
        "a-condition-is-judged-before-the-range",
        "9110 13.2.2",
        miss(WHOLE),
        hit(sent=part("0-3", if_none_match='"1"'), status=304),
    ),
    row(
        "a-condition-that-fails-leaves-the-range",
        "9110 13.2.2",
        miss(WHOLE),
        hit(sent=part("0-3", if_none_match='"2"'), status=206, gives=b"0123"),
    ),
    row(
        "a-condition-beats-416",
        "9110 13.2.2",
        miss(WHOLE),
        hit(sent=part("50-", if_none_match='"1"'), status=304),
    ),
]

# Whether a cold range fetches the range, a slice around it, or the whole, is the cache's own business.
PARTS = [
    row(
        "a-cold-range-is-answered-by-206",
        "9110 14.2",
        ask(
            holds("max-age=60", **E1),
            sent=part("2-4"),
            status=206,
            gives=b"234",
            gets={"content-range": "bytes 2-4/10"},
        ),
    ),
    row(
        "a-cold-suffix-is-answered-by-206",
        "9110 14.2",
        ask(
            holds("max-age=60", **E1),
            sent=part("-2"),
            status=206,
            gives=b"89",
            gets={"content-range": "bytes 8-9/10"},
        ),
    ),
    row(
        "a-range-that-was-fetched-is-a-hit",
        "9111 3.3",
        ask(holds("max-age=60", **E1), sent=part("2-4"), status=206, gives=b"234"),
        hit(
            after=1, sent=part("2-4"), status=206, gives=b"234", age=1, gets={"content-range": "bytes 2-4/10"}
        ),
    ),
    row(
        "a-range-inside-what-was-fetched-is-a-hit",
        "9111 3.3",
        ask(holds("max-age=60", **E1), sent=part("2-6"), status=206, gives=b"23456"),
        hit(after=1, sent=part("3-5"), status=206, gives=b"345", gets={"content-range": "bytes 3-5/10"}),
    ),
    row(
        "a-part-is-no-whole",
        "9111 3.3",
        ask(holds("max-age=60", **E1), sent=part("2-4"), status=206, gives=b"234"),
        ask(
            holds("max-age=60", **E1),
            after=1,
            may_ask=True,
            status=200,
            gives=BODY,
            gets={"content-range": None},
        ),
        hit(after=1),
    ),
    row(
        "a-range-beyond-a-part-is-fetched",
        "9111 3.3",
        ask(holds("max-age=60", **E1), sent=part("0-4"), status=206, gives=b"01234"),
        ask(holds("max-age=60", **E1), after=1, may_ask=True, sent=part("5-9"), status=206, gives=b"56789"),
        hit(after=1, sent=part("5-9"), status=206, gives=b"56789"),
        hit(sent=part("0-4"), status=206, gives=b"01234"),
    ),
    row(
        "parts-of-one-strong-tag-become-a-whole",
        "9111 3.4",
        ask(holds("max-age=60", **E1), sent=part("0-4"), status=206, gives=b"01234"),
        ask(holds("max-age=60", **E1), after=1, may_ask=True, sent=part("5-9"), status=206, gives=b"56789"),
        hit(after=1, status=200, gives=BODY, gets={"content-range": None, "content-length": "10"}),
    ),
    row(
        "overlapping-parts-become-a-whole",
        "9111 3.4",
        ask(holds("max-age=60", **E1), sent=part("0-6"), status=206, gives=b"0123456"),
        ask(holds("max-age=60", **E1), after=1, may_ask=True, sent=part("4-9"), status=206, gives=b"456789"),
        hit(after=1, status=200, gives=BODY),
        hit(sent=part("5-7"), status=206, gives=b"567"),
    ),
    row(
        "a-range-across-two-parts-is-a-hit",
        "9111 3.4",
        ask(holds("max-age=60", **E1), sent=part("0-4"), status=206, gives=b"01234"),
        ask(holds("max-age=60", **E1), after=1, may_ask=True, sent=part("5-9"), status=206, gives=b"56789"),
        hit(after=1, sent=part("3-6"), status=206, gives=b"3456", gets={"content-range": "bytes 3-6/10"}),
    ),
    *(
        row(
            f"parts-of-{name}-are-never-mixed",
            "9111 3.4",
            ask(holds("max-age=60", body=OLD, **old), sent=part("0-4"), status=206, gives=b"aaaaa"),
            ask(
                holds("max-age=60", body=NEW, **new),
                after=1,
                may_ask=True,
                sent=part("5-9"),
                status=206,
                gives=(b"aaaaa", b"bbbbb"),
            ),
            ask(holds("max-age=60", body=NEW, **new), after=1, may_ask=True, status=200, gives=(OLD, NEW)),
        )
        for name, old, new in CHANGES
    ),
    row(
        "a-stale-part-is-not-used-unvalidated",
        "9111 4.2",
        ask(holds("max-age=60", body=OLD, **E1), sent=part("0-4"), status=206, gives=b"aaaaa"),
        ask(
            holds("max-age=60", body=NEW, etag='"2"'), after=61, sent=part("0-4"), status=206, gives=b"bbbbb"
        ),
    ),
    row(
        "a-stale-part-that-still-holds-is-fresh-again",
        "9111 4.3.4",
        ask(holds("max-age=60", **E1), sent=part("0-4"), status=206, gives=b"01234"),
        ask(holds("max-age=60", **E1), after=61, sent=part("0-4"), status=206, gives=b"01234"),
        hit(after=59, sent=part("0-4"), status=206, gives=b"01234"),
    ),
    *(
        row(
            f"a-part-that-is-{name}-is-not-kept",
            section,
            ask((holds(control, body=OLD, **E1),) * 2, may_ask=True, sent=sent, status=206, gives=b"aaaaa"),
            ask(
                (holds("max-age=60", body=NEW, etag='"2"'),) * 2,
                after=1,
                may_ask=True,
                sent=part("0-4"),
                status=206,
                gives=b"bbbbb",
            ),
        )
        for name, section, control, sent in (
            ("no-store", "9111 5.2.2.5", "no-store", part("0-4")),
            ("private", "9111 5.2.2.7", "private, max-age=60", part("0-4")),
            ("of-one-user", "9111 3.5", "max-age=60", part("0-4", authorization="x")),
            (
                "for-a-client-with-no-store",
                "9111 5.2.1.5",
                "max-age=60",
                part("0-4", cache_control="no-store"),
            ),
        )
    ),
    row(
        "an-origin-without-ranges-still-serves-its-whole",
        "9110 14.2",
        ask(says("max-age=60", **E1), sent=part("2-4"), status=(200, 206), gives=(BODY, b"234")),
        hit(after=1, sent=part("2-4"), status=206, gives=b"234"),
        hit(),
    ),
    row(
        "a-cold-range-beyond-the-end-is-416",
        "9110 15.5.17",
        ask(holds("max-age=60", **E1), sent=part("50-"), status=416, gets={"content-range": "bytes */10"}),
    ),
    row(
        "a-416-ends-nothing",
        "9111 4.4",
        miss(WHOLE),
        hit(sent=part("50-"), status=416),
        hit(after=1),
    ),
    row(
        "a-cold-if-range-that-fails-gives-the-whole",
        "9110 13.1.5",
        ask(holds("max-age=60", **E1), sent=part("2-4", if_range='"0"'), status=200, gives=BODY),
    ),
    row(
        "a-cold-if-range-that-holds-gives-the-part",
        "9110 13.1.5",
        ask(holds("max-age=60", **E1), sent=part("2-4", if_range='"1"'), status=206, gives=b"234"),
    ),
    row(
        "a-change-ends-the-parts-too",
        "9111 4.4",
        ask(holds("max-age=60", body=OLD, **E1), sent=part("0-4"), status=206, gives=b"aaaaa"),
        ask(says(status=204), method="PUT", body=b"x"),
        ask(holds("max-age=60", body=NEW, etag='"2"'), sent=part("0-4"), status=206, gives=b"bbbbb"),
    ),
    row(
        "parts-vary-too",
        "9111 4.1",
        ask(
            holds("max-age=60", body=OLD, vary="x-a", **E1),
            sent=part("0-4", x_a="1"),
            status=206,
            gives=b"aaaaa",
        ),
        ask(
            holds("max-age=60", body=NEW, vary="x-a", etag='"2"'),
            sent=part("0-4", x_a="2"),
            status=206,
            gives=b"bbbbb",
        ),
        hit(after=1, sent=part("0-4", x_a="1"), status=206, gives=b"aaaaa"),
    ),
    row(
        "a-206-without-content-range-is-not-kept",
        "9110 15.3.7",
        ask(
            (says("max-age=60", status=206, body=b"234", **E1),) * 2,
            may_ask=True,
            sent=part("2-4"),
            status=(200, 206, 502),
            gives=None,
        ),
        ask(holds("max-age=60", **E1), after=1, sent=part("2-4"), status=206, gives=b"234"),
    ),
    row(
        "a-range-of-a-change-goes-to-the-origin-as-it-is",
        "9110 14.2",
        ask(says(status=204), method="PUT", body=b"x", sent=part("0-3"), asked={"range": "bytes=0-3"}),
    ),
]

# A cache that goes on where a body was cut must be sure that the rest is of the same representation.
CUT = [
    row(
        "a-cut-body-may-go-on-under-its-strong-tag",
        "9110 14.2",
        ask(
            (holds("max-age=60", cut_after=4, **E1), *(holds("max-age=60", **E1),) * 3),
            may_ask=True,
            status=200,
            gives=(BODY, b"0123"),
            is_cut=None,
        ),
        ask(holds("max-age=60", **E1), after=1, may_ask=True),
    ),
    *(
        row(
            f"a-cut-body-does-not-go-on-as-{name}",
            "9110 13.1.5",
            ask(
                (
                    holds("max-age=60", body=OLD, cut_after=4, **old),
                    *(holds("max-age=60", body=NEW, **new),) * 3,
                ),
                may_ask=True,
                status=200,
                gives=(b"aaaa", b""),
                is_cut=True,
            ),
            ask(holds("max-age=60", body=NEW, **new), after=1, may_ask=True, gives=NEW),
        )
        for name, old, new in GOING_ON
    ),
]

ROWS = [*FROM_A_WHOLE, *SEVERAL, *IF_RANGE, *PARTS, *CUT]
