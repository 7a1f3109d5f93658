"""Request targets and cache keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.key import TargetError, cache_key, origin_form

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
    assert cache_key(target) == key
