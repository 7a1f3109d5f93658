"""A key's place on the disk follows from the key alone."""

from __future__ import annotations

import pytest

from edge.disk.address import address_in, address_of, digest_of, vary_names_in

VARIANT = b"/a?b=c\naccept:text/html\norigin:\0"


def test_the_name_says_digest_and_family() -> None:
    plain, variant = address_of(b"/a?b=c"), address_of(VARIANT)
    assert (plain.family, variant.family) == (0, plain.digest)
    assert plain.path == f"{plain.digest >> 56:02x}/{plain.digest:016x}"
    assert variant.path.endswith(f"{variant.digest:016x}-{plain.digest:016x}")
    assert digest_of(VARIANT) == variant.digest != plain.digest


@pytest.mark.parametrize("key", [b"/a", b"", VARIANT, b"/\xff" * 4000])
def test_a_scan_reads_the_address_back(key: bytes) -> None:
    folder, _, name = address_of(key).path.partition("/")
    assert address_in(folder, name) == address_of(key)


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("00", "0123456789abcdef"),
        ("01", "0123456789ABCDEF"),
        ("01", "0123456789abcde"),
        ("01", "0123456789abcdef0"),
        ("01", "0123456789abcdef-"),
        ("01", "0123456789abcdef-0000000000000000"),
        ("01", "0123456789abcdef-0123456789abcde"),
        ("01", "01_3456789abcdef"),
        ("01", "01 3456789abcde "),
        ("01", "notes.txt"),
        ("01", ""),
    ],
)
def test_a_stray_file_has_no_address(folder: str, name: str) -> None:
    assert address_in(folder, name) is None


def test_a_variant_names_the_fields_that_chose_it() -> None:
    assert vary_names_in(VARIANT) == (b"accept", b"origin")
    assert vary_names_in(b"/a") == ()
