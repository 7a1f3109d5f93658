from __future__ import annotations

import pytest

from origin.caching import CACHE_CONTROL, Kind, media_type


def test_every_kind_says_how_it_may_be_cached() -> None:
    assert set(CACHE_CONTROL) == set(Kind)


TYPES = [
    pytest.param("a/1.m4s", False, "video/mp4", id="segment-with-picture"),
    pytest.param("a/1.m4s", True, "audio/mp4", id="segment-of-sound"),
    pytest.param("a/init.mp4", True, "audio/mp4", id="init-of-sound"),
    pytest.param("master.m3u8", False, "application/vnd.apple.mpegurl", id="hls"),
    pytest.param("manifest.mpd", False, "application/dash+xml", id="dash"),
    pytest.param("subtitles/de.vtt", False, "text/vtt", id="subtitles"),
    pytest.param("what", False, "application/octet-stream", id="unknown"),
]


@pytest.mark.parametrize(("path", "is_audio", "expected"), TYPES)
def test_the_media_type_follows_the_path(path: str, is_audio: bool, expected: str) -> None:
    assert media_type(path, is_audio=is_audio) == expected
