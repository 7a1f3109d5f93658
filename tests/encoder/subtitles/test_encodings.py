from __future__ import annotations

import codecs

import pytest

from encoder.subtitles.encodings import decoded

TEXT = "1\n00:00:01,000 --> 00:00:02,000\nGrüße, “señor”\n"
ENCODED = [
    pytest.param(TEXT.encode(), id="utf-8"),
    pytest.param(TEXT.encode("utf-8-sig"), id="utf-8-with-mark"),
    pytest.param(TEXT.encode("utf-16"), id="utf-16-with-mark"),
    pytest.param(codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), id="utf-16-be-with-mark"),
    pytest.param(TEXT.encode("utf-16-le"), id="utf-16-le-without"),
    pytest.param(TEXT.encode("utf-16-be"), id="utf-16-be-without"),
    pytest.param(TEXT.encode("utf-32"), id="utf-32"),
    pytest.param(TEXT.encode("cp1252"), id="windows-1252"),
    pytest.param(TEXT.replace("\n", "\r\n").encode(), id="lines-of-windows"),
    pytest.param(TEXT.replace("\n", "\r").encode(), id="lines-of-old-macs"),
]


@pytest.mark.parametrize("data", ENCODED)
def test_the_same_text_in_any_encoding(data: bytes) -> None:
    assert decoded(data) == TEXT


def test_a_byte_that_windows_does_not_know_is_latin_1() -> None:
    assert decoded(b"\xe9\x81") == "é\x81"


def test_half_a_letter_behind_a_mark_is_no_text() -> None:
    with pytest.raises(UnicodeError):
        decoded(codecs.BOM_UTF16_LE + b"a\0b")
