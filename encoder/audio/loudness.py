"""Loudness by EBU R 128: what a mix measures, and the gain that brings it to the target.

Two passes and one plain gain: dynamics stay as they were mixed. Where the gain would push a true peak above
the limit, it stops there, and the sound stays quieter than the target.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_GATED_LUFS = -70.0  # the absolute gate of ITU-R BS.1770-5, annex 1: below it nothing was counted
_SILENT_PEAK = 0.001  # -60 dBFS: the least that is printed, and the noise of an input with nothing plugged in
_ROUNDED_PEAK = 0.0005  # printed with three decimals
_MOST_GAIN_DB = 20.0  # more lifts the noise of the microphone, not the voice
_VALUE = re.compile(r"^lavfi\.r128\.(I|true_peaks_ch\d+)=(\S+)$", re.MULTILINE)

TAIL_BYTES = 16_384  # of a log: more than its last frame takes, for any number of channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Loudness:
    """What a mix measures from end to end."""

    integrated_lufs: float | None = None  # None: nothing above the gate, or shorter than one block of 400 ms
    true_peaks: tuple[float, ...] = ()  # of each channel; 1.0 is full scale, and a mix may be above it

    @property
    def is_silent(self) -> bool:
        return self.is_silent_from(0)

    def is_silent_from(self, channel: int) -> bool:
        return all(peak <= _SILENT_PEAK for peak in self.true_peaks[channel:])

    @property
    def true_peak_dbtp(self) -> float | None:
        """An upper bound; None if there is no sound."""
        peak = max(self.true_peaks, default=0.0)
        return 20 * math.log10(peak + _ROUNDED_PEAK) if peak else None


def read_loudness(log: str) -> Loudness:
    """From what `ametadata` printed, or the end of it; each frame says what holds up to it."""
    values: dict[str, float] = {}
    for match in _VALUE.finditer(log[log.find("\n") + 1 :] if not log.startswith("frame:") else log):
        values[match[1]] = _finite(match[2], _GATED_LUFS if match[1] == "I" else 0.0)
    integrated_lufs = values.pop("I", _GATED_LUFS)
    peaks = sorted(values.items(), key=lambda item: int(item[0].removeprefix("true_peaks_ch")))
    return Loudness(
        integrated_lufs=integrated_lufs if integrated_lufs > _GATED_LUFS else None,
        true_peaks=tuple(peak for _, peak in peaks),
    )


def gain_db(loudness: Loudness | None, target_lufs: float | None, limit_dbtp: float) -> float:
    """Linear, in hundredths; 0 without a target, and for silence. Never above the peaks' limit."""
    if loudness is None or loudness.true_peak_dbtp is None or target_lufs is None:
        return 0.0
    wanted_db = 0.0
    if loudness.integrated_lufs is not None:
        wanted_db = min(target_lufs - loudness.integrated_lufs, _MOST_GAIN_DB)
    return math.floor(100 * min(wanted_db, limit_dbtp - loudness.true_peak_dbtp)) / 100


def _finite(text: str, otherwise: float) -> float:
    """Damaged sound in floating point may measure as anything."""
    try:
        number = float(text)
    except ValueError:
        return otherwise
    return number if math.isfinite(number) else otherwise
