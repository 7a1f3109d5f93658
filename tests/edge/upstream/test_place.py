"""How an upstream is written."""

from __future__ import annotations

import pytest

from edge.upstream.place import Place, PlaceError, parse_place, parse_places

GOOD = [  # text, what it means
    pytest.param("http://h:1", Place("http://h:1", "http://h:1"), id="a-url"),
    pytest.param("https://h/base/", Place("https://h/base", "https://h/base"), id="a-base-path"),
    pytest.param("http://[::1]:8000", Place("http://[::1]:8000", "http://[::1]:8000"), id="ipv6"),
    pytest.param("http://h weight=2", Place("http://h", "http://h", 2.0), id="a-weight"),
    pytest.param("http://h   weight=0.25 ", Place("http://h", "http://h", 0.25), id="a-part-of-one"),
    pytest.param(
        "http://me:secret@h:1/x", Place("http://h:1/x", "http://me:secret@h:1/x"), id="a-secret-is-not-shown"
    ),
    pytest.param(
        "unix:/run/edge.sock weight=3",
        Place("unix:/run/edge.sock", "http://localhost", 3.0, "/run/edge.sock"),
        id="a-socket",
    ),
]


@pytest.mark.parametrize(("text", "place"), GOOD)
def test_what_an_upstream_may_be(text: str, place: Place) -> None:
    assert parse_place(text) == place


BAD = [  # text, what is said
    pytest.param("h:8000", "write a URL", id="no-scheme"),
    pytest.param("ftp://h", "write a URL", id="another-scheme"),
    pytest.param("http://", "write a URL", id="no-host"),
    pytest.param("http://:80", "write a URL", id="a-port-alone"),
    pytest.param("http://h:0", "write a URL", id="port-0"),
    pytest.param("http://h:70000", "write a URL", id="no-such-port"),
    pytest.param("http://[::1", "write a URL", id="half-an-address"),
    pytest.param("http://h/?a=1", "write a URL", id="a-query"),
    pytest.param("http://h/#a", "write a URL", id="a-fragment"),
    pytest.param("", "write a URL", id="nothing"),
    pytest.param("http://h weight=0", "weight above 0", id="no-weight-at-all"),
    pytest.param("http://h weight=-1", "weight above 0", id="less-than-none"),
    pytest.param("http://h weight=inf", "weight above 0", id="without-bounds"),
    pytest.param("http://h heavy", "weight above 0", id="another-word"),
    pytest.param("unix:edge.sock", "a socket's whole path", id="a-relative-socket"),
    pytest.param("unix:", "a socket's whole path", id="no-socket"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_it_may_not_be_is_said_with_the_way_out(text: str, said: str) -> None:
    with pytest.raises(PlaceError, match=said) as caught:
        parse_place(text)
    assert caught.value.text in (text, text.strip())


def test_several_come_in_their_order() -> None:
    places = parse_places(["http://b", "unix:/a", "http://a weight=2"])
    assert [place.label for place in places] == ["http://b", "unix:/a", "http://a"]


@pytest.mark.parametrize(
    ("texts", "said"),
    [([], "name at least one"), (["http://a", "http://b", "http://me:x@a/ weight=2"], "each upstream once")],
)
def test_none_and_the_same_twice_are_mistakes(texts: list[str], said: str) -> None:
    with pytest.raises(PlaceError, match=said):
        parse_places(texts)
