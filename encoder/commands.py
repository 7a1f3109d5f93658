"""The commands: one decode, one graph, all renditions. The door to ffmpeg-python.

ffmpeg writes each rendition as a header and numbered fragments; its playlists are thrown away, because
they say less than the fragments do.
"""

from __future__ import annotations

from typing import Any

import ffmpeg

from encoder.codecs import CODECS
from encoder.colour import to_bt709
from encoder.plan import AudioPlan, Plan

# ffmpeg-python has no types: a node of its graph.
Stream = Any

PLAYLIST = "ffmpeg.m3u8"  # of each rendition, to be thrown away
_AAC_PRIMING_SAMPLES = 1024  # silence that ffmpeg's AAC encoder puts in front


def arguments(plan: Plan, input_path: str) -> list[str]:
    """ffmpeg's arguments, written for a working folder that holds one folder for each label of the plan."""
    # copyts: times as in the container, so that picture and sound are shifted by the same.
    source = ffmpeg.input(input_path, copyts=None)
    shown = _normalised(plan, source[f"v:{plan.source.index}"]).split()
    outputs = []
    for number, rung in enumerate(plan.rungs):
        size = (rung.rung.width_px, rung.rung.height_px)
        picture = shown[number].filter("scale", *size, flags=_SCALER).filter("setsar", 1)
        outputs.append(_output(plan, picture, rung.label, CODECS[plan.settings.codec](plan, rung)))
    for track in plan.audio:
        sound = _sound(plan, track, source[f"a:{track.track}"])
        outputs.append(_output(plan, sound, track.label, _aac(track)))
    return [*_GLOBAL, *ffmpeg.get_args(ffmpeg.merge_outputs(*outputs))]


_GLOBAL = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]
_SCALER = "bicubic+accurate_rnd+bitexact"  # the same pixels on every processor


def _normalised(plan: Plan, picture: Stream) -> Stream:
    """Upright (ffmpeg turns it by itself), progressive, at a constant rate from 0, BT.709, whole length."""
    picture = picture.filter("setpts", "PTS-STARTPTS")
    if plan.source.is_interlaced:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    picture = picture.filter("fps", plan.frame_rate)
    for name, options in to_bt709(plan.source):
        picture = picture.filter(name, **options)
    if plan.held_frames:
        picture = picture.filter("tpad", stop=plan.held_frames, stop_mode="clone")
    return picture.filter("trim", end_frame=plan.frames)


def _sound(plan: Plan, track: AudioPlan, sound: Stream) -> Stream:
    """From the first frame's moment to the last's: cut or filled with silence where it is not as long.

    The encoder's priming takes the place of the first samples, so that time 0 needs no edit list.
    """
    start = plan.source.start
    layout = "mono" if track.channels == 1 else "stereo"
    return (
        sound.filter("asetpts", f"PTS-{start.numerator}/{start.denominator}/TB")
        .filter("aresample", track.sample_rate_hz, **{"async": 1, "first_pts": 0})
        .filter("aformat", sample_fmts="fltp", channel_layouts=layout)
        .filter("apad")
        .filter("atrim", start_sample=_AAC_PRIMING_SAMPLES, end_sample=track.samples)
    )


def _aac(track: AudioPlan) -> dict[str, str | int]:
    return {"c:a": "aac", "b:a": track.bitrate_bps, "flags:a": "+bitexact"}


def _output(plan: Plan, stream: Stream, label: str, codec: dict[str, str | int]) -> Stream:
    return ffmpeg.output(
        stream,
        f"{label}/{PLAYLIST}",
        **codec,
        fps_mode="passthrough",  # the graph has settled the frames; nothing is repeated or dropped after it
        map_metadata=-1,
        map_chapters=-1,
        fflags="+bitexact",
        # The first frame is shown at 0 by an edit list, not by moving every rendition by its own delay.
        avoid_negative_ts="disabled",
        format="hls",
        hls_segment_type="fmp4",
        hls_time=f"{float(plan.segment_s):.6f}",
        hls_list_size=0,
        start_number=1,
        hls_segment_options="movflags=+cmaf+skip_sidx",
        hls_fmp4_init_filename="init.mp4",
        hls_segment_filename=f"{label}/%d.m4s",
    )
