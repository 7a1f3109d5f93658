"""What the origin makes of a title: the manifests that there can be, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from media.presentation import Presentation
from media.protection import KeyFacts, Protection, Scheme
from media.title import Title, TitleFile, content_version
from origin.published import describe, publish
from tests.media.presentations import video

KEY = KeyFacts(key_id="01" * 16, uri="https://keys.example/01", iv="02" * 16)


def encrypted(scheme: Scheme) -> Title:
    track = replace(video(360), protection=Protection(scheme=scheme, keys=(KEY,)))
    paths = [f"{track.rendition.name}/init.mp4", *(segment.uri for segment in track.timeline.segments)]
    files = tuple(TitleFile(path=path, size_bytes=1, sha256="0" * 64) for path in paths)
    presentation = Presentation(video=(track,))
    return Title(
        name="clip", version=content_version(files), presentation=presentation, files=files, plan_key="0"
    )


def test_a_title_that_is_encrypted_whole_has_hls_alone() -> None:
    title = encrypted("aes-128")
    objects = publish(title, 0).objects
    assert "master.m3u8" in objects
    assert "manifest.mpd" not in objects
    assert describe(title)["dash"] is None


@pytest.mark.parametrize("scheme", ["cenc", "cbcs"])
def test_encrypted_samples_are_told_in_both_manifests(scheme: Scheme) -> None:
    title = encrypted(scheme)
    objects = publish(title, 0).objects
    playlist, manifest = objects["360p-1f3a9b2c/index.m3u8"].body, objects["manifest.mpd"].body
    assert playlist is not None
    assert manifest is not None
    assert b"#EXT-X-KEY:METHOD=SAMPLE-AES" in playlist
    assert f'value="{scheme}"'.encode() in manifest
    assert str(describe(title)["dash"]).endswith("/manifest.mpd")
