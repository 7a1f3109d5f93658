"""The commands: one decode, one graph, some renditions. The door to ffmpeg-python.

ffmpeg writes each rendition as a header and numbered fragments; its playlists are thrown away, because
they say less than the fragments do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import ceil
from typing import Any

import ffmpeg

from encoder.analysis.commands import SCALER
from encoder.audio.filters import encoder_options, sound_graph
from encoder.audio.plan import AudioPlan
from encoder.chunks import Chunk, behind
from encoder.codecs import CODECS
from encoder.codecs.base import Options
from encoder.colour import to_bt709, to_hdr
from encoder.languages import iso639_2
from encoder.plan import Plan, RungPlan

# ffmpeg-python has no types: a node of its graph.
Stream = Any

PLAYLIST = "ffmpeg.m3u8"  # of each rendition, to be thrown away


def picture_arguments(
    plan: Plan, chunk: Chunk, rungs: Sequence[RungPlan], input_path: str, seek: Fraction | None
) -> list[str]:
    """ffmpeg's arguments for a working folder that holds one folder for each label of `rungs`.

    Each gets a header and a file for each GOP. Decoding starts at the key frame `seek`, in
    seconds of the container: the chunk's own, an earlier one, or None.
    """
    # copyts: times as in the container, so that frames are counted from its start, wherever decoding starts.
    # reinit_filter: a size or a colour that changes midway must not begin the count anew.
    source = ffmpeg.input(input_path, copyts=None, reinit_filter=0, **_from(seek), **_DECODER)
    counted = _counted(plan, chunk, source[f"v:{plan.source.index}"]).split()
    # By range, so that what is common is converted once.
    ranges = list(dict.fromkeys(rung.video_range for rung in rungs))
    shown = {name: _converted(plan, name, counted[number]).split() for number, name in enumerate(ranges)}
    outputs = []
    for number, rung in enumerate(rungs):
        size = (rung.rung.width_px, rung.rung.height_px)
        picture = shown[rung.video_range][number].filter("scale", *size, flags=SCALER).filter("setsar", 1)
        options = CODECS[rung.codec].options(plan.target(rung))
        outputs.append(_output(picture, rung.label, options, plan.timing.gop_s))
    return [*_GLOBAL, *ffmpeg.get_args(ffmpeg.merge_outputs(*outputs))]


def sound_arguments(plan: Plan, track: AudioPlan, input_path: str) -> list[str]:
    """ffmpeg's arguments for a working folder that holds one for the track's label: a file a segment."""
    source = ffmpeg.input(input_path, copyts=None, vn=None, sn=None, dn=None)
    graph = sound_graph(track)
    heard = [_through(source[f"a:{number}"], graph.each) for number in graph.tracks]
    sound = _through(heard, graph.then) if len(heard) > 1 else _through(heard[0], graph.then)
    # Some players tell tracks apart by what stands in the file, not in the manifest.
    options = encoder_options(track) | {"metadata:s:a:0": f"language={iso639_2(track.language)}"}
    output = _output(sound, track.label, options, plan.timing.segment_s)
    return [*_GLOBAL, *ffmpeg.get_args(output)]


_DECODER: Options = {"threads": 1}  # the encoders are what takes the time, and each frame ahead takes room
_GLOBAL = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]
_GLOBAL += ["-filter_complex_threads", "1"]


def _from(seek: Fraction | None) -> Options:
    if seek is None:
        return {}
    # noaccurate_seek: from the key frame itself; what comes before the chunk is cut off by its number.
    return {"noaccurate_seek": None, "seek_timestamp": 1, "ss": behind(seek)}


def _counted(plan: Plan, chunk: Chunk, picture: Stream) -> Stream:
    """The chunk's frames, progressive, at a constant rate from 0; upright (ffmpeg turns them by itself)."""
    timing, start = plan.timing, plan.source.start
    picture = picture.filter("setpts", f"PTS-({start.numerator}/{start.denominator})/TB")
    if plan.source.is_interlaced:
        picture = picture.filter("bwdif", mode="send_frame", deint="interlaced")
    picture = picture.filter("fps", timing.frame_rate)
    if timing.held_frames and chunk.end_frame == timing.frames:
        picture = picture.filter("tpad", stop=timing.held_frames, stop_mode="clone")
    # A decoder that starts too late leaves frames out, and their number says so: the first or none at all.
    picture = picture.filter("trim", start_pts=chunk.first_frame, end_pts=chunk.end_frame)
    picture = picture.filter("select", f"eq(pts,{chunk.first_frame})+not(isnan(prev_selected_pts))")
    return picture.filter("setpts", f"PTS-{chunk.first_frame}")


def _converted(plan: Plan, video_range: str, picture: Stream) -> Stream:
    source = plan.source
    return _through(picture, to_bt709(source, source.hdr) if video_range == "SDR" else to_hdr(source))


def _through(streams: Stream, filters: Sequence[tuple[str, Mapping[str, Any]]]) -> Stream:
    """One stream, or several of which the first filter makes one."""
    for name, options in filters:
        streams = ffmpeg.filter(streams, name, **options)
    return streams


def _output(stream: Stream, label: str, codec: Mapping[str, Any], file_s: Fraction) -> Stream:
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
        # Rounded up: sound that is cut too early would leave a tail in the end.
        hls_time=f"{ceil(file_s * 1_000_000) / 1_000_000:.6f}",
        hls_list_size=0,
        start_number=1,
        hls_segment_options="movflags=+cmaf+skip_sidx",
        hls_fmp4_init_filename="init.mp4",
        hls_segment_filename=f"{label}/%d.m4s",
    )
