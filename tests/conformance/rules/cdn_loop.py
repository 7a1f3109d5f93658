"""Requests that come round again (RFC 8586)."""

from __future__ import annotations

from tests.conformance.words import ask, hit, miss, row, says

FRESH = says("max-age=60")


def came_by(*lines: str) -> dict[str, tuple[str, ...]]:
    return {"cdn-loop": lines}


ROWS = [
    row("a-request-that-passed-here-is-refused", "8586 2", ask(None, sent=came_by("penstock"), status=508)),
    row(
        "this-cache-among-others",
        "8586 2",
        ask(None, sent=came_by("other.example, penstock, third"), status=508),
    ),
    row(
        "this-cache-on-another-line",
        "8586 2",
        ask(None, sent=came_by("other.example", "penstock"), status=508),
    ),
    row(
        "this-cache-with-parameters", "8586 2", ask(None, sent=came_by('penstock; v="1, 2"; x=y'), status=508)
    ),
    row(
        "white-space-around-the-name", "8586 2", ask(None, sent=came_by("other ,\tpenstock ;v=1"), status=508)
    ),
    row("a-name-in-a-parameter-is-none", "8586 2", miss(FRESH, sent=came_by('other; by="penstock, x"'))),
    row("a-name-that-only-begins-alike", "8586 2", miss(FRESH, sent=came_by("penstock2, my-penstock"))),
    row("a-name-with-a-port-is-another", "8586 2", miss(FRESH, sent=came_by("penstock:8080"))),
    row(
        "other-caches-are-let-through",
        "8586 2",
        miss(FRESH, sent=came_by("other.example")),
        hit(sent=came_by("other.example")),
    ),
    row("the-refusal-is-not-kept", "8586 2", ask(None, sent=came_by("penstock"), status=508), miss(FRESH)),
    row(
        "a-loop-of-an-unsafe-request-ends-nothing",
        "8586 2",
        miss(FRESH),
        ask(None, method="POST", sent=came_by("penstock"), status=508),
        hit(),
    ),
    row("this-cache-adds-itself", "8586 2", miss(FRESH, asked={"cdn-loop": "penstock"})),
    row(
        "this-cache-adds-itself-after-the-others",
        "8586 2",
        miss(FRESH, sent=came_by("other.example; v=1"), asked={"cdn-loop": "other.example; v=1, penstock"}),
    ),
    row(
        "a-passed-request-has-it-too",
        "8586 2",
        ask(says(status=204), method="POST", body=b"x", asked={"cdn-loop": "penstock"}),
    ),
    row(
        "a-validation-has-it-too",
        "8586 2",
        miss(says("max-age=60", etag='"1"')),
        ask(says(status=304, etag='"1"'), after=61, status=200, asked={"cdn-loop": "penstock"}),
    ),
]
