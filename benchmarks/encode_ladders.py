"""What does `--ladder auto` save beside Apple's fixed ladder at equal VMAF, and what does finding it cost?

    python -m benchmarks.encode_ladders [--clips CLIP ...] [--preset medium] [--fixed abr,crf] [--json FILE]

The fixed ladder is what a plain ffmpeg user writes, in one command at preset medium: Apple's average as
`-b:v`, 1.1 of it as `-maxrate`, 2 s as `-bufsize`, bicubic scaling, a key frame every two seconds (`abr`); or
the encoder's own `apple`, a constant quality under Apple's rates as caps (`crf`). `auto` is analysed, encoded
by one command and measured. VMAF is that of all renditions at the source's size, the same frames of each.
CPU is of all children, in turn on an otherwise idle machine; sound is left out of both.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.ladder_savings import Rated, Saving, Verdict, median_share, savings
from encoder.analysis.commands import SCALER, Footage, encode_arguments
from encoder.analysis.probes import plan_probes
from encoder.analysis.rungs import choose_rungs
from encoder.analysis.running import Workplace, measure_quality, run_probe, run_scout
from encoder.analysis.scout import packet_sizes
from encoder.codecs import CODECS, Options, Target
from encoder.ffmpeg import find_ffmpeg
from encoder.ladder import Rung, apple, candidates
from encoder.plan import output_rate
from encoder.probe import probe

CLIPS = Path(__file__).parent.parent.parent / "shared" / "clips"
USUAL = ("bbb_opening_720p24.mp4", "bbb_butterfly_1080p60_51.mp4", "handheld_crystal_480p30.mp4")
_BICUBIC = "bicubic+accurate_rnd+bitexact"
_SEGMENT_GOPS = 2


@dataclass(frozen=True, slots=True)
class Ladder:
    """One ladder of one clip as it was encoded and measured."""

    rungs: list[Rated]  # low to high
    p5: list[float]
    cpu_s: dict[str, float]  # by what it was spent on


@dataclass(frozen=True, slots=True)
class Encode:
    """How a rung is encoded: its place in the ladder names its file."""

    rung: Rung
    options: Options


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", nargs="+", type=Path, default=[CLIPS / name for name in USUAL])
    parser.add_argument("--codec", default="h264", choices=CODECS)
    parser.add_argument("--preset", default="medium", help="of auto; the fixed ladder's is medium")
    parser.add_argument("--fixed", default="abr,crf", help="the fixed ladders to compare with")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found: dict[str, dict[str, Ladder]] = {}
    for clip in asked.clips:
        with tempfile.TemporaryDirectory() as scratch:
            at = Workplace(ffmpeg=find_ffmpeg(), folder=Path(scratch))
            footage = _footage(clip)
            ladders = {f"apple {way}": _fixed(at, footage, clip, way) for way in asked.fixed.split(",")}
            found[clip.stem] = ladders | {"auto": _auto(at, footage, clip, asked.codec, asked.preset)}
        _print(clip.stem, found[clip.stem])
    for name in [f"apple {way}" for way in asked.fixed.split(",")]:
        every = [saving for of in found.values() for saving in savings(of[name].rungs, of["auto"].rungs)]
        worse = sum(saving.verdict is Verdict.WORSE for saving in every)
        print(f"beside {name}: median saving {median_share(every):.0%} of bits, {worse} rungs worse")
    if asked.json:
        values = {clip: {name: asdict(ladder) for name, ladder in of.items()} for clip, of in found.items()}
        asked.json.write_text(json.dumps(values, indent=1))


def _footage(clip: Path) -> Footage:
    source = probe(clip)
    rate = output_rate(source.video)
    return Footage(
        source=source.video, key_frames=source.key_frames, frame_rate=rate, gop_frames=max(1, round(2 * rate))
    )


def _fixed(at: Workplace, footage: Footage, clip: Path, way: str) -> Ladder:
    before_s = _cpu_s()
    encodes = [Encode(rung, _plain(footage, rung, way)) for rung in apple(footage.source, footage.frame_rate)]
    paths = _encoded(at, footage, clip, encodes, _BICUBIC, f"fixed-{way}")
    return _measured(at, footage, clip, encodes, paths, {"encode": _cpu_s() - before_s})


def _plain(footage: Footage, rung: Rung, way: str) -> Options:
    if way == "crf":
        return CODECS["h264"].options(_target(footage, rung, "medium"))
    return {
        "c:v": "libx264",
        "preset": "medium",
        "b:v": rung.max_bps,
        "maxrate": round(1.1 * rung.max_bps),
        "bufsize": 2 * rung.max_bps,
        "g": footage.gop_frames,
        "keyint_min": footage.gop_frames,
        "sc_threshold": 0,
    }


def _auto(at: Workplace, footage: Footage, clip: Path, codec: str, preset: str) -> Ladder:
    sizes, rate = candidates(footage.source, footage.frame_rate), footage.frame_rate
    marks_s = [_cpu_s()]
    scout = run_scout(at, footage, clip)
    marks_s.append(_cpu_s())
    probes = plan_probes(scout, sizes, rate, CODECS[codec], preset)
    results = [run_probe(at, footage, each, clip) for each in probes]
    analysis = choose_rungs(scout, results, sizes, rate, CODECS[codec], preset)
    marks_s.append(_cpu_s())
    encodes = [Encode(rung, CODECS[codec].options(_target(footage, rung, preset))) for rung in analysis.rungs]
    paths = _encoded(at, footage, clip, encodes, SCALER, "auto")
    marks_s.append(_cpu_s())
    spent = dict(zip(("scout", "probes", "encode"), _differences(marks_s), strict=True))
    return _measured(at, footage, clip, encodes, paths, spent)


def _target(footage: Footage, rung: Rung, preset: str) -> Target:
    return Target(
        width_px=rung.width_px,
        height_px=rung.height_px,
        frame_rate=footage.frame_rate,
        gop_frames=footage.gop_frames,
        preset=preset,
        max_bps=rung.max_bps,
        crf=rung.crf,
    )


def _encoded(
    at: Workplace, footage: Footage, clip: Path, encodes: Sequence[Encode], scaler: str, name: str
) -> list[Path]:
    paths = [at.folder / f"{name}-{number}.mp4" for number in range(len(encodes))]
    outputs = [
        (each.rung.width_px, each.rung.height_px, each.options, str(path))
        for each, path in zip(encodes, paths, strict=True)
    ]
    arguments = encode_arguments(footage, str(clip.resolve()), outputs, scaler)
    subprocess.run([at.ffmpeg.program, *arguments], check=True, stdout=subprocess.DEVNULL)
    return paths


def _measured(
    at: Workplace,
    footage: Footage,
    clip: Path,
    encodes: Sequence[Encode],
    paths: Sequence[Path],
    spent: dict[str, float],
) -> Ladder:
    sizes = [_packets(at, path) for path in paths]
    before_s, frames = _cpu_s(), len(sizes[0])
    found = measure_quality(
        at, footage, clip, paths, frames=frames, segment_frames=_SEGMENT_GOPS * footage.gop_frames
    )
    rungs = [
        Rated(_name(each), float(8 * sum(size) * footage.frame_rate / frames), quality.mean)
        for each, size, quality in zip(encodes, sizes, found, strict=True)
    ]
    return Ladder(rungs, [quality.p5 for quality in found], spent | {"measure": _cpu_s() - before_s})


def _name(each: Encode) -> str:
    crf = each.options.get("crf")
    return f"{each.rung.width_px}x{each.rung.height_px}" + (f" crf {crf}" if crf is not None else "")


def _packets(at: Workplace, path: Path) -> list[int]:
    command = [at.ffmpeg.program, "-loglevel", "error", "-i", str(path), "-map", "0:v", "-c", "copy"]
    made = subprocess.run([*command, "-f", "framecrc", "-"], check=True, capture_output=True, text=True)
    return [size for size, _ in packet_sizes(made.stdout)]


def _cpu_s() -> float:
    """Of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _differences(marks: Sequence[float]) -> list[float]:
    return [after - before for before, after in pairwise(marks)]


def _print(clip: str, ladders: dict[str, Ladder]) -> None:
    auto = ladders.pop("auto")
    print(f"\n### {clip}\n\n| auto | kb/s | VMAF | p5 |\n| --- | ---: | ---: | ---: |")
    for rung, p5 in zip(auto.rungs, auto.p5, strict=True):
        print(f"| {rung.name} | {rung.bps / 1000:.0f} | {rung.vmaf:.1f} | {p5:.1f} |")
    for name, fixed in ladders.items():
        print(f"\n| {name} | kb/s | VMAF | auto needs kb/s | saving |\n| --- | ---: | ---: | ---: | ---: |")
        for saving in savings(fixed.rungs, auto.rungs):
            print(_row(saving))
    ladders["auto"] = auto
    for name, ladder in ladders.items():
        spent = ", ".join(f"{what} {cpu_s:.1f}" for what, cpu_s in ladder.cpu_s.items())
        print(f"\nCPU s of {name}: {spent}", end="")
    analysis_s = auto.cpu_s["scout"] + auto.cpu_s["probes"]
    print(f"\n\nanalysis / encode = {analysis_s / auto.cpu_s['encode']:.0%}", end="; ")
    for name, fixed in ladders.items():
        if name != "auto":
            total = (analysis_s + auto.cpu_s["encode"]) / fixed.cpu_s["encode"]
            print(f"analysis and encode / {name} = {total:.2f}", end="; ")
    print()


def _row(saving: Saving) -> str:
    fixed, share = saving.fixed, saving.share
    needed = f"| {saving.verdict.value}"
    if saving.bps is not None and share is not None:
        needed = f"{saving.bps / 1000:.0f} | {share:.0%}"
    return f"| {fixed.name} | {fixed.bps / 1000:.0f} | {fixed.vmaf:.1f} | {needed} |"


if __name__ == "__main__":
    main()
