"""The plan of the sound: every track of the source as a rendition in each codec, stereo and perhaps 5.1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from encoder.audio.layouts import Matrix
from encoder.audio.loudness import Loudness, gain_db
from encoder.audio.mixes import Mix, Voice, corrected, mixes, voices
from encoder.audio.source import AudioSource
from encoder.errors import EncodeError

R128_LUFS, R128_DBTP = -23.0, -1.0  # EBU R 128: programme loudness, maximum permitted true peak
_CODEC_DB = 1.0  # what AAC and Opus may add to a peak
_LOUDEST_LUFS, _QUIETEST_LUFS = -5.0, -40.0


class AudioError(EncodeError):
    """The sound cannot be encoded as asked; the message says why."""


@dataclass(frozen=True, slots=True)
class Codec:
    """How a codec counts, and what it is given, in bits per second, for a mix of its kind."""

    name: str
    codecs: str  # RFC 6381
    frame_samples: int
    priming_samples: int  # what the encoder puts before the first sample
    sample_rates_hz: tuple[int, ...]  # that it is given; the first is taken for every other
    mono_bps: int
    stereo_bps: int
    surround_bps: int

    def bitrate_bps(self, mix: Mix) -> int:
        if mix.channels > 2:
            return self.surround_bps
        return self.mono_bps if mix.is_mono else self.stereo_bps


CODECS = {
    # ISO/IEC 14496-3, AAC-LC by FFmpeg's encoder.
    "aac": Codec("aac", "mp4a.40.2", 1024, 1024, (48_000, 44_100), 96_000, 128_000, 384_000),
    # RFC 6716 by libopus, frames of 20 ms; the pre-skip of RFC 7845, 4.2.
    "opus": Codec("opus", "opus", 960, 312, (48_000,), 64_000, 96_000, 256_000),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """What a caller may choose of the sound."""

    codecs: tuple[str, ...] = ("aac",)  # AAC in stereo is offered in any case: everything plays it
    is_surround: bool = False  # 5.1 too, of what has it
    loudness_lufs: float | None = R128_LUFS  # None: as loud as the source
    true_peak_dbtp: float = R128_DBTP

    def __post_init__(self) -> None:
        for name in self.codecs:
            if name not in CODECS:
                raise AudioError(f"audio codec {name!r}: choose of {', '.join(CODECS)}")
        if self.loudness_lufs is not None and not _QUIETEST_LUFS <= self.loudness_lufs <= _LOUDEST_LUFS:
            raise AudioError(
                f"loudness of {self.loudness_lufs} LUFS: choose one from {_QUIETEST_LUFS:g} to "
                f"{_LOUDEST_LUFS:g}, such as {R128_LUFS:g} (EBU R 128)"
            )
        if self.true_peak_dbtp > 0:
            raise AudioError(f"a true peak of {self.true_peak_dbtp} dBTP: choose one of 0 or below")

    @property
    def all_codecs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(("aac", *self.codecs)))


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioPlan:
    """One rendition, as long as the picture to the frame."""

    label: str  # "audio-en-51", unique in the plan
    codec: str  # of CODECS
    tracks: tuple[int, ...]  # among the source's audio tracks, one after the other
    matrix: Matrix
    gain_db: float
    start: Fraction  # seconds, in the source: where the picture starts
    sample_rate_hz: int
    samples: int  # a whole number of the codec's frames that covers the picture
    bitrate_bps: int
    language: str  # BCP 47
    menu_label: str  # empty: the language
    is_default: bool
    is_commentary: bool = False
    is_descriptive: bool = False

    @property
    def channels(self) -> int:
        return len(self.matrix)


def measured_mixes(tracks: Sequence[AudioSource], settings: AudioSettings) -> tuple[Mix, ...]:
    """What the first pass measures; if the loudness stays as it is, only what a convention may have wrong."""
    found = voices(tracks)
    if settings.loudness_lufs is None:
        found = tuple(voice for voice in found if voice.otherwise or voice.is_spare)
    return mixes(found, settings.is_surround)


def plan_audio(
    tracks: Sequence[AudioSource],
    settings: AudioSettings,
    duration: Fraction,
    video_start: Fraction,
    loudness: Mapping[Mix, Loudness],
) -> tuple[AudioPlan, ...]:
    """Renditions of one codec and number of channels stand together, AAC in stereo first."""
    chosen = _with_menu_labels(corrected(voices(tracks), loudness))
    default = _default(chosen)
    codes = _codes(chosen)
    shared = _Shared(settings, duration, video_start, loudness)
    return tuple(
        _rendition(shared, voice, mix, CODECS[codec], f"{code}-51" if is_surround else code, voice is default)
        for is_surround in (False, True)[: 1 + settings.is_surround]
        for codec in settings.all_codecs
        for voice, code in zip(chosen, codes, strict=True)
        if (mix := voice.surround if is_surround else voice.stereo)
    )


@dataclass(frozen=True, slots=True)
class _Shared:
    """What all renditions have in common."""

    settings: AudioSettings
    duration: Fraction
    start: Fraction
    loudness: Mapping[Mix, Loudness]

    def gain_db(self, mix: Mix) -> float:
        limit_dbtp = self.settings.true_peak_dbtp - _CODEC_DB
        return gain_db(self.loudness.get(mix), self.settings.loudness_lufs, limit_dbtp)


def _rendition(
    shared: _Shared, voice: Voice, mix: Mix, codec: Codec, code: str, is_default: bool
) -> AudioPlan:
    sample_rate_hz = output_rate(mix.sample_rate_hz, codec)
    # One for the encoder's priming, and one to be heard, however short the picture.
    frames = max(2, -(-shared.duration * sample_rate_hz // codec.frame_samples))
    return AudioPlan(
        label=f"audio-{code}" + (f"-{codec.name}" if codec.name != "aac" else ""),
        codec=codec.name,
        tracks=mix.tracks,
        matrix=mix.matrix,
        gain_db=shared.gain_db(mix),
        start=shared.start,
        sample_rate_hz=sample_rate_hz,
        samples=frames * codec.frame_samples,
        bitrate_bps=codec.bitrate_bps(mix),
        language=voice.source.language,
        menu_label=voice.label,
        is_default=is_default,
        is_commentary=voice.source.is_commentary,
        is_descriptive=voice.source.is_descriptive,
    )


def output_rate(sample_rate_hz: int, codec: Codec) -> int:
    """The rate itself or a whole multiple of it, if the codec is given one; else 48 kHz."""
    fitting = [rate for rate in codec.sample_rates_hz if sample_rate_hz and rate % sample_rate_hz == 0]
    return (fitting or [*codec.sample_rates_hz])[0]


def _default(found: Sequence[Voice]) -> Voice | None:
    """What the source calls its default, but no commentary unless there is nothing else."""
    usual = [voice for voice in found if not voice.source.is_commentary and not voice.source.is_descriptive]
    named = [voice for voice in usual if voice.source.is_default]
    return next(iter([*named, *usual, *found]), None)


def _codes(found: Sequence[Voice]) -> list[str]:
    """The language; from the second of a language on, with its number."""
    seen: Counter[str] = Counter()
    codes = []
    for voice in found:
        seen[voice.source.language] += 1
        number = seen[voice.source.language]
        codes.append(voice.source.language + (f"-{number}" if number > 1 else ""))
    return codes


def _with_menu_labels(found: Sequence[Voice]) -> tuple[Voice, ...]:
    """No two entries of a menu read alike; a lone track of a language needs no label."""
    labelled, taken = [], set()
    for voice in found:
        base, number = _menu_label(voice), 1
        label = base
        while (label or voice.source.language) in taken:
            number += 1
            label = f"{base or voice.source.language} {number}"
        taken.add(label or voice.source.language)
        labelled.append(replace(voice, label=label))
    return tuple(labelled)


def _menu_label(voice: Voice) -> str:
    source = voice.source
    if voice.label or not (source.is_commentary or source.is_descriptive):
        return voice.label
    return f"{source.language} ({'commentary' if source.is_commentary else 'audio description'})"
