from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin.paths import split_path


def test_segments_are_decoded_once() -> None:
    assert split_path("/v/bunny/1f%61/a%20b.m4s") == ("v", "bunny", "1fa", "a b.m4s")
    assert split_path("/v/%252e%252e") == ("v", "%2e%2e")


ODD = [
    "",
    "*",
    "v/bunny",
    "/",
    "//",
    "/v//bunny",
    "/v/bunny/",
    "/v/.",
    "/v/..",
    "/v/%2e%2e/x",
    "/v/.%2E/x",
    "/v/a%2fb",
    "/v/a%5Cb",
    "/v/a%00b",
    "/v/a%0ab",
    "/v/a%ff",
]


@pytest.mark.parametrize("raw_path", ODD)
def test_an_odd_path_names_nothing(raw_path: str) -> None:
    assert split_path(raw_path) is None


@given(st.text(alphabet="/.%25fFeE0aA\\\0", max_size=20))
def test_no_segment_ever_leads_up_or_down(raw_path: str) -> None:
    for segment in split_path(f"/{raw_path}") or ():
        assert segment not in ("", ".", "..")
        assert not set(segment) & set("/\\\0")
