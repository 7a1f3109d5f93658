"""Cache-Control for this kind of cache alone (RFC 9213)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import (
    BODY,
    DEAD,
    ask,
    at,
    fresh_for,
    hit,
    kept,
    miss,
    never_fresh,
    not_kept,
    row,
    says,
)

E1: dict[str, Any] = {"etag": '"1"'}

ROWS = [
    fresh_for(60, "its-max-age-is-the-lifetime", "9213 3.1", says(cdn_cache_control="max-age=60")),
    fresh_for(
        60, "it-wins-over-a-shorter-max-age", "9213 2.2", says("max-age=5", cdn_cache_control="max-age=60")
    ),
    fresh_for(
        5, "it-wins-over-a-longer-max-age", "9213 2.2", says("max-age=60", cdn_cache_control="max-age=5")
    ),
    fresh_for(60, "it-wins-over-s-maxage", "9213 2.2", says("s-maxage=5", cdn_cache_control="max-age=60")),
    fresh_for(60, "it-wins-over-expires", "9213 2.2", says(expires=at(5), cdn_cache_control="max-age=60")),
    fresh_for(
        60, "its-s-maxage-wins-over-its-max-age", "9213 2.2", says(cdn_cache_control="max-age=5, s-maxage=60")
    ),
    kept("it-wins-over-no-store", "9213 2.2", says("no-store", cdn_cache_control="max-age=60")),
    kept("it-wins-over-private", "9213 2.2", says("private", cdn_cache_control="max-age=60")),
    kept("it-wins-over-no-cache", "9213 2.2", says("no-cache", cdn_cache_control="max-age=60")),
    not_kept("its-no-store-forbids", "9213 2.2", says("max-age=60", cdn_cache_control="no-store")),
    not_kept("its-private-forbids", "9213 2.2", says("max-age=60", cdn_cache_control="private")),
    not_kept(
        "its-no-store-beside-its-max-age-forbids", "9213 2.2", says(cdn_cache_control="max-age=60, no-store")
    ),
    never_fresh("its-no-cache-validates", "9213 2.2", says("max-age=60", cdn_cache_control="no-cache", **E1)),
    never_fresh(
        "its-max-age-0-is-stale", "9213 2.2", says("max-age=60", cdn_cache_control="max-age=0", **E1)
    ),
    never_fresh(
        "without-a-lifetime-of-its-own-expires-does-not-count",
        "9213 2.2",
        says(expires=at(60), cdn_cache_control="must-revalidate", **E1),
    ),
    never_fresh(
        "without-a-lifetime-of-its-own-max-age-does-not-count",
        "9213 2.2",
        says("max-age=60", cdn_cache_control="public", **E1),
    ),
    # Validity.
    fresh_for(60, "an-empty-one-is-as-none", "9213 2.2", says("max-age=60", cdn_cache_control="")),
    fresh_for(60, "white-space-is-as-none", "9213 2.2", says("max-age=60", cdn_cache_control="  ")),
    *(
        fresh_for(60, f"{name}-makes-it-as-none", "9213 2.1", says("max-age=60", cdn_cache_control=value))
        for name, value in (
            ("a-capital", "Max-Age=5"),
            ("a-space-before-equals", "max-age =5"),
            ("a-space-after-equals", "max-age= 5"),
            ("a-lost-comma", "max-age=5,"),
            ("a-doubled-comma", "max-age=5,, public"),
            ("an-open-quote", 'max-age=5, x="a'),
            ("a-number-of-letters", "max-age=5s"),
            ("a-lost-value", "max-age="),
            ("a-semicolon-between-members", "no-store; ; max-age=5"),
            ("a-colon-in-a-key", "max:age=5"),
            ("a-key-that-begins-with-a-digit", "5=max-age"),
            ("a-number-of-16-digits", "max-age=5, x=1234567890123456"),
            ("obs-text", "max-age=5, x=\xe9"),
        )
    ),
    not_kept(
        "an-invalid-one-leaves-no-store-in-force",
        "9213 2.2",
        says("no-store", cdn_cache_control="max-age=60,"),
    ),
    fresh_for(
        60, "of-two-equal-keys-the-last-counts", "9213 2.1", says(cdn_cache_control="max-age=5, max-age=60")
    ),
    fresh_for(
        60, "its-lines-are-one-dictionary", "9213 2.1", says(cdn_cache_control=("public", "max-age=60"))
    ),
    fresh_for(
        60,
        "parameters-of-a-member-are-passed-over",
        "9213 2.1",
        says(cdn_cache_control="max-age=60;x=5;no-store"),
    ),
    fresh_for(
        60,
        "an-unknown-member-is-passed-over",
        "9213 2.1",
        says(cdn_cache_control='max-age=60, x=(1 "a" b), y=:YQ==:'),
    ),
    kept("a-false-member-says-no", "9213 2.1", says(cdn_cache_control="max-age=60, no-store=?0")),
    not_kept("a-true-member-says-yes", "9213 2.1", says(cdn_cache_control="max-age=60, no-store=?1")),
    # What else it governs.
    row(
        "it-goes-to-the-client-as-it-is",
        "9213 3.1",
        miss(says("max-age=5", cdn_cache_control="max-age=60"), gets={"cdn-cache-control": "max-age=60"}),
        hit(after=10, gets={"cdn-cache-control": "max-age=60", "cache-control": "max-age=5"}),
    ),
    kept(
        "its-public-is-enough-with-authorization",
        "9213 2.2",
        says(cdn_cache_control="public, max-age=60"),
        authorization="x",
    ),
    not_kept(
        "its-max-age-is-not-enough-with-authorization",
        "9213 2.2",
        says("public", cdn_cache_control="max-age=60"),
        authorization="x",
    ),
    kept("it-makes-any-final-status-storable", "9213 2.2", says(status=403, cdn_cache_control="max-age=60")),
    row(
        "its-window-of-stale-while-revalidate",
        "9213 2.2",
        miss(says("max-age=5", cdn_cache_control="max-age=60, stale-while-revalidate=30")),
        ask(says("max-age=60", body=b"newer"), after=70, behind=True, gives=BODY, age=70),
    ),
    row(
        "a-window-beside-it-does-not-count",
        "9213 2.2",
        miss(says("max-age=5, stale-while-revalidate=600", cdn_cache_control="max-age=60")),
        ask(says("max-age=60", body=b"newer"), after=70),
    ),
    row(
        "its-stale-if-error",
        "9213 2.2",
        miss(says("max-age=5", cdn_cache_control="max-age=60, stale-if-error=30")),
        ask(says(status=503), after=70, status=200, gives=BODY),
    ),
    row(
        "its-must-revalidate-forbids-the-stale",
        "9213 2.2",
        miss(says("max-age=600", cdn_cache_control="max-age=60, must-revalidate")),
        ask(DEAD, after=61, status=504),
    ),
    row(
        "must-revalidate-beside-it-does-not-count",
        "9213 2.2",
        miss(says("max-age=60, must-revalidate", cdn_cache_control="max-age=60")),
        ask(DEAD, after=61, status=200, age=61),
    ),
    row(
        "a-304-may-bring-it",
        "9213 2.2",
        miss(says("max-age=60", **E1)),
        ask(says(status=304, cdn_cache_control="max-age=300", **E1), after=61, status=200),
        hit(after=299),
    ),
    row(
        "age-counts-against-its-lifetime",
        "9213 2.2",
        miss(says(cdn_cache_control="max-age=60", age="30", **E1)),
        hit(after=29, age=59),
        ask(says("no-store"), after=1, cache="fwd=stale"),
    ),
    row(
        "its-wish-does-not-undo-the-clients",
        "9213 2.2",
        miss(says(cdn_cache_control="max-age=60", **E1)),
        ask(says(status=304, **E1), sent={"cache-control": "no-cache"}, status=200),
    ),
    fresh_for(
        60,
        "a-field-for-other-caches-means-nothing",
        "9213 2",
        says("max-age=60", other_cache_control="no-store"),
    ),
    fresh_for(
        60, "surrogate-control-means-nothing", "9213 2", says("max-age=60", surrogate_control="max-age=5")
    ),
]
