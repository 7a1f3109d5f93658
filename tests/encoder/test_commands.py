from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest

from encoder.codecs import CODECS
from encoder.commands import picture_arguments, sound_arguments
from encoder.plan import Plan, Settings
from encoder.source import Colour, VideoSource
from tests.encoder.sources import HD, STEREO, planned, sized, whole

NTSC_FILM = replace(HD, frame_rate=Fraction(24000, 1001))


def plan_of(video: VideoSource = HD, codec: str = "h264") -> Plan:
    return planned(whole(video, STEREO), Settings(codecs=(codec,)))


def picture(plan: Plan, chunk: int = 0) -> list[str]:
    """What makes all rungs of a chunk."""
    return picture_arguments(plan, plan.chunks[chunk], plan.rungs, "in.mp4", plan.chunks[chunk].seek)


def sound(plan: Plan) -> list[str]:
    return sound_arguments(plan, plan.audio[0], "in.mp4")


def graph(given: list[str]) -> str:
    return given[given.index("-filter_complex") + 1]


def values(given: list[str], option: str) -> list[str]:
    return [value for name, value in pairwise(given) if name == option]


@pytest.mark.parametrize("codec", CODECS)
def test_every_codec_puts_its_key_frames_on_the_grid(codec: str) -> None:
    plan = plan_of(NTSC_FILM, codec)
    for rung in plan.rungs:
        options = CODECS[codec].options(plan.target(rung))
        assert options["g"] == 48
        assert options["force_key_frames"] == "expr:not(mod(n,48))"


def test_the_source_is_decoded_once_for_all_rungs_of_a_chunk() -> None:
    plan = plan_of()
    given = picture(plan)
    assert values(given, "-i") == ["in.mp4"]
    assert f"split={len(plan.rungs)}" in graph(given)
    assert len(values(given, "-f")) == len(plan.rungs)


def test_files_end_where_the_plan_says() -> None:
    film = plan_of(NTSC_FILM)
    assert set(values(picture(film), "-hls_time")) == {"2.002000"}  # a GOP
    assert values(sound(film), "-hls_time") == ["4.004000"]  # a segment


@pytest.mark.parametrize("made", [picture, sound])
def test_nothing_of_the_day_or_the_machine_gets_into_the_output(made: Callable[[Plan], list[str]]) -> None:
    given = made(plan_of())
    outputs = len(values(given, "-f"))
    assert values(given, "-fflags") == ["+bitexact"] * outputs
    assert values(given, "-map_metadata") == ["-1"] * outputs
    assert made(plan_of()) == given


def test_a_chunk_is_decoded_from_its_key_frame_and_counted_in_the_whole_title() -> None:
    minute = replace(HD, start=Fraction(21, 1000), end=Fraction(60021, 1000))
    key_frames = tuple(minute.start + at for at in range(0, 60, 5))
    plan = planned(replace(whole(minute), key_frames=key_frames))
    first, second = picture(plan), picture(plan, 1)
    assert "-ss" not in first
    assert values(second, "-ss") == ["20021500us"]  # a moment behind it, so that it is not missed
    assert "-noaccurate_seek" in second
    for given in (first, second):
        assert "-copyts" in given
        assert "setpts=PTS-(21/1000)/TB" in graph(given)
    assert "trim=end_pts=600:start_pts=0" in graph(first)
    assert "trim=end_pts=1200:start_pts=600" in graph(second)


def test_the_last_picture_is_held_in_the_last_chunk_only() -> None:
    minute = replace(HD, end=Fraction(60))
    source = replace(
        whole(minute, replace(STEREO, end=Fraction(65))), key_frames=tuple(map(Fraction, range(60)))
    )
    plan = planned(source)
    held = ["tpad=stop=150" in graph(picture(plan, number)) for number in range(len(plan.chunks))]
    assert held == [False] * (len(plan.chunks) - 1) + [True]


GRAPHS = [  # id, source, what the graph holds, what it does not
    pytest.param(HD, "setpts=PTS-(0/1)/TB", "bwdif", id="progressive-stays"),
    pytest.param(replace(HD, is_interlaced=True), "bwdif", "tonemap", id="interlaced-is-de-interlaced"),
    pytest.param(HD, "format=pix_fmts=yuv420p", "zscale", id="unlabelled-hd-is-bt709-already"),
    pytest.param(sized(720, 480), "matrixin=6", "tonemap", id="unlabelled-sd-is-bt601"),
    pytest.param(
        replace(HD, colour=Colour(primaries=9, transfer=16, matrix=9)), "lutrgb", "held", id="pq-is-mapped"
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
    made = graph(picture(plan_of(source)))
    assert present in made
    assert absent not in made
    assert "colorspace=bt709" in made
