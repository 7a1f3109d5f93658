"""Sizes and addresses as people write them: `512MiB`, `127.0.0.1:8080`."""

from __future__ import annotations

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator

_UNITS = {"": 1, "B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_UNITS |= {"kB": 10**3, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")


def parse_size(text: str) -> int:
    """Bytes of `512MiB`, `1.5 GiB`, `10GB` (decimal) or `4096`. Raises ValueError with the way out."""
    match = _SIZE.fullmatch(text.strip())
    if match is None or match[2] not in _UNITS:
        raise ValueError(f"{text!r} is not a size: write a number and KiB, MiB or GiB, such as 512MiB")
    return int(float(match[1]) * _UNITS[match[2]])


def format_size(size_bytes: float) -> str:
    """A size for people, in binary units with three significant digits: `1.50 MiB`."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if abs(size_bytes) < 1024:
            digits = 0 if unit == "B" else 2 if abs(size_bytes) < 10 else 1 if abs(size_bytes) < 100 else 0
            return f"{size_bytes:.{digits}f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.2f} TiB"


class Address(NamedTuple):
    """Where a service listens; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """`HOST:PORT`, `[::1]:PORT`, or `:PORT` on loopback. Raises ValueError with the way out."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"{text!r} is not an address: write HOST:PORT, such as 127.0.0.1:8080")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def _size_of(value: Any) -> Any:
    return parse_size(value) if isinstance(value, str) else value


def _address_of(value: Any) -> Any:
    return parse_address(value) if isinstance(value, str) else value


Size = Annotated[int, BeforeValidator(_size_of)]
Listen = Annotated[Address, BeforeValidator(_address_of)]
