"""A title with four sounds, in AAC, Opus and 5.1: HLS and DASH of it, judged by the rules of `validate`."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

import pytest

from encoder.audio.plan import AudioPlan, AudioSettings
from encoder.ffmpeg import find_ffmpeg
from media.cmaf import FragmentFacts, InitFacts, read_fragment, read_init
from media.dash import write_mpd
from media.hls import write_multivariant, write_playlists
from media.presentation import InitSegment, Presentation, Track
from media.rendition import AnyRendition, AudioRendition, VideoRendition
from media.timeline import Segment, Timeline
from tests.encoder.audio.sounding import LAVFI, STEREO, drawn, encode, measured, planned
from tests.media.validated import DASH, HLS, Files, findings

pytestmark = pytest.mark.system
Kind = TypeVar("Kind", bound=AnyRendition)
SEGMENT_S, DURATION = Fraction(4), Fraction(12)
ENGLISH = replace(STEREO, channels=6, layout="5.1(side)", language="en")
GERMAN = replace(STEREO, index=1, language="de")
COMMENTARY = replace(STEREO, index=2, language="en", label="The director", is_commentary=True)
DESCRIBED = replace(STEREO, index=3, language="en", is_descriptive=True)
TRACKS = (ENGLISH, GERMAN, COMMENTARY, DESCRIBED)
SETTINGS = AudioSettings(codecs=("aac", "opus"), is_surround=True)


def source(folder: Path) -> Path:
    around = "|".join(f"0.2*sin({400 + 100 * n}*PI*t)" for n in range(6))
    inputs = [*LAVFI, f"aevalsrc={around}:c=5.1(side):d=12"]
    inputs += [word for n in range(3) for word in (*LAVFI, f"sine={600 + 100 * n}:r=48000:d=12")]
    maps = [word for n in range(4) for word in ("-map", str(n))]
    stereo = [word for n in (1, 2, 3) for word in (f"-ac:a:{n}", "2")]
    return drawn(folder / "a.mkv", *inputs, *maps, *stereo, "-c:a", "pcm_s16le")


def picture(folder: Path, width_px: int, height_px: int, level: str, rate: str) -> Path:
    (folder / f"{height_px}p").mkdir()
    drawing = f"testsrc2=s={width_px}x{height_px}:r=25:d=12"
    command = [find_ffmpeg().program, "-loglevel", "error", "-nostdin", *LAVFI, drawing, "-c:v", "libx264"]
    command += ["-preset", "ultrafast", "-level", level, "-bf", "0", "-pix_fmt", "yuv420p", "-g", "50"]
    command += ["-sc_threshold", "0", "-b:v", rate, "-maxrate", rate, "-bufsize", rate, "-f", "hls"]
    command += ["-hls_segment_type", "fmp4", "-hls_time", "4", "-start_number", "1", "-hls_list_size", "0"]
    command += [
        "-hls_segment_options",
        "movflags=+cmaf+skip_sidx",
        "-hls_segment_filename",
        "%d.m4s",
        "p.m3u8",
    ]
    subprocess.run(command, check=True, timeout=120, cwd=folder / f"{height_px}p")
    return folder / f"{height_px}p"


def track(folder: Path, init: InitFacts, facts: list[FragmentFacts], rendition: Kind) -> Track[Kind]:
    name = folder.name
    segments = tuple(
        Segment(
            number=number,
            start_ticks=each.start_ticks,
            duration_ticks=each.duration_ticks,
            uri=f"{name}/{number}.m4s",
            size_bytes=(folder / f"{number}.m4s").stat().st_size,
        )
        for number, each in enumerate(facts, 1)
    )
    timeline = Timeline(timescale=init.timescale, segments=segments)
    measured_rates = replace(rendition, average_bps=timeline.average_bps, peak_bps=timeline.peak_bps)
    return Track(rendition=measured_rates, init=InitSegment(uri=f"{name}/init.mp4"), timeline=timeline)


def rung(folder: Path) -> Track[VideoRendition]:
    init = read_init((folder / "init.mp4").read_bytes())
    count = len(list(folder.glob("*.m4s")))
    facts = [read_fragment((folder / f"{n}.m4s").read_bytes(), init) for n in range(1, count + 1)]
    rendition = VideoRendition(
        name=folder.name,
        codecs=init.codecs,
        average_bps=0,
        peak_bps=0,
        width_px=init.width_px or 0,
        height_px=init.height_px or 0,
        frame_rate=Fraction(25),
    )
    return track(folder, init, facts, rendition)


def sound(plan: AudioPlan, source: Path) -> Track[AudioRendition]:
    written = encode(plan, source, SEGMENT_S)
    rendition = AudioRendition(
        name=plan.label,
        codecs=written.init.codecs,
        average_bps=0,
        peak_bps=0,
        sample_rate_hz=plan.sample_rate_hz,
        channels=plan.channels,
        language=plan.language,
        label=plan.menu_label,
        is_default=plan.is_default,
        is_commentary=plan.is_commentary,
        is_descriptive=plan.is_descriptive,
    )
    return track(written.joined.parent, written.init, written.segments, rendition)


def test_a_title_with_every_sound_keeps_the_rules(tmp_path: Path) -> None:
    clip = source(tmp_path)
    loudness = measured(clip, TRACKS, SETTINGS, DURATION)
    plans = planned(*TRACKS, settings=SETTINGS, duration=DURATION, loudness=loudness)
    assert len(plans) == 4 * 2 + 2
    made = Presentation(
        video=(
            rung(picture(tmp_path, 320, 180, "1.2", "200k")),
            rung(picture(tmp_path, 416, 234, "1.3", "400k")),
        ),
        audio=tuple(sound(plan, clip) for plan in plans),
    )
    texts = {HLS: write_multivariant(made), DASH: write_mpd(made), **write_playlists(made)}
    files: Files = {path: text.encode() for path, text in texts.items()}
    for each in made.tracks:
        uris = [f"{each.rendition.name}/init.mp4", *(segment.uri for segment in each.timeline.segments)]
        files |= {uri: (tmp_path / uri).read_bytes() for uri in uris}
    found = {(finding.rule, finding.where) for finding in findings(files, HLS, DASH)}
    # The picture is drawn for speed; of the sound there is nothing to say.
    assert found == {
        ("hls-authoring-1.4", "180p/index.m3u8"),
        ("hls-authoring-1.4", "234p/index.m3u8"),
        ("hls-authoring-6.1", "master.m3u8"),
    }
