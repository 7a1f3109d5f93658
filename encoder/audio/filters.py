"""The filters and the encoder's options for one rendition, as plain values.

From the moment of the picture's first frame to the end of its last: cut, or filled with silence, where a
track starts or ends elsewhere or has gaps. The encoder's priming takes the place of the first samples, so
that time 0 is the picture's in every player and needs no edit list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from encoder.audio.layouts import Matrix
from encoder.audio.plan import CODECS, AudioPlan

Filter = tuple[str, dict[str, str | int | float]]

_LAYOUTS = {2: "stereo", 6: "5.1"}
_APART_S = 0.04  # sound may drift from its times by a frame of 25 a second before it is cut or filled


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundGraph:
    """Each track through `each`, all of them joined by `amerge` if there are several, then through `then`."""

    tracks: tuple[int, ...]  # among the source's audio tracks
    each: tuple[Filter, ...]
    then: tuple[Filter, ...]  # the first joins, if there are several tracks


def sound_graph(plan: AudioPlan) -> SoundGraph:
    gain: list[Filter] = [("volume", {"volume": f"{plan.gain_db:.2f}dB"})] if plan.gain_db else []
    span = {"start_sample": CODECS[plan.codec].priming_samples, "end_sample": plan.samples}
    return mixed(
        plan.tracks,
        plan.matrix,
        plan.sample_rate_hz,
        plan.start,
        [*gain, ("apad", {}), ("atrim", {**span})],
    )


def mixed(
    tracks: tuple[int, ...], matrix: Matrix, sample_rate_hz: int, start: Fraction, then: Sequence[Filter]
) -> SoundGraph:
    """On the picture's clock, at one rate, in floating point: nothing clips before the end."""
    each: list[Filter] = [
        ("asetpts", {"expr": f"PTS-{start.numerator}/{start.denominator}/TB"}),
        (
            "aresample",
            {"sample_rate": sample_rate_hz, "async": 1, "first_pts": 0, "min_hard_comp": _APART_S},
        ),
        ("aformat", {"sample_fmts": "fltp"}),
    ]
    if len(tracks) == 1:
        return SoundGraph(tracks=tracks, each=tuple(each), then=(_pan(matrix), *then))
    # Several are one channel each; and the shortest of them would end all.
    each += [("aformat", {"channel_layouts": "mono"}), ("apad", {})]
    joined: Filter = ("amerge", {"inputs": len(tracks)})
    return SoundGraph(tracks=tracks, each=tuple(each), then=(joined, _pan(matrix), *then))


def encoder_options(plan: AudioPlan) -> dict[str, str | int]:
    """FFmpeg's options; the same bytes each time."""
    common: dict[str, str | int] = {"b:a": plan.bitrate_bps, "flags:a": "+bitexact"}
    if plan.codec == "opus":
        # Constrained: a segment's rate is near what the manifest announces.
        return {"c:a": "libopus", "vbr": "constrained", "frame_duration": 20, **common}
    return {"c:a": "aac", **common}


def graph_text(graph: SoundGraph, number: int, label: str) -> str:
    """In the language of -filter_complex, from the first input to `[label]`; `number` keeps labels apart."""
    chains = [f"[0:a:{track}]{_chain(graph.each)}[t{number}_{at}]" for at, track in enumerate(graph.tracks)]
    inputs = "".join(f"[t{number}_{at}]" for at, _ in enumerate(graph.tracks))
    return ";".join([*chains, f"{inputs}{_chain(graph.then)}[{label}]"])


def _pan(matrix: Matrix) -> Filter:
    """By number: what a place is called does not matter any more."""
    rows = [
        f"c{out}=" + ("+".join(f"{share:g}*c{n}" for n, share in enumerate(row) if share) or "0*c0")
        for out, row in enumerate(matrix)
    ]
    return ("pan", {"args": "|".join([_LAYOUTS[len(matrix)], *rows])})


def _chain(filters: Sequence[Filter]) -> str:
    return ",".join(
        name + ("=" + ":".join(f"{key}={value}" for key, value in options.items()) if options else "")
        for name, options in filters
    )
