from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from encoder.analysis.commands import Footage, measure_arguments, probe_arguments, scout_arguments
from encoder.analysis.probes import Probe, Trial
from encoder.source import Colour, VideoSource
from tests.encoder.sources import HD, sized

KEYS = (Fraction(0), Fraction(4), Fraction(8))
WINDOW = Probe(
    start=150,
    frames=24,
    weight=1,
    codec="h264",
    preset="faster",
    trials=(Trial(width_px=640, height_px=360, crf=22), Trial(width_px=1920, height_px=1080, crf=28)),
)


def footage(source: VideoSource = HD) -> Footage:
    return Footage(source=source, key_frames=KEYS, frame_rate=Fraction(30), gop_frames=60)


def graphs(arguments: list[str]) -> str:
    return " ".join(value for name, value in pairwise(arguments) if name == "-filter_complex")


def test_a_window_is_decoded_from_the_key_frame_before_it() -> None:
    arguments = probe_arguments(footage(), WINDOW, "in.mp4")
    assert arguments[arguments.index("-ss") + 1] == "4000500us"
    assert "trim=start_pts=150:end_pts=174" in graphs(arguments)


def test_the_window_at_the_start_is_not_sought() -> None:
    assert "-ss" not in probe_arguments(footage(), replace(WINDOW, start=0), "in.mp4")


@pytest.mark.parametrize(
    ("source", "size"), [(HD, "1920:1080"), (sized(1080, 1920), "1080:1920"), (sized(641, 361), "640:360")]
)
def test_everything_is_compared_at_the_sources_upright_size(source: VideoSource, size: str) -> None:
    probing = graphs(probe_arguments(footage(source), WINDOW, "in.mp4"))
    assert probing.count(f"scale={size}:flags=bicubic") == probing.count("libvmaf=") == 1
    measuring = graphs(measure_arguments(footage(source), "in.mp4", ["a.mp4", "b.mp4"], 300, 0, 11))
    assert measuring.count(f"scale={size}:flags=bicubic") == measuring.count("libvmaf=") == 2


def test_encoders_and_libvmaf_have_one_thread_each() -> None:
    arguments = probe_arguments(footage(), WINDOW, "in.mp4")
    outputs = arguments[arguments.index("-filter_complex") + 2 : arguments.index("-dec")]
    assert outputs.count("-threads") == outputs.count("-c:v") == 2
    assert graphs(arguments).count("n_threads=1") == 1


def test_the_scout_looks_at_every_frame_in_a_small_picture_of_the_same_shape() -> None:
    assert "scale=320:180" in graphs(scout_arguments(footage(), "in.mp4"))
    assert "scale=180:320" in graphs(scout_arguments(footage(sized(1080, 1920)), "in.mp4"))
    assert "scale=64:36" in graphs(scout_arguments(footage(sized(64, 36)), "in.mp4"))


def test_expressions_of_a_tone_map_are_escaped_for_the_graph() -> None:
    hlg = replace(
        HD, bit_depth=10, pixel_format="yuv420p10le", colour=Colour(primaries=9, transfer=18, matrix=9)
    )
    text = graphs(scout_arguments(footage(hlg), "in.mp4"))
    assert "tonemap" not in text  # the scout has no use for colour
    assert "zscale" in graphs(probe_arguments(footage(hlg), WINDOW, "in.mp4"))


def test_an_interlaced_source_is_decoded_from_a_frame_before_and_made_progressive() -> None:
    seen = footage(replace(HD, is_interlaced=True))
    arguments = probe_arguments(seen, replace(WINDOW, start=120), "in.mp4")
    assert "-ss" not in arguments
    assert "bwdif" in graphs(arguments)
