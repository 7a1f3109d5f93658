from __future__ import annotations

import math

import pytest

from encoder.audio.loudness import Loudness, gain_db, read_loudness


def frame(number: int, integrated: str, *peaks: str) -> str:
    lines = [f"frame:{number}    pts:{4800 * number}       pts_time:{number / 10}"]
    lines += ["lavfi.r128.M=-120.691", "lavfi.r128.S=-120.691", f"lavfi.r128.I={integrated}"]
    lines += ["lavfi.r128.LRA=0.000", "lavfi.r128.LRA.low=0.000"]
    lines += [f"lavfi.r128.true_peaks_ch{n}={peak}" for n, peak in enumerate(peaks)]
    return "\n".join([*lines, f"lavfi.r128.true_peak={max(peaks)}"]) + "\n"


def test_the_last_frame_says_what_holds_for_all() -> None:
    log = frame(0, "-70.000", "0.062", "0.010") + frame(1, "-27.090", "0.500", "1.250")
    assert read_loudness(log) == Loudness(integrated_lufs=-27.09, true_peaks=(0.5, 1.25))


def test_the_end_of_a_log_is_enough() -> None:
    log = frame(0, "-10.000", *["0.9"] * 12) + frame(1, "-27.090", *["0.5"] * 12)
    tail = log[-900:]
    assert not tail.startswith("frame")
    assert read_loudness(tail) == Loudness(integrated_lufs=-27.09, true_peaks=(0.5,) * 12)


NOTHING = [
    pytest.param(frame(3, "-70.000", "0.500"), (0.5,), id="all-below-the-gate"),
    pytest.param(frame(3, "-inf", "0.000", "0.000"), (0, 0), id="digital-silence"),
    pytest.param(frame(3, "nan", "0.000"), (0,), id="no-number"),
    pytest.param(frame(3, "nan", "inf", "nan"), (0, 0), id="damaged"),
    pytest.param("", (), id="no-frame"),
]


@pytest.mark.parametrize(("log", "peaks"), NOTHING)
def test_what_is_gated_to_nothing_has_no_loudness(log: str, peaks: tuple[float, ...]) -> None:
    loudness = read_loudness(log)
    assert loudness == Loudness(integrated_lufs=None, true_peaks=peaks)
    assert gain_db(loudness, -23.0, -2.0) == 0


def test_channels_beyond_the_tenth_stay_in_order() -> None:
    peaks = [f"0.{number:03}" for number in range(12)]
    assert read_loudness(frame(1, "-20", *peaks)).true_peaks == tuple(map(float, peaks))


def test_silence_is_what_an_open_input_has() -> None:
    assert Loudness(true_peaks=(0.001, 0.0)).is_silent
    assert not Loudness(true_peaks=(0.001, 0.002)).is_silent
    assert Loudness(true_peaks=(0.5, 0.5, 0.0, 0.001)).is_silent_from(2)


GAINS = [  # loudness, true peak, target, limit, gain
    pytest.param(-30.0, 0.1, -23.0, -2.0, 7.0, id="up"),
    pytest.param(-12.5, 1.4, -23.0, -2.0, -10.5, id="down"),
    pytest.param(-23.0, 0.1, -23.0, -2.0, 0.0, id="as-it-is"),
    pytest.param(-30.0, 0.5, -16.0, -2.0, 4.01, id="as-far-as-the-peak-allows"),
    pytest.param(-23.0, 1.2, -23.0, -2.0, -3.59, id="a-peak-above-full-scale-goes-down"),
    pytest.param(-60.0, 0.002, -23.0, -2.0, 20.0, id="no-more-than-20-dB"),
    pytest.param(None, 0.3, -23.0, -2.0, 0.0, id="too-short-to-say"),
    pytest.param(None, 1.0, -23.0, -2.0, -2.01, id="too-short-to-say-but-clipping"),
    pytest.param(None, 0.0, -23.0, -2.0, 0.0, id="silence"),
]


@pytest.mark.parametrize(("integrated", "peak", "target", "limit", "expected"), GAINS)
def test_the_gain_is_linear_and_stops_at_the_peak(
    integrated: float | None, peak: float, target: float, limit: float, expected: float
) -> None:
    loudness = Loudness(integrated_lufs=integrated, true_peaks=(peak,))
    gain = gain_db(loudness, target, limit)
    assert gain == pytest.approx(expected, abs=0.001)
    assert peak * 10 ** (gain / 20) <= 10 ** (limit / 20)


def test_what_was_not_measured_or_has_no_target_keeps_its_loudness() -> None:
    assert gain_db(None, -23.0, -2.0) == 0
    assert gain_db(Loudness(integrated_lufs=-9.0, true_peaks=(0.99,)), None, -2.0) == 0


def test_a_gain_has_two_decimals_so_that_a_plan_reads_back_equal() -> None:
    gain = gain_db(Loudness(integrated_lufs=-1000 / 33, true_peaks=(0.1,)), -23.0, -2.0)
    assert gain == round(gain, 2)
    assert not math.copysign(1, gain) < 0
