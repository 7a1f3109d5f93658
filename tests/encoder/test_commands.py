from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from encoder.codecs import CODECS
from encoder.commands import arguments
from encoder.ladder import auto
from encoder.plan import Plan, Settings, make_plan
from encoder.source import AudioSource, Colour, VideoSource
from tests.encoder.sources import HD, STEREO, sized, whole


def plan_of(video: VideoSource = HD, *audio: AudioSource, codec: str = "h264") -> Plan:
    return make_plan(whole(video, *audio), auto, Settings(codec=codec))


def graph(plan: Plan) -> str:
    given = arguments(plan, "in.mp4")
    return given[given.index("-filter_complex") + 1]


def values(given: list[str], option: str) -> list[str]:
    return [value for name, value in pairwise(given) if name == option]


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_puts_its_key_frames_on_the_grid_and_caps_its_rate(codec: str) -> None:
    plan = plan_of(replace(HD, frame_rate=Fraction(24000, 1001)), codec=codec)
    for rung in plan.rungs:
        options = CODECS[codec](plan, rung)
        assert options["g"] == options["keyint_min"] == 48
        assert options["sc_threshold"] == 0
        assert options["force_key_frames"] == "expr:not(mod(n,48))"
        assert options["maxrate"] == rung.rung.max_bps
        assert isinstance(options["threads"], int)  # the machine's choice would make the output follow it


def test_the_source_is_decoded_once_for_all_renditions() -> None:
    plan = plan_of(HD, STEREO)
    given = arguments(plan, "in.mp4")
    assert values(given, "-i") == ["in.mp4"]
    assert f"split={len(plan.rungs)}" in graph(plan)
    assert len(values(given, "-f")) == len(plan.rungs) + 1


def test_segments_end_where_the_plan_says() -> None:
    film = plan_of(replace(HD, frame_rate=Fraction(24000, 1001)))
    assert set(values(arguments(film, "in.mp4"), "-hls_time")) == {"4.004000"}


def test_nothing_of_the_day_or_the_machine_gets_into_the_output() -> None:
    plan = plan_of(HD, STEREO)
    given = arguments(plan, "in.mp4")
    outputs = len(plan.rungs) + 1
    assert values(given, "-fflags") == ["+bitexact"] * outputs
    assert values(given, "-map_metadata") == ["-1"] * outputs
    assert arguments(plan, "in.mp4") == given


def test_sound_is_shifted_by_the_picture_s_start() -> None:
    late = replace(HD, start=Fraction(21, 1000))
    assert "[0:a:0]asetpts=PTS-21/1000/TB" in graph(plan_of(late, STEREO))


GRAPHS = [  # id, source, what the graph holds, what it does not
    pytest.param(HD, "setpts=PTS-STARTPTS", "bwdif", id="progressive-stays"),
    pytest.param(replace(HD, is_interlaced=True), "bwdif", "tonemap", id="interlaced-is-de-interlaced"),
    pytest.param(HD, "format=pix_fmts=yuv420p", "zscale", id="unlabelled-hd-is-bt709-already"),
    pytest.param(sized(720, 480), "matrixin=6", "tonemap", id="unlabelled-sd-is-bt601"),
    pytest.param(
        replace(HD, colour=Colour(primaries=9, transfer=16, matrix=9)), "tonemap", "held", id="pq-is-mapped"
    ),
    pytest.param(
        replace(HD, colour=Colour(primaries=9, transfer=18, matrix=9)), "transferin=18", "held", id="hlg-too"
    ),
    pytest.param(
        replace(HD, colour=Colour(primaries=1, transfer=1, matrix=1, is_full_range=True)),
        "rangein=full",
        "tonemap",
        id="full-range-becomes-limited",
    ),
    pytest.param(
        replace(HD, colour=Colour(is_rgb=True, matrix=0)), "out_color_matrix=bt709", "zscale", id="rgb"
    ),
    pytest.param(
        replace(HD, colour=Colour(primaries=9, transfer=1, matrix=9)),
        "primariesin=9",
        "tonemap",
        id="wide-sdr",
    ),
]


@pytest.mark.parametrize(("source", "present", "absent"), GRAPHS)
def test_the_graph_makes_every_picture_alike(source: VideoSource, present: str, absent: str) -> None:
    made = graph(plan_of(source))
    assert present in made
    assert absent not in made
    assert "colorspace=bt709" in made
