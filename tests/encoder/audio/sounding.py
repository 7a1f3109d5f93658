"""Sound made, encoded as planned, and read back by readers that did not write it: PyAV and ffmpeg's meter."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from encoder.audio.filters import encoder_options, graph_text, sound_graph
from encoder.audio.loudness import TAIL_BYTES, Loudness, read_loudness
from encoder.audio.measuring import log_of, measuring
from encoder.audio.mixes import Mix
from encoder.audio.plan import AudioPlan, AudioSettings, measured_mixes, plan_audio
from encoder.audio.source import AudioSource
from encoder.ffmpeg import find_ffmpeg, run
from media.cmaf import FragmentFacts, InitFacts, read_fragment, read_init
from tests.encoder.sources import draw

SEGMENT_S = Fraction(4004, 1000)
STEREO = AudioSource(index=0, codec="aac", sample_rate_hz=48_000, channels=2, layout="stereo")
MONO = AudioSource(index=0, codec="pcm_s16le", sample_rate_hz=48_000, channels=1, layout="mono")
LAVFI = ["-f", "lavfi", "-i"]


@dataclass(frozen=True, slots=True)
class Written:
    init: InitFacts
    segments: list[FragmentFacts]
    joined: Path  # all of it as one file


def click_at(at_s: float, duration_s: float, rate_hz: int = 48_000) -> list[str]:
    """Silence with one sample at full scale."""
    return [*LAVFI, f"aevalsrc='eq(n,{round(at_s * rate_hz)})':s={rate_hz}:d={duration_s}"]


def planned(
    *tracks: AudioSource,
    settings: AudioSettings | None = None,
    duration: Fraction = Fraction(4),
    start: Fraction = Fraction(0),
    loudness: Mapping[Mix, Loudness] | None = None,
) -> tuple[AudioPlan, ...]:
    return plan_audio(tracks, settings or AudioSettings(), duration, start, loudness or {})


def measured(
    source: Path,
    tracks: Sequence[AudioSource],
    settings: AudioSettings | None = None,
    duration: Fraction = Fraction(4),
    start: Fraction = Fraction(0),
) -> dict[Mix, Loudness]:
    """The first pass."""
    found = measured_mixes(tracks, settings or AudioSettings())
    run(
        find_ffmpeg(),
        measuring(found, str(source.absolute()), duration, start),
        source.parent,
        lambda *_: None,
    )
    logs = [(source.parent / log_of(number)).read_text()[-TAIL_BYTES:] for number, _ in enumerate(found)]
    return dict(zip(found, map(read_loudness, logs), strict=True))


def encode(plan: AudioPlan, source: Path, segment_s: Fraction = SEGMENT_S) -> Written:
    """As encoder/commands.py has it written."""
    folder = source.parent / plan.label
    folder.mkdir()
    options = [str(word) for key, value in encoder_options(plan).items() for word in (f"-{key}", value)]
    graph = graph_text(sound_graph(plan), 0, "o")
    command = ["-nostdin", "-y", "-loglevel", "error", "-progress", "pipe:1", "-copyts", "-vn"]
    command += ["-i", str(source.absolute()), "-filter_complex", graph, "-map", "[o]", *options]
    command += ["-map_metadata", "-1", "-fflags", "+bitexact", "-avoid_negative_ts", "disabled"]
    command += ["-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", f"{float(segment_s):.6f}"]
    command += ["-hls_list_size", "0", "-start_number", "1", "-hls_fmp4_init_filename", "init.mp4"]
    command += [
        "-hls_segment_options",
        "movflags=+cmaf+skip_sidx",
        "-hls_segment_filename",
        "%d.m4s",
        "p.m3u8",
    ]
    run(find_ffmpeg(), command, folder, lambda *_: None)
    head = (folder / "init.mp4").read_bytes()
    count = len(list(folder.glob("*.m4s")))
    parts = [(folder / f"{number}.m4s").read_bytes() for number in range(1, count + 1)]
    joined = folder / "joined.mp4"
    joined.write_bytes(b"".join([head, *parts]))
    init = read_init(head)
    return Written(init, [read_fragment(part, init) for part in parts], joined)


def samples(path: Path, rate_hz: int) -> npt.NDArray[np.float64]:
    """By the times of the frames, a row to a channel; where no frame is, silence."""
    with av.open(str(path)) as container:
        found = [
            (round(float(frame.time or 0) * rate_hz), frame.to_ndarray())
            for frame in container.decode(audio=0)
        ]
    end = max(at + frame.shape[1] for at, frame in found)
    whole = np.zeros((found[0][1].shape[0], end))
    for at, frame in found:
        whole[:, at : at + frame.shape[1]] = frame
    return whole


def loudness_of(path: Path) -> tuple[float, float]:
    """LUFS, and the true peak in dBTP, by loudnorm's meter, which is not the one that the product asks."""
    command = [find_ffmpeg().program, "-hide_banner", "-nostdin", "-i", str(path), "-af"]
    command += ["loudnorm=print_format=json", "-f", "null", "-"]
    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stderr
    values = dict(line.split(" : ") for line in told.splitlines() if " : " in line and '"' in line)
    loud = {key.strip('\t "'): value.strip(' ",') for key, value in values.items()}
    return float(loud["input_i"]), float(loud["input_tp"])


def drawn(path: Path, *arguments: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    return draw(path, *arguments)
