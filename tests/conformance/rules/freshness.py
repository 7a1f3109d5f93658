"""How long a response is fresh (RFC 9111, 4.2.1 and 4.2.2; RFC 9110, 5.6.7; RFC 8246)."""

from __future__ import annotations

from tests.conformance.words import ask, at, fresh_for, hit, kept, miss, never_fresh, row, says

ROWS = [
    # Which of several lifetimes counts.
    fresh_for(60, "max-age-is-the-lifetime", "9111 4.2.1", says("max-age=60")),
    fresh_for(60, "s-maxage-is-the-lifetime", "9111 4.2.1", says("s-maxage=60")),
    fresh_for(60, "s-maxage-wins-over-a-shorter-max-age", "9111 4.2.1", says("max-age=5, s-maxage=60")),
    fresh_for(5, "s-maxage-wins-over-a-longer-max-age", "9111 4.2.1", says("s-maxage=5, max-age=60")),
    fresh_for(60, "s-maxage-wins-over-expires", "9111 4.2.1", says("s-maxage=60", expires=at(5))),
    fresh_for(60, "max-age-wins-over-expires-in-the-past", "9111 5.3", says("max-age=60", expires=at(-100))),
    fresh_for(5, "max-age-wins-over-a-later-expires", "9111 5.3", says("max-age=5", expires=at(100))),
    fresh_for(60, "max-age-wins-over-an-invalid-expires", "9111 5.3", says("max-age=60", expires="0")),
    fresh_for(60, "expires-less-date-is-the-lifetime", "9111 4.2.1", says(expires=at(60))),
    fresh_for(
        60,
        "expires-counts-from-the-date-of-a-clock-that-runs-ahead",
        "9111 4.2.1",
        says(date=at(1000), expires=at(1060)),
    ),
    fresh_for(
        60, "expires-counts-from-arrival-without-a-date", "9111 4.2.1", says(expires=at(60), is_dated=False)
    ),
    never_fresh("expires-equal-to-date-is-stale", "9111 4.2.1", says(expires=at(0), etag='"1"')),
    never_fresh("expires-before-date-is-stale", "9111 4.2.1", says(expires=at(-1), etag='"1"')),
    # The forms of a lifetime.
    never_fresh("max-age-0-is-stale", "9111 5.2.2.1", says("max-age=0", etag='"1"')),
    never_fresh("s-maxage-0-wins-over-max-age", "9111 5.2.2.10", says("max-age=60, s-maxage=0", etag='"1"')),
    fresh_for(1, "max-age-1-lasts-a-second", "9111 5.2.2.1", says("max-age=1", etag='"1"')),
    fresh_for(60, "the-quoted-form-is-read-too", "9111 5.2", says('max-age="60"')),
    fresh_for(60, "the-name-of-a-directive-has-no-case", "9111 5.2", says("MAX-AGE=60")),
    fresh_for(60, "leading-zeros-do-not-count", "9111 1.2.2", says("max-age=0060")),
    never_fresh("a-negative-max-age-is-stale", "9111 4.2.1", says("max-age=-1", etag='"1"')),
    never_fresh("a-max-age-of-letters-is-stale", "9111 4.2.1", says("max-age=soon", etag='"1"')),
    never_fresh("a-max-age-without-argument-is-stale", "9111 4.2.1", says("max-age", etag='"1"')),
    never_fresh("a-max-age-with-an-empty-argument-is-stale", "9111 4.2.1", says("max-age=", etag='"1"')),
    never_fresh(
        "an-invalid-s-maxage-does-not-fall-back", "9111 4.2.1", says("max-age=60, s-maxage=x", etag='"1"')
    ),
    row(
        "what-is-larger-than-2-31-counts-as-2-31",
        "9111 1.2.2",
        miss(says("max-age=99999999999999999999")),
        hit(after=10**9),
    ),
    row("a-lifetime-of-2-31-is-kept", "9111 1.2.2", miss(says("max-age=2147483648")), hit(after=10**9)),
    # Several of a kind, and what stands around them.
    row(
        "of-two-max-age-the-first-counts",
        "9111 4.2.1",
        ask(says("max-age=5, max-age=60", etag='"1"')),
        ask(says("no-store"), after=6, cache="fwd=stale"),
    ),
    row(
        "of-two-max-age-lines-the-first-counts",
        "9111 4.2.1",
        ask(says(("max-age=5", "max-age=60"), etag='"1"')),
        ask(says("no-store"), after=6, cache="fwd=stale"),
    ),
    row(
        "of-two-expires-lines-no-later-one-counts",
        "9111 4.2.1",
        ask(says(expires=(at(5), at(60)), etag='"1"')),
        ask(says("no-store"), after=6, cache="fwd=stale"),
    ),
    fresh_for(60, "directives-of-several-lines-count-together", "9110 5.3", says(("public", "max-age=60"))),
    fresh_for(60, "empty-members-are-passed-over", "9110 5.6.1.2", says(", ,max-age=60,, ,")),
    fresh_for(
        60, "white-space-around-commas-does-not-count", "9110 5.6.1.1", says("public \t,\t max-age=60 ")
    ),
    fresh_for(60, "an-unknown-directive-is-passed-over", "9111 5.2.3", says("community=UCI, max-age=60")),
    fresh_for(
        60,
        "a-directive-inside-a-quoted-argument-is-none",
        "9111 5.2",
        says('note="no-store, max-age=1", max-age=60'),
    ),
    fresh_for(
        60,
        "an-escaped-quote-does-not-end-an-argument",
        "9110 5.6.4",
        says('note="a\\", no-store, \\"", max-age=60'),
    ),
    fresh_for(60, "the-name-must-be-whole", "9111 5.2", says("x-max-age=5, max-age=60, max-aged=7")),
    # Dates.
    never_fresh("expires-0-is-the-past", "9111 5.3", says(expires="0", etag='"1"')),
    never_fresh("an-expires-that-is-no-date-is-the-past", "9111 5.3", says(expires="tomorrow", etag='"1"')),
    never_fresh("an-empty-expires-is-the-past", "9111 5.3", says(expires="", etag='"1"')),
    fresh_for(
        80, "expires-in-the-form-of-rfc-850", "9110 5.6.7", says(expires="Tuesday, 14-Nov-23 22:14:40 GMT")
    ),
    fresh_for(80, "expires-in-the-form-of-asctime", "9110 5.6.7", says(expires="Tue Nov 14 22:14:40 2023")),
    row(
        "an-asctime-day-of-one-digit-has-a-space",
        "9110 5.6.7",
        miss(says(expires="Fri Dec  1 22:13:20 2023")),
        hit(after=86400),
    ),
    never_fresh(
        "a-year-of-two-digits-over-50-years-ahead-is-past",
        "9110 5.6.7",
        says(expires="Wednesday, 14-Nov-79 22:14:40 GMT", etag='"1"'),
    ),
    row(
        "a-year-of-two-digits-under-50-years-ahead-is-ahead",
        "9110 5.6.7",
        miss(says(expires="Friday, 13-Nov-72 22:14:40 GMT")),
        hit(after=86400),
    ),
    never_fresh(
        "a-zone-other-than-gmt-is-invalid",
        "9111 4.2",
        says(expires="Tue, 14 Nov 2023 23:14:40 CET", etag='"1"'),
    ),
    fresh_for(
        80, "the-case-of-a-date-does-not-count", "9111 4.2", says(expires="tue, 14 nov 2023 22:14:40 gmt")
    ),
    never_fresh(
        "a-day-that-does-not-exist-is-invalid",
        "9111 5.3",
        says(expires="Thu, 31 Nov 2023 22:14:40 GMT", etag='"1"'),
    ),
    row(
        "a-date-that-is-no-date-does-not-stop-expires",
        "9111 4.2.1",
        miss(says(expires=at(60), date="yesterday")),
        hit(after=59),
        ask(says("no-store", body=b"newer"), after=1),
    ),
    # Heuristics.
    fresh_for(100, "a-tenth-of-the-time-since-last-modified", "9111 4.2.2", says(last_modified=at(-1000))),
    fresh_for(86400, "a-heuristic-is-no-longer-than-a-day", "9111 4.2.2", says(last_modified=at(-(10**7)))),
    fresh_for(100, "a-heuristic-counts-from-date", "9111 4.2.2", says(date=at(500), last_modified=at(-500))),
    fresh_for(100, "public-alone-leaves-a-heuristic", "9111 4.2.2", says("public", last_modified=at(-1000))),
    fresh_for(
        100,
        "must-revalidate-alone-leaves-a-heuristic",
        "9111 4.2.2",
        says("must-revalidate", last_modified=at(-1000)),
    ),
    never_fresh("no-heuristic-without-last-modified", "9111 4.2.2", says(etag='"1"')),
    never_fresh("no-heuristic-where-nothing-is-said", "9111 4.2.2", says()),
    never_fresh("no-heuristic-from-a-last-modified-ahead", "9111 4.2.2", says(last_modified=at(1000))),
    never_fresh("no-heuristic-beside-max-age", "9111 4.2.2", says("max-age=0", last_modified=at(-1000))),
    never_fresh("no-heuristic-beside-expires", "9111 4.2.2", says(expires="0", last_modified=at(-1000))),
    never_fresh("no-heuristic-beside-no-cache", "9111 5.2.2.4", says("no-cache", last_modified=at(-1000))),
    never_fresh("no-heuristic-from-an-invalid-last-modified", "9111 4.2.2", says(last_modified="long ago")),
    *(
        kept(f"a-{status}-is-heuristically-fresh", "9110 15.1", says(status=status, last_modified=at(-1000)))
        for status in (200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501)
    ),
    *(
        never_fresh(
            f"a-{status}-is-not-heuristically-fresh",
            "9110 15.1",
            says(status=status, last_modified=at(-1000)),
        )
        for status in (201, 202, 302, 303, 307, 400, 403, 429, 500, 502, 503, 504)
    ),
    row(
        "public-makes-any-final-status-heuristically-fresh",
        "9111 4.2.2",
        ask(says("public", status=302, location="/there", last_modified=at(-1000))),
        hit(after=99, status=302, gives=b"0123456789"),
        ask(says("no-store"), after=1, cache="fwd=stale"),
    ),
    # immutable.
    fresh_for(60, "immutable-does-not-lengthen-the-lifetime", "8246 2", says("max-age=60, immutable")),
    never_fresh("immutable-gives-no-lifetime", "8246 2", says("immutable", etag='"1"')),
    fresh_for(60, "an-argument-of-immutable-is-passed-over", "8246 2", says('max-age=60, immutable="x"')),
    never_fresh(
        "immutable-does-not-undo-no-cache", "8246 2", says("max-age=60, immutable, no-cache", etag='"1"')
    ),
]
