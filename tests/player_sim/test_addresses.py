"""One stream through several edges."""

from __future__ import annotations

import pytest
from yarl import URL

from player_sim.addresses import Edges, wanted
from player_sim.schedule import PlayError

STREAM = ["http://a:1/v/x/master.m3u8", "https://b/v/x/master.m3u8"]


def test_an_object_is_asked_for_at_the_edge_in_use() -> None:
    edges = Edges(STREAM)
    segment = wanted("http://a:1/v/x/720p/1.m4s?t=%2Fy").url
    assert edges.via(segment) == segment
    edges.move_on_from(URL("http://a:1"))
    assert str(edges.via(segment)) == "https://b/v/x/720p/1.m4s?t=%2Fy"
    assert str(edges.via(URL("https://b/v/x/1.m4s"))) == "https://b/v/x/1.m4s"


def test_after_the_last_edge_comes_the_first() -> None:
    edges = Edges(STREAM)
    edges.move_on_from(URL("http://a:1"))
    edges.move_on_from(URL("https://b"))
    assert edges.in_use == URL("http://a:1")


def test_of_several_downloads_that_fail_at_one_edge_one_moves_on() -> None:
    edges = Edges(STREAM)
    edges.move_on_from(URL("http://a:1"))
    edges.move_on_from(URL("http://a:1"))
    assert edges.in_use == URL("https://b")


def test_what_none_of_the_edges_serves_stays_where_it_is() -> None:
    edges = Edges(STREAM)
    edges.move_on_from(URL("http://a:1"))
    assert str(edges.via(URL("http://elsewhere/1.m4s"))) == "http://elsewhere/1.m4s"


@pytest.mark.parametrize(
    ("urls", "message"),
    [
        (["ftp://a/x.m3u8"], "ftp://a/x.m3u8: not an http or https address"),
        (["master.m3u8"], "master.m3u8: not an http or https address"),
        (["http://a:port/x.m3u8"], "http://a:port/x.m3u8: not an address"),
        (["http://a/x.m3u8", "http://b/y.m3u8"], "http://b/y.m3u8: another path than http://a/x.m3u8"),
    ],
)
def test_addresses_that_cannot_be_meant_are_refused(urls: list[str], message: str) -> None:
    with pytest.raises(PlayError, match=message):
        Edges(urls)


def test_an_address_that_was_not_quoted_is() -> None:
    assert str(wanted("http://a/ü/1 2.m4s").url) == "http://a/%C3%BC/1%202.m4s"


def test_what_is_expected_of_an_answer() -> None:
    whole = wanted("http://a/1.m4s", None, 700)
    part = wanted("http://a/all.mp4", (100, 299), 200)
    assert (whole.expected_status, whole.expected_bytes) == (200, 700)
    assert (part.expected_status, part.expected_bytes) == (206, 200)
    assert wanted("http://a/2.m4s").expected_bytes is None
