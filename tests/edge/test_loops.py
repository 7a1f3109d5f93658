"""CDN-Loop (RFC 8586): what is added, and what is a loop."""

from __future__ import annotations

import pytest

from edge.loops import is_loop, own_id, with_own
from tests.edge.messages import fields

OWN = b"edge-1-0a1b2c"

CASES = [  # the field's value, whether it tells of a loop
    pytest.param("edge-1-0a1b2c", True, id="alone"),
    pytest.param("cdn.example, edge-1-0a1b2c", True, id="among-others"),
    pytest.param('edge-1-0a1b2c; hop="1"', True, id="2-with-parameters"),
    pytest.param("EDGE-1-0A1B2C", True, id="host-names-have-no-case"),
    pytest.param("  edge-1-0a1b2c\t;a=b ,x", True, id="white-space"),
    pytest.param("edge-1-0a1b2c4", False, id="a-longer-one"),
    pytest.param("x-edge-1-0a1b2c", False, id="a-part-of-another"),
    pytest.param('cdn.example; seen="a, edge-1-0a1b2c, b"', False, id="in-a-quoted-parameter"),
    pytest.param('cdn.example; seen="\\", edge-1-0a1b2c"', False, id="behind-an-escaped-quote"),
    pytest.param("cdn.example; by=edge-1-0a1b2c", False, id="as-a-parameter"),
    pytest.param("", False, id="empty"),
]


@pytest.mark.parametrize(("value", "expected"), CASES)
def test_a_request_that_names_this_cache_is_a_loop(value: str, expected: bool) -> None:
    assert is_loop(fields(cdn_loop=value), OWN) is expected


def test_every_line_of_the_field_counts() -> None:
    assert is_loop(fields(cdn_loop="a") + fields(cdn_loop="edge-1-0a1b2c"), OWN)
    assert not is_loop(fields(via="1.1 edge-1-0a1b2c"), OWN)


def test_what_came_is_kept_and_our_own_comes_last() -> None:
    came = fields(cdn_loop='a; b="c"', host="h") + fields(cdn_loop="d")
    assert with_own(came, OWN) == fields(host="h", cdn_loop='a; b="c", d, edge-1-0a1b2c')
    assert with_own((), OWN) == fields(cdn_loop="edge-1-0a1b2c")
    assert is_loop(with_own(came, OWN), OWN)


def test_an_id_is_steady_and_another_for_another_cache_of_the_same_name() -> None:
    mine = own_id("penstock", "host-a", "127.0.0.1", "8080")
    assert mine == own_id("penstock", "host-a", "127.0.0.1", "8080")
    others = {own_id("penstock", host, "127.0.0.1", port) for host in "ab" for port in ("8080", "8081")}
    assert len(others | {mine}) == 5
    assert mine.startswith("penstock-")
