"""How old a response is (RFC 9111, 4.2.3 and 5.1)."""

from __future__ import annotations

from tests.conformance.words import ask, at, hit, miss, row, says

ROWS = [
    row("age-is-the-time-in-this-cache", "9111 4.2.3", miss(says("max-age=60")), hit(after=7, age=7)),
    row("age-is-0-in-the-second-of-arrival", "9111 5.1", miss(says("max-age=60")), hit(age=0)),
    row(
        "age-is-whole-seconds-downward",
        "9111 5.1",
        miss(says("max-age=60")),
        hit(after=1.9, age=1),
        hit(after=0.2, age=2),
    ),
    row(
        "the-age-of-upstream-is-added",
        "9111 4.2.3",
        miss(says("max-age=60", age="20")),
        hit(after=7, age=27, cache="ttl=33"),
    ),
    row(
        "the-age-of-upstream-shortens-freshness",
        "9111 4.2",
        miss(says("max-age=60", age="50", etag='"1"')),
        hit(after=9, age=59),
        ask(says("no-store"), after=1, cache="fwd=stale"),
    ),
    row(
        "an-age-beyond-the-lifetime-arrives-stale",
        "9111 4.2",
        miss(says("max-age=60", age="61", etag='"1"')),
        ask(says("no-store"), cache="fwd=stale"),
    ),
    row(
        "an-age-equal-to-the-lifetime-arrives-stale",
        "9111 4.2",
        miss(says("max-age=60", age="60", etag='"1"')),
        ask(says("no-store"), cache="fwd=stale"),
    ),
    row(
        "a-date-in-the-past-is-an-age",
        "9111 4.2.3",
        miss(says("max-age=60", date=at(-20))),
        hit(after=7, age=27, cache="ttl=33"),
    ),
    row("a-date-ahead-is-no-age", "9111 4.2.3", miss(says("max-age=60", date=at(1000))), hit(after=7, age=7)),
    row(
        "without-a-date-there-is-no-apparent-age",
        "9111 4.2.3",
        miss(says("max-age=60", is_dated=False)),
        hit(after=7, age=7),
    ),
    row(
        "of-age-and-date-the-larger-counts-age",
        "9111 4.2.3",
        miss(says("max-age=60", date=at(-10), age="30")),
        hit(age=30),
    ),
    row(
        "of-age-and-date-the-larger-counts-date",
        "9111 4.2.3",
        miss(says("max-age=60", date=at(-30), age="10")),
        hit(age=30),
    ),
    row(
        "the-delay-of-the-answer-is-added-to-its-age",
        "9111 4.2.3",
        miss(says("max-age=60", age="10", delay_s=4)),
        hit(after=1, age=15),
    ),
    row(
        "the-delay-of-the-answer-counts-without-an-age",
        "9111 4.2.3",
        miss(says("max-age=60", delay_s=4)),
        hit(after=1, age=5, cache="ttl=55"),
    ),
    row(
        "the-delay-is-not-added-to-the-apparent-age",
        "9111 4.2.3",
        miss(says("max-age=60", date=at(-6), delay_s=4)),
        hit(after=1, age=11),
    ),
    row(
        "the-delay-of-a-validation-counts",
        "9111 4.2.3",
        miss(says("max-age=60", etag='"1"')),
        ask(says("max-age=60", status=304, etag='"1"', delay_s=3), after=60, status=200),
        hit(after=1, age=4),
    ),
    row(
        "the-age-of-a-304-counts",
        "9111 4.3.4",
        miss(says("max-age=60", etag='"1"')),
        ask(says("max-age=60", status=304, etag='"1"', age="25"), after=60, status=200),
        hit(after=1, age=26, cache="ttl=34"),
    ),
    row(
        "the-old-age-ends-with-a-validation",
        "9111 4.3.4",
        miss(says("max-age=60", etag='"1"', age="50")),
        ask(says("max-age=60", status=304, etag='"1"'), after=10, status=200),
        hit(after=1, age=1),
    ),
    row(
        "an-age-of-several-members-counts-its-first",
        "9111 5.1",
        miss(says("max-age=60", age="10, 20")),
        hit(after=1, age=11),
    ),
    row(
        "an-age-of-several-lines-counts-its-first",
        "9111 5.1",
        miss(says("max-age=60", age=("10", "20"))),
        hit(after=1, age=11),
    ),
    *(
        row(
            f"an-age-that-is-{name}-is-passed-over",
            "9111 5.1",
            miss(says("max-age=60", age=value)),
            hit(after=1, age=1),
        )
        for name, value in (
            ("negative", "-5"),
            ("of-letters", "old"),
            ("a-fraction", "7.5"),
            ("empty", ""),
            ("quoted", '"7"'),
        )
    ),
    row(
        "an-age-over-2-31-is-older-than-any-lifetime",
        "9111 1.2.2",
        miss(says("max-age=2147483647", age="99999999999", etag='"1"')),
        ask(says("no-store"), cache="fwd=stale"),
    ),
    row(
        "a-forwarded-answer-keeps-the-age-of-upstream",
        "9111 5.1",
        ask(says("max-age=60", age="30"), gets={"age": "30"}),
    ),
    row(
        "an-uncacheable-answer-keeps-the-age-of-upstream",
        "9111 5.1",
        ask(says("no-store", age="30"), gets={"age": "30"}),
    ),
    row(
        "an-answer-of-the-origin-itself-is-not-older-than-its-delay",
        "9111 5.1",
        ask(says("no-store"), gets={"age": None}),
    ),
    row(
        "a-304-of-this-cache-has-an-age",
        "9111 5.1",
        miss(says("max-age=60", etag='"1"')),
        hit(after=9, sent={"if-none-match": '"1"'}, status=304, age=9),
    ),
    row(
        "a-range-of-this-cache-has-an-age",
        "9111 5.1",
        miss(says("max-age=60")),
        hit(after=9, sent={"range": "bytes=0-3"}, status=206, gives=b"0123", age=9),
    ),
    row(
        "a-head-of-this-cache-has-an-age",
        "9111 5.1",
        miss(says("max-age=60")),
        hit(after=9, method="HEAD", age=9),
    ),
    row(
        "a-stale-answer-says-its-whole-age",
        "9111 5.1",
        miss(says("max-age=60")),
        hit(after=100, sent={"cache-control": "max-stale"}, age=100, cache="ttl=-40"),
    ),
    row(
        "the-age-field-is-never-there-twice",
        "9111 5.1",
        miss(says("max-age=60", age="5")),
        hit(after=1, gets={"age": "6"}),
    ),
    row(
        "a-stored-error-ages-too",
        "9111 4.2.3",
        miss(says("max-age=60", status=404, body=b"none")),
        hit(after=8, status=404, gives=b"none", age=8),
    ),
    row(
        "expires-and-age-together",
        "9111 4.2",
        miss(says(expires=at(60), age="50", etag='"1"')),
        hit(after=9, age=59),
        ask(says("no-store"), after=1, cache="fwd=stale"),
    ),
]
