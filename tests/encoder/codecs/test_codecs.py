"""What every codec must keep, by the real encoders on tiny pictures."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import pytest

from encoder.codecs import CODECS, Codec, Target
from encoder.codecs.base import PRESETS
from encoder.codecs.headers import completed
from encoder.colour import Filter, to_hdr
from encoder.ffmpeg import find_ffmpeg
from encoder.hdr import ContentLight, HdrMetadata, MasteringDisplay, SideData, hdr_of
from encoder.source import Colour
from media.boxes import Box, read_boxes
from media.cmaf_header import read_header
from media.levels import av1_level, avc_level, hevc_level, vp9_level
from media.parameter_sets import ColourFacts
from media.rules.codecs import is_same_codec
from tests.encoder.codecs.drawing import (
    BT709,
    HDR_TARGET,
    MOVING,
    OTHER,
    TARGET,
    encoded,
    files_of,
    header_of,
    whole_of,
)
from tests.encoder.sources import HD

EACH = [pytest.param(codec, id=name) for name, codec in CODECS.items()]
EACH_HDR = [pytest.param(codec, id=name) for name, codec in CODECS.items() if codec.may_hdr]
CUT: Filter = ("negate", {"enable": "gte(n,36)"})  # a scene cut amid a group of pictures
NOISE: Filter = ("noise", {"alls": 20, "allf": "t", "all_seed": 3})
METADATA = HdrMetadata(
    mastering=MasteringDisplay(
        red=(35400, 14600), green=(8500, 39850), blue=(6550, 2300), white=(15635, 16450),
        max_luminance=10_000_000, min_luminance=50,
    ),
    light=ContentLight(max_content=1000, max_average=400),
)  # fmt: skip


def key_frames(path: Path) -> tuple[list[int], int]:
    """The numbers of the key frames, and how many frames there are."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [packet for packet in container.demux(stream) if packet.pts is not None]
    assert stream.time_base is not None
    a_frame = 1 / (stream.time_base * TARGET.frame_rate)
    times = {(packet.pts or 0) / a_frame: packet.is_keyframe for packet in packets}
    assert sorted(times) == list(range(len(packets)))  # at a constant rate, from 0
    return [int(time) for time, is_key in sorted(times.items()) if is_key], len(packets)


def decoded(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def boxes_of(header: bytes) -> dict[str, Box]:
    """Those in the sample entry."""
    moov = next(box for box in read_boxes(header) if box.kind == "moov")
    entry = moov.child("trak", "mdia", "minf", "stbl", "stsd").children(skip=8)[0]
    return {entry.kind: entry} | {box.kind: box for box in entry.children(78)}


@contextmanager
def busy_cores() -> Iterator[None]:
    """Others want the processor too."""
    spin = [sys.executable, "-c", "while True: pass"]
    others = [subprocess.Popen(spin) for _ in range(3)]
    try:
        yield
    finally:
        for other in others:
            other.kill()
            other.wait()


def test_the_ffmpeg_that_is_found_has_every_encoder() -> None:
    listed = subprocess.run([find_ffmpeg().program, "-encoders"], capture_output=True, text=True, check=True)
    assert all(f" {codec.encoder} " in listed.stdout for codec in CODECS.values())


def test_names_are_keys_and_h264_comes_first() -> None:
    assert [codec.name for codec in CODECS.values()] == list(CODECS)
    assert next(iter(CODECS)) == "h264"


@pytest.mark.parametrize("codec", EACH)
def test_key_frames_are_on_the_grid_and_nowhere_else(codec: Codec, tmp_path: Path) -> None:
    made = encoded(codec, tmp_path / "cut", frames=60, filters=[CUT, *BT709])
    assert key_frames(whole_of(made)) == ([0, 24, 48], 60)
    assert len(files_of(made)) == 3
    frames = decoded(whole_of(made))
    assert len(frames) == 60
    assert {(frame.width, frame.height, frame.format.name) for frame in frames} == {(128, 72, "yuv420p")}


@pytest.mark.parametrize("codec", EACH)
def test_a_group_of_pictures_decodes_alone(codec: Codec, tmp_path: Path) -> None:
    made = encoded(codec, tmp_path / "made", frames=72)
    alone = tmp_path / "alone.mp4"
    alone.write_bytes(header_of(made) + files_of(made)[1])
    whole = decoded(whole_of(made))[24:48]
    assert [f.to_ndarray().tobytes() for f in decoded(alone)] == [f.to_ndarray().tobytes() for f in whole]


@pytest.mark.parametrize("codec", EACH)
def test_the_same_input_makes_the_same_bytes_on_a_busy_machine(codec: Codec, tmp_path: Path) -> None:
    first = encoded(codec, tmp_path / "first", filters=[NOISE, *BT709])
    with busy_cores():
        second = encoded(codec, tmp_path / "second", filters=[NOISE, *BT709])
    assert [header_of(first), *files_of(first)] == [header_of(second), *files_of(second)]


@pytest.mark.parametrize("codec", EACH)
def test_chunks_of_one_rung_share_their_init_segment(codec: Codec, tmp_path: Path) -> None:
    headers = {
        header_of(encoded(codec, tmp_path / str(number), source, frames=frames))
        for number, (source, frames) in enumerate([(MOVING, 48), (OTHER, 60), ("color=s=128x72:r=24", 3)])
    }
    assert len(headers) == 1


@pytest.mark.parametrize("codec", EACH)
def test_the_boxes_say_what_the_bitstream_says(codec: Codec, tmp_path: Path) -> None:
    header = read_header(header_of(encoded(codec, tmp_path / "made", frames=2)))
    assert header.size_px == (128, 72)
    assert header.box_colour == ColourFacts(1, 1, 1)
    assert header.pixel_aspect == 1
    if codec.name != "vp9":  # which has no parameter sets
        assert header.picture
        assert header.picture.colour == header.box_colour
        assert is_same_codec(header.init.codecs, header.bitstream_codecs)
        assert (header.picture.chroma, header.picture.bit_depth) == (1, 8)
    entries = {"h264": "avc1.64", "hevc": "hvc1.1.6.L", "av1": "av01.0.00M.08", "vp9": "vp09.00.10.08"}
    assert header.init.codecs.startswith(entries[codec.name])


def test_the_profile_of_vp9_is_that_of_its_frames(tmp_path: Path) -> None:
    made = encoded(CODECS["vp9"], tmp_path / "made", frames=2)
    fragment = files_of(made)[0]
    first = fragment[fragment.index(b"mdat") + 4]
    assert first >> 6 == 2  # frame_marker (VP9 bitstream specification, 6.2)
    profile = (first >> 5 & 1) | (first >> 4 & 1) << 1
    assert read_header(header_of(made)).init.codecs.split(".")[1] == f"{profile:02d}"


LEVELS = [  # size, frame rate
    pytest.param(640, 360, 30, id="360p30"),
    pytest.param(1280, 720, 60, id="720p60"),
    pytest.param(1920, 1080, 30, id="1080p30"),
]


@pytest.mark.parametrize("codec", EACH)
@pytest.mark.parametrize(("width_px", "height_px", "rate"), LEVELS)
def test_the_level_is_no_higher_than_needed(
    codec: Codec, width_px: int, height_px: int, rate: int, tmp_path: Path
) -> None:
    size = {"width_px": width_px, "height_px": height_px, "frame_rate": Fraction(rate)}
    target = replace(TARGET, **size, gop_frames=2 * rate, max_bps=3_000_000, preset="superfast")  # type: ignore[arg-type]
    source = f"testsrc2=s={width_px}x{height_px}:r={rate}"
    header = read_header(
        completed(header_of(encoded(codec, tmp_path / "made", source, target=target, frames=2)), target)
    )
    samples, cap = width_px * height_px, Fraction(target.max_bps)
    if codec.name == "vp9":
        said = int(header.init.codecs.split(".")[2])
        assert (
            said
            == vp9_level(width_px, height_px, Fraction(rate), cap)
            == {360: 21, 720: 40, 1080: 40}[height_px]
        )
        return
    assert header.picture
    picture = header.picture
    needed = {
        "h264": avc_level(picture.coded_blocks, picture.reference_frames, Fraction(rate), cap, 100),
        "hevc": hevc_level(samples, Fraction(rate), cap),
        "av1": av1_level(samples, Fraction(rate), cap),
    }[codec.name]
    assert picture.level == needed


@pytest.mark.parametrize("codec", EACH)
def test_every_preset_is_taken(codec: Codec, tmp_path: Path) -> None:
    for preset in PRESETS:
        made = encoded(codec, tmp_path / preset, target=replace(TARGET, preset=preset), frames=3)
        assert key_frames(whole_of(made)) == ([0], 3)


@pytest.mark.parametrize("codec", EACH)
def test_a_hard_scene_stays_near_the_cap(codec: Codec, tmp_path: Path) -> None:
    low, free = (replace(TARGET, crf=16, max_bps=bps) for bps in (300_000, 20_000_000))
    sizes = [
        sum(
            map(
                len,
                files_of(
                    encoded(codec, tmp_path / str(t.max_bps), target=t, frames=192, filters=[NOISE, *BT709])
                ),
            )
        )
        for t in (low, free)
    ]
    capped_bps, free_bps = (8 * size / 8 for size in sizes)  # eight seconds
    assert free_bps > 2 * low.max_bps  # it is hard
    assert capped_bps < 1.25 * low.max_bps


@pytest.mark.parametrize("codec", EACH)
def test_quality_is_the_codec_s_usual_one_unless_another_is_asked_for(codec: Codec, tmp_path: Path) -> None:
    def size(name: str, crf: float | None) -> int:
        target = replace(TARGET, crf=crf, max_bps=20_000_000)
        return sum(map(len, files_of(encoded(codec, tmp_path / name, target=target, frames=24))))

    best, worst = codec.crf_range
    assert best < codec.default_crf < worst
    assert size("usual", None) == size("same", codec.default_crf)
    assert size("best", best) > size("other", None) > size("worst", worst)


@pytest.mark.parametrize(
    ("codec", "crf", "said"),
    [
        pytest.param("h264", 22.75, "crf=22.75 ", id="h264"),
        pytest.param("hevc", 22.75, "crf=22.75 ", id="hevc"),
        pytest.param("av1", 28.6, ":crf=28.5:", id="av1-counts-quarters"),
        pytest.param("vp9", 27.6, "crf=28 ", id="vp9-counts-whole-steps"),
    ],
)
def test_quality_is_as_fine_as_the_encoder_takes_it(codec: str, crf: float, said: str) -> None:
    options = CODECS[codec].options(replace(TARGET, crf=crf))
    assert said in " ".join(f"{name}={value}" for name, value in options.items())


def hdr_filters(transfer: int) -> list[Filter]:
    """A picture that calls itself PQ or HLG, through what the encoder does to such a source."""
    names = {16: "smpte2084", 18: "arib-std-b67"}
    tags: Filter = (
        "setparams",
        {
            "colorspace": "bt2020nc",
            "color_primaries": "bt2020",
            "color_trc": names[transfer],
            "range": "limited",
        },
    )
    source = replace(HD, colour=Colour(primaries=9, transfer=transfer, matrix=9))
    return [("format", {"pix_fmts": "yuv420p10le"}), tags, *to_hdr(source)]


@pytest.mark.parametrize("codec", EACH_HDR)
def test_pq_keeps_its_range_and_says_what_it_was_made_for(codec: Codec, tmp_path: Path) -> None:
    target = replace(HDR_TARGET, hdr=METADATA)
    made = encoded(codec, tmp_path / "made", target=target, frames=26, filters=hdr_filters(16))
    whole = completed(header_of(made), target)
    header = read_header(whole)
    assert header.box_colour == ColourFacts(9, 16, 9)
    assert header.picture
    assert header.picture.colour == header.box_colour
    assert header.picture.bit_depth == 10
    assert is_same_codec(header.init.codecs, header.bitstream_codecs)
    assert header.init.codecs in ("hvc1.2.4.L60.90", "av01.0.00M.10.0.110.09.16.09.0")
    assert {"mdcv", "clli"} <= boxes_of(whole).keys()
    frames = decoded(whole_of(made, whole))
    assert len(frames) == 26
    assert hdr_of(cast(Iterable[SideData], frames[0].side_data)) == METADATA
    # In the bitstream too, for who does not read the boxes.
    assert hdr_of(cast(Iterable[SideData], decoded(whole_of(made))[0].side_data)) == METADATA


@pytest.mark.parametrize("codec", EACH_HDR)
def test_hlg_needs_no_metadata(codec: Codec, tmp_path: Path) -> None:
    target = replace(HDR_TARGET, video_range="HLG")
    made = encoded(codec, tmp_path / "made", target=target, frames=2, filters=hdr_filters(18))
    header = read_header(header_of(made))
    assert header.box_colour == ColourFacts(9, 18, 9)
    assert header.picture
    assert header.picture.colour == header.box_colour
    assert [frame.color_trc for frame in decoded(whole_of(made))] == [18, 18]


@pytest.mark.parametrize("codec", EACH_HDR)
def test_chunks_of_an_hdr_rung_share_their_init_segment(codec: Codec, tmp_path: Path) -> None:
    target = replace(HDR_TARGET, hdr=METADATA)
    made = [
        encoded(codec, tmp_path / str(number), source, target=target, frames=26, filters=hdr_filters(16))
        for number, source in enumerate((MOVING, OTHER))
    ]
    assert header_of(made[0]) == header_of(made[1])


@pytest.mark.parametrize("codec", EACH)
def test_one_thread_whatever_the_machine(codec: Codec) -> None:
    options = codec.options(TARGET)
    said = " ".join(f"{name}={value}" for name, value in options.items())
    alone = {
        "h264": "threads=1",
        "hevc": "pools=none:frame-threads=1",
        "av1": "lp=1",
        "vp9": "threads=1 row-mt=0",
    }
    assert alone[codec.name] in said


def test_a_target_knows_its_buffer_and_grid() -> None:
    target: Target = replace(TARGET, max_bps=1_234_567, gop_frames=48)
    assert target.buffer_bits == 1_234_567
    assert target.key_frames == "expr:not(mod(n,48))"
    assert not target.is_hdr
    assert HDR_TARGET.is_hdr
