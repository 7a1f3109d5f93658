"""What the cache says of its own handling (RFC 9211)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import BODY, DEAD, Want, ask, hit, holds, miss, row, says

E1: dict[str, Any] = {"etag": '"1"'}
FRESH = says("max-age=60", **E1)


def begins_with(text: str) -> Want:
    return lambda said: said.startswith(text)


ROWS = [
    row(
        "a-hit-says-hit-and-what-is-left",
        "9211 2.4",
        miss(FRESH),
        hit(after=20, cache="ttl=40; !fwd; !fwd-status; !stored"),
    ),
    row(
        "the-name-of-the-cache-comes-first",
        "9211 2",
        miss(FRESH, gets={"cache-status": begins_with("penstock; ")}),
        hit(gets={"cache-status": begins_with("penstock; ")}),
    ),
    row(
        "ttl-counts-the-age-of-upstream", "9211 2.4", miss(says("max-age=60", age="20")), hit(cache="ttl=40")
    ),
    row(
        "ttl-of-expires",
        "9211 2.4",
        miss(says("max-age=5", expires="Tue, 14 Nov 2023 23:00:00 GMT")),
        hit(cache="ttl=5"),
    ),
    row(
        "ttl-of-the-stale-is-negative",
        "9211 2.4",
        miss(FRESH),
        hit(after=100, cache="ttl=-40", sent={"cache-control": "max-stale"}),
    ),
    row(
        "a-first-request-is-a-uri-miss",
        "9211 2.2",
        miss(FRESH, cache="fwd=uri-miss; fwd-status=200; stored; !hit"),
    ),
    row(
        "another-variant-is-a-vary-miss",
        "9211 2.2",
        miss(says("max-age=60", vary="x-a"), sent={"x-a": "1"}),
        miss(says("max-age=60", vary="x-a"), sent={"x-a": "2"}, cache="fwd=vary-miss; stored; !hit"),
    ),
    row(
        "a-replaced-stale-one-is-fwd-stale",
        "9211 2.2",
        miss(FRESH),
        ask(says("max-age=60", body=b"new"), after=61, cache="fwd=stale; fwd-status=200; stored; !hit"),
    ),
    row(
        "a-validated-stale-one-is-fwd-stale",
        "9211 2.3",
        miss(FRESH),
        ask(says(status=304, **E1), after=61, status=200, cache="fwd=stale; fwd-status=304; !hit"),
    ),
    row(
        "a-validated-one-says-what-is-left-anew",
        "9211 2.4",
        miss(FRESH),
        ask(says("max-age=90", status=304, **E1), after=61, status=200, cache="ttl=90"),
    ),
    row(
        "the-wish-of-a-client-is-fwd-request",
        "9211 2.2",
        miss(FRESH),
        ask(
            says(status=304, **E1),
            after=1,
            sent={"cache-control": "no-cache"},
            status=200,
            cache="fwd=request; fwd-status=304; !hit",
        ),
    ),
    row(
        "the-max-age-of-a-client-is-fwd-request",
        "9211 2.2",
        miss(FRESH),
        ask(
            says(status=304, **E1),
            after=11,
            sent={"cache-control": "max-age=10"},
            status=200,
            cache="fwd=request; !hit",
        ),
    ),
    row(
        "pragma-is-fwd-request",
        "9211 2.2",
        miss(FRESH),
        ask(
            says(status=304, **E1),
            after=1,
            sent={"pragma": "no-cache"},
            status=200,
            cache="fwd=request; !hit",
        ),
    ),
    row(
        "the-wish-of-a-client-with-the-stale-is-fwd-stale-or-request",
        "9211 2.2",
        miss(FRESH),
        ask(
            says(status=304, **E1),
            after=61,
            sent={"cache-control": "no-cache"},
            status=200,
            cache="fwd; fwd-status=304",
        ),
    ),
    *(
        row(
            f"{method}-is-fwd-method",
            "9211 2.2",
            ask(says(status=204), method=method, cache="fwd=method; fwd-status=204; !hit; !stored"),
        )
        for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND")
    ),
    row(
        "what-is-not-kept-is-not-called-stored",
        "9211 2.5",
        ask(says("no-store"), cache="fwd; !stored; fwd-status=200"),
    ),
    row(
        "what-is-private-is-not-called-stored",
        "9211 2.5",
        ask(says("private, max-age=60"), cache="fwd; !stored"),
    ),
    row("what-has-no-lifetime-is-not-called-stored", "9211 2.5", ask(says(status=302), cache="fwd; !stored")),
    row(
        "an-error-that-is-kept-is-called-stored",
        "9211 2.5",
        ask(says("max-age=5", status=404), cache="fwd=uri-miss; fwd-status=404; stored"),
    ),
    row("the-status-of-the-origin-is-said", "9211 2.3", ask(says(status=503), cache="fwd-status=503")),
    row(
        "a-304-of-this-cache-is-a-hit",
        "9211 2.1",
        miss(FRESH),
        hit(sent={"if-none-match": '"1"'}, status=304),
    ),
    row(
        "a-206-of-this-cache-is-a-hit",
        "9211 2.1",
        miss(FRESH),
        hit(sent={"range": "bytes=0-3"}, status=206, gives=b"0123"),
    ),
    row(
        "a-206-of-a-miss-says-what-the-origin-said",
        "9211 2.3",
        ask(
            holds("max-age=60", **E1),
            sent={"range": "bytes=0-3"},
            status=206,
            gives=b"0123",
            cache="fwd; !hit",
        ),
    ),
    row(
        "a-304-of-a-miss-says-what-the-origin-said",
        "9211 2.3",
        ask(holds("max-age=60", **E1), sent={"if-none-match": '"1"'}, status=304, cache="fwd=uri-miss; !hit"),
    ),
    row(
        "a-stale-answer-at-once-is-a-hit",
        "9211 2.1",
        miss(says("max-age=60, stale-while-revalidate=30", **E1)),
        ask(says(status=304, **E1), after=70, behind=True, gives=BODY, cache="hit; ttl=-10; !fwd"),
    ),
    row(
        "without-an-origin-the-stale-is-no-forwarded-answer",
        "9211 2.1",
        miss(FRESH),
        ask(DEAD, after=100, status=200, cache="ttl=-40; !fwd-status; !stored"),
    ),
    row(
        "a-504-of-only-if-cached-was-not-forwarded",
        "9211 2.2",
        ask(None, sent={"cache-control": "only-if-cached"}, status=504, cache="!hit; !fwd"),
    ),
    row(
        "a-gateway-error-was-meant-to-go-forward",
        "9211 2.3",
        ask(DEAD, status=(502, 504), cache="!hit; !fwd-status; !stored"),
    ),
    # Members of others.
    row(
        "the-member-of-a-cache-nearer-the-origin-comes-first",
        "9211 2",
        miss(
            says("max-age=60", cache_status="shield; hit; ttl=9"),
            gets={"cache-status": begins_with("shield; hit; ttl=9, penstock; ")},
        ),
    ),
    row(
        "the-members-of-several-stay-in-order",
        "9211 2",
        ask(
            says("no-store", cache_status=("a; hit", "b; fwd=miss")),
            gets={"cache-status": begins_with("a; hit, b; fwd=miss, penstock; ")},
        ),
    ),
    row(
        "a-hit-has-a-member-of-this-cache-only-once",
        "9211 2",
        miss(says("max-age=60", cache_status="shield; hit")),
        hit(gets={"cache-status": lambda said: said.count("penstock") == 1}),
    ),
    row(
        "a-hit-ends-with-this-cache",
        "9211 2",
        miss(says("max-age=60", cache_status="shield; fwd=uri-miss; stored")),
        hit(after=1, cache="ttl=59"),
    ),
    row(
        "a-validated-one-does-not-repeat-its-first-miss",
        "9211 2",
        miss(FRESH),
        ask(says(status=304, **E1), after=61, status=200, cache="fwd=stale"),
        hit(after=1, gets={"cache-status": lambda said: "uri-miss" not in said}),
    ),
    row(
        "a-quoted-name-of-another-cache-is-left-as-it-is",
        "9211 2",
        ask(
            says("no-store", cache_status='"a, b"; hit'),
            gets={"cache-status": begins_with('"a, b"; hit, penstock; ')},
        ),
    ),
    row(
        "the-field-of-a-client-is-not-believed",
        "9211 2",
        miss(FRESH, sent={"cache-status": "evil; hit"}, gets={"cache-status": begins_with("penstock; ")}),
    ),
    row(
        "a-head-of-this-cache-is-a-hit", "9211 2.1", miss(FRESH), hit(method="HEAD", after=1, cache="ttl=59")
    ),
    row(
        "an-answer-to-a-range-across-what-is-kept-and-not",
        "9211 2.2",
        ask(
            holds("max-age=60", **E1),
            sent={"range": "bytes=0-3"},
            status=206,
            gives=b"0123",
            cache="fwd; !hit",
        ),
        ask(holds("max-age=60", **E1), after=1, may_ask=True, gives=BODY),
    ),
]
