"""What ffmpeg is told for an analysis: the scout's encode, a probe, the measuring of finished renditions.

A probe is one run: the window is decoded once, scaled and encoded for each trial, and what the encoders wrote
goes back through loopback decoders (ffmpeg 7 and later) to be compared with the window itself, which nobody
has to store. VMAF is taken at the source's size, upright and with square pixels: every rung is scaled up as a
player would, so that a low rung pays for what its size has lost. Frames are paired by their number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from encoder.analysis.probes import Probe, Trial
from encoder.analysis.vmaf import model, pairs
from encoder.chunks import behind, key_frame_for
from encoder.codecs import CODECS, Options, Target
from encoder.colour import to_bt709
from encoder.source import VideoSource

SCALER = "lanczos+accurate_rnd+bitexact"  # of the rungs: keeps more to be seen than bicubic
SCOUT, SCENES = "scout.txt", "scenes.txt"  # in the working folder
_SHOWN = "bicubic+accurate_rnd+bitexact"  # how players scale up; Netflix measures VMAF so
_SCOUT_AREA_PX = 320 * 180
_SCENE_CHANGE = 10  # scdet's score, 0 to 100, from which it is another scene
_PROBE_STEP, _PROBE_FIRST = 5, 2  # frames of a window that are scored: the first are not like the rest
_UNCAPPED_BPS = 100_000_000
_GLOBAL = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]
_GLOBAL += ["-filter_complex_threads", "1"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """The source's picture as the encoder sees it."""

    source: VideoSource
    key_frames: tuple[Fraction, ...]  # seconds in the container
    frame_rate: Fraction  # constant
    gop_frames: int

    @property
    def size(self) -> tuple[int, int]:
        """As shown, in even sides."""
        return max(2, self.source.width_px // 2 * 2), max(2, self.source.height_px // 2 * 2)


def scout_arguments(footage: Footage, input_path: str) -> list[str]:
    """Writes SCOUT, a packet for each frame of the title, and SCENES."""
    width_px, height_px = _small(footage.size)
    chain = f"{_frames(footage, 0, None)},scale={width_px}:{height_px}:flags=fast_bilinear,format=yuv420p"
    chain += f",scdet=threshold={_SCENE_CHANGE},metadata=print:key=lavfi.scd.time:file={SCENES}"
    command = [*_GLOBAL, *_input(footage, 0, input_path), "-filter_complex", f"{chain}[v]", "-map", "[v]"]
    # Without B-frames packets come in the order of the frames; without a look ahead each has its own cost.
    command += ["-c:v", "libx264", "-preset", "superfast", "-crf", "26", "-bf", "0", "-threads", "1"]
    command += ["-g", str(footage.gop_frames), "-keyint_min", str(footage.gop_frames), "-sc_threshold", "0"]
    return [*command, "-fps_mode", "passthrough", "-f", "framecrc", SCOUT]


def probe_arguments(footage: Footage, probe: Probe, input_path: str) -> list[str]:
    """Writes `packets_file` of each trial, and VMAF, in which the trials follow one another."""
    trials = range(len(probe.trials))
    window = _chain(
        _frames(footage, probe.start, probe.start + probe.frames), *map(_text, to_bt709(footage.source))
    )
    # The picture that all are compared with has the source's size, whatever its pixels' shape.
    window += f",{_scaled(footage.size, SCALER)},split={len(trials) + 1}"
    graph = [window + "".join(f"[p{number}]" for number in trials) + "[r]"]
    outputs: list[str] = []
    for number, trial in enumerate(probe.trials):
        graph.append(f"[p{number}]{_scaled((trial.width_px, trial.height_px), SCALER)}[e{number}]")
        outputs += ["-map", f"[e{number}]", *_encoder(footage, probe, trial)]
        outputs += ["-fps_mode", "passthrough", "-f", "framecrc", packets_file(number)]
    command = [
        *_GLOBAL,
        *_input(footage, probe.start, input_path),
        "-filter_complex",
        ";".join(graph),
        *outputs,
    ]
    for number in trials:
        command += ["-dec", f"{number}:0"]
    return [*command, "-filter_complex", ";".join(_compared_in_turn(footage, probe)), *_nowhere([0])]


def _compared_in_turn(footage: Footage, probe: Probe) -> list[str]:
    """One libvmaf for all trials, of which each takes much room: one after the other passes through it.

    Ahead of them goes a pair of the window's own pictures: libvmaf takes the first picture for a still one.
    """
    pictures = pictures_of(probe)
    every = f"select='{pairs(_PROBE_STEP, _first(probe))}',trim=end_frame={pictures}"
    count = f"settb=1/({footage.frame_rate}),setpts=N"
    numbers = range(len(probe.trials))
    graph = [f"[dec:{number}]{every},{count}[s{number}]" for number in numbers]
    tried = "".join(f"[s{number}]" for number in numbers)
    again = f"loop={len(numbers) - 1}:{pictures},{count}"
    shown = f"{_scaled(footage.size, _SHOWN)},{count}[d0]"
    if pictures_ahead(probe):
        ahead = f"trim=end_frame={pictures_ahead(probe)}"
        graph += [f"[r]{every},{count},split=3[ra][rb][rc]", f"[ra]{ahead}[la]", f"[rb]{ahead}[lb]"]
        graph += [f"[la]{tried}concat=n={len(numbers) + 1}:unsafe=1,{shown}"]
        graph += [f"[rc]{again}[rl]", f"[lb][rl]concat=n=2,{count}[r0]"]
    else:
        graph += [f"{tried}concat=n={len(numbers)}:unsafe=1,{shown}", f"[r]{every},{count},{again}[r0]"]
    return [*graph, _compared(footage, 0, subsample=min(2, pictures))]


def pictures_ahead(probe: Probe) -> int:
    """A pair, unless the whole window is no more."""
    return 2 if pictures_of(probe) > 2 else 0


def pictures_of(probe: Probe) -> int:
    """How many of a window's frames are compared: whole pairs, or the only one."""
    return 1 if probe.frames < 2 else 2 * ((probe.frames - _first(probe) - 2) // _PROBE_STEP + 1)


def _first(probe: Probe) -> int:
    return _PROBE_FIRST if probe.frames > _PROBE_STEP else 0


def encode_arguments(
    footage: Footage,
    input_path: str,
    outputs: Sequence[tuple[int, int, Options, str]],
    scaler: str = SCALER,
) -> list[str]:
    """The whole title into files: of each output width, height, the encoder's options and the path."""
    chain = _chain(_frames(footage, 0, None), *map(_text, to_bt709(footage.source)), f"split={len(outputs)}")
    graph = [chain + "".join(f"[p{number}]" for number in range(len(outputs)))]
    wanted: list[str] = []
    for number, (width_px, height_px, options, path) in enumerate(outputs):
        graph.append(f"[p{number}]{_scaled((width_px, height_px), scaler)}[e{number}]")
        wanted += ["-map", f"[e{number}]", *_words(options), "-fps_mode", "passthrough", path]
    return [*_GLOBAL, *_input(footage, 0, input_path), "-filter_complex", ";".join(graph), *wanted]


def measure_arguments(
    footage: Footage, input_path: str, renditions: Sequence[str], frames: int, held_frames: int, step: int
) -> list[str]:
    """Writes `vmaf_file` of each of `renditions`, files that begin with the title's first frame."""
    numbers = range(len(renditions))
    chain = _frames(footage, 0, None)
    if held_frames:
        chain += f",tpad=stop={held_frames}:stop_mode=clone"
    chain += f",trim=end_frame={frames},select='{pairs(step)}',setpts=N"
    chain = _chain(chain, *map(_text, to_bt709(footage.source)), _scaled(footage.size, SCALER))
    graph = [f"{chain},split={len(numbers)}" + "".join(f"[r{number}]" for number in numbers)]
    command = [*_GLOBAL, *_input(footage, 0, input_path)]
    for number, path in enumerate(renditions):
        command += ["-threads", "1", "-i", path]
        shown = f"[{number + 1}:v:0]select='{pairs(step)}',settb=1/{_ticks(footage)},setpts=N"
        graph += [f"{shown},{_scaled(footage.size, _SHOWN)}[d{number}]", _compared(footage, number)]
    return [*command, "-filter_complex", ";".join(graph), *_nowhere(numbers)]


def packets_file(number: int) -> str:
    return f"packets-{number}.txt"


def vmaf_file(number: int) -> str:
    return f"vmaf-{number}.json"


def _input(footage: Footage, frame: int, input_path: str) -> list[str]:
    """The source from the last key frame that is shown at `frame` or before."""
    source = footage.source
    key_frame = key_frame_for(
        frame, footage.key_frames, source.start, footage.frame_rate, source.is_interlaced
    )
    seek: list[str] = []
    if key_frame is not None:
        seek = ["-noaccurate_seek", "-seek_timestamp", "1", "-ss", behind(key_frame)]
    return ["-copyts", *seek, "-threads", "1", "-reinit_filter", "0", "-i", input_path]


def _frames(footage: Footage, start: int, end: int | None) -> str:
    """Progressive frames of the constant rate, upright (ffmpeg turns them by itself), counted from 0."""
    source, begin = footage.source, footage.source.start
    chain = f"[0:v:{source.index}]setpts=PTS-({begin.numerator}/{begin.denominator})/TB"
    if source.is_interlaced:
        chain += ",bwdif=mode=send_frame:deint=interlaced"
    chain += f",fps={footage.frame_rate}"
    return chain if end is None else f"{chain},trim=start_pts={start}:end_pts={end},setpts=PTS-{start}"


def _encoder(footage: Footage, probe: Probe, trial: Trial) -> list[str]:
    target = Target(
        width_px=trial.width_px,
        height_px=trial.height_px,
        frame_rate=footage.frame_rate,
        gop_frames=footage.gop_frames,
        preset=probe.preset,
        max_bps=_UNCAPPED_BPS,
        crf=trial.crf,
    )
    options = dict(CODECS[probe.codec].options(target))
    if "x265-params" in options:
        # A loopback decoder is not given the header, only the packets.
        options["x265-params"] = f"{options['x265-params']}:repeat-headers=1"
    if probe.codec == "vp9":
        # libvpx leaves its CRF where it takes below a tenth of the cap; without a cap it keeps to it.
        options = {name: value for name, value in options.items() if name not in ("maxrate", "bufsize")}
        options["b:v"] = 0
    return _words(options)


def _words(options: Options) -> list[str]:
    """As ffmpeg takes them; None: a flag that stands alone."""
    return [
        word
        for name, value in options.items()
        for word in ([f"-{name}"] if value is None else [f"-{name}", str(value)])
    ]


def _compared(footage: Footage, number: int, subsample: int = 2) -> str:
    options = f"log_path={vmaf_file(number)}:log_fmt=json:n_threads=1:n_subsample={subsample}:shortest=1"
    return f"[d{number}][r{number}]libvmaf={options}:model={model(min(footage.size))}[o{number}]"


def _nowhere(numbers: Iterable[int]) -> list[str]:
    return [word for number in numbers for word in ("-map", f"[o{number}]", "-f", "null", "-")]


def _scaled(size: tuple[int, int], flags: str) -> str:
    return f"scale={size[0]}:{size[1]}:flags={flags},setsar=1"


def _chain(*filters: str) -> str:
    return ",".join(filters)


def _text(named: tuple[str, Mapping[str, object]]) -> str:
    name, options = named
    return f"{name}=" + ":".join(f"{key}={_escaped(str(value))}" for key, value in options.items())


def _escaped(value: str) -> str:
    """First as a value among options, then as words of a graph (ffmpeg-filters, 4.1)."""
    return re.sub(r"([\\'\[\],;])", r"\\\1", re.sub(r"([\\':])", r"\\\1", value))


def _ticks(footage: Footage) -> str:
    """A time base of whole frames, as the fps filter leaves it."""
    return f"({footage.frame_rate})"


def _small(size: tuple[int, int]) -> tuple[int, int]:
    scale = min(1.0, (_SCOUT_AREA_PX / (size[0] * size[1])) ** 0.5)
    width_px, height_px = (max(16, round(side * scale / 2) * 2) for side in size)
    return width_px, height_px
