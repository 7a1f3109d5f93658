"""A small good title, made of bytes and text by hand, that tests break in one place at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import accumulate

from media.facts.model import Got, Want
from media.rules.base import Finding
from media.validation import validate
from tests.media.bitstreams import (
    NON_SYNC,
    SYNC,
    Picture,
    avcc,
    fragment,
    header,
    hvcc,
    picture_entry,
    sound_entry,
    vpcc,
)

BASE = "http://streams.example/title/"
HLS, DASH, LIVE = "master.m3u8", "manifest.mpd", "live.m3u8"
Files = dict[str, bytes]
_GOP_S = 2
_AAC_FRAME = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Rung:
    name: str
    bps: int
    picture: Picture = field(default_factory=Picture)
    entry: str = "avc1"
    codecs: str = ""
    frame_rate: int = 25
    frames: Sequence[int] = ()  # of each segment; empty: three of four seconds
    weights: Sequence[Fraction] = (Fraction(1),) * 3  # of the segments' sizes
    gop_s: int = _GOP_S
    first_flags: int = SYNC
    brand: str = "cmfc"

    @property
    def segments(self) -> Sequence[int]:
        return self.frames or (4 * self.frame_rate,) * 3

    @property
    def codec(self) -> str:
        known = {"avc1": f"{self.entry}.{self.picture.profile:02x}00{self.picture.level:02x}"}
        return self.codecs or known[self.entry]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    name: str
    language: str
    label: str
    channels: int = 2
    frames: Sequence[int] = (188, 188, 187)
    frame_bytes: int = 170
    start_ticks: int = 0
    flags: int = SYNC
    gap_ticks: int = 0  # between the two fragments of the second segment, if it has two


RUNGS = (
    Rung(name="234p", bps=100_000, picture=Picture(width_px=416, height_px=234, level=12)),
    Rung(name="360p", bps=180_000, picture=Picture(level=21)),
    Rung(name="540p", bps=320_000, picture=Picture(width_px=960, height_px=540, level=30)),
)
SOUNDS = (
    Sound(name="en", language="en", label="English"),
    Sound(name="de", language="de", label="Deutsch"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    rungs: Sequence[Rung] = RUNGS
    sounds: Sequence[Sound] = SOUNDS


def build(spec: Spec | None = None) -> Files:
    """The title's files by path."""
    spec = spec or Spec()
    files: Files = {}
    for rung in spec.rungs:
        files |= _picture_files(rung)
    for sound in spec.sounds:
        files |= _sound_files(sound)
    files |= _text_files()
    files["trick/index.m3u8"] = _trick(spec.rungs[0], files).encode()
    files[HLS] = _multivariant(spec, files).encode()
    files[DASH] = _mpd(spec, files).encode()
    playlist = files[f"{spec.rungs[-1].name}/index.m3u8"].decode()
    live = playlist.replace("#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-PROGRAM-DATE-TIME:2025-03-01T20:15:00Z")
    live = live.replace("#EXT-X-ENDLIST\n", "").replace('URI="', f'URI="{spec.rungs[-1].name}/')
    files[LIVE] = live.replace("\n1.m4s", f"\n{spec.rungs[-1].name}/1.m4s").encode()
    for number in (2, 3):
        old, new = f"\n{number}.m4s", f"\n{spec.rungs[-1].name}/{number}.m4s"
        files[LIVE] = files[LIVE].replace(old.encode(), new.encode())
    return files


def findings(files: Files, *manifests: str) -> list[Finding]:
    """What the rules find if the title is reached by these manifests."""

    def read(want: Want) -> Got:
        path = want.uri.removeprefix(BASE)
        if path not in files:
            return Got(problem="404 Not Found")
        data = files[path]
        end = None if want.length is None else want.first + want.length
        return Got(data[want.first : end], len(data))

    return validate([BASE + name for name in manifests], read)


def _picture_files(rung: Rung) -> Files:
    config = {"avc1": avcc, "avc3": avcc, "hvc1": hvcc}.get(rung.entry)
    entry = picture_entry(rung.entry, rung.picture, config(rung.picture) if config else vpcc())
    files = {f"{rung.name}/init.mp4": header("vide", entry, rung.frame_rate, rung.brand)}
    starts = accumulate(rung.segments, initial=0)
    for number, (start, frames, weight) in enumerate(
        zip(starts, rung.segments, rung.weights, strict=False), 1
    ):
        gop = rung.gop_s * rung.frame_rate
        flags = [NON_SYNC if at % gop else SYNC for at in range(frames)]
        flags[0] = rung.first_flags
        usual = round(rung.bps * weight / 8 / rung.frame_rate)
        files[f"{rung.name}/{number}.m4s"] = fragment(start, 1, flags, [usual] * frames)
    durations = [Fraction(frames, rung.frame_rate) for frames in rung.segments]
    files[f"{rung.name}/index.m3u8"] = playlist(durations).encode()
    return files


def _sound_files(sound: Sound) -> Files:
    files = {f"{sound.name}/init.mp4": header("soun", sound_entry(sound.channels, 48000), 48000)}
    start = sound.start_ticks
    for number, frames in enumerate(sound.frames, 1):
        parts, data = ((frames - 10, 10) if sound.gap_ticks and number == 2 else (frames,)), b""
        at = start
        for part in parts:
            data += fragment(at, _AAC_FRAME, [sound.flags] * part, [sound.frame_bytes] * part)
            at += part * _AAC_FRAME + sound.gap_ticks
        files[f"{sound.name}/{number}.m4s"] = data
        start += frames * _AAC_FRAME
    durations = [Fraction(frames * _AAC_FRAME, 48000) for frames in sound.frames]
    files[f"{sound.name}/index.m3u8"] = playlist(durations).encode()
    return files


def _text_files() -> Files:
    files = {}
    for number in range(1, 4):
        cue = f"00:00:{4 * number - 3:02d}.000 --> 00:00:{4 * number - 1:02d}.000\nLine {number}\n"
        text = f"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:0,LOCAL:00:00:00.000\n\n{cue}"
        files[f"subs/{number}.vtt"] = text.encode()
    lines = playlist([Fraction(4)] * 3, ".vtt").replace('#EXT-X-MAP:URI="init.mp4"\n', "")
    files["subs/index.m3u8"] = lines.encode()
    return files


def playlist(durations: Sequence[Fraction], ending: str = ".m4s") -> str:
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:1"]
    lines += ["#EXT-X-PLAYLIST-TYPE:VOD", '#EXT-X-MAP:URI="init.mp4"']
    for number, duration in enumerate(durations, 1):
        lines += [f"#EXTINF:{float(duration):.6f},", f"{number}{ending}"]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def _trick(rung: Rung, files: Files) -> str:
    """The first I-frame of each segment, with the `moof` before it."""
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-TARGETDURATION:4", "#EXT-X-MEDIA-SEQUENCE:1"]
    lines += ["#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-I-FRAMES-ONLY", f'#EXT-X-MAP:URI="../{rung.name}/init.mp4"']
    for number in range(1, len(rung.segments) + 1):
        path = f"{rung.name}/{number}.m4s"
        size = files[path].index(b"mdat") + 4 + rung.bps // 8 // rung.frame_rate
        lines += ["#EXTINF:4.000000,", f"#EXT-X-BYTERANGE:{size}@0", f"../{path}"]
    return "\n".join([*lines, "#EXT-X-ENDLIST"]) + "\n"


def _bps(spec: Spec, name: str, files: Files) -> tuple[int, int]:
    """Average and peak as bytes and frames give them."""
    rung = next((r for r in spec.rungs if r.name == name), None)
    sound = next((s for s in spec.sounds if s.name == name), None)
    if rung:
        durations = [Fraction(frames, rung.frame_rate) for frames in rung.segments]
    else:
        durations = [Fraction(frames * _AAC_FRAME, 48000) for frames in (sound.frames if sound else ())]
    bits = [8 * len(files[f"{name}/{number}.m4s"]) for number in range(1, len(durations) + 1)]
    peak = max(size / duration for size, duration in zip(bits, durations, strict=True))
    return round(sum(bits) / sum(durations, Fraction(0))), -int(-peak // 1)


def _multivariant(spec: Spec, files: Files) -> str:
    lines = ["#EXTM3U", "#EXT-X-VERSION:6", "#EXT-X-INDEPENDENT-SEGMENTS"]
    for number, sound in enumerate(spec.sounds):
        default = "YES" if not number else "NO"
        lines.append(
            f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="{sound.label}",LANGUAGE="{sound.language}",'
            f'DEFAULT={default},AUTOSELECT=YES,CHANNELS="{sound.channels}",URI="{sound.name}/index.m3u8"'
        )
    lines.append(
        '#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="subs",NAME="English",LANGUAGE="en",DEFAULT=NO,AUTOSELECT=YES,'
        'FORCED=NO,URI="subs/index.m3u8"'
    )
    sounds = [_bps(spec, sound.name, files) for sound in spec.sounds]
    for rung in spec.rungs:
        average, peak = _bps(spec, rung.name, files)
        lines += [
            f"#EXT-X-STREAM-INF:BANDWIDTH={peak + max(p for _, p in sounds)},"
            f"AVERAGE-BANDWIDTH={average + max(a for a, _ in sounds)},"
            f'CODECS="{rung.codec},mp4a.40.2",RESOLUTION={rung.picture.width_px}x{rung.picture.height_px},'
            f"FRAME-RATE={rung.frame_rate}.000,VIDEO-RANGE=SDR,CLOSED-CAPTIONS=NONE,"
            f'AUDIO="audio",SUBTITLES="subs"',
            f"{rung.name}/index.m3u8",
        ]
    first = spec.rungs[0]
    size = f"{first.picture.width_px}x{first.picture.height_px}"
    lines.append(
        f'#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=20000,CODECS="{first.codec}",RESOLUTION={size},URI="trick/index.m3u8"'
    )
    return "\n".join(lines) + "\n"


def _mpd(spec: Spec, files: Files) -> str:
    video = "\n".join(
        f'<Representation id="{r.name}" bandwidth="{_bps(spec, r.name, files)[1]}" codecs="{r.codec}" '
        f'width="{r.picture.width_px}" height="{r.picture.height_px}" frameRate="{r.frame_rate}" sar="1:1">'
        f"{_template(r.name, r.frame_rate, r.segments)}</Representation>"
        for r in spec.rungs
    )
    sounds = "\n".join(
        f'<AdaptationSet contentType="audio" mimeType="audio/mp4" lang="{s.language}" '
        f'segmentAlignment="true" startWithSAP="1"><Representation id="{s.name}" '
        f'bandwidth="{_bps(spec, s.name, files)[1]}" '
        f'codecs="mp4a.40.2" audioSamplingRate="48000"><AudioChannelConfiguration '
        f'schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="{s.channels}"/>'
        f"{_template(s.name, 48000, [n * _AAC_FRAME for n in s.frames])}</Representation></AdaptationSet>"
        for s in spec.sounds
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" '
        'profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" '
        'mediaPresentationDuration="PT12.010667S" maxSegmentDuration="PT4.6S" minBufferTime="PT4S">'
        '<Period>\n<AdaptationSet contentType="video" '
        'mimeType="video/mp4" par="16:9" segmentAlignment="true" startWithSAP="1">\n'
        f"{video}\n</AdaptationSet>\n{sounds}\n</Period></MPD>\n"
    )


def _template(name: str, timescale: int, durations: Sequence[int]) -> str:
    starts = ['t="0" ', *[""] * len(durations)]
    runs = "".join(f'<S {start}d="{ticks}"/>' for start, ticks in zip(starts, durations, strict=False))
    return (
        f'<SegmentTemplate timescale="{timescale}" initialization="{name}/init.mp4" '
        f'media="{name}/$Number$.m4s" startNumber="1"><SegmentTimeline>{runs}</SegmentTimeline>'
        "</SegmentTemplate>"
    )


TITLE_PATHS = sorted(build())
