"""Our encrypted titles keep the rules of encryption, of boxes, playlists and time, in HLS and in DASH."""

from __future__ import annotations

import pytest

from media.facts.model import Got, Want
from media.protection import Scheme
from media.rules import delivery, encryption, playlists, timing, trick_play
from media.validation import validate
from tests.system.encrypted import title

BASE = "https://streams.example/title/"
KEPT = {rule.id for rules in (delivery, encryption, playlists, timing, trick_play) for rule in rules.RULES}


@pytest.mark.parametrize("scheme", ["aes-128", "cenc", "cbcs"])
@pytest.mark.parametrize("rotate", [None, 1])
def test_an_encrypted_title_keeps_the_rules(scheme: Scheme, rotate: int | None) -> None:
    files = title(scheme, "avc", rotate)

    def read(want: Want) -> Got:
        data = files.get(want.uri.removeprefix(BASE))
        if data is None:
            return Got(problem="404 Not Found")
        return Got(data[want.first : None if want.length is None else want.first + want.length], len(data))

    manifests = [BASE + name for name in ("master.m3u8", "manifest.mpd") if name in files]
    # AES-128 lets no part of a segment be decrypted alone, so there is nothing to scrub with
    kept = KEPT - ({"hls-authoring-6.1"} if scheme == "aes-128" else set())
    assert [finding for finding in validate(manifests, read) if finding.rule in kept] == []
