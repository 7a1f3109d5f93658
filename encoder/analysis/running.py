"""Running an analysis: the scout, the probes, and the measuring of what was encoded in the end."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from threading import Event

from encoder.analysis.commands import (
    SCENES,
    SCOUT,
    Footage,
    measure_arguments,
    packets_file,
    pictures_ahead,
    pictures_of,
    probe_arguments,
    scout_arguments,
    vmaf_file,
)
from encoder.analysis.probes import Probe, ProbeResult, TrialResult
from encoder.analysis.scout import AnalysisError, Bytes, Scout, packet_sizes, scene_starts
from encoder.analysis.vmaf import SMALLEST_PX, STEP, quality, scores
from encoder.ffmpeg import Ffmpeg, OnFrame, run
from media.rendition import Quality


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """What an analysis runs with."""

    ffmpeg: Ffmpeg
    folder: Path  # scratch space is made in it, and removed
    cores: int | None = None
    stop: Event | None = None


def run_scout(
    at: Workplace, footage: Footage, source: Path, on_frame: OnFrame = lambda _frames, _speed: None
) -> Scout:
    """Look at the whole title once; raises EncodeError."""
    with tempfile.TemporaryDirectory(dir=at.folder) as scratch:
        folder = Path(scratch)
        _run(at, scout_arguments(footage, str(source.resolve())), folder, on_frame)
        packets = packet_sizes((folder / SCOUT).read_text())
        return Scout(
            gop_frames=footage.gop_frames,
            frame_bytes=tuple(size for size, _ in packets),
            scene_starts=scene_starts((folder / SCENES).read_text()),
        )


def run_probe(
    at: Workplace,
    footage: Footage,
    probe: Probe,
    source: Path,
    on_frame: OnFrame = lambda _frames, _speed: None,
) -> ProbeResult:
    """Encode a window in all the ways that the probe names; raises EncodeError."""
    with tempfile.TemporaryDirectory(dir=at.folder) as scratch:
        folder = Path(scratch)
        _run(at, probe_arguments(footage, probe, str(source.resolve())), folder, on_frame)
        packets = [
            list(packet_sizes((folder / packets_file(n)).read_text())) for n in range(len(probe.trials))
        ]
        frames = {len(found) for found in packets}
        if len(frames) != 1 or 0 in frames:
            raise AnalysisError(f"at frame {probe.start}: trials of {sorted(frames)} frames are not alike")
        scored = scores((folder / vmaf_file(0)).read_text(), every=min(2, pictures_of(probe)))
        ahead = pictures_ahead(probe) // 2
        of_each, rest = divmod(len(scored) - ahead, len(probe.trials))
        if rest or of_each != (pictures_of(probe) + 1) // 2:
            raise AnalysisError(f"at frame {probe.start}: {len(scored)} scores are not of all trials")
    vmaf = [fmean(scored[ahead + number * of_each :][:of_each]) for number in range(len(packets))]
    tried = zip(probe.trials, packets, vmaf, strict=True)
    return ProbeResult(
        probe=probe,
        frames=frames.pop(),
        trials=tuple(TrialResult(trial=trial, size=_bytes(sizes), vmaf=mean) for trial, sizes, mean in tried),
    )


def measure_quality(
    at: Workplace,
    footage: Footage,
    source: Path,
    renditions: Sequence[Path],
    *,
    frames: int,
    segment_frames: int,
    held_frames: int = 0,
    step: int = STEP,
    on_frame: OnFrame = lambda _frames, _speed: None,
) -> tuple[Quality, ...]:
    """VMAF of finished renditions, each one file with its header, of so many `frames`; raises EncodeError."""
    if min(footage.size) < SMALLEST_PX:
        raise AnalysisError("{}x{} is too small for VMAF".format(*footage.size))
    with tempfile.TemporaryDirectory(dir=at.folder) as scratch:
        folder = Path(scratch)
        paths = [str(path.resolve()) for path in renditions]
        arguments = measure_arguments(footage, str(source.resolve()), paths, frames, held_frames, step)
        _run(at, arguments, folder, on_frame)
        logs = [(folder / vmaf_file(number)).read_text() for number in range(len(paths))]
    return tuple(quality(scores(log), step, segment_frames, frames) for log in logs)


def _run(at: Workplace, arguments: list[str], folder: Path, on_frame: OnFrame) -> None:
    run(at.ffmpeg, arguments, folder, on_frame, at.cores, at.stop)


def _bytes(packets: Sequence[tuple[int, bool]]) -> Bytes:
    key = sum(size for size, is_key in packets if is_key)
    return Bytes(key=key, inter=sum(size for size, _ in packets) - key)
