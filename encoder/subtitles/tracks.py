"""The subtitle tracks of a source: ffmpeg takes all of them out in one pass, our own readers do the rest."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from encoder.ffmpeg import Ffmpeg, run
from encoder.source import TextSource
from encoder.subtitles.errors import SubtitleError
from encoder.subtitles.files import parse
from media.webvtt import WebVtt

_COPIED = {"ass": "ass", "ssa": "ass", "subrip": "srt", "srt": "srt", "webvtt": "webvtt"}  # codec, muxer


def readable(tracks: Sequence[TextSource], warn: Callable[[str], None]) -> tuple[TextSource, ...]:
    """The tracks that hold text; `warn` hears of each of the others in one line."""
    for track in tracks:
        if not track.is_text:
            warn(
                f"subtitle track {track.index} ({track.codec}, {track.language}): pictures of text or "
                "unknown, left out; give its text as a file with --subtitles"
            )
    return tuple(track for track in tracks if track.is_text)


def extract(
    ffmpeg: Ffmpeg, source: Path, tracks: Sequence[TextSource], warn: Callable[[str], None]
) -> Mapping[int, WebVtt]:
    """The cues of each track, by its index, at the container's times; a track that says nothing is left out.

    Raises FfmpegError, and SubtitleError for a track of pictures.
    """
    for track in tracks:
        if not track.is_text:
            raise SubtitleError(
                f"{source}: subtitle track {track.index} is {track.codec}, pictures of text; "
                "give its text as a file with --subtitles"
            )
    if not tracks:
        return {}
    with tempfile.TemporaryDirectory() as folder:
        run(ffmpeg, extraction(str(source.resolve()), tracks), Path(folder), lambda _frames, _speed: None)
        found: dict[int, WebVtt] = {}
        for track in tracks:
            data = (Path(folder) / _file_name(track)).read_bytes()
            try:
                found[track.index] = parse(data, f"{source}: subtitle track {track.index}")
            except SubtitleError as error:
                warn(f"{error} (left out)")
        return found


def extraction(input_path: str, tracks: Sequence[TextSource]) -> list[str]:
    """ffmpeg's arguments: a file for each track, in its own format where that is text, else in SRT."""
    # copyts: times as in the container, as for picture and sound.
    command = ["-hide_banner", "-nostdin", "-y", "-loglevel", "error", "-copyts", "-i", input_path]
    for track in tracks:
        codec = "copy" if track.codec in _COPIED else "srt"
        muxer = _COPIED.get(track.codec, "srt")
        command += ["-map", f"0:s:{track.index}", "-c:s", codec, "-avoid_negative_ts", "disabled"]
        command += ["-f", muxer, _file_name(track)]
    return command


def _file_name(track: TextSource) -> str:
    return f"{track.index}.{_COPIED.get(track.codec, 'srt')}"
