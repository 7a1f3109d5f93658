from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from encoder.analysis.commands import Footage
from encoder.analysis.probes import Probe, Trial, plan_probes
from encoder.analysis.rungs import choose_rungs
from encoder.analysis.running import Workplace, measure_quality, run_probe, run_scout
from encoder.analysis.scout import AnalysisError
from encoder.codecs import CODECS
from encoder.errors import EncodeError
from encoder.ffmpeg import find_ffmpeg
from encoder.ladder import candidates
from encoder.probe import probe
from tests.encoder.sources import FAST, draw

pytestmark = pytest.mark.system
# Labelled, so that nothing is converted and the picture can be compared with the file itself.
_BT709 = ["-vf", "setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=limited"]
TRIAL = Trial(width_px=128, height_px=72, crf=28)


def footage(path: Path, rate: int = 24) -> Footage:
    source = probe(path)
    return Footage(
        source=source.video, key_frames=source.key_frames, frame_rate=Fraction(rate), gop_frames=2 * rate
    )


def at(folder: Path) -> Workplace:
    return Workplace(ffmpeg=find_ffmpeg(), folder=folder)


def moving(path: Path, *more: str, size: str = "256x144", duration_s: float = 4) -> Path:
    picture = ["-f", "lavfi", "-i", f"testsrc2=s={size}:r=24:d={duration_s}"]
    return draw(path, *picture, *FAST, "-g", "36", "-crf", "12", *_BT709, *more)


def encoded(source: Path, path: Path, *filters: str, crf: int = 30, size: str = "128x72") -> Path:
    chain = ",".join([*filters, f"scale={size}"])
    return draw(path, "-i", str(source), "-vf", chain, *FAST, "-crf", str(crf), "-fps_mode", "passthrough")


def test_from_a_file_to_a_ladder(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4", size="640x360")
    seen = footage(source)
    heard: list[int] = []
    scout = run_scout(at(tmp_path), seen, source, lambda frames, _: heard.append(frames))
    assert (scout.frames, scout.gop_frames) == (96, 48)
    assert heard[-1] == 96
    sizes = candidates(seen.source, seen.frame_rate)
    probes = plan_probes(scout, sizes, seen.frame_rate, CODECS["h264"], "ultrafast")
    results = [run_probe(at(tmp_path), seen, each, source) for each in probes]
    assert [result.frames for result in results] == [each.frames for each in probes]
    assert results == [run_probe(at(tmp_path), seen, each, source) for each in probes]
    found = choose_rungs(scout, results, sizes, seen.frame_rate, CODECS["h264"], "ultrafast")
    assert {rung.height_px for rung in found.rungs} <= {size.height_px for size in sizes}
    assert len(found.expected) == len(found.rungs)
    assert len(found.probed) == 2 * len(sizes)
    assert found.expected[-1].vmaf > 40
    assert not [path for path in tmp_path.iterdir() if path != source]


def test_a_scene_change_is_seen_by_the_scout(tmp_path: Path) -> None:
    graph = "color=white:s=256x144:r=24:d=1[a];mandelbrot=s=256x144:r=24,trim=end_frame=24[b];[a][b]concat"
    source = draw(tmp_path / "in.mp4", "-f", "lavfi", "-i", graph, *FAST)
    scout = run_scout(at(tmp_path), footage(source), source)
    assert scout.scene_starts == (24,)
    assert scout.frame_bytes[24] > 10 * scout.frame_bytes[23]


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_can_be_probed(tmp_path: Path, codec: str) -> None:
    source = moving(tmp_path / "in.mp4")
    trials = (replace(TRIAL, crf=24), replace(TRIAL, crf=40))
    window = Probe(start=48, frames=24, weight=1, codec=codec, preset="ultrafast", trials=trials)
    good, poor = run_probe(at(tmp_path), footage(source), window, source).trials
    assert good.size.key > poor.size.key > 0
    assert good.size.inter > 1.3 * poor.size.inter > 0
    assert 100 >= good.vmaf > poor.vmaf


def test_a_window_is_the_same_wherever_decoding_begins(tmp_path: Path) -> None:
    """Frame 48 of the title lies behind the source's second key frame, at 36."""
    source = moving(tmp_path / "in.mp4")
    seen = footage(source)
    window = Probe(start=48, frames=24, weight=1, codec="h264", preset="ultrafast", trials=(TRIAL,))
    sought = run_probe(at(tmp_path), seen, window, source)
    from_the_start = run_probe(at(tmp_path), replace(seen, key_frames=()), window, source)
    assert sought == from_the_start


@pytest.mark.parametrize("size", ["32x32", "90x160", "65x37", "34x18", "16x16"])
def test_tiny_odd_and_portrait_pictures_can_be_analysed(tmp_path: Path, size: str) -> None:
    source = moving(tmp_path / "in.mp4", "-pix_fmt", "yuv444p", size=size, duration_s=0.5)
    seen = footage(source)
    scout = run_scout(at(tmp_path), seen, source)
    sizes = candidates(seen.source, seen.frame_rate)
    probes = plan_probes(scout, sizes, seen.frame_rate, CODECS["h264"], "ultrafast")
    results = [run_probe(at(tmp_path), seen, each, source) for each in probes]
    assert choose_rungs(scout, results, sizes, seen.frame_rate, CODECS["h264"], "ultrafast").rungs


def test_pictures_too_small_for_vmaf_have_no_quality(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4", size="16x16", duration_s=0.5)
    with pytest.raises(AnalysisError, match="16x16 is too small for VMAF"):
        measure_quality(at(tmp_path), footage(source), source, [source], frames=12, segment_frames=12)


@pytest.mark.parametrize("frames", [1, 2, 3, 6, 7, 9, 14])
def test_a_title_of_a_few_frames_can_be_analysed(tmp_path: Path, frames: int) -> None:
    source = moving(tmp_path / "in.mp4", duration_s=frames / 24)
    seen = footage(source)
    scout = run_scout(at(tmp_path), seen, source)
    assert scout.frames == frames
    sizes = candidates(seen.source, seen.frame_rate)
    (window,) = plan_probes(scout, sizes, seen.frame_rate, CODECS["h264"], "ultrafast")
    found = run_probe(at(tmp_path), seen, window, source)
    assert found.frames == window.frames
    assert all(tried.vmaf > 20 for tried in found.trials)


def test_quality_is_measured_by_frame_number_at_the_sources_size(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4")
    good, poor = (encoded(source, tmp_path / f"{crf}.mp4", crf=crf) for crf in (18, 40))
    large = encoded(source, tmp_path / "large.mp4", crf=18, size="256x144")
    found = measure_quality(
        at(tmp_path), footage(source), source, [poor, good, large], frames=96, segment_frames=48, step=5
    )
    assert [each.frames for each in found] == [20, 20, 20]
    assert found[0].mean < found[1].mean < found[2].mean
    assert found[2].mean > 90
    assert all(len(each.segments) == 2 and each.p5 <= each.mean for each in found)


def test_sampled_frames_tell_what_all_of_them_tell(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4")
    made = encoded(source, tmp_path / "made.mp4")
    whole = subprocess.run(
        [find_ffmpeg().program, "-hide_banner", "-i", str(made), "-i", str(source), "-filter_complex",
         "[0:v]scale=256:144:flags=bicubic[a];[a][1:v]libvmaf", "-f", "null", "-"],
        capture_output=True, text=True, check=True, timeout=120,
    ).stderr  # fmt: skip
    expected = float(whole.split("VMAF score: ")[1].split()[0])
    (found,) = measure_quality(
        at(tmp_path), footage(source), source, [made], frames=96, segment_frames=96, step=5
    )
    assert found.mean == pytest.approx(expected, abs=1.5)


def test_a_rendition_that_is_cut_short_is_no_quality_but_an_error(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4")
    made = encoded(source, tmp_path / "made.mp4", "trim=end_frame=70")
    with pytest.raises(AnalysisError, match="of 20 frames were scored; a rendition is cut short"):
        measure_quality(at(tmp_path), footage(source), source, [made], frames=96, segment_frames=48, step=5)


def test_a_title_that_holds_its_last_picture_is_compared_with_that(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4")
    made = encoded(source, tmp_path / "made.mp4", "tpad=stop=24:stop_mode=clone", crf=10, size="256x144")
    (found,) = measure_quality(
        at(tmp_path),
        footage(source),
        source,
        [made],
        frames=120,
        held_frames=24,
        segment_frames=48,
        step=5,
    )
    assert len(found.segments) == 3
    assert min(found.segments) > 90


def test_what_ffmpeg_says_of_a_broken_source_is_told(tmp_path: Path) -> None:
    source = moving(tmp_path / "in.mp4")
    seen = footage(source)
    source.write_bytes(b"no video at all" * 100)
    with pytest.raises(EncodeError, match="ffmpeg: moov atom not found"):
        run_scout(at(tmp_path), seen, source)
    assert not [path for path in tmp_path.iterdir() if path != source]
