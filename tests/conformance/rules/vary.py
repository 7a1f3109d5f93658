"""Which stored response a request selects (RFC 9111, 4.1)."""

from __future__ import annotations

from tests.conformance.words import Row, ask, hit, miss, row, says


def same(
    rule: str,
    name: str,
    first: str | tuple[str, ...],
    second: str | tuple[str, ...],
    section: str = "9111 4.1",
) -> Row:
    """Both values of the field `name` select the same response."""
    return row(
        rule,
        section,
        miss(says("max-age=60", vary=name), sent={name: first}),
        hit(after=1, sent={name: second}),
    )


def differ(rule: str, name: str, first: str | None, second: str | None, section: str = "9111 4.1") -> Row:
    """The two values of the field `name` select different responses; both are kept."""
    one = {} if first is None else {name: first}
    two = {} if second is None else {name: second}
    return row(
        rule,
        section,
        miss(says("max-age=60", vary=name, body=b"one"), sent=one),
        miss(says("max-age=60", vary=name, body=b"two"), after=1, sent=two, cache="fwd=vary-miss; stored"),
        hit(after=1, sent=one, gives=b"one"),
        hit(sent=two, gives=b"two"),
    )


ROWS = [
    same("the-same-value-selects", "accept-language", "de", "de"),
    differ("another-value-does-not-select", "accept-language", "de", "en"),
    differ("an-absent-field-differs-from-a-present-one", "accept-language", None, "en"),
    differ("a-present-field-differs-from-an-absent-one", "accept-language", "en", None),
    row(
        "an-absent-field-matches-an-absent-one",
        "9111 4.1",
        miss(says("max-age=60", vary="accept-language")),
        hit(after=1),
    ),
    row(
        "other-fields-do-not-count",
        "9111 4.1",
        miss(says("max-age=60", vary="accept-language"), sent={"accept-language": "de", "x-other": "1"}),
        hit(sent={"accept-language": "de", "x-other": "2"}),
    ),
    row(
        "without-vary-no-field-counts",
        "9111 4.1",
        miss(says("max-age=60"), sent={"accept-language": "de"}),
        hit(sent={"accept-language": "en"}),
    ),
    same("white-space-around-commas-does-not-count", "accept-language", "de,en", "de , en"),
    same("several-lines-are-one-list", "accept-language", ("de", "en"), "de, en"),
    same("the-order-of-codings-does-not-count", "accept-encoding", "gzip, br", "br, gzip"),
    same("the-case-of-codings-does-not-count", "accept-encoding", "GZip", "gzip"),
    same("the-case-of-languages-does-not-count", "accept-language", "de-DE", "de-de"),
    same(
        "the-order-of-languages-does-not-count-where-weights-say-it",
        "accept-language",
        "de, en;q=0.5",
        "en;q=0.5, de",
    ),
    differ("weights-count", "accept-encoding", "gzip, br;q=0.1", "gzip;q=0.1, br"),
    differ("a-further-coding-counts", "accept-encoding", "gzip", "gzip, br"),
    differ("identity-alone-is-another-choice", "accept-encoding", "identity", "gzip"),
    differ("an-unknown-fields-case-counts", "x-kind", "a", "A"),
    differ("an-unknown-fields-order-counts", "x-kind", "a, b", "b, a"),
    differ("user-agents-differ-by-a-letter", "user-agent", "player/1", "player/2"),
    differ("origins-differ", "origin", "https://a.example", "https://b.example"),
    differ("cookies-differ", "cookie", "a=1", "a=2"),
    row(
        "the-name-in-vary-has-no-case",
        "9110 5.1",
        miss(says("max-age=60", vary="Accept-LANGUAGE", body=b"de"), sent={"accept-language": "de"}),
        miss(says("max-age=60", vary="Accept-LANGUAGE", body=b"en"), sent={"accept-language": "en"}),
        hit(sent={"Accept-Language": "de"}, gives=b"de"),
    ),
    row(
        "every-named-field-must-match",
        "9111 4.1",
        miss(says("max-age=60", vary="x-a, x-b"), sent={"x-a": "1", "x-b": "1"}),
        miss(says("max-age=60", vary="x-a, x-b", body=b"two"), sent={"x-a": "1", "x-b": "2"}),
        miss(says("max-age=60", vary="x-a, x-b", body=b"three"), sent={"x-a": "2", "x-b": "1"}),
        hit(sent={"x-a": "1", "x-b": "1"}),
    ),
    row(
        "vary-of-several-lines-is-one-list",
        "9110 5.3",
        miss(says("max-age=60", vary=("x-a", "x-b")), sent={"x-a": "1", "x-b": "1"}),
        miss(says("max-age=60", vary=("x-a", "x-b"), body=b"two"), sent={"x-a": "1", "x-b": "2"}),
    ),
    row(
        "fields-of-a-list-are-not-confused",
        "9111 4.1",
        miss(says("max-age=60", vary="x-a, x-b"), sent={"x-a": "1", "x-b": ""}),
        miss(says("max-age=60", vary="x-a, x-b", body=b"two"), sent={"x-a": "", "x-b": "1"}),
    ),
    row(
        "vary-star-is-used-for-nobody-else",
        "9111 4.1",
        miss(says("max-age=60", vary="*")),
        ask(says("max-age=60", vary="*", body=b"two"), after=1, cache="fwd"),
    ),
    row(
        "a-star-among-names-is-a-star",
        "9110 12.5.5",
        miss(says("max-age=60", vary="accept-language, *"), sent={"accept-language": "de"}),
        ask(says("max-age=60", body=b"two"), after=1, sent={"accept-language": "de"}, cache="fwd"),
    ),
    row(
        "an-empty-vary-names-nothing",
        "9111 4.1",
        miss(says("max-age=60", vary="")),
        hit(sent={"accept-language": "de"}),
    ),
    row(
        "vary-goes-to-the-client",
        "9110 12.5.5",
        miss(says("max-age=60", vary="x-a"), gets={"vary": "x-a"}),
        hit(gets={"vary": "x-a"}),
    ),
    row(
        "the-fields-that-select-are-sent-to-the-origin",
        "9111 4.1",
        miss(says("max-age=60", vary="x-a"), sent={"x-a": "1"}, asked={"x-a": "1"}),
        miss(says("max-age=60", vary="x-a", body=b"two"), sent={"x-a": "2"}, asked={"x-a": "2"}),
    ),
    row(
        "a-validation-carries-the-fields-that-select",
        "9111 4.3.1",
        miss(says("max-age=60", vary="x-a", etag='"1"'), sent={"x-a": "1"}),
        ask(
            says("max-age=60", status=304, vary="x-a", etag='"1"'),
            after=61,
            sent={"x-a": "1"},
            status=200,
            asked={"if-none-match": '"1"', "x-a": "1"},
        ),
    ),
    row(
        "a-304-updates-its-own-variant-only",
        "9111 4.3.4",
        miss(says("max-age=60", vary="x-a", etag='"1"', body=b"one"), sent={"x-a": "1"}),
        miss(says("max-age=60", vary="x-a", etag='"2"', body=b"two"), sent={"x-a": "2"}),
        ask(
            says("max-age=60", status=304, vary="x-a", etag='"1"'),
            after=61,
            sent={"x-a": "1"},
            status=200,
            gives=b"one",
        ),
        hit(after=1, sent={"x-a": "1"}, gives=b"one", age=1),
        ask(
            says("max-age=60", status=304, vary="x-a", etag='"2"'),
            sent={"x-a": "2"},
            status=200,
            gives=b"two",
        ),
    ),
    row(
        "a-new-variant-leaves-the-others",
        "9111 4.1",
        miss(says("max-age=60", vary="x-a", body=b"one"), sent={"x-a": "1"}),
        miss(says("no-store", vary="x-a", body=b"two"), after=1, sent={"x-a": "2"}),
        hit(after=1, sent={"x-a": "1"}, gives=b"one"),
    ),
    row(
        "a-narrower-vary-of-a-newer-answer-is-obeyed",
        "9111 4.1",
        miss(says("max-age=60", body=b"any")),
        ask(says("max-age=600", vary="x-a", body=b"one"), after=61, sent={"x-a": "1"}),
        ask(says("max-age=600", vary="x-a", body=b"two"), after=1, sent={"x-a": "2"}, gives=b"two"),
        hit(sent={"x-a": "1"}, gives=b"one"),
    ),
    row(
        "a-head-selects-by-vary-too",
        "9111 4.1",
        miss(says("max-age=60", vary="x-a"), sent={"x-a": "1"}),
        ask(says("max-age=60", vary="x-a"), method="HEAD", sent={"x-a": "2"}, cache="fwd"),
        hit(method="HEAD", sent={"x-a": "1"}),
    ),
    row(
        "a-stored-redirect-varies-too",
        "9111 4.1",
        miss(
            says("max-age=60", status=302, location="/de", vary="accept-language"),
            sent={"accept-language": "de"},
        ),
        miss(
            says("max-age=60", status=302, location="/en", vary="accept-language"),
            sent={"accept-language": "en"},
            gets={"location": "/en"},
        ),
    ),
    row(
        "no-cache-asks-for-its-own-variant",
        "9111 4.1",
        miss(says("max-age=60", vary="x-a", etag='"1"', body=b"one"), sent={"x-a": "1"}),
        ask(
            says("max-age=60", status=304, vary="x-a", etag='"1"'),
            sent={"x-a": "1", "cache-control": "no-cache"},
            status=200,
            gives=b"one",
            asked={"if-none-match": '"1"'},
        ),
    ),
    row(
        "only-if-cached-has-no-other-variant",
        "9111 5.2.1.7",
        miss(says("max-age=60", vary="x-a"), sent={"x-a": "1"}),
        ask(None, sent={"x-a": "2", "cache-control": "only-if-cached"}, status=504),
    ),
]
