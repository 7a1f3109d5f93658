"""The subtitles of a title: the tracks of its source, and the files given beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from encoder.ffmpeg import Ffmpeg
from encoder.plan import timing_of
from encoder.source import Source
from encoder.subtitles.cues import fitted
from encoder.subtitles.files import SubtitleFile, load
from encoder.subtitles.tracks import extract, readable
from media.webvtt import WebVtt


@dataclass(frozen=True, slots=True, kw_only=True)
class TextPlan:
    """One track of subtitles, at the title's times."""

    label: str  # "en", "en-forced", unique in the plan
    language: str
    title: str  # what a menu shows; empty: the language
    is_default: bool
    is_forced: bool
    is_sdh: bool
    cues: WebVtt


def plan_texts(
    source: Source, path: Path, files: Sequence[SubtitleFile], ffmpeg: Ffmpeg, warn: Callable[[str], None]
) -> tuple[TextPlan, ...]:
    """Files first: who gives one means it. Raises EncodeError; `warn` hears of what is left out."""
    texts: list[TextPlan] = []
    duration = timing_of(source).duration
    for file in files:
        texts.append(
            TextPlan(
                label=_label(file.language, file.is_forced, file.is_sdh, texts),
                language=file.language,
                title="",
                is_default=file.is_default,
                is_forced=file.is_forced,
                is_sdh=file.is_sdh,
                cues=fitted(load(file.path), duration),
            )
        )
    tracks = readable(source.text, warn)
    cues = extract(ffmpeg, path, tracks, warn)
    for track in tracks:
        if track.index in cues:
            texts.append(
                TextPlan(
                    label=_label(track.language, track.is_forced, track.is_sdh, texts),
                    language=track.language,
                    title=track.label,
                    is_default=track.is_default and not files,
                    is_forced=track.is_forced,
                    is_sdh=track.is_sdh,
                    cues=fitted(cues[track.index], duration, source.video.start),
                )
            )
    for text in texts:
        if not text.cues.cues:
            warn(f"subtitles {text.label}: none is shown while the picture lasts; left out")
    return tuple(text for text in texts if text.cues.cues)


def _label(language: str, is_forced: bool, is_sdh: bool, taken: Sequence[TextPlan]) -> str:
    label = language + ("-forced" if is_forced else "") + ("-sdh" if is_sdh else "")
    same = sum(text.label == label or text.label.startswith(f"{label}-no") for text in taken)
    return f"{label}-no{same + 1}" if same else label
