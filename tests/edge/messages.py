"""Requests and responses for tests of the edge's core, written as short as the test that needs them."""

from __future__ import annotations

from collections.abc import Mapping

from edge.fields import Fields, format_date
from edge.key import KeyRules
from edge.message import Head, Request, ResponseHead
from edge.stored import StoredResponse

NOW_S = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT
NAME = b"edge-1"


def fields(**named: str) -> Fields:
    """`cache_control="no-store"` as the field `cache-control: no-store`."""
    return tuple((name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in named.items())


def request(target: str = "/v/seg1.m4s", method: str = "GET", **named: str) -> Request:
    path = target.encode()
    return Request(method.encode(), path, KeyRules().key(path), Head.of(fields(**named), keep_alive=True))


def head(
    status: int = 200,
    named: Mapping[str, str] | None = None,
    *,
    received_s: float = NOW_S,
    delay_s: float = 0.0,
    **more: str,
) -> ResponseHead:
    return ResponseHead(status, fields(**(named or {}), **more), received_s - delay_s, received_s)


def stored(
    body: bytes = b"0123456789",
    named: Mapping[str, str] | None = None,
    *,
    status: int = 200,
    received_s: float = NOW_S,
    key: bytes = b"/v/seg1.m4s",
    **more: str,
) -> StoredResponse:
    """A response that came at `received_s` with a Date of then."""
    said = {**(named or {}), **more}
    said.setdefault("date", date(received_s))
    return StoredResponse(key, head(status, said, received_s=received_s), body, NAME)


def date(epoch_s: float) -> str:
    return format_date(int(epoch_s)).decode()
