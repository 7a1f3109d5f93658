"""What a client may ask of a cache (RFC 9111, 5.2.1 and 5.4)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import Step, ask, at, hit, holds, miss, row, says

E1: dict[str, Any] = {"etag": '"1"'}
FRESH = says("max-age=60", **E1)
AGAIN = says("max-age=60", status=304, **E1)


def wish(directives: str) -> dict[str, str]:
    return {"cache-control": directives}


def validated(after: float, directives: str) -> Step:
    """Fresh or not, the origin is asked for this client."""
    return ask(AGAIN, after=after, sent=wish(directives), status=200, asked={"if-none-match": '"1"'})


ROWS = [
    # max-age
    row("max-age-0-validates", "9111 5.2.1.1", miss(FRESH), validated(1, "max-age=0"), hit(after=1, age=1)),
    row(
        "an-age-equal-to-max-age-will-do", "9111 5.2.1.1", miss(FRESH), hit(after=10, sent=wish("max-age=10"))
    ),
    row("an-age-above-max-age-will-not-do", "9111 5.2.1.1", miss(FRESH), validated(11, "max-age=10")),
    row(
        "a-max-age-above-the-lifetime-makes-nothing-fresh",
        "9111 5.2.1.1",
        miss(FRESH),
        validated(61, "max-age=600"),
    ),
    row(
        "max-age-counts-the-age-of-upstream",
        "9111 5.2.1.1",
        miss(says("max-age=60", age="20", **E1)),
        validated(1, "max-age=20"),
    ),
    row("max-age-has-no-case", "9111 5.2", miss(FRESH), validated(11, "Max-Age=10")),
    row("a-quoted-max-age-is-read-too", "9111 5.2", miss(FRESH), validated(11, 'max-age="10"')),
    row(
        "max-age-of-one-client-leaves-others-alone",
        "9111 5.2.1.1",
        miss(FRESH),
        validated(11, "max-age=10"),
        hit(after=30, age=30),
    ),
    # min-fresh
    row(
        "min-fresh-that-is-left-will-do",
        "9111 5.2.1.3",
        miss(FRESH),
        hit(after=40, sent=wish("min-fresh=20")),
    ),
    row("min-fresh-that-is-not-left-validates", "9111 5.2.1.3", miss(FRESH), validated(41, "min-fresh=20")),
    row("min-fresh-above-the-lifetime-validates", "9111 5.2.1.3", miss(FRESH), validated(0, "min-fresh=61")),
    row("min-fresh-0-wants-it-fresh", "9111 5.2.1.3", miss(FRESH), hit(after=59, sent=wish("min-fresh=0"))),
    # max-stale
    row(
        "max-stale-takes-any-staleness",
        "9111 5.2.1.2",
        miss(FRESH),
        hit(after=5000, age=5000, sent=wish("max-stale")),
    ),
    row(
        "max-stale-takes-as-much-as-it-says",
        "9111 5.2.1.2",
        miss(FRESH),
        hit(after=70, age=70, sent=wish("max-stale=10")),
    ),
    row("max-stale-takes-no-more", "9111 5.2.1.2", miss(FRESH), validated(71, "max-stale=10")),
    row("max-stale-0-takes-nothing-stale", "9111 5.2.1.2", miss(FRESH), validated(61, "max-stale=0")),
    row(
        "max-stale-leaves-the-fresh-a-hit",
        "9111 5.2.1.2",
        miss(FRESH),
        hit(after=30, sent=wish("max-stale=10")),
    ),
    row(
        "max-stale-yields-to-must-revalidate",
        "9111 5.2.2.2",
        miss(says("max-age=60, must-revalidate", **E1)),
        validated(61, "max-stale"),
    ),
    row(
        "max-stale-yields-to-proxy-revalidate",
        "9111 5.2.2.8",
        miss(says("max-age=60, proxy-revalidate", **E1)),
        validated(61, "max-stale"),
    ),
    row(
        "max-stale-yields-to-s-maxage",
        "9111 5.2.2.10",
        miss(says("s-maxage=60", **E1)),
        validated(61, "max-stale"),
    ),
    row(
        "max-stale-yields-to-no-cache",
        "9111 5.2.2.4",
        miss(says("no-cache", **E1)),
        validated(1, "max-stale=100"),
    ),
    row(
        "max-stale-of-one-client-freshens-nothing",
        "9111 5.2.1.2",
        miss(FRESH),
        hit(after=61, sent=wish("max-stale")),
        ask(AGAIN, status=200),
    ),
    # no-cache
    row(
        "no-cache-validates-what-is-fresh",
        "9111 5.2.1.4",
        miss(FRESH),
        validated(1, "no-cache"),
        hit(after=1, age=1),
    ),
    row("no-cache-wins-over-max-age", "9111 5.2.1.4", miss(FRESH), validated(1, "max-age=100, no-cache")),
    row("no-cache-wins-over-max-stale", "9111 5.2.1.4", miss(FRESH), validated(1, "max-stale, no-cache")),
    row("no-cache-in-capitals", "9111 5.2", miss(FRESH), validated(1, "NO-CACHE")),
    row(
        "no-cache-asks-for-the-whole-where-no-validator-is",
        "9111 5.2.1.4",
        miss(says("max-age=60")),
        ask(says("max-age=60", body=b"newer"), after=1, sent=wish("no-cache")),
        hit(gives=b"newer"),
    ),
    row(
        "what-no-cache-brings-is-kept-for-others",
        "9111 5.2.1.4",
        ask(FRESH, sent=wish("no-cache"), cache="stored"),
        hit(after=1),
    ),
    # no-store
    row(
        "what-no-store-brings-leaves-what-is-kept",
        "9111 5.2.1.5",
        miss(FRESH),
        ask(says("max-age=60", body=b"newer"), after=1, sent=wish("no-store, no-cache"), gives=b"newer"),
        hit(after=1),
    ),
    # only-if-cached
    row(
        "only-if-cached-with-nothing-kept-is-504",
        "9111 5.2.1.7",
        ask(None, sent=wish("only-if-cached"), status=504),
    ),
    row(
        "only-if-cached-takes-the-fresh",
        "9111 5.2.1.7",
        miss(FRESH),
        hit(after=59, sent=wish("only-if-cached")),
    ),
    row(
        "only-if-cached-with-the-stale-is-504",
        "9111 5.2.1.7",
        miss(FRESH),
        ask(None, after=61, sent=wish("only-if-cached"), status=504),
    ),
    row(
        "only-if-cached-with-max-stale-takes-the-stale",
        "9111 5.2.1.7",
        miss(FRESH),
        hit(after=61, sent=wish("only-if-cached, max-stale")),
    ),
    row(
        "only-if-cached-beside-no-cache-is-504",
        "9111 5.2.1.7",
        miss(FRESH),
        ask(None, after=1, sent=wish("only-if-cached, no-cache"), status=504),
    ),
    row(
        "only-if-cached-beside-max-age-is-504",
        "9111 5.2.1.7",
        miss(FRESH),
        ask(None, after=11, sent=wish("only-if-cached, max-age=10"), status=504),
    ),
    row(
        "only-if-cached-for-head",
        "9111 5.2.1.7",
        ask(None, method="HEAD", sent=wish("only-if-cached"), status=504),
    ),
    row(
        "the-504-of-only-if-cached-is-not-kept",
        "9111 5.2.1.7",
        ask(None, sent=wish("only-if-cached"), status=504),
        miss(FRESH),
    ),
    row(
        "only-if-cached-takes-the-window-of-stale-while-revalidate",
        "5861 3",
        miss(says("max-age=60, stale-while-revalidate=30", **E1)),
        ask(AGAIN, after=61, may_ask=True, sent=wish("only-if-cached"), status=(200, 504)),
    ),
    # Pragma and what is not understood.
    row(
        "pragma-no-cache-validates",
        "9111 5.4",
        miss(FRESH),
        ask(AGAIN, after=1, sent={"pragma": "no-cache"}, status=200, asked={"if-none-match": '"1"'}),
    ),
    row(
        "pragma-beside-cache-control-counts-not",
        "9111 5.4",
        miss(FRESH),
        hit(after=1, sent={"pragma": "no-cache", "cache-control": "max-age=50"}),
    ),
    row(
        "pragma-beside-an-unknown-directive-counts-not",
        "9111 5.4",
        miss(FRESH),
        hit(after=1, sent={"pragma": "no-cache", "cache-control": "x-unknown"}),
    ),
    row(
        "another-pragma-means-nothing", "9111 5.4", miss(FRESH), hit(after=1, sent={"pragma": "x-timeout=3"})
    ),
    row(
        "an-unknown-request-directive-means-nothing",
        "9111 5.2.3",
        miss(FRESH),
        hit(after=1, sent=wish("be-quick=1")),
    ),
    row(
        "no-transform-of-a-client-means-no-forwarding",
        "9111 5.2.1.6",
        miss(FRESH),
        hit(after=1, sent=wish("no-transform")),
    ),
    row(
        "wishes-of-several-lines-count-together",
        "9110 5.3",
        miss(FRESH),
        ask(AGAIN, after=11, sent={"cache-control": ("max-stale", "max-age=10")}, status=200),
    ),
    row(
        "s-maxage-of-a-client-means-nothing",
        "9111 5.2.1",
        miss(FRESH),
        hit(after=30, sent=wish("s-maxage=1")),
    ),
    row(
        "must-revalidate-of-a-client-means-nothing",
        "9111 5.2.1",
        miss(FRESH),
        hit(after=30, sent=wish("must-revalidate")),
    ),
    row(
        "heuristically-fresh-is-subject-to-max-age",
        "9111 5.2.1.1",
        miss(says(last_modified=at(-1000))),
        ask(says(status=304, last_modified=at(-1000)), after=50, sent=wish("max-age=49"), status=200),
    ),
    row(
        "wishes-hold-for-head-too",
        "9111 5.2.1",
        miss(FRESH),
        ask(holds("max-age=60", **E1), after=11, method="HEAD", sent=wish("max-age=10"), status=200),
    ),
]
