"""Which of the two kinds of manifest an answer is."""

from __future__ import annotations

import pytest

from player_sim.manifests import Document, is_dash

CASES = [  # address, media type, is it DASH
    ("http://a/x.mpd", "application/dash+xml", True),
    ("http://a/x", "Application/DASH+XML; charset=utf-8", True),
    ("http://a/x.mpd", "application/octet-stream", True),
    ("http://a/x.mpd?token=1", "", True),
    ("http://a/x.mpd", "application/vnd.apple.mpegurl", False),
    ("http://a/x.m3u8", "text/plain", False),
    ("http://a/x", "audio/mpegurl", False),
]


@pytest.mark.parametrize(("url", "content_type", "expected"), CASES)
def test_the_media_type_decides_then_the_extension(url: str, content_type: str, expected: bool) -> None:
    assert is_dash(Document(url=url, content_type=content_type, text="")) is expected
