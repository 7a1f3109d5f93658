"""Sizes and addresses as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.units import Address, format_size, parse_address, parse_size

SIZES = [
    ("4096", 4096),
    ("1B", 1),
    ("512MiB", 512 * 2**20),
    (" 1.5 GiB ", 3 * 2**29),
    ("2TiB", 2**41),
    ("10kB", 10_000),
    ("10KB", 10_000),
    ("10GB", 10**10),
]


@pytest.mark.parametrize(("text", "size_bytes"), SIZES)
def test_a_size_has_a_unit_or_is_in_bytes(text: str, size_bytes: int) -> None:
    assert parse_size(text) == size_bytes


@pytest.mark.parametrize("text", ["", "MiB", "-1MiB", "1 mib", "1,5GiB", "1e3", "0x10", "1MiBs", "1 2"])
def test_what_is_no_size_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="write a number and KiB, MiB or GiB, such as 512MiB"):
        parse_size(text)


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1.5 * 2**20, "1.50 MiB"),
        (42 * 2**20, "42.0 MiB"),
        (512 * 2**20, "512 MiB"),
        (3 * 2**40, "3.00 TiB"),
        (5000 * 2**40, "5000.00 TiB"),
    ],
)
def test_a_size_is_shown_with_three_digits(size_bytes: float, text: str) -> None:
    assert format_size(size_bytes) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("[::1]:80", Address("::1", 80)),
        (":0", Address("127.0.0.1", 0)),
        ("edge.example:65535", Address("edge.example", 65535)),
    ],
)
def test_an_address_is_host_and_port(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "8080", "host", "host:", "host:http", "host:65536", "host:-1"])
def test_what_is_no_address_says_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match=r"write HOST:PORT, such as 127\.0\.0\.1:8080"):
        parse_address(text)


@given(host=st.sampled_from(["127.0.0.1", "::1", "edge.example"]), port=st.integers(0, 65535))
def test_an_address_reads_back_as_it_is_shown(host: str, port: int) -> None:
    assert parse_address(str(Address(host, port))) == Address(host, port)
