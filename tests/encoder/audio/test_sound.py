"""Sound as it comes out: encoded by real ffmpeg, read back by PyAV, sample by sample."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from encoder.audio.check import fault_of
from encoder.audio.plan import AudioSettings
from media.cmaf_header import read_header
from tests.encoder.audio.sounding import (
    LAVFI,
    MONO,
    SEGMENT_S,
    STEREO,
    click_at,
    drawn,
    encode,
    measured,
    planned,
    samples,
)

pytestmark = pytest.mark.system
BOTH = AudioSettings(codecs=("aac", "opus"), loudness_lufs=None)
ALL = replace(BOTH, is_surround=True)
PCM = ["-c:a", "pcm_s16le"]


def peak_s(path: Path, rate_hz: int) -> float:
    """When it is loudest."""
    return int(np.abs(samples(path, rate_hz)[0]).argmax()) / rate_hz


def tone_hz(channel: npt.NDArray[np.float64], rate_hz: int) -> float:
    """What sounds loudest from the first second to the third; 0 for silence."""
    middle = channel[rate_hz : 3 * rate_hz]
    spectrum = np.abs(np.fft.rfft(middle))
    return float(spectrum.argmax()) * rate_hz / middle.size if spectrum.max() > 100 else 0.0


@pytest.mark.parametrize("rate_hz", [44_100, 48_000, 96_000, 192_000, 22_050, 8_000])
def test_a_click_is_heard_when_it_is_in_the_source(tmp_path: Path, rate_hz: int) -> None:
    source = drawn(tmp_path / "a.mkv", *click_at(1.5, 4, rate_hz), *PCM)
    for plan in planned(replace(MONO, sample_rate_hz=rate_hz), settings=BOTH):
        written = encode(plan, source)
        assert fault_of(plan, written.init, written.segments, SEGMENT_S) is None
        assert peak_s(written.joined, plan.sample_rate_hz) == pytest.approx(1.5, abs=0.0005)


def test_time_0_needs_no_edit_list(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.mkv", *click_at(1.5, 4), *PCM)
    for plan in planned(MONO, settings=BOTH):
        head = (encode(plan, source).joined.parent / "init.mp4").read_bytes()
        assert read_header(head).edit_ticks == 0
        if plan.codec == "opus":  # the pre-skip is what the plan gives up (Opus in ISOBMFF, 4.3.2)
            at = head.index(b"dOps") + 4
            assert int.from_bytes(head[at + 2 : at + 4]) == 312


CUTS = [  # rate, length of a segment
    pytest.param(48_000, Fraction(4004, 1000), id="48-khz-29.97"),
    pytest.param(44_100, Fraction(4), id="44.1-khz-25"),
    pytest.param(48_000, Fraction(50, 12), id="48-khz-a-length-that-is-no-decimal"),
]


@pytest.mark.parametrize(("rate_hz", "segment_s"), CUTS)
def test_ten_minutes_are_cut_with_the_picture_and_do_not_drift(
    tmp_path: Path, rate_hz: int, segment_s: Fraction
) -> None:
    source = drawn(tmp_path / "a.wav", *LAVFI, f"anoisesrc=a=0.01:r={rate_hz}:d=600:seed=1")
    track = replace(MONO, sample_rate_hz=rate_hz)
    for plan in planned(track, settings=BOTH, duration=Fraction(600)):
        frame = {"aac": 1024, "opus": 960}[plan.codec]
        written = encode(plan, source, segment_s)
        for number, segment in enumerate(written.segments):
            assert abs(segment.start_ticks - number * segment_s * plan.sample_rate_hz) <= frame
        for segment in written.segments[:-1]:
            assert abs(segment.duration_ticks - segment_s * plan.sample_rate_hz) <= frame
        assert len(written.segments) == -(-600 // segment_s)
        assert fault_of(plan, written.init, written.segments, segment_s) is None


def test_the_same_bytes_come_out_each_time(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.wav", *LAVFI, "anoisesrc=a=0.3:r=48000:d=4:seed=1", "-ac", "2")
    for plan in planned(STEREO, settings=BOTH):
        first, second = (encode(replace(plan, label=f"{plan.label}-{n}"), source) for n in (1, 2))
        assert first.joined.read_bytes() == second.joined.read_bytes()


FORMATS = [  # id is what is odd; file, codec, sample rate, channels, layout
    pytest.param("a.mov", "pcm_s24le", 96_000, 2, "stereo", id="24-bit-96-khz"),
    pytest.param("a.mov", "pcm_f32be", 48_000, 1, "mono", id="float-big-endian"),
    pytest.param("a.wav", "adpcm_ima_wav", 22_050, 2, "stereo", id="adpcm"),
    pytest.param("a.wav", "pcm_u8", 11_025, 1, "mono", id="8-bit"),
    pytest.param("a.avi", "pcm_mulaw", 8_000, 1, "mono", id="telephone"),
    pytest.param("a.mkv", "flac", 192_000, 2, "stereo", id="flac-192-khz"),
    pytest.param("a.ogg", "libvorbis", 44_100, 2, "stereo", id="planar"),
    pytest.param("a.mkv", "ac3", 48_000, 6, "5.1(side)", id="ac-3-5.1"),
    pytest.param("a.mkv", "pcm_s16le", 48_000, 4, "quad", id="quad"),
    pytest.param("a.mkv", "flac", 48_000, 7, "6.1", id="6.1"),
    pytest.param("a.mkv", "pcm_s16le", 48_000, 8, "7.1", id="7.1"),
    pytest.param("a.mov", "pcm_s16le", 48_000, 10, "10 channels", id="10-channels-no-layout"),
    pytest.param("a.mp4", "aac", 48_000, 8, "7.1", id="aac-7.1"),
]


@pytest.mark.parametrize(("file", "codec", "rate_hz", "channels", "layout"), FORMATS)
def test_an_odd_format_becomes_what_every_player_has(
    tmp_path: Path, file: str, codec: str, rate_hz: int, channels: int, layout: str
) -> None:
    tone = [*LAVFI, f"aevalsrc={'|'.join(['0.2*sin(880*PI*t)'] * channels)}:s={rate_hz}:d=4"]
    known = [] if "channels" in layout else ["-af", f"aformat=channel_layouts={layout}"]
    source = drawn(tmp_path / file, *tone, *known, "-c:a", codec)
    track = replace(STEREO, codec=codec, sample_rate_hz=rate_hz, channels=channels, layout=layout)
    plans = planned(track, settings=ALL)
    assert {plan.channels for plan in plans} == ({2, 6} if channels >= 6 else {2})
    for plan in plans:
        written = encode(plan, source)
        assert fault_of(plan, written.init, written.segments, SEGMENT_S) is None
        heard = samples(written.joined, plan.sample_rate_hz)
        assert heard.shape == (plan.channels, plan.samples)
        assert tone_hz(heard[0], plan.sample_rate_hz) == pytest.approx(440, abs=2)


def tones(count: int) -> list[str]:
    """Tracks of one channel each, the first at 300 Hz, each next one 100 Hz higher."""
    inputs = [word for n in range(count) for word in (*LAVFI, f"sine={300 + 100 * n}:r=48000:d=4")]
    return [*inputs, *[word for n in range(count) for word in ("-map", f"{n}:a")], *PCM]


def test_eight_tracks_of_one_channel_are_5_1_and_its_stereo_mix(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.mov", *tones(8))
    tracks = [replace(MONO, index=index) for index in range(8)]
    heard = {}
    for plan in planned(*tracks, settings=ALL):
        written = encode(plan, source)
        assert fault_of(plan, written.init, written.segments, SEGMENT_S) is None
        heard[plan.label] = [
            tone_hz(channel, plan.sample_rate_hz) for channel in samples(written.joined, plan.sample_rate_hz)
        ]
    around = [300, 400, 500, 600, 700, 800]
    assert heard["audio-und"] == pytest.approx([900, 1000], abs=1)
    assert heard["audio-und-opus"] == pytest.approx([900, 1000], abs=1)
    aac, opus = heard["audio-und-51"], heard["audio-und-51-opus"]
    # The fourth is for effects: AAC keeps of it what is below some hundred hertz, Opus what is below 80.
    assert [hz for n, hz in enumerate(aac) if n != 3] == pytest.approx(around[:3] + around[4:], abs=1)
    assert [hz for n, hz in enumerate(opus) if n != 3] == pytest.approx(around[:3] + around[4:], abs=1)


def test_two_of_eight_tracks_that_sound_are_heard_as_stereo(tmp_path: Path) -> None:
    """What cameras write: the first two are used, six are silent."""
    silent = [word for _ in range(6) for word in (*LAVFI, "anullsrc=r=48000:cl=mono:d=4")]
    first = [*LAVFI, "sine=300:r=48000:d=4", *LAVFI, "sine=400:r=48000:d=4"]
    maps = [word for n in range(8) for word in ("-map", f"{n}:a")]
    source = drawn(tmp_path / "a.mov", *first, *silent, *maps, *PCM)
    tracks = [replace(MONO, index=index) for index in range(8)]
    settings = replace(ALL, codecs=("aac",), loudness_lufs=-23.0)
    loudness = measured(source, tracks, settings)
    (plan,) = planned(*tracks, settings=settings, loudness=loudness)
    heard = samples(encode(plan, source).joined, 48_000)
    assert [tone_hz(channel, 48_000) for channel in heard] == pytest.approx([300, 400], abs=1)


def test_sound_that_starts_late_ends_early_or_has_a_hole_keeps_its_time(tmp_path: Path) -> None:
    """Clicks at 1.5 s and at 3.5 s; the track runs from 1 s to 4 s without what is between 2 s and 3 s."""
    clicks = [*LAVFI, "aevalsrc='eq(n,72000)+eq(n,168000)':s=48000:d=4"]
    holed = ["-af", "aselect='between(t,1,2)+gte(t,3)'"]
    source = drawn(tmp_path / "a.mkv", *clicks, *holed, *PCM)
    for plan in planned(MONO, settings=BOTH, duration=Fraction(6)):
        heard = samples(encode(plan, source).joined, 48_000)[0]
        assert heard.size == plan.samples
        assert int(np.abs(heard[: 48_000 * 2]).argmax()) == pytest.approx(72_000, abs=24)
        assert 48_000 * 2 + int(np.abs(heard[48_000 * 2 :]).argmax()) == pytest.approx(168_000, abs=24)


def test_time_counts_from_the_picture_s_first_frame(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.mkv", *click_at(2.5, 5), *PCM)
    for plan in planned(MONO, settings=BOTH, start=Fraction(1001, 1000)):
        assert peak_s(encode(plan, source).joined, 48_000) == pytest.approx(1.499, abs=0.0005)


def test_the_shortest_picture_has_sound(tmp_path: Path) -> None:
    source = drawn(tmp_path / "a.wav", *LAVFI, "sine=r=48000:d=0.02")
    for plan in planned(MONO, settings=BOTH, duration=Fraction(1, 60)):
        written = encode(plan, source)
        assert fault_of(plan, written.init, written.segments, SEGMENT_S) is None


def test_sound_that_becomes_5_1_midway_is_refused(tmp_path: Path) -> None:
    """As broadcasts do between advertisements and films."""
    for layout, channels in (("stereo", 2), ("5.1", 6)):
        tone = [*LAVFI, f"aevalsrc={'|'.join(['0.2*sin(880*PI*t)'] * channels)}:c={layout}:d=3"]
        drawn(tmp_path / f"{channels}.ts", *tone, "-c:a", "ac3")
    both = tmp_path / "both.ts"
    both.write_bytes((tmp_path / "2.ts").read_bytes() + (tmp_path / "6.ts").read_bytes())
    (plan,) = planned(replace(STEREO, codec="ac3"), duration=Fraction(6), start=Fraction(7, 5))
    written = encode(plan, both)
    fault = fault_of(plan, written.init, written.segments, SEGMENT_S)
    assert fault
    assert "its channels or rate change midway" in fault
