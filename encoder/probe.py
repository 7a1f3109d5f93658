"""Probing: the facts of a source file. The door to PyAV."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import islice, pairwise
from pathlib import Path
from statistics import median
from typing import NamedTuple, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import FFmpegError, InvalidDataError
from av.stream import Disposition
from av.subtitles.stream import SubtitleStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from encoder.audio.source import AudioSource
from encoder.errors import EncodeError
from encoder.hdr import SideData, hdr_of
from encoder.languages import bcp47
from encoder.source import Colour, Source, TextSource, VideoSource

_CADENCE_FRAMES = 600  # how far to look for a varying frame rate
_REORDERED_FRAMES = 16  # the most that H.264 and HEVC hold back: the last ones read may have gaps before them
_MISSING_S = 1  # a file that ends this long before its header says was cut short
_FULL_RANGE = 2  # libavutil's AVCOL_RANGE_JPEG


class ProbeError(EncodeError):
    """The input cannot be encoded; the message names it and says why."""


def probe(path: Path) -> Source:
    """Raises ProbeError unless `path` is a whole file with at least one decodable picture."""
    if not path.is_file():
        raise ProbeError(f"{path}: {'not a file' if path.exists() else 'no such file'}; name a video file")
    if not path.stat().st_size:
        raise ProbeError(f"{path}: the file is empty; name a video file")
    with _opened(path) as container:
        stream = _picture_of(container, path)
        head = _head(container, stream, path)
        ends = _ends(container, stream, path)
        number = container.streams.video.index(stream)
        return Source(
            video=_video(number, stream, head, ends[stream.index]),
            key_frames=_key_frames(container, stream, head.start_ticks),
            audio=tuple(
                _sound(number, track, ends.get(track.index))
                for number, track in enumerate(container.streams.audio)
                if track.codec_context
            ),
            left_out=tuple(
                f"sound track {number}: cannot be decoded, left out"
                for number, track in enumerate(container.streams.audio)
                if not track.codec_context
            ),
            text=tuple(_text(number, track) for number, track in enumerate(container.streams.subtitles)),
        )


def fingerprint(path: Path) -> str:
    """SHA-256 of the content, in hex. Raises ProbeError."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ProbeError(f"{path}: {error.strerror}") from None


@contextmanager
def _opened(path: Path) -> Iterator[InputContainer]:
    try:
        with av.open(str(path.resolve())) as container:
            yield container
    except InvalidDataError:
        raise ProbeError(f"{path}: not a video file, or cut short; name a whole one") from None
    except (FFmpegError, OSError) as error:
        raise ProbeError(f"{path}: {error.strerror}") from None


def _picture_of(container: InputContainer, path: Path) -> VideoStream:
    """The first video stream that is no cover art."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic and stream.codec_context:
            return stream
    raise ProbeError(f"{path}: holds no video; name a file with a picture")


class _Head(NamedTuple):
    frame: VideoFrame
    start_ticks: int
    intervals: list[int]  # ticks between the first frames, in the order shown


def _head(container: InputContainer, stream: VideoStream, path: Path) -> _Head:
    frame: VideoFrame | None = None
    shown: list[int] = []
    for packet in islice(container.demux(stream), _CADENCE_FRAMES):
        if packet.pts is not None and not packet.is_discard:
            shown.append(packet.pts)
        if frame is None:
            try:
                frame = next(iter(packet.decode()), None)
            except InvalidDataError:
                continue  # a stream may open with what needs an earlier key frame
    if frame is None:
        raise ProbeError(f"{path}: no picture of it could be decoded ({stream.codec_context.name})")
    if frame.pts is None:
        raise ProbeError(f"{path}: its frames carry no times; wrap it into MP4 or Matroska first")
    shown.sort()
    if len(shown) > _CADENCE_FRAMES // 2:
        del shown[-_REORDERED_FRAMES:]
    return _Head(frame, frame.pts, [later - earlier for earlier, later in pairwise(shown)])


def _ends(container: InputContainer, stream: VideoStream, path: Path) -> dict[int, Fraction]:
    """When each track ends, in seconds, by stream; one that ends well before the picture may be missing."""
    # Matroska declares how long it is from time 0, the others from where they start.
    start_time = 0 if "matroska" in container.format.name else container.start_time or 0
    declared_s = (start_time + (container.duration or 0)) / av.time_base
    cut_short = f"{path}: cut short: it ends before its own header says; get the whole file"
    try:
        # From the last key frame on; where that does not explain the declared end (no good index, a subtitle
        # from before that outlasts the picture), all of it.
        for start in (container.duration or 0, 0):
            container.seek(start)
            ends = _read_ends(container)
            if stream.index in ends and max(ends.values()) >= declared_s - _MISSING_S:
                return ends
    except InvalidDataError:
        pass
    raise ProbeError(cut_short)


def _read_ends(container: InputContainer) -> dict[int, Fraction]:
    ends: dict[int, Fraction] = {}
    streams = container.streams
    for packet in container.demux(*streams.video, *streams.audio, *streams.subtitles):
        if packet.pts is None or packet.is_discard or packet.time_base is None:
            continue
        end = (packet.pts + (packet.duration or 0)) * packet.time_base
        ends[packet.stream.index] = max(end, ends.get(packet.stream.index, end))
    return ends


def _key_frames(container: InputContainer, stream: VideoStream, start_ticks: int) -> tuple[Fraction, ...]:
    """From the first frame that decodes on; a stream that cannot be read through has none to rely on."""
    found: set[int] = set()
    try:
        container.seek(0)
        for packet in container.demux(stream):
            if packet.is_keyframe and packet.pts is not None and packet.pts >= start_ticks:
                found.add(packet.pts)
    except (FFmpegError, OSError):
        return ()
    return tuple(ticks * (stream.time_base or Fraction(1, av.time_base)) for ticks in sorted(found))


def _video(number: int, stream: VideoStream, head: _Head, end: Fraction) -> VideoSource:
    frame, time_base = head.frame, stream.time_base or Fraction(1, av.time_base)
    rate, is_constant = _cadence(stream, [ticks * time_base for ticks in head.intervals])
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width_px, height_px = round(frame.width * aspect), frame.height
    if frame.rotation % 180:
        width_px, height_px = height_px, width_px
    return VideoSource(
        index=number,
        coded_width_px=frame.width,
        coded_height_px=frame.height,
        width_px=width_px,
        height_px=height_px,
        frame_rate=rate,
        is_constant_rate=is_constant,
        start=head.start_ticks * time_base,
        end=max(end, head.start_ticks * time_base + 1 / rate),
        pixel_format=frame.format.name,
        bit_depth=frame.format.components[0].bits,
        colour=Colour(
            primaries=frame.color_primaries,
            transfer=frame.color_trc,
            matrix=frame.colorspace,
            is_full_range=frame.color_range == _FULL_RANGE or frame.format.name.startswith("yuvj"),
            is_rgb=frame.format.is_rgb or frame.format.has_palette,
        ),
        hdr=hdr_of(cast(Iterable[SideData], frame.side_data)),  # a mapping whose keys are its values
        is_interlaced=frame.interlaced_frame,
    )


def _cadence(stream: VideoStream, intervals: list[Fraction]) -> tuple[Fraction, bool]:
    """The nominal frame rate, and whether the frames keep to it."""
    declared = stream.guessed_rate or stream.average_rate or Fraction(25)
    if not intervals or not (usual := median(intervals)):
        return declared, True
    # A container that counts in milliseconds gives 33, 33, 34: the same rate, rounded.
    slack = Fraction(1, 1000) + (stream.time_base or 0)
    is_constant = all(abs(interval - usual) <= slack for interval in intervals)
    is_honest = abs(declared * usual - 1) < Fraction(1, 20)
    return (declared if is_honest else Fraction(1 / usual)), is_constant


def _sound(number: int, track: AudioStream, end: Fraction | None) -> AudioSource:
    return AudioSource(
        index=number,
        codec=track.codec_context.name,
        sample_rate_hz=track.rate,
        channels=track.channels,
        layout=track.layout.name,
        language=bcp47(track.language),
        label=track.metadata.get("title", ""),
        is_default=bool(track.disposition & Disposition.default),
        is_commentary=bool(track.disposition & Disposition.comment),
        is_descriptive=bool(track.disposition & Disposition.visual_impaired),
        end=end,
    )


def _text(number: int, track: SubtitleStream) -> TextSource:
    """A codec that cannot be decoded here is known by the four characters of its tag at most."""
    context = track.codec_context
    return TextSource(
        index=number,
        codec=context.name if context else track.codec_tag.strip("\0") or "unknown",
        is_text=bool(context and context.codec.text_sub),
        language=bcp47(track.language),
        label=track.metadata.get("title", ""),
        is_default=bool(track.disposition & Disposition.default),
        is_forced=bool(track.disposition & Disposition.forced),
        is_sdh=bool(track.disposition & (Disposition.hearing_impaired | Disposition.captions)),
    )
