"""The session that a player names."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.cmcd import session_of, session_of_target, sessions_of_hits

LISTS = [
    pytest.param(rb'sid="6e2fb550"', "6e2fb550", id="alone"),
    pytest.param(rb'bl=21300,cid="a,sid=\"x\"",sid="s 1",su', "s 1", id="behind-a-text-that-looks-so"),
    pytest.param(rb'sf=h, sid="a\"b\\c"', 'a"b\\c', id="escapes"),
    pytest.param(rb"sid=6e2fb550", "", id="a-text-has-quotes"),
    pytest.param(rb'xsid="1"', "", id="another-name"),
    pytest.param(rb'sid="1', "", id="no-end"),
    pytest.param(b'sid="' + b"a" * 500 + b'"', "a" * 64, id="no-longer-than-the-standard-has-it"),
    pytest.param(b"", "", id="nothing"),
]


@pytest.mark.parametrize(("members", "sid"), LISTS)
def test_the_session_is_found_in_a_list(members: bytes, sid: str) -> None:
    assert session_of(members) == sid


TARGETS = [
    pytest.param(b"/x?a=1&CMCD=bl%3D1%2Csid%3D%22s%22&b=2", "s", id="among-others"),
    pytest.param(b'/x?CMCD=sid="s"', "s", id="not-escaped"),
    pytest.param(b"/x?cmcd=sid%3D%22s%22", "", id="another-argument"),
    pytest.param(b"/CMCD=sid%3D%22s%22", "", id="no-query"),
]


@pytest.mark.parametrize(("target", "sid"), TARGETS)
def test_the_session_is_found_in_a_target(target: bytes, sid: str) -> None:
    assert session_of_target(target) == sid


HITS = [  # path, what follows ?CMCD=, the inside of a JSON text
    pytest.param(b"/x", b"bl%3D1%2Csid%3D%22s-1%22%2Cst%3Dv", b"s-1", id="as-browsers-write-it"),
    pytest.param(b"/x", b"sid%3D%22s%22", b"s", id="first"),
    pytest.param(b"/x", b"bl%3D1%2Csid%3D%22a%20%5C%22b%5C%22%22", rb"a \"b\"", id="escapes"),
    pytest.param(b"/x", b"com.x-sid%3D%22a%22%2Csid%3D%22b%22", b"b", id="behind-another-name"),
    pytest.param(b"/x", b"cid%3D%22a%2Csid%3D%22%2Csid%3D%22b%22", b"b", id="behind-a-text-that-looks-so"),
    pytest.param(b"/x", b"sid%3D%22" + b"a" * 65 + b"%22", b"a" * 64, id="too-long"),
    pytest.param(b"/x", b"bl%3D1", b"", id="none"),
    pytest.param(b"/x", b"", b"", id="no-query"),
    pytest.param(b"/x?a=1&CMCD=sid%3D%22s%22", b"", b"s", id="among-other-arguments"),
    pytest.param(b"/x?sid%3D%22s%22", b"", b"", id="another-argument"),
]


@pytest.mark.parametrize(("path", "query", "sid"), HITS)
def test_the_session_of_a_hit_is_found(path: bytes, query: bytes, sid: bytes) -> None:
    assert sessions_of_hits([path], [query]) == [sid]


def test_the_sessions_of_many_hits_are_each_their_own() -> None:
    paths, queries, sids = zip(*(case.values for case in HITS), strict=True)
    assert sessions_of_hits(paths, queries) == list(sids)


@given(
    st.text("ab-9%,= \"\\'é", min_size=1, max_size=8),
    st.text('ab,=sid"\\ ', max_size=12),
    st.sampled_from(["st=v", "su", 'x-sid="z"']),
)
def test_a_hit_has_the_session_that_its_target_has(sid: str, cid: str, other: str) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    query = quote(f"cid={quoted(cid)},sid={quoted(sid)},{other}", safe="").encode()
    (found,) = sessions_of_hits([b"/x"], [query])
    assert json.loads(b'"%b"' % found) == session_of_target(b"/x?CMCD=" + query) == sid
