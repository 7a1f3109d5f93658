"""The lowest level that a picture needs: H.264 table A-1, HEVC tables A.8 and A.9, AV1 annex A.3,
VP9's own list (webmproject.org, VP9 levels).

Levels are in tenths.
"""

from __future__ import annotations

from fractions import Fraction

_AVC = (  # level, macroblocks per second, per frame, in the decoded picture buffer; kb/s (times 1.25 in High)
    (10, 1485, 99, 396, 64), (11, 3000, 396, 900, 192), (12, 6000, 396, 2376, 384),
    (13, 11880, 396, 2376, 768),
    (20, 11880, 396, 2376, 2000), (21, 19800, 792, 4752, 4000), (22, 20250, 1620, 8100, 4000),
    (30, 40500, 1620, 8100, 10000), (31, 108000, 3600, 18000, 14000), (32, 216000, 5120, 20480, 20000),
    (40, 245760, 8192, 32768, 20000), (41, 245760, 8192, 32768, 50000), (42, 522240, 8704, 34816, 50000),
    (50, 589824, 22080, 110400, 135000), (51, 983040, 36864, 184320, 240000),
    (52, 2073600, 36864, 184320, 240000), (60, 4177920, 139264, 696320, 240000),
    (61, 8355840, 139264, 696320, 480000), (62, 16711680, 139264, 696320, 800000),
)  # fmt: skip
_HEVC = (  # level, luma samples per second, per picture, kb/s of the main tier
    (10, 552960, 36864, 128), (20, 3686400, 122880, 1500), (21, 7372800, 245760, 3000),
    (30, 16588800, 552960, 6000), (31, 33177600, 983040, 10000), (40, 66846720, 2228224, 12000),
    (41, 133693440, 2228224, 20000), (50, 267386880, 8912896, 25000), (51, 534773760, 8912896, 40000),
    (52, 1069547520, 8912896, 60000), (60, 1069547520, 35651584, 60000), (61, 2139095040, 35651584, 120000),
    (62, 4278190080, 35651584, 240000),
)  # fmt: skip
_AV1 = (  # level, samples of a picture, samples per second, kb/s of the main tier
    (20, 147456, 4423680, 1500), (21, 278784, 8363520, 3000), (30, 665856, 19975680, 6000),
    (31, 1065024, 31950720, 10000), (40, 2359296, 70778880, 12000), (41, 2359296, 141557760, 20000),
    (50, 8912896, 267386880, 30000), (51, 8912896, 534773760, 40000), (52, 8912896, 1069547520, 60000),
    (60, 35651584, 1069547520, 60000), (61, 35651584, 2139095040, 100000),
    (62, 35651584, 4278190080, 160000),
)  # fmt: skip
_VP9 = (  # level, samples of a picture, samples per second, longest side, kb/s on average
    (10, 36864, 829440, 512, 200), (11, 73728, 2764800, 768, 800), (20, 122880, 4608000, 960, 1800),
    (21, 245760, 9216000, 1344, 3600), (30, 552960, 20736000, 2048, 7200),
    (31, 983040, 36864000, 2752, 12000),
    (40, 2228224, 83558400, 4160, 18000), (41, 2228224, 160432128, 4160, 30000),
    (50, 8912896, 311951360, 8384, 60000), (51, 8912896, 588251136, 8384, 120000),
    (52, 8912896, 1176502272, 8384, 180000), (60, 35651584, 1176502272, 16832, 180000),
    (61, 35651584, 2353004544, 16832, 240000), (62, 35651584, 4706009088, 16832, 480000),
)  # fmt: skip
_MAIN_FACTOR, _HIGH_FACTOR = 1000, 1250
_BELOW_HIGH = (66, 77, 88)


def avc_level(blocks: int, references: int, frame_rate: Fraction, bps: Fraction, profile: int) -> int | None:
    factor = _MAIN_FACTOR if profile in _BELOW_HIGH else _HIGH_FACTOR
    for level, per_second, per_frame, buffered, kbps in _AVC:
        is_enough = blocks <= per_frame and blocks * frame_rate <= per_second
        if is_enough and blocks * references <= buffered and bps <= kbps * factor:
            return level
    return None


def hevc_level(samples: int, frame_rate: Fraction, bps: Fraction) -> int | None:
    for level, per_second, per_picture, kbps in _HEVC:
        if samples <= per_picture and samples * frame_rate <= per_second and bps <= kbps * 1000:
            return level
    return None


def av1_level(samples: int, frame_rate: Fraction, bps: Fraction) -> int | None:
    for level, per_picture, per_second, kbps in _AV1:
        if samples <= per_picture and samples * frame_rate <= per_second and bps <= kbps * 1000:
            return level
    return None


def vp9_level(width_px: int, height_px: int, frame_rate: Fraction, bps: Fraction) -> int | None:
    samples, side = width_px * height_px, max(width_px, height_px)
    for level, per_picture, per_second, longest, kbps in _VP9:
        is_enough = samples <= per_picture and samples * frame_rate <= per_second and side <= longest
        if is_enough and bps <= kbps * 1000:
            return level
    return None
