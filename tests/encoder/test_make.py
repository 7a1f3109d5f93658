from __future__ import annotations

from dataclasses import replace

import pytest

from encoder.make import make

OWN = make()


def test_a_machine_is_of_its_own_make() -> None:
    assert make().other_than(OWN) == ""


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (replace(OWN, ffmpeg="4.0"), f"has ffmpeg 4.0, not {OWN.ffmpeg}: install the same"),
        (replace(OWN, processor="z80"), f"has a processor of type z80, not {OWN.processor}: leave it out"),
        (replace(OWN, code="0"), "has another version of penstock: install the same"),
    ],
)
def test_what_makes_other_bytes_is_named(other: object, said: str) -> None:
    assert isinstance(other, type(OWN))
    assert other.other_than(OWN) == said
