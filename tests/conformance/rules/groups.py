"""Stored responses that are ended together (RFC 9875)."""

from __future__ import annotations

from tests.conformance.words import Answer, Row, Value, ask, hit, miss, row, says

DONE = 204
NEWER = says("max-age=600", body=b"newer")


def of(groups: Value) -> Answer:
    return says("max-age=600", cache_groups=groups)


def ends(
    rule: str, section: str, groups: Value, named: Value, *, method: str = "POST", status: int = DONE
) -> Row:
    """A change elsewhere that names the group ends what is kept in it."""
    return row(
        rule,
        section,
        miss(of(groups), at="/a"),
        ask(says(status=status, body=b"", cache_group_invalidation=named), method=method, at="/c", body=b"x"),
        ask(NEWER, at="/a", cache="fwd"),
        hit(at="/a", gives=b"newer"),
    )


def leaves(
    rule: str, section: str, groups: Value, named: Value, *, method: str = "POST", status: int = DONE
) -> Row:
    return row(
        rule,
        section,
        miss(of(groups), at="/a"),
        ask(
            says("no-store", status=status, body=b"", cache_group_invalidation=named), method=method, at="/c"
        ),
        hit(at="/a"),
    )


ROWS = [
    ends("a-group-that-is-named-ends", "9875 3", '"live"', '"live"'),
    *(
        ends(f"a-{method}-may-name-it", "9875 3", '"live"', '"live"', method=method)
        for method in ("PUT", "DELETE", "PATCH")
    ),
    ends("one-of-several-groups-of-a-response", "9875 2", '"one", "live", "two"', '"live"'),
    ends("one-of-several-groups-that-are-named", "9875 3", '"live"', '"one", "live"'),
    ends("groups-of-several-lines", "9875 2", ('"one"', '"live"'), '"live"'),
    ends("groups-named-on-several-lines", "9875 3", '"live"', ('"one"', '"live"')),
    ends("parameters-of-a-group-are-passed-over", "9875 2", '"live";x=1', '"live"'),
    ends("parameters-of-a-named-group-are-passed-over", "9875 3", '"live"', '"live";x=1'),
    ends("a-group-with-a-comma-in-it", "9875 2", '"a, b"', '"a, b"'),
    ends("a-group-with-an-escaped-quote", "9875 2", '"a\\"b"', '"a\\"b"'),
    ends(
        "the-32nd-group-of-a-response", "9875 2", ", ".join(f'"g{number}"' for number in range(32)), '"g31"'
    ),
    ends(
        "the-32nd-group-that-is-named", "9875 3", '"g31"', ", ".join(f'"g{number}"' for number in range(32))
    ),
    ends("a-name-of-32-characters", "9875 2", f'"{"x" * 32}"', f'"{"x" * 32}"'),
    leaves("another-group-is-left", "9875 2.1", '"live"', '"vod"'),
    leaves("a-group-has-case", "9875 2.1", '"live"', '"Live"'),
    leaves("a-group-that-only-begins-alike-is-left", "9875 2.1", '"live"', '"live2"'),
    leaves("a-part-of-a-group-is-none", "9875 2.1", '"a, b"', '"a"'),
    leaves("a-token-is-no-string", "9875 2", '"live"', "live"),
    leaves("an-invalid-list-names-nothing", "9875 3", '"live"', '"live", '),
    leaves("an-invalid-list-of-groups-puts-it-in-none", "9875 2", '"live", (', '"live"'),
    leaves("a-get-names-nothing", "9875 3", '"live"', '"live"', method="GET", status=200),
    leaves("an-options-names-nothing", "9875 3", '"live"', '"live"', method="OPTIONS"),
    row(
        "a-response-without-groups-is-left",
        "9875 2.1",
        miss(says("max-age=600"), at="/a"),
        ask(says(status=DONE, cache_group_invalidation='"live"'), method="POST", at="/c"),
        hit(at="/a"),
    ),
    row(
        "every-response-of-the-group-ends",
        "9875 3",
        miss(of('"live"'), at="/a"),
        miss(of('"live", "vod"'), at="/b"),
        miss(of('"vod"'), at="/v"),
        ask(says(status=DONE, cache_group_invalidation='"live"'), method="POST", at="/c"),
        ask(NEWER, at="/a", cache="fwd"),
        ask(NEWER, at="/b", cache="fwd"),
        hit(at="/v"),
    ),
    row(
        "the-end-of-a-group-does-not-spread-to-the-other-groups-of-its-members",
        "9875 3",
        miss(of('"live", "vod"'), at="/a"),
        miss(of('"vod"'), at="/b"),
        ask(says(status=DONE, cache_group_invalidation='"live"'), method="POST", at="/c"),
        ask(NEWER, at="/a", cache="fwd"),
        hit(at="/b"),
    ),
    row(
        "every-variant-in-the-group-ends",
        "9875 3",
        miss(says("max-age=600", cache_groups='"live"', vary="x-a"), at="/a", sent={"x-a": "1"}),
        miss(says("max-age=600", cache_groups='"live"', vary="x-a"), at="/a", sent={"x-a": "2"}),
        ask(says(status=DONE, cache_group_invalidation='"live"'), method="POST", at="/c"),
        ask(says("max-age=600", vary="x-a", body=b"newer"), at="/a", sent={"x-a": "1"}),
        ask(says("max-age=600", vary="x-a", body=b"newer"), at="/a", sent={"x-a": "2"}),
    ),
    row(
        "a-response-that-left-the-group-is-left",
        "9875 2",
        miss(says("max-age=60", cache_groups='"live"'), at="/a"),
        miss(says("max-age=600", cache_groups='"vod"', body=b"newer"), at="/a", after=61),
        ask(says(status=DONE, cache_group_invalidation='"live"'), method="POST", at="/c"),
        hit(at="/a", gives=b"newer"),
    ),
    row(
        "a-304-may-put-a-response-into-a-group",
        "9111 3.2",
        miss(says("max-age=60", etag='"1"'), at="/a"),
        ask(
            says("max-age=600", status=304, etag='"1"', cache_groups='"live"'), at="/a", after=61, status=200
        ),
        ask(says(status=DONE, cache_group_invalidation='"live"'), method="POST", at="/c"),
        ask(NEWER, at="/a", cache="fwd"),
    ),
    row(
        "the-groups-go-to-the-client",
        "9875 2",
        miss(of('"live"'), gets={"cache-groups": '"live"'}),
        hit(gets={"cache-groups": '"live"'}),
    ),
    row(
        "the-named-groups-go-to-the-client",
        "9875 3",
        ask(
            says(status=DONE, cache_group_invalidation='"live"'),
            method="POST",
            gets={"cache-group-invalidation": '"live"'},
        ),
    ),
]
