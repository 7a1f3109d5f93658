"""Loudness as it comes out: measured in the first pass, applied in the second, checked with another meter."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.audio.mixes import mixes, voices
from encoder.audio.plan import AudioSettings
from encoder.audio.source import AudioSource
from tests.encoder.audio.sounding import (
    LAVFI,
    MONO,
    STEREO,
    drawn,
    encode,
    loudness_of,
    measured,
    planned,
)

pytestmark = pytest.mark.system
SURROUND = replace(STEREO, channels=6, layout="5.1(side)")
EVERYTHING = AudioSettings(codecs=("aac", "opus"), is_surround=True)
PCM = ["-c:a", "pcm_f32le"]


def noise(channels: int, level: float, *filters: str) -> list[str]:
    """Pink, other on each channel, in words of half a second; what lies between is well above the gate.

    Below 6 kHz, as in speech and music: a codec leaves out much of the noise above, and the meter hears it.
    """
    each = [f"anoisesrc=c=pink:a={level}:r=48000:d=4:seed={n + 1}" for n in range(channels)]
    inputs = [word for source in each for word in (*LAVFI, source)]
    layout = {1: "mono", 2: "stereo", 6: "5.1(side)"}[channels]
    joined = "".join(f"[{n}]" for n in range(channels)) + f"amerge=inputs={channels}," if channels > 1 else ""
    chain = ",".join(["lowpass=6000", "volume='if(lt(mod(t,1),0.5),1,0.6)':eval=frame", *filters])
    return [*inputs, "-filter_complex", f"{joined}aformat=channel_layouts={layout},{chain}", *PCM]


SOURCES = [  # facts, how loud it is drawn, target
    pytest.param(STEREO, 0.05, -23.0, id="quiet"),
    pytest.param(STEREO, 0.9, -23.0, id="loud"),
    pytest.param(STEREO, 0.3, -16.0, id="a-louder-target"),
    pytest.param(MONO, 0.1, -23.0, id="mono"),
    pytest.param(SURROUND, 0.2, -23.0, id="5.1"),
]


@pytest.mark.parametrize(("track", "level", "target"), SOURCES)
def test_every_rendition_has_the_loudness_that_was_asked(
    tmp_path: Path, track: AudioSource, level: float, target: float
) -> None:
    source = drawn(tmp_path / "a.mkv", *noise(track.channels, level))
    settings = replace(EVERYTHING, loudness_lufs=target)
    plans = planned(track, settings=settings, loudness=measured(source, [track], settings))
    assert len(plans) == (4 if track is SURROUND else 2)
    for plan in plans:
        lufs, dbtp = loudness_of(encode(plan, source).joined)
        assert lufs == pytest.approx(target, abs=0.5), plan.label
        assert dbtp <= settings.true_peak_dbtp, plan.label


def test_peaks_stay_below_the_limit_and_the_dynamics_as_they_are(tmp_path: Path) -> None:
    """A quiet tone with a crack of a millisecond each second: the gain stops where it reaches the limit."""
    tone = "0.05*sin(880*PI*t)+0.5*sin(2000*PI*t)*lt(mod(t,1),0.001)"
    source = drawn(tmp_path / "a.mkv", *LAVFI, f"aevalsrc='{tone}|{tone}':c=stereo:s=48000:d=4", *PCM)
    settings = replace(EVERYTHING, loudness_lufs=-16.0)
    loudness = measured(source, [STEREO], settings)
    (before,) = loudness.values()
    assert before.integrated_lufs is not None
    for plan in planned(STEREO, settings=settings, loudness=loudness):
        lufs, dbtp = loudness_of(encode(plan, source).joined)
        assert plan.gain_db < -16 - before.integrated_lufs - 3
        assert -4 <= dbtp <= -1
        assert lufs == pytest.approx(before.integrated_lufs + plan.gain_db, abs=0.5)


def test_a_mix_down_that_clips_is_turned_down(tmp_path: Path) -> None:
    """Full scale on every channel of 5.1."""
    tone = "0.99*sin(880*PI*t)"
    source = drawn(tmp_path / "a.mkv", *LAVFI, f"aevalsrc={'|'.join([tone] * 6)}:c=5.1(side):d=4", *PCM)
    settings = replace(EVERYTHING, loudness_lufs=-5.0)
    for plan in planned(SURROUND, settings=settings, loudness=measured(source, [SURROUND], settings)):
        assert loudness_of(encode(plan, source).joined)[1] <= settings.true_peak_dbtp, plan.label


def test_silence_stays_silent(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.wav", *LAVFI, "anullsrc=r=48000:cl=stereo:d=4")
    loudness = measured(source, [STEREO])
    assert [each.integrated_lufs for each in loudness.values()] == [None]
    (plan,) = planned(STEREO, loudness=loudness)
    assert plan.gain_db == 0


def test_what_is_too_short_to_measure_keeps_its_loudness(tmp_path: Path) -> None:
    """Loudness is that of blocks of 400 ms."""
    source = drawn(tmp_path / "a.wav", *LAVFI, "sine=440:r=48000:d=0.3")
    (each,) = (loudness := measured(source, [MONO], duration=Fraction(3, 10))).values()
    assert each.integrated_lufs is None
    assert each.true_peaks == pytest.approx((0.125, 0.125), abs=0.002)
    (plan,) = planned(MONO, duration=Fraction(3, 10), loudness=loudness)
    assert plan.gain_db == 0


def test_a_short_sound_is_measured_in_the_silence_around_it(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.wav", *LAVFI, "sine=440:r=48000:d=1")
    (plan,) = planned(MONO, loudness=measured(source, [MONO]))
    assert loudness_of(encode(plan, source).joined)[0] == pytest.approx(-23, abs=0.5)


def test_one_decode_measures_every_mix_by_itself(tmp_path: Path) -> None:
    loud = [*LAVFI, "sine=440:r=48000:d=4", *LAVFI, "sine=440:r=44100:d=4", *LAVFI, "sine=440:r=48000:d=4"]
    levels = ["-filter:a:0", "volume=2", "-filter:a:1", "volume=1", "-filter:a:2", "volume=0.1"]
    maps = ["-map", "0", "-map", "1", "-map", "2"]
    source = drawn(tmp_path / "a.mkv", *loud, *maps, *levels, "-c:a", "pcm_s16le")
    tracks = [
        replace(MONO, index=index, language=language) for index, language in enumerate(["en", "de", "fr"])
    ]
    loudness = measured(source, tracks)
    assert list(loudness) == list(mixes(voices(tracks), may_surround=False))
    peaks = [each.true_peaks[0] for each in loudness.values()]
    assert peaks == pytest.approx([0.25, 0.125, 0.0125], rel=0.05)


def test_the_measure_is_the_same_each_time(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.mkv", *noise(2, 0.3))
    assert measured(source, [STEREO]) == measured(source, [STEREO])
