"""The session that a player names."""

from __future__ import annotations

import pytest

from edge.cmcd import session_of, session_of_target

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
