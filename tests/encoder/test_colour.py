"""Colour, looked at in the pixels that ffmpeg makes of greys and brights of known light."""

from __future__ import annotations

import math
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from encoder.colour import Filter, peak_nits, to_bt709, to_hdr
from encoder.ffmpeg import find_ffmpeg
from encoder.hdr import ContentLight, HdrMetadata, MasteringDisplay
from encoder.source import Colour, VideoSource
from tests.encoder.codecs.drawing import graph
from tests.encoder.sources import HD, draw

_SIDE = 16
PQ = replace(HD, colour=Colour(primaries=9, transfer=16, matrix=9))
HLG = replace(HD, colour=Colour(primaries=9, transfer=18, matrix=9))
DISPLAY = MasteringDisplay(
    red=(34000, 16000), green=(13250, 34500), blue=(7500, 3000), white=(15635, 16450),
    max_luminance=40_000_000, min_luminance=50,
)  # fmt: skip
BLACK, WHITE = 16, 235  # of 8-bit video


def pq(nits: float) -> float:
    """SMPTE ST 2084, 5.2."""
    power = (nits / 10_000) ** 0.1593017578125
    return float(((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375)


def hlg(nits: float) -> float:
    """Of a grey on a display of 1000 cd/m² (ITU-R BT.2100, table 5)."""
    scene: float = (nits / 1000) ** (1 / 1.2)
    if scene <= 1 / 12:
        return math.sqrt(3 * scene)
    return float(0.17883277 * math.log(12 * scene - 0.28466892) + 0.55991073)


def shown(
    source: VideoSource, y: float, u: float = 0.5, v: float = 0.5, hdr: HdrMetadata | None = None
) -> list[int]:
    """The 8-bit Y, Cb and Cr of a picture of one colour, its signal between 0 and 1."""
    return pixels(to_bt709(source, hdr), source, y, u, v, depth=1)


def pixels(filters: list[Filter], source: VideoSource, *signal: float, depth: int) -> list[int]:
    """From 10-bit 4:2:0 through the filters, the first sample of each plane, `depth` bytes each."""
    sizes = [_SIDE * _SIDE, _SIDE * _SIDE // 4, _SIDE * _SIDE // 4]
    codes = [round(64 + 876 * signal[0]), *(round(512 + 896 * (c - 0.5)) for c in signal[1:])]
    raw = b"".join(code.to_bytes(2, "little") * size for code, size in zip(codes, sizes, strict=True))
    names = {16: "smpte2084", 18: "arib-std-b67"}[source.colour.transfer]
    tags = f"setparams=colorspace=bt2020nc:color_primaries=bt2020:color_trc={names}:range=limited"
    command = [find_ffmpeg().program, "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "yuv420p10le"]
    command += ["-s", f"{_SIDE}x{_SIDE}", "-i", "-", "-vf", f"{tags},{graph(filters)}", "-f", "rawvideo", "-"]
    made = subprocess.run(command, input=raw, capture_output=True, check=True, timeout=60).stdout
    places = [0, sizes[0] * depth, (sizes[0] + sizes[1]) * depth]
    assert len(made) == sum(sizes) * depth
    return [int.from_bytes(made[at : at + depth], "little") for at in places]


def bt1886(light: float) -> float:
    """The 8-bit code of so much of SDR's white."""
    return float(BLACK + (WHITE - BLACK) * light ** (1 / 2.4))


@pytest.mark.parametrize(
    ("source", "signal"), [pytest.param(PQ, pq, id="pq"), pytest.param(HLG, hlg, id="hlg")]
)
def test_greys_keep_their_order_and_their_white_stays_below_the_highlights(
    source: VideoSource, signal: Callable[[float], float]
) -> None:
    codes = [shown(source, signal(nits)) for nits in (1, 10, 50, 203, 400, 600, 1000)]
    assert all(chroma == [128, 128] for _, *chroma in codes)
    luma = [code[0] for code in codes]
    assert luma == sorted(set(luma))  # 400 and 1000 cd/m² are still told apart
    for found, nits in zip(
        luma, (1, 10, 50), strict=False
    ):  # below the knee light is kept, to the white's 203
        assert found == pytest.approx(bt1886(nits / 203), abs=1.5)
    assert 190 < luma[3] < 215  # paper, as bright as ITU-R BT.2408 has it, or nearly
    assert WHITE - 2 <= luma[-1] <= WHITE


def test_pq_and_hlg_of_the_same_light_look_alike() -> None:
    for nits in (5, 60, 203, 500, 900):
        assert shown(PQ, pq(nits))[0] == pytest.approx(shown(HLG, hlg(nits))[0], abs=1)


def test_a_bright_coloured_light_fades_towards_white_and_keeps_its_hue() -> None:
    dim, bright = shown(PQ, pq(100), 0.46, 0.53), shown(PQ, pq(900), 0.46, 0.53)
    for _, blue, red in (dim, bright):
        assert blue < 128 < red  # warm
    assert abs(bright[1] - 128) + abs(bright[2] - 128) < abs(dim[1] - 128) + abs(dim[2] - 128)


def test_the_peak_that_is_declared_is_what_becomes_white() -> None:
    brighter = HdrMetadata(mastering=DISPLAY)
    assert shown(PQ, pq(4000), hdr=brighter)[0] == pytest.approx(WHITE, abs=2)
    assert shown(PQ, pq(1000), hdr=brighter)[0] < shown(PQ, pq(1000))[0]
    dark = HdrMetadata(light=lit(150))
    assert shown(PQ, pq(203), hdr=dark)[0] == pytest.approx(WHITE, abs=2)


def lit(nits: int) -> ContentLight:
    return ContentLight(max_content=nits, max_average=90)


PEAKS = [  # source, metadata, cd/m²
    pytest.param(PQ, None, 1000, id="nothing-said"),
    pytest.param(PQ, HdrMetadata(mastering=DISPLAY), 4000, id="the-display"),
    pytest.param(PQ, HdrMetadata(mastering=DISPLAY, light=lit(620)), 620, id="the-content"),
    pytest.param(PQ, HdrMetadata(mastering=DISPLAY, light=lit(0)), 4000, id="unknown-content"),
    pytest.param(PQ, HdrMetadata(light=lit(90)), 203, id="darker-than-paper"),
    pytest.param(HLG, HdrMetadata(mastering=DISPLAY), 1000, id="hlg-is-relative"),
]


@pytest.mark.parametrize(("source", "hdr", "nits"), PEAKS)
def test_the_peak_is_what_the_source_says_or_what_is_usual(
    source: VideoSource, hdr: HdrMetadata | None, nits: int
) -> None:
    assert peak_nits(source.colour, hdr) == nits


@pytest.mark.parametrize("source", [pytest.param(PQ, id="pq"), pytest.param(HLG, id="hlg")])
def test_hdr_stays_what_it_is(source: VideoSource) -> None:
    signal = (0.6, 0.45, 0.57)
    exactly = [round(64 + 876 * signal[0]), *(round(512 + 896 * (c - 0.5)) for c in signal[1:])]
    assert pixels(to_hdr(source), source, *signal, depth=2) == exactly
    assert "zscale" not in dict(to_hdr(source))


ODD = [  # what the source says of itself
    pytest.param(Colour(primaries=12, transfer=16, matrix=9), id="p3"),
    pytest.param(Colour(primaries=9, transfer=18, matrix=1), id="matrix-of-bt709"),
    pytest.param(Colour(primaries=9, transfer=16, matrix=9, is_full_range=True), id="full-range"),
    pytest.param(Colour(primaries=9, transfer=16, matrix=0, is_rgb=True), id="rgb"),
]


@pytest.mark.parametrize("colour", ODD)
def test_odd_hdr_becomes_bt2020(colour: Colour) -> None:
    source = replace(HD, colour=colour)
    options = dict(to_hdr(source))
    assert (options["zscale"]["matrix"], options["zscale"]["primaries"]) == ("2020_ncl", "2020")
    assert options["zscale"]["transfer"] == options["zscale"]["transferin"] == colour.transfer
    assert options["zscale"]["rangein"] == ("full" if colour.is_full_range or colour.is_rgb else "limited")
    assert options["setparams"]["color_trc"] == {16: "smpte2084", 18: "arib-std-b67"}[colour.transfer]


@pytest.mark.parametrize("pixel_format", ["gbrp10le", "gbrp12le"])
def test_hdr_in_rgb_is_mapped_too(pixel_format: str, tmp_path: Path) -> None:
    source = replace(HD, colour=Colour(primaries=9, transfer=16, matrix=0, is_rgb=True))
    tags = f"format={pixel_format},setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=gbr"
    for filters, made in ((to_bt709(source), "yuv420p"), (to_hdr(source), "yuv420p10le")):
        raw = tmp_path / f"{pixel_format}-{made}.raw"
        draw(raw, "-f", "lavfi", "-i", "color=white:s=16x16", "-vf", f"{tags},{graph(filters)}",
             "-frames:v", "1", "-f", "rawvideo")  # fmt: skip
        assert len(raw.read_bytes()) == 16 * 16 * 3 // 2 * (2 if "10" in made else 1)


def test_nothing_that_was_meant_for_hdr_gets_into_sdr() -> None:
    for source in (HD, PQ, HLG):
        assert to_bt709(source)[0] == ("sidedata", {"mode": "delete"})
    assert to_hdr(PQ)[0] == ("sidedata", {"mode": "delete"})
