"""The plan of one encode: everything that is decided before ffmpeg starts, and nothing that it finds out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from encoder.ladder import Ladder, Rung
from encoder.source import AudioSource, Source, VideoSource

_GOP_S = 2  # Apple's HLS Authoring Specification, 1.10: a key frame every two seconds
_SEGMENT_GOPS = 2
_MAX_RATE = 60
_STANDARD_RATES = [Fraction(rate) for rate in (5, 8, 10, 12, 15, 24, 25, 30, 48, 50, 60)]
_STANDARD_RATES += [Fraction(rate, 1001) for rate in (15000, 24000, 30000, 60000)]
_OVERHANG_S = Fraction(1, 2)  # sound that outlasts the picture by no more is cut off with it
_AAC_FRAME_SAMPLES = 1024  # ISO/IEC 14496-3, AAC-LC
_AUDIO_BPS = {1: 64_000, 2: 128_000}  # by channels


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a caller may choose beside the ladder."""

    codec: str = "h264"
    preset: str = "medium"  # the encoder's own word for how hard it tries


@dataclass(frozen=True, slots=True, kw_only=True)
class RungPlan:
    label: str  # "720p", unique in the plan
    rung: Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPlan:
    """AAC-LC, as long as the picture to the frame."""

    label: str
    track: int  # among the source's audio tracks
    language: str
    is_default: bool
    sample_rate_hz: int
    channels: int
    bitrate_bps: int
    samples: int  # a whole number of AAC frames that covers the picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    source: VideoSource
    settings: Settings
    frame_rate: Fraction  # constant
    frames: int  # of every rung
    held_frames: int  # of them, the last ones: the last picture, while longer sound plays out
    rungs: tuple[RungPlan, ...]
    audio: tuple[AudioPlan, ...]

    @property
    def gop_frames(self) -> int:
        return max(1, round(self.frame_rate * _GOP_S))

    @property
    def segment_frames(self) -> int:
        return self.gop_frames * _SEGMENT_GOPS

    @property
    def segment_s(self) -> Fraction:
        return self.segment_frames / self.frame_rate


def make_plan(source: Source, ladder: Ladder, settings: Settings) -> Plan:
    frame_rate = output_rate(source.video)
    shown_frames = max(1, round(source.video.duration * frame_rate))
    tracks = _first_of_language(source.audio)
    held_frames = _held_frames(source.video, tracks, frame_rate)
    frames = shown_frames + held_frames
    return Plan(
        source=source.video,
        settings=settings,
        frame_rate=frame_rate,
        frames=frames,
        held_frames=held_frames,
        rungs=_labelled(ladder(source.video, frame_rate)),
        audio=tuple(
            _track(track, frames / frame_rate, is_default=not number) for number, track in enumerate(tracks)
        ),
    )


def output_rate(source: VideoSource) -> Fraction:
    """The source's own rate if it is constant and its segments last whole frames, else the standard nearest.

    Above 60 frames per second every second frame goes (Apple's HLS Authoring Specification, 1.15).
    """
    rate = source.frame_rate
    while rate > _MAX_RATE:
        rate /= 2
    is_whole = any((rate * _GOP_S * ntsc).denominator == 1 for ntsc in (1, Fraction(1001, 1000)))
    if source.is_constant_rate and is_whole and rate * _GOP_S >= 1:
        return rate
    return min(_STANDARD_RATES, key=lambda standard: abs(standard - rate))


def plan_key(plan: Plan, arguments: Sequence[str], ffmpeg_version: str, input_sha256: str) -> str:
    """Equal keys mean equal output: the input's content, what is done to it, and by which ffmpeg."""
    facts = [input_sha256, ffmpeg_version, *arguments, *(audio.language for audio in plan.audio)]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _labelled(rungs: Sequence[Rung]) -> tuple[RungPlan, ...]:
    """A rung is called by its short side; where two share it, by its bit rate too."""
    of_side = Counter(rung.short_side_px for rung in rungs)
    return tuple(
        RungPlan(
            label=f"{rung.short_side_px}p"
            + (f"-{rung.max_bps // 1000}k" if of_side[rung.short_side_px] > 1 else ""),
            rung=rung,
        )
        for rung in rungs
    )


def _first_of_language(tracks: Sequence[AudioSource]) -> list[AudioSource]:
    first: dict[str, AudioSource] = {}
    for track in tracks:
        first.setdefault(track.language, track)
    return list(first.values())


def _held_frames(video: VideoSource, tracks: Sequence[AudioSource], frame_rate: Fraction) -> int:
    sound_end = max((track.end or Fraction(0) for track in tracks), default=Fraction(0))
    overhang_s = sound_end - video.end
    return int(-(-overhang_s * frame_rate // 1)) if overhang_s > _OVERHANG_S else 0


def _track(track: AudioSource, duration: Fraction, is_default: bool) -> AudioPlan:
    """Stereo; mono stays mono."""
    sample_rate_hz = 44_100 if track.sample_rate_hz == 44_100 else 48_000
    channels = min(track.channels, 2)
    # One for the encoder's priming, and one to be heard, however short the picture.
    aac_frames = max(2, -(-duration * sample_rate_hz // _AAC_FRAME_SAMPLES))
    return AudioPlan(
        label=f"audio-{track.language}",
        track=track.index,
        language=track.language,
        is_default=is_default,
        sample_rate_hz=sample_rate_hz,
        channels=channels,
        bitrate_bps=_AUDIO_BPS[channels],
        samples=aac_frames * _AAC_FRAME_SAMPLES,
    )
