"""When a stale response may be used, and when it may not (RFC 9111, 4.2.4; RFC 5861)."""

from __future__ import annotations

from typing import Any

from tests.conformance.words import BODY, DEAD, ask, at, hit, miss, row, says

E1: dict[str, Any] = {"etag": '"1"'}
SWR = "max-age=60, stale-while-revalidate=30"
SIE = "max-age=60, stale-if-error=30"
NEW = says("max-age=60", body=b"newer")

# What forbids the use of a stale response, each beside a lifetime of a minute.
FORBIDDING = [
    ("must-revalidate", "max-age=60, must-revalidate", "9111 5.2.2.2"),
    ("proxy-revalidate", "max-age=60, proxy-revalidate", "9111 5.2.2.8"),
    ("s-maxage", "s-maxage=60", "9111 5.2.2.10"),
]

BEHIND = [
    row(
        "in-its-window-a-stale-answer-comes-at-once",
        "5861 3",
        miss(says(SWR, **E1)),
        ask(
            NEW,
            after=70,
            behind=True,
            gives=BODY,
            age=70,
            cache="hit; ttl=-10",
            asked={"if-none-match": '"1"'},
        ),
        hit(after=1, age=1, gives=b"newer"),
    ),
    row(
        "the-refresh-behind-may-be-a-304",
        "5861 3",
        miss(says(SWR, **E1)),
        ask(says(SWR, status=304, **E1), after=70, behind=True, gives=BODY),
        hit(after=1, age=1),
    ),
    row(
        "the-window-opens-when-the-lifetime-ends",
        "5861 3",
        miss(says(SWR)),
        ask(NEW, after=60, behind=True, gives=BODY, age=60, cache="hit"),
    ),
    row(
        "the-last-second-of-the-window",
        "5861 3",
        miss(says(SWR)),
        ask(NEW, after=89, behind=True, gives=BODY, age=89, cache="hit"),
    ),
    row(
        "after-the-window-the-client-waits", "5861 3", miss(says(SWR)), ask(NEW, after=91, cache="fwd=stale")
    ),
    row(
        "a-window-of-0-is-none",
        "5861 3",
        miss(says("max-age=60, stale-while-revalidate=0")),
        ask(NEW, after=61, cache="fwd=stale"),
    ),
    row(
        "a-window-without-an-argument-is-none",
        "5861 3",
        miss(says("max-age=60, stale-while-revalidate")),
        ask(NEW, after=61, cache="fwd=stale"),
    ),
    row(
        "a-window-counts-from-the-age-of-upstream",
        "5861 3",
        miss(says(SWR, age="50")),
        ask(NEW, after=39, behind=True, gives=BODY, age=89),
    ),
    row(
        "a-window-after-max-age-0",
        "5861 3",
        miss(says("max-age=0, stale-while-revalidate=30", **E1)),
        ask(NEW, after=10, behind=True, gives=BODY),
    ),
    *(
        row(
            f"no-window-where-{name}-forbids",
            section,
            miss(says(f"{said}, stale-while-revalidate=30")),
            ask(NEW, after=61),
        )
        for name, said, section in FORBIDDING
    ),
    row(
        "no-window-beside-no-cache",
        "9111 5.2.2.4",
        miss(says("max-age=60, no-cache, stale-while-revalidate=30", **E1)),
        ask(NEW, after=61),
    ),
    row(
        "no-window-for-a-client-that-wants-no-cache",
        "9111 5.2.1.4",
        miss(says(SWR)),
        ask(NEW, after=61, sent={"cache-control": "no-cache"}),
    ),
    row(
        "no-window-for-a-client-with-max-age",
        "9111 5.2.1.1",
        miss(says(SWR)),
        ask(NEW, after=61, sent={"cache-control": "max-age=100"}),
    ),
    row(
        "no-window-for-a-client-with-min-fresh",
        "9111 5.2.1.3",
        miss(says(SWR)),
        ask(NEW, after=61, sent={"cache-control": "min-fresh=0"}),
    ),
    row(
        "an-error-behind-leaves-what-is-stored",
        "5861 3",
        miss(says(SWR, **E1)),
        ask(says(status=503), after=70, behind=True, gives=BODY),
        ask(NEW, after=1, behind=True, gives=BODY, age=71),
    ),
    row(
        "a-404-behind-ends-what-is-stored",
        "9111 4.3.3",
        miss(says(SWR, **E1)),
        ask(says("max-age=60", status=404, body=b"gone"), after=70, behind=True, status=200, gives=BODY),
        hit(after=1, status=404, gives=b"gone"),
    ),
    row(
        "a-refresh-that-may-not-be-kept-ends-what-is-stored",
        "5861 3",
        miss(says(SWR, **E1)),
        ask(says("no-store", body=b"newer"), after=70, behind=True, gives=BODY),
        ask(says("no-store", body=b"newer"), after=1),
    ),
    row(
        "a-range-out-of-the-window-is-answered-at-once",
        "5861 3",
        miss(says(SWR)),
        ask(
            NEW,
            after=70,
            behind=True,
            sent={"range": "bytes=2-3"},
            status=206,
            gives=b"23",
            asked={"range": None},
        ),
    ),
]

ON_ERROR = [
    *(
        row(
            f"a-{status}-is-covered",
            "5861 4",
            miss(says(SIE, **E1)),
            ask(says(status=status, body=b"trouble"), after=70, status=200, gives=BODY, age=70),
        )
        for status in (500, 502, 503, 504)
    ),
    *(
        row(
            f"a-{status}-is-not-covered",
            "5861 4",
            miss(says(SIE, **E1)),
            ask(says(status=status, body=b"an answer"), after=70, gives=b"an answer"),
        )
        for status in (404, 410, 429, 501)
    ),
    row(
        "a-dead-origin-is-covered",
        "5861 4",
        miss(says(SIE, **E1)),
        ask(DEAD, after=70, status=200, age=70, cache="ttl=-10"),
    ),
    row(
        "the-last-second-of-stale-if-error",
        "5861 4",
        miss(says(SIE)),
        ask(says(status=503), after=89, status=200, gives=BODY, age=89),
    ),
    row(
        "after-stale-if-error-the-error-is-the-answer",
        "5861 4",
        miss(says(SIE)),
        ask(says(status=503, body=b"trouble"), after=91, gives=b"trouble"),
    ),
    row(
        "without-stale-if-error-the-error-is-the-answer",
        "9111 4.3.3",
        miss(says("max-age=60")),
        ask(says(status=503, body=b"trouble"), after=61, gives=b"trouble"),
    ),
    row(
        "stale-if-error-of-0-covers-nothing",
        "5861 4",
        miss(says("max-age=60, stale-if-error=0")),
        ask(says(status=503, body=b"trouble"), after=61, gives=b"trouble"),
    ),
    *(
        row(
            f"stale-if-error-yields-to-{name}",
            section,
            miss(says(f"{said}, stale-if-error=30")),
            ask(says(status=503, body=b"trouble"), after=61, gives=b"trouble"),
        )
        for name, said, section in FORBIDDING
    ),
    row(
        "stale-if-error-yields-to-no-cache",
        "9111 5.2.2.4",
        miss(says("no-cache, stale-if-error=30", **E1)),
        ask(says(status=503, body=b"trouble"), after=1, gives=b"trouble"),
    ),
    row(
        "what-stood-in-is-asked-for-again",
        "5861 4",
        miss(says(SIE, **E1)),
        ask(says(status=503), after=70, status=200, gives=BODY),
        ask(says(SIE, status=304, **E1), after=1, status=200, asked={"if-none-match": '"1"'}),
        hit(after=1, age=1),
    ),
    row(
        "an-error-that-was-covered-is-not-kept",
        "5861 4",
        miss(says(SIE, **E1)),
        ask(says("max-age=60", status=503), after=70, status=200, gives=BODY),
        ask(NEW, after=1),
    ),
    row(
        "what-stands-in-went-forward-and-is-no-hit",
        "9211 2.1",
        miss(says(SIE, **E1)),
        ask(says(status=503), after=70, status=200, gives=BODY, cache="fwd=stale; fwd-status=503; !hit"),
    ),
]

DISCONNECTED = [
    row(
        "a-disconnected-cache-may-use-what-nothing-forbids",
        "9111 4.2.4",
        miss(says("max-age=60")),
        ask(DEAD, after=61, status=200, age=61),
    ),
    row(
        "so-may-it-where-the-lifetime-was-expires",
        "9111 4.2.4",
        miss(says(expires=at(60))),
        ask(DEAD, after=61, status=200, age=61),
    ),
    *(
        row(
            f"where-{name}-forbids-a-dead-origin-is-504",
            section,
            miss(says(said, **E1)),
            ask(DEAD, after=61, status=504),
        )
        for name, said, section in FORBIDDING
    ),
    *(
        row(
            f"fresh-is-used-though-the-origin-is-dead-and-{name}",
            section,
            miss(says(said)),
            ask(DEAD, after=59, age=59, cache="hit"),
        )
        for name, said, section in FORBIDDING
    ),
    row(
        "a-head-of-what-must-be-validated-and-a-dead-origin-is-504",
        "9111 5.2.2.2",
        miss(says("max-age=60, must-revalidate")),
        ask(DEAD, method="HEAD", after=61, status=504),
    ),
    row(
        "no-cache-and-a-dead-origin-is-504",
        "9111 5.2.2.4",
        miss(says("no-cache", **E1)),
        ask(DEAD, after=1, status=504),
    ),
    row(
        "nothing-stored-and-a-dead-origin-is-a-gateway-error",
        "9110 15.6.3",
        ask(DEAD, status=(502, 504), gets={"cache-control": "no-store"}),
    ),
    row(
        "no-cache-of-the-client-and-a-dead-origin",
        "9111 5.2.1.4",
        miss(says("max-age=60, must-revalidate")),
        ask(DEAD, after=1, sent={"cache-control": "no-cache"}, status=(200, 504), cache="!hit"),
    ),
    row(
        "a-gateway-error-of-this-cache-is-not-kept",
        "9111 3",
        miss(says("max-age=60, must-revalidate"), at="/a"),
        ask(DEAD, after=61, at="/a", status=504),
        ask(None, after=1, at="/a", status=504),
    ),
    row(
        "an-unsafe-request-to-a-dead-origin-invalidates-nothing",
        "9111 4.4",
        miss(says("max-age=60")),
        ask(DEAD, method="POST", body=b"x", status=502),
        hit(after=1),
    ),
]

FURTHER = [
    row(
        "the-refresh-behind-asks-for-what-is-stored-not-for-what-the-client-has",
        "5861 3",
        miss(says(SWR, **E1)),
        ask(
            says(SWR, status=304, **E1),
            after=70,
            behind=True,
            sent={"if-none-match": '"0"'},
            status=200,
            asked={"if-none-match": '"1"'},
        ),
        hit(after=1, age=1),
    ),
    row(
        "a-client-that-holds-it-gets-304-in-the-window",
        "5861 3",
        miss(says(SWR, **E1)),
        ask(
            says(SWR, status=304, **E1),
            after=70,
            behind=True,
            sent={"if-none-match": '"1"'},
            status=304,
            age=70,
        ),
        hit(after=1, age=1),
    ),
    row(
        "a-range-of-what-stands-in-for-an-error",
        "5861 4",
        miss(says(SIE, **E1)),
        ask(
            says(status=503),
            after=70,
            sent={"range": "bytes=2-3"},
            status=206,
            gives=b"23",
            cache="fwd=stale",
        ),
    ),
    row(
        "a-client-that-holds-what-stands-in-gets-304",
        "5861 4",
        miss(says(SIE, **E1)),
        ask(says(status=503), after=70, sent={"if-none-match": '"1"'}, status=304),
    ),
    row(
        "a-client-that-holds-it-gets-304-of-a-disconnected-cache",
        "9111 4.2.4",
        miss(says("max-age=60", **E1)),
        ask(DEAD, after=61, sent={"if-none-match": '"1"'}, status=304),
    ),
    row(
        "the-window-of-a-304-takes-the-place-of-the-old",
        "5861 3",
        miss(says(SWR, **E1)),
        ask(says("max-age=60", status=304, **E1), after=91, status=200),
        ask(NEW, after=61, cache="fwd=stale"),
    ),
    row(
        "an-origin-that-is-back-is-asked",
        "5861 4",
        miss(says(SIE, **E1)),
        ask(says(status=500), after=70, status=200, gives=BODY),
        ask(says(status=500), after=1, status=200, gives=BODY),
        ask(NEW, after=1, cache="fwd=stale; fwd-status=200; stored"),
    ),
]

ROWS = [*BEHIND, *ON_ERROR, *DISCONNECTED, *FURTHER]
