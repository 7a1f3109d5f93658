"""GStreamer (hlsdemux2, dashdemux2) decodes every frame and all of the sound; languages and subtitles."""

from __future__ import annotations

import json
from array import array
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.needs import absent, program
from tests.system.players.titles import CODECS, DURATION_S, FRAMES, TONES_HZ, WORDS, Site, cue_at
from tests.system.players.verdicts import Verdicts
from tests.system.programs import run

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="session")]

PACKAGES = "python3-gi gir1.2-gstreamer-1.0 gstreamer1.0-plugins-{base,good,bad} gstreamer1.0-libav"
PYTHON = Path("/usr/bin/python3")  # Debian's own, which has the bindings
PROTOCOLS = ("hls", "dash")
_PIXELS = 16 * 16
_SOUND_HZ = 8000
_FRAME_S = 0.03  # of any of the audio codecs, and some


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", CODECS)
async def test_a_codec_is_decoded_to_the_last_frame(
    site: Site, verdicts: Verdicts, tmp_path: Path, protocol: str, name: str
) -> None:
    facts = await played(site.manifest("web", name, protocol), tmp_path)
    assert (tmp_path / "picture").stat().st_size == FRAMES * _PIXELS
    assert len(sound(tmp_path)) / _SOUND_HZ == pytest.approx(DURATION_S, abs=_FRAME_S)
    verdicts.say(name, f"GStreamer {protocol.upper()}", f"{FRAMES} frames by {', '.join(facts['decoders'])}")
    verdicts.versions["GStreamer"] = facts["version"]


async def test_the_whole_title_is_decoded_from_dash(site: Site, verdicts: Verdicts, tmp_path: Path) -> None:
    facts = await played(site.manifest("edge", "whole", "dash"), tmp_path)
    assert (tmp_path / "picture").stat().st_size == FRAMES * _PIXELS
    verdicts.say("whole", "GStreamer DASH", f"{FRAMES} frames by {', '.join(facts['decoders'])}")


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_languages_are_listed_the_default_is_heard_and_no_cue_is_lost(
    site: Site, verdicts: Verdicts, tmp_path: Path, protocol: str
) -> None:
    facts = await played(site.manifest("web", "h264", protocol), tmp_path)
    assert languages(facts, "audio") == set(TONES_HZ)
    assert languages(facts, "text") == set(WORDS)
    assert tone_hz(sound(tmp_path)) == pytest.approx(TONES_HZ["en"], abs=10)
    assert (tmp_path / "text").read_text() in {every_cue(language) for language in WORDS}
    player = f"GStreamer {protocol.upper()}"
    verdicts.say("multi-audio", player, "en and fr listed, the default heard")
    verdicts.say("subtitles", player, "de and fr listed, every cue of the first shown")


async def played(url: str, folder: Path) -> dict[str, Any]:
    program("gst-inspect-1.0", f"gstreamer1.0-tools {PACKAGES}")
    if not PYTHON.exists():
        absent(str(PYTHON), f"on Debian: apt-get install {PACKAGES}")
    script = Path(__file__).parent / "gst_play.py"
    status, log = await run(str(PYTHON), str(script), url, str(folder), home=folder)
    assert status == 0, log
    facts: dict[str, Any] = json.loads(log.splitlines()[-1])
    assert facts["error"] is None
    return facts


def languages(facts: dict[str, Any], kind: str) -> set[str]:
    return {stream["language"] for stream in facts["streams"] if stream["kind"] == kind}


def sound(folder: Path) -> array[int]:
    """Samples, 16 bits each."""
    samples = array("h")
    samples.frombytes((folder / "sound").read_bytes())
    return samples


def tone_hz(samples: array[int]) -> float:
    """Of the second in the middle: a sine passes zero twice a period."""
    middle = samples[len(samples) // 2 :][:_SOUND_HZ]
    return sum((before < 0) != (after < 0) for before, after in pairwise(middle)) / 2


def every_cue(language: str) -> str:
    return "".join(cue_at(language, second) for second in range(1, DURATION_S))
