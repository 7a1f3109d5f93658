"""Which directives count: Cache-Control, or the field for CDNs (RFC 9213), and the fields they name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.control import control_of
from tests.edge.messages import fields

TARGETED = [  # CDN-Cache-Control, Cache-Control, the directives that count
    pytest.param(None, "max-age=60", {"max-age": "60"}, id="none"),
    pytest.param("max-age=60", "no-store", {"max-age": "60"}, id="2.2-wins"),
    pytest.param("no-store", "max-age=60", {"no-store": None}, id="2.2-forbids"),
    pytest.param("", "max-age=60", {"max-age": "60"}, id="2.2-empty-is-ignored"),
    pytest.param("   ", "max-age=60", {"max-age": "60"}, id="2.2-blank-is-ignored"),
    pytest.param("max-age=60, ,", "no-store", {"no-store": None}, id="2.2-malformed-is-ignored"),
    pytest.param("max-age=60;", "no-store", {"no-store": None}, id="2.2-malformed-parameter"),
    pytest.param("MAX-AGE=60", "no-store", {"no-store": None}, id="9651-3.2-keys-are-lower-case"),
    pytest.param("max-age=60;x=1", "no-store", {"max-age": "60"}, id="2.1-parameters-are-ignored"),
    pytest.param("max-age=60, max-age=5", "", {"max-age": "5"}, id="9651-3.2-the-last-of-two"),
    pytest.param('max-age="60"', "", {"max-age": ""}, id="2.1-a-lifetime-is-no-string"),
    pytest.param("max-age=60.5", "", {"max-age": ""}, id="2.1-a-lifetime-is-no-decimal"),
    pytest.param("max-age=?1", "", {"max-age": None}, id="2.1-a-lifetime-is-no-boolean"),
    pytest.param("max-age=-1", "", {"max-age": "-1"}, id="2.1-a-negative-lifetime"),
    pytest.param("no-store=?0, max-age=9", "", {"max-age": "9"}, id="a-directive-that-is-off"),
    pytest.param("must-revalidate", "max-age=60", {"must-revalidate": None}, id="2.2-no-mixture"),
]


@pytest.mark.parametrize(("targeted", "general", "directives"), TARGETED)
def test_which_directives_count(
    targeted: str | None, general: str, directives: dict[str, str | None]
) -> None:
    named = {"cache_control": general} | ({} if targeted is None else {"cdn_cache_control": targeted})
    control = control_of(fields(**named))
    assert control.directives == directives
    assert all(name in control for name in directives)


def test_a_targeted_field_in_several_lines_is_one() -> None:
    told = ((b"cdn-cache-control", b"max-age=60"), (b"cdn-cache-control", b"must-revalidate"))
    assert control_of(told).directives == {"max-age": "60", "must-revalidate": None}
    assert control_of(told).is_targeted
    assert not control_of(fields(cache_control="max-age=60")).is_targeted


QUALIFIED = [  # Cache-Control, the directives that count, the fields for the first client only
    pytest.param('private="X-Mine", max-age=9', {"max-age"}, {b"x-mine"}, id="5.2.2.7-private"),
    pytest.param('no-cache="a, B"', set(), {b"a", b"b"}, id="5.2.2.4-no-cache"),
    pytest.param('no-cache="a", private="b"', set(), {b"a", b"b"}, id="both"),
    pytest.param('private=""', {"private"}, set(), id="names-nothing-forbids-all"),
    pytest.param('no-cache=" , "', {"no-cache"}, set(), id="names-nothing-at-all"),
    pytest.param("no-cache", {"no-cache"}, set(), id="unqualified"),
    pytest.param('no-store="a"', {"no-store"}, set(), id="no-store-knows-no-names"),
]


@pytest.mark.parametrize("targeted", [False, True], ids=["general", "targeted"])
@pytest.mark.parametrize(("value", "names", "withheld"), QUALIFIED)
def test_what_names_fields_concerns_only_these(
    value: str, names: set[str], withheld: set[bytes], targeted: bool
) -> None:
    told = fields(cdn_cache_control=value) if targeted else fields(cache_control=value)
    control = control_of(told)
    assert (set(control.directives), set(control.withheld)) == (names, withheld)


def test_a_name_without_quotes_is_one_in_cache_control_and_none_in_a_structured_field() -> None:
    """RFC 9111, 5.2, asks to take both forms; RFC 9213, 2.1, knows one, and what is odd forbids all."""
    assert control_of(fields(cache_control="private=a")).withheld == {b"a"}
    assert "private" in control_of(fields(cdn_cache_control="private=a"))


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_whatever_comes_is_read_without_an_error(targeted: bytes, general: bytes) -> None:
    control = control_of(((b"cdn-cache-control", targeted), (b"cache-control", general)))
    assert all(name == name.lower() for name in control.directives)
