"""What does an encode cost beside a plain ffmpeg command and shaka-streamer, in CPU, wall time and memory?

The same four rungs and AAC, the same preset, in interleaved rounds:
- `ffmpeg`: one command, one decode, all rungs, its own choice of threads, to HLS and DASH segments in MP4;
- `penstock`: the whole of `penstock encode`, with thumbnails, poster, checksums and the verification;
- `shaka`: shaka-streamer with its own settings for these sizes, if it is installed in an environment of its
  own (`--shaka .../bin/shaka-streamer`). It knows no presets and uses `slow`: compare with `--preset slow`.

CPU is that of all processes, by the kernel's account of ended children; memory is the sum of proportional set
sizes, looked at ten times a second.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import family
from encoder.ffmpeg import find_ffmpeg

CLIP = Path(__file__).parent.parent.parent / "shared" / "clips" / "bbb_opening_720p24.mp4"
RUNGS = [(1280, 720, 2_000_000), (854, 480, 1_000_000), (640, 360, 400_000), (426, 240, 242_000)]
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    wall_s: float
    cpu_s: float
    memory_bytes: int  # at its peak
    written_bytes: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--preset", default="medium")
    parser.add_argument("--input", type=Path, default=CLIP)
    parser.add_argument("--shaka", default=shutil.which("shaka-streamer"))
    asked = parser.parse_args()
    readings: dict[str, list[Cost]] = {}
    for number in range(asked.rounds):
        for name, cost in _round(asked.input, asked.preset, asked.shaka, number):
            readings.setdefault(name, []).append(cost)
            print(f"round {number + 1} {name:10} {_shown(cost)}", file=sys.stderr, flush=True)
    print("\n".join(_table(readings)))


def _round(source: Path, preset: str, shaka: str | None, number: int) -> Iterator[tuple[str, Cost]]:
    """One run of each; which comes first changes from round to round."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        runs = [
            ("ffmpeg", _plain(source, preset, folder / "ffmpeg")),
            ("penstock", _penstock(source, preset, folder / "penstock")),
        ]
        if shaka:
            runs.append(("shaka", _shaka(shaka, source, folder / "shaka")))
        shift = number % len(runs)
        for name, command in runs[shift:] + runs[:shift]:
            cost = measured(command, folder / name)
            yield name, cost


def measured(command: Sequence[str], folder: Path) -> Cost:
    """Run `command`, which writes below `folder`. Raises RuntimeError if it fails."""
    folder.mkdir(parents=True, exist_ok=True)
    started_s, peak_bytes = time.monotonic(), 0
    with tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints, cwd=folder
        )
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak_bytes = max(peak_bytes, sum(_pss_bytes(pid) for pid in family(process.pid)))
            time.sleep(_LOOK_S)
        complaints.seek(0)
        if ended[1]:
            raise RuntimeError(f"{command[0]} failed: {complaints.read()[-800:]}")
    _, _, usage = ended
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return Cost(time.monotonic() - started_s, usage.ru_utime + usage.ru_stime, peak_bytes, size)


def _pss_bytes(pid: int) -> int:
    """Resident memory, what is shared counted in parts; 0 once the process is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)


def _plain(source: Path, preset: str, folder: Path) -> list[str]:
    for name in [*(f"{height}p" for _, height, _ in RUNGS), "audio"]:
        (folder / name).mkdir(parents=True)
    parts = "".join(f"[s{number}]" for number in range(len(RUNGS)))
    scaled = [f"[s{n}]scale={w}:{h},setsar=1[v{n}]" for n, (w, h, _) in enumerate(RUNGS)]
    command = [find_ffmpeg().program, "-nostdin", "-y", "-loglevel", "error", "-i", str(source)]
    command += ["-filter_complex", ";".join([f"[0:v]split={len(RUNGS)}{parts}", *scaled])]
    for number, (_, height, max_bps) in enumerate(RUNGS):
        command += ["-map", f"[v{number}]", "-c:v", "libx264", "-preset", preset, "-profile:v", "high"]
        command += ["-crf", "22", "-maxrate", str(max_bps), "-bufsize", str(max_bps)]
        command += ["-g", "48", "-keyint_min", "48", "-sc_threshold", "0", *_segments(f"{height}p")]
    command += ["-map", "0:a:0", "-c:a", "aac", "-b:a", "128k", *_segments("audio")]
    return command


def _segments(name: str) -> list[str]:
    return [
        "-f", "hls", "-hls_time", "4", "-hls_list_size", "0", "-hls_segment_type", "fmp4",
        "-hls_segment_filename", f"{name}/%d.m4s", f"{name}/index.m3u8",
    ]  # fmt: skip


def _penstock(source: Path, preset: str, folder: Path) -> list[str]:
    folder.mkdir()
    ladder = folder / "ladder.toml"
    tables = [f"[[rungs]]\nshort_side_px = {height}\nmax_bps = {bps}\n" for _, height, bps in RUNGS]
    ladder.write_text("\n".join(tables))
    command = [sys.executable, "-m", "encoder", str(source), "-o", str(folder / "library")]
    command += ["--ladder", str(ladder), "--preset", preset, "--loudness", "source"]
    return ["env", f"PYTHONPATH={Path(__file__).parent.parent}", *command]


def _shaka(program: str, source: Path, folder: Path) -> list[str]:
    folder.mkdir()
    (folder / "input.yaml").write_text(
        "inputs:\n" + "".join(f"  - {{name: {source}, media_type: {kind}}}\n" for kind in ("video", "audio"))
    )
    (folder / "pipeline.yaml").write_text(
        "streaming_mode: vod\nresolutions: [720p, 480p, 360p, 240p]\nchannel_layouts: [stereo]\n"
        "audio_codecs: [aac]\nvideo_codecs: [h264]\nmanifest_format: [dash, hls]\n"
        "dash_output: dash.mpd\nhls_output: hls.m3u8\nsegment_size: 4\nsegment_per_file: true\n"
    )
    return [program, "-i", "input.yaml", "-p", "pipeline.yaml", "-o", str(folder / "out")]


def _shown(cost: Cost) -> str:
    return (
        f"{cost.wall_s:6.1f} s wall, {cost.cpu_s:6.1f} s CPU, "
        f"{cost.memory_bytes / 2**20:5.0f} MiB, {cost.written_bytes / 1e6:6.2f} MB written"
    )


def _table(readings: dict[str, list[Cost]]) -> Iterator[str]:
    yield "| run | CPU s | wall s | peak MiB | MB | CPU × ffmpeg | wall × ffmpeg | memory × ffmpeg |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for name, costs in readings.items():
        columns = [
            statistics.median(cost.cpu_s for cost in costs),
            statistics.median(cost.wall_s for cost in costs),
            statistics.median(cost.memory_bytes for cost in costs) / 2**20,
            statistics.median(cost.written_bytes for cost in costs) / 1e6,
        ]
        plain = readings["ffmpeg"]
        ratios = [
            statistics.median(a.cpu_s / b.cpu_s for a, b in zip(costs, plain, strict=True)),
            statistics.median(a.wall_s / b.wall_s for a, b in zip(costs, plain, strict=True)),
            statistics.median(a.memory_bytes / b.memory_bytes for a, b in zip(costs, plain, strict=True)),
        ]
        values = [f"{value:.1f}" for value in columns] + [f"{ratio:.2f}" for ratio in ratios]
        yield f"| {name} | {' | '.join(values)} |"


if __name__ == "__main__":
    main()
