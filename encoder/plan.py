"""The plan of one encode: everything that is decided before ffmpeg starts, and nothing that it finds out."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from types import MappingProxyType

from pydantic import TypeAdapter

from encoder.audio.loudness import Loudness
from encoder.audio.mixes import Mix
from encoder.audio.plan import AudioPlan, AudioSettings, plan_audio
from encoder.audio.source import AudioSource
from encoder.chunks import Chunk, Grid, cut
from encoder.codecs import CODECS, Codec, Target
from encoder.ladder import Rung
from encoder.source import Source, VideoSource

_GOP_S = 2  # Apple's HLS Authoring Specification, 1.10: a key frame every two seconds
_SEGMENT_GOPS = 2
_MAX_RATE = 60
_STANDARD_RATES = [Fraction(rate) for rate in (5, 8, 10, 12, 15, 24, 25, 30, 48, 50, 60)]
_STANDARD_RATES += [Fraction(rate, 1001) for rate in (15000, 24000, 30000, 60000)]
_OVERHANG_S = Fraction(1, 2)  # sound that outlasts the picture by no more is cut off with it


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a caller may choose beside the ladder."""

    codecs: tuple[str, ...] = ("h264",)
    preset: str = "medium"  # how hard the encoders try, in libx264's words
    is_hdr: bool = False  # HDR rungs too, of a source that is HDR, in the codecs that can
    audio: AudioSettings = field(default_factory=AudioSettings)

    @property
    def all_codecs(self) -> tuple[str, ...]:
        """H.264 is always offered."""
        return tuple(dict.fromkeys(("h264", *self.codecs)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RungPlan:
    label: str  # "720p", unique in the plan
    codec: str  # a name in CODECS
    rung: Rung
    video_range: str = "SDR"  # SDR, PQ or HLG


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The frames of every rung, and how they are grouped."""

    frame_rate: Fraction  # constant
    frames: int
    held_frames: int  # of them, the last ones: the last picture, while longer sound plays out

    @property
    def gop_frames(self) -> int:
        return max(1, round(self.frame_rate * _GOP_S))

    @property
    def segment_frames(self) -> int:
        return self.gop_frames * _SEGMENT_GOPS

    @property
    def gop_s(self) -> Fraction:
        return self.gop_frames / self.frame_rate

    @property
    def segment_s(self) -> Fraction:
        return self.segment_frames / self.frame_rate

    @property
    def duration(self) -> Fraction:
        """Seconds."""
        return self.frames / self.frame_rate


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    source: VideoSource
    preset: str
    timing: Timing
    chunks: tuple[Chunk, ...]
    rungs: tuple[RungPlan, ...]  # by codec, each from low to high
    audio: tuple[AudioPlan, ...]

    def target(self, rung: RungPlan) -> Target:
        return Target(
            width_px=rung.rung.width_px,
            height_px=rung.rung.height_px,
            frame_rate=self.timing.frame_rate,
            gop_frames=self.timing.gop_frames,
            preset=self.preset,
            max_bps=rung.rung.max_bps,
            crf=rung.rung.crf,
            video_range=rung.video_range,
            hdr=self.source.hdr if rung.video_range == "PQ" else None,
        )


def timing_of(source: Source) -> Timing:
    frame_rate = output_rate(source.video)
    shown_frames = max(1, round(source.video.duration * frame_rate))
    held_frames = _held_frames(source.video, source.audio, frame_rate)
    return Timing(frame_rate=frame_rate, frames=shown_frames + held_frames, held_frames=held_frames)


def make_plan(
    source: Source,
    ladders: Mapping[str, Sequence[Rung]],
    settings: Settings,
    loudness: Mapping[Mix, Loudness] = MappingProxyType({}),
) -> Plan:
    """`ladders` has the rungs of each codec, low to high; `loudness` what was measured of the sound."""
    timing = timing_of(source)
    grid = Grid(
        frame_rate=timing.frame_rate,
        segment_frames=timing.segment_frames,
        frames=timing.frames,
        shown_frames=timing.frames - timing.held_frames,
        start=source.video.start,
        needs_before=source.video.is_interlaced,
    )
    return Plan(
        source=source.video,
        preset=settings.preset,
        timing=timing,
        chunks=cut(grid, source.key_frames),
        rungs=tuple(
            rung
            for codec in CODECS
            if codec in ladders
            for video_range in _ranges(source.video, CODECS[codec], settings)
            for rung in _labelled(codec, ladders[codec], video_range)
        ),
        audio=plan_audio(source.audio, settings.audio, timing.duration, source.video.start, loudness),
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


def plan_key(
    plan: Plan,
    arguments: Sequence[Sequence[str]],
    ffmpeg_version: str,
    input_sha256: str,
    texts: Sequence[str] = (),
) -> str:
    """Equal keys mean equal output: the input's content, what is done to it, by which ffmpeg, and what is
    put beside it (`texts`, in fingerprints).
    """
    sound = TypeAdapter(tuple[AudioPlan, ...]).dump_json(plan.audio).decode()
    facts = [input_sha256, ffmpeg_version, *map(list, arguments), sound, *texts]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def read_source(text: str | bytes) -> VideoSource | None:
    """What a published plan was made for; None if there is none, or one of another schema."""
    try:
        return _SOURCE.validate_python(json.loads(text)["plan"]["source"])
    except (ValueError, LookupError, TypeError):
        return None


def _ranges(source: VideoSource, codec: Codec, settings: Settings) -> list[str]:
    """SDR for everybody; the source's own range beside it."""
    own = source.colour.video_range
    return ["SDR", own] if settings.is_hdr and codec.may_hdr and own != "SDR" else ["SDR"]


def _labelled(codec: str, rungs: Sequence[Rung], video_range: str) -> list[RungPlan]:
    """A rung is called by its short side; where two share it, by its bit rate too; and by a rarer codec."""
    of_side = Counter(rung.short_side_px for rung in rungs)
    suffix = ("" if codec == "h264" else f"-{codec}") + ("" if video_range == "SDR" else "-hdr")
    return [
        RungPlan(
            label=f"{rung.short_side_px}p"
            + (f"-{rung.max_bps // 1000}k" if of_side[rung.short_side_px] > 1 else "")
            + suffix,
            codec=codec,
            rung=rung,
            video_range=video_range,
        )
        for rung in rungs
    ]


def _held_frames(video: VideoSource, tracks: Sequence[AudioSource], frame_rate: Fraction) -> int:
    sound_end = max((track.end or Fraction(0) for track in tracks), default=Fraction(0))
    overhang_s = sound_end - video.end
    return int(-(-overhang_s * frame_rate // 1)) if overhang_s > _OVERHANG_S else 0


_SOURCE = TypeAdapter(VideoSource)
