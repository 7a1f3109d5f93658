"""What the players of others are to play: a title with all that there is, and where it is found.

A tone tells the languages apart by ear, a word and the second tell the subtitles apart by eye.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from encoder.audio.plan import AudioSettings
from encoder.encryption.settings import EncryptionSettings
from encoder.job import EncodeJob, Published
from encoder.package import encode
from encoder.plan import Settings
from encoder.subtitles.files import SubtitleFile
from media.dash import write_mpd
from media.hls import write_multivariant
from media.presentation import Presentation
from media.protection import Scheme
from tests.encoder.sources import draw

DURATION_S = 29  # more than one chunk
FRAME_RATE = 25
FRAMES = DURATION_S * FRAME_RATE
SEGMENTS = 7  # of four seconds, the last with what is left over
WIDTHS = {90: 160, 180: 320}  # of the rungs, by their height
CODECS = {"h264": "avc1", "av1": "av01", "vp9": "vp09"}  # in Settings, and as RFC 6381 begins
SCHEMES: tuple[Scheme, ...] = ("aes-128", "cenc", "cbcs")
TONES_HZ = {"en": 440, "fr": 880}
WORDS = {"de": "eins", "fr": "mot"}  # of a file, of a track in the source
_LADDER = (
    "[[rungs]]\nshort_side_px = 90\nmax_bps = 120_000\n[[rungs]]\nshort_side_px = 180\nmax_bps = 400_000\n"
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the titles are: behind an edge and its origin, and on a plain web server."""

    edge: str  # URL, ends in a slash
    web: str
    versions: Mapping[str, str]  # by title

    def manifest(self, by: str, name: str, protocol: str) -> str:
        """`name` is a title, or a codec: then the whole title's rungs of that one, which only `web` has."""
        title = name if name in self.versions else "whole"
        stem = {"hls": "master", "dash": "manifest"}[protocol] if name == title else name
        folder = (
            f"{self.edge}v/{title}/{self.versions[title]}/" if by == "edge" else f"{self.web}library/{title}/"
        )
        return folder + stem + {"hls": ".m3u8", "dash": ".mpd"}[protocol]


def cue_at(language: str, second: int) -> str:
    return f"{WORDS[language]} {second}"


def make_title(folder: Path, library: Path) -> Published:
    """Three codecs, two languages (one of them in 5.1 too), two subtitles, thumbnails."""
    (folder / "ladder.toml").write_text(_LADDER)
    settings = Settings(
        codecs=tuple(CODECS),
        preset="ultrafast",
        audio=AudioSettings(codecs=("aac", "opus"), is_surround=True),
    )
    job = EncodeJob(
        input=_source(folder),
        library=library,
        title="whole",
        ladder=str(folder / "ladder.toml"),
        settings=settings,
        subtitles=(SubtitleFile(path=_subtitles(folder, "de"), language="de"),),
    )
    published = encode(job)
    for name, codec in CODECS.items():
        alone = only(published.title.presentation, codec)
        (published.folder / f"{name}.m3u8").write_text(write_multivariant(alone))
        (published.folder / f"{name}.mpd").write_text(write_mpd(alone))
    return published


def make_encrypted(folder: Path, library: Path, scheme: Scheme, keys: Path, key_server: str) -> Published:
    """The same source in H.264 and AAC, called after its scheme."""
    encryption = EncryptionSettings(
        scheme=scheme,
        key_file=keys,
        # With one hls.js takes `cbcs` for MPEG-TS; without one Shaka Player reads no `cenc` in HLS.
        key_url=None if scheme == "cbcs" else f"{key_server}key/{{kid}}",
        license_url=None if scheme == "aes-128" else f"{key_server}license",
    )
    job = EncodeJob(
        input=folder / "source.mkv",
        library=library,
        title=scheme,
        ladder=str(folder / "ladder.toml"),
        settings=Settings(preset="ultrafast"),
        encryption=encryption,
    )
    return encode(job)


def only(presentation: Presentation, codec: str) -> Presentation:
    """The same title with the rungs of one codec, for players that choose themselves."""
    return replace(
        presentation,
        video=tuple(track for track in presentation.video if track.rendition.codecs.startswith(codec)),
        iframes=tuple(track for track in presentation.iframes if track.rendition.codecs.startswith(codec)),
    )


def _source(folder: Path) -> Path:
    tones = [
        word
        for hz in TONES_HZ.values()
        for word in ("-f", "lavfi", "-i", f"sine={hz}:r=48000:d={DURATION_S}")
    ]
    return draw(
        folder / "source.mkv",
        "-f", "lavfi", "-i", f"testsrc2=s=320x180:r={FRAME_RATE}:d={DURATION_S}", *tones,
        "-i", str(_subtitles(folder, "fr")),
        "-filter_complex",
        "[1:a]pan=5.1|FL=c0|FR=c0|FC=c0|LFE=c0|BL=c0|BR=c0[a];[2:a]pan=stereo|c0=c0|c1=c0[b]",
        "-map", "0:v", "-map", "[a]", "-map", "[b]", "-map", "3:s",
        "-c:v", "libx264", "-preset", "ultrafast", "-g", str(4 * FRAME_RATE), "-pix_fmt", "yuv420p",
        "-c:a", "aac", "-c:s", "srt",
        "-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=fra",
        "-metadata:s:s:0", "language=fra",
    )  # fmt: skip


def _subtitles(folder: Path, language: str) -> Path:
    """A text for each second but the first."""
    path = folder / f"{language}.srt"
    seconds = range(1, DURATION_S)
    path.write_text(
        "\n".join(
            f"{n}\n00:00:{n:02d},000 --> 00:00:{n + 1:02d},000\n{cue_at(language, n)}\n" for n in seconds
        )
    )
    return path
