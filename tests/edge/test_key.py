"""Request targets and cache keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.key import KeyRules, TargetError, is_host, origin_form, request_target

TARGETS = [  # as it came, as path and query (RFC 9112, 3.2)
    pytest.param(b"/", b"/", id="3.2.1-root"),
    pytest.param(b"/v/t/1/seg.m4s?a=1&b", b"/v/t/1/seg.m4s?a=1&b", id="3.2.1-query"),
    pytest.param(b"http://other.example/x?y", b"/x?y", id="3.2.2-absolute"),
    pytest.param(b"HTTPS://h:443/x", b"/x", id="3.2.2-scheme-in-any-case"),
    pytest.param(b"http://h", b"/", id="3.2.2-no-path"),
    pytest.param(b"http://h?q", b"/?q", id="3.2.2-no-path-but-a-query"),
    pytest.param(b"//evil.example/x", b"//evil.example/x", id="3.2.1-two-slashes-are-a-path"),
    pytest.param(b"/a%20b", b"/a%20b", id="escapes-stay"),
    pytest.param(b"/a..b/.c/d../...", b"/a..b/.c/d../...", id="dots-inside-a-segment"),
    pytest.param(b"/x?/../y", b"/x?/../y", id="dots-in-the-query"),
    pytest.param(b"/x?[a]|b^c`{}", b"/x?[a]|b^c`{}", id="what-players-send-raw"),
]


@pytest.mark.parametrize(("target", "path"), TARGETS)
def test_a_target_becomes_path_and_query(target: bytes, path: bytes) -> None:
    assert origin_form(target) == path


HOSTS = [  # Host, is it one
    *(
        pytest.param(value, True, id=value.decode() or "none")
        for value in (b"", b"a", b"a.b-c_d~e", b"127.0.0.1")
    ),
    *(pytest.param(value, True, id=value.decode()) for value in (b"a:80", b"a:", b"[::1]", b"[::1]:8080")),
    *(pytest.param(value, True, id=value.decode()) for value in (b"%C3%A9", b"a!$&'()*+,;=b")),
    *(
        pytest.param(value, False, id=repr(value))
        for value in (b"a b", b"a, b", b"a/b", b"me@a", b"a?b", b"a#")
    ),
    *(
        pytest.param(value, False, id=repr(value))
        for value in (b"a:b", b"a:80:80", b"::1", b"[::1", b"[::1]a")
    ),
    *(
        pytest.param(value, False, id=repr(value))
        for value in (b"%C", b"%zz", b"a\\b", b'"a"', b"\xe9", b"a\n")
    ),
]


@pytest.mark.parametrize(("value", "is_one"), HOSTS)
def test_host_is_a_name_and_an_optional_port(value: bytes, is_one: bool) -> None:
    """RFC 9110, 7.2."""
    assert is_host(value) is is_one


def test_only_options_is_about_the_server_itself() -> None:
    """RFC 9112, 3.2.4."""
    assert request_target(b"OPTIONS", b"*") == request_target(b"OPTIONS", b"http://h:80") == b"*"
    assert request_target(b"OPTIONS", b"http://h/") == b"/"
    assert request_target(b"GET", b"http://h") == b"/"
    with pytest.raises(TargetError):
        request_target(b"GET", b"*")


REFUSED = [  # target, what is wrong
    pytest.param(b"", "must be a path", id="empty"),
    pytest.param(b"*", "must be a path", id="3.2.4-asterisk"),
    pytest.param(b"h:443", "must be a path", id="3.2.3-authority"),
    pytest.param(b"ftp://h/x", "must be a path", id="another-scheme"),
    pytest.param(b"http:///x", "must be a path", id="no-authority"),
    pytest.param(b"x/y", "must be a path", id="relative"),
    pytest.param(b"/x y", "bytes that no URL", id="space"),
    pytest.param(b"/x#y", "bytes that no URL", id="fragment"),
    pytest.param(b'/x"', "bytes that no URL", id="quote"),
    pytest.param(b"/x\\y", "bytes that no URL", id="backslash"),
    pytest.param(b"/\xc3\xa9", "bytes that no URL", id="not-ascii"),
    pytest.param(b"/x\0", "bytes that no URL", id="nul"),
    pytest.param(b"/x\n", "bytes that no URL", id="line-feed"),
    pytest.param(b'/x?"', "bytes that no URL", id="quote-in-the-query"),
    pytest.param(b"/..", "dot segments", id="parent"),
    pytest.param(b"/../x", "dot segments", id="above-the-root"),
    pytest.param(b"/a/./b", "dot segments", id="current"),
    pytest.param(b"/a/..?q", "dot segments", id="parent-before-a-query"),
    pytest.param(b"/%2e%2E/x", "dot segments", id="escaped"),
    pytest.param(b"/.%2e/x", "dot segments", id="half-escaped"),
    pytest.param(b"http://h/../x", "dot segments", id="in-absolute-form"),
]


@pytest.mark.parametrize(("target", "wrong"), REFUSED)
def test_a_target_that_is_none_is_refused_with_the_reason(target: bytes, wrong: str) -> None:
    with pytest.raises(TargetError, match=wrong):
        origin_form(target)


@given(st.binary(max_size=40))
def test_what_passes_is_a_path_that_passes_again(target: bytes) -> None:
    try:
        path = origin_form(target)
    except TargetError:
        return
    assert path.startswith(b"/")
    assert origin_form(path) == path


KEYS = [  # CTA-5004: what the player says about itself is no part of the key
    pytest.param(b"/x", b"/x", id="no-query"),
    pytest.param(b"/x?CMCD=br%3D100", b"/x", id="cmcd-alone"),
    pytest.param(b"/x?a=1&CMCD=br%3D100", b"/x?a=1", id="cmcd-last"),
    pytest.param(b"/x?CMCD=br%3D100&a=1", b"/x?a=1", id="cmcd-first"),
    pytest.param(b"/x?a=1&CMCD=c&b=2", b"/x?a=1&b=2", id="cmcd-in-the-middle"),
    pytest.param(b"/x?b=2&a=1", b"/x?b=2&a=1", id="order-is-kept"),
    pytest.param(b"/x?XCMCD=1", b"/x?XCMCD=1", id="another-name"),
    pytest.param(b"/x?cmcd=1", b"/x?cmcd=1", id="another-case"),
    pytest.param(b"/CMCD=1/x", b"/CMCD=1/x", id="in-the-path"),
    pytest.param(b"/x?a=/y?CMCD=1", b"/x?a=/y?CMCD=1", id="inside-a-value"),
    pytest.param(b"/x?", b"/x?", id="an-empty-query-is-one"),
]


@pytest.mark.parametrize(("target", "key"), KEYS)
def test_a_key_is_the_target_without_cmcd(target: bytes, key: bytes) -> None:
    assert KeyRules().key(target) == key


RULED = [  # rules, target, key
    pytest.param(KeyRules(), b"/%7euser/%41?q=%7E%2f", b"/~user/A?q=~%2F", id="3986-6.2.2-normal-form"),
    pytest.param(KeyRules(), b"/a%2fb", b"/a%2Fb", id="3986-6.2.2.2-a-reserved-one-stays-escaped"),
    pytest.param(KeyRules(), b"/100%", b"/100%", id="an-escape-that-is-none"),
    pytest.param(KeyRules(), b"/%2541", b"/%2541", id="3986-2.4-never-decoded-twice"),
    pytest.param(KeyRules(), b"/x?%43MCD=1", b"/x", id="an-escaped-name"),
    pytest.param(KeyRules(is_sorted=True), b"/x?b=2&a=1&a=0", b"/x?a=0&a=1&b=2", id="sorted"),
    pytest.param(KeyRules(is_sorted=True), b"/x?b&CMCD=1&a", b"/x?a&b", id="sorted-without-cmcd"),
    pytest.param(KeyRules(is_sorted=True), b"/b/a", b"/b/a", id="sorted-without-a-query"),
    pytest.param(
        KeyRules(dropped=("utm_*",)), b"/x?utm_source=a&v=1&utm_id", b"/x?v=1", id="dropped-by-pattern"
    ),
    pytest.param(KeyRules(dropped=("sid",)), b"/x?sid=9", b"/x", id="dropped-to-the-last"),
    pytest.param(KeyRules(dropped=("sid",)), b"/x?SID=9&side=1", b"/x?SID=9&side=1", id="by-its-whole-name"),
    pytest.param(KeyRules(dropped=("sid",)), b"/x?%73id=9&a", b"/x?a", id="dropped-though-escaped"),
    pytest.param(KeyRules(dropped=("a[1]",)), b"/x?a1=9&b", b"/x?b", id="a-set-of-letters"),
]


@pytest.mark.parametrize(("rules", "target", "key"), RULED)
def test_a_key_is_the_target_as_the_rules_have_it(rules: KeyRules, target: bytes, key: bytes) -> None:
    assert rules.key(target) == key


TARGET_BYTES = st.sampled_from(
    [b"a", b"/", b"?", b"&", b"=", b"%41", b"%2f", b"%", b"%2", b"CMCD=1", b"%43MCD", b"%252e", b"sid=1"]
)


@given(
    st.lists(TARGET_BYTES, max_size=8).map(lambda pieces: b"/" + b"".join(pieces)),
    st.booleans(),
    st.sampled_from([(), ("sid",), ("s*", "a")]),
)
def test_a_key_is_a_target_whose_key_is_itself(
    target: bytes, is_sorted: bool, dropped: tuple[str, ...]
) -> None:
    """Upstream is asked for the key: what it answers must be what the key names."""
    rules = KeyRules(is_sorted, dropped)
    key = rules.key(target)
    assert rules.key(key) == key
    assert origin_form(key) == key
