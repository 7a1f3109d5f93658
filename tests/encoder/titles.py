"""Reading back what was published, with readers that did not write it: PyAV, and ffprobe if it is there."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import av

from encoder.job import EncodeJob, Published
from encoder.package import encode
from encoder.plan import Settings
from encoder.probe import probe
from media.presentation import Track, is_aligned
from media.rendition import Rendition

FASTEST = Settings(preset="ultrafast")
_HALF_A_SAMPLE_S = 1 / 100_000


def encode_fast(source: Path, library: Path, ladder: str = "apple") -> Published:
    return encode(EncodeJob(input=source, library=library, ladder=ladder, settings=FASTEST))


def ladder_of(folder: Path, **max_bps: int) -> str:
    """A ladder file with a rung for each short side, such as `p360=400_000`."""
    rungs = [
        f"[[rungs]]\nshort_side_px = {name.removeprefix('p')}\nmax_bps = {bps}\n"
        for name, bps in max_bps.items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{'-'.join(max_bps)}.toml"
    path.write_text("\n".join(rungs))
    return str(path)


def own_size(source: Path, folder: Path) -> str:
    """A ladder file with one rung, in the size of the source."""
    video = probe(source).video
    return ladder_of(folder, **{f"p{min(video.width_px, video.height_px)}": 2_000_000})


def joined(published: Published, track: Track[Rendition]) -> Path:
    """The rendition as one file: init segment and media segments in order."""
    assert track.init is not None
    uris = [track.init.uri, *(segment.uri for segment in track.timeline.segments)]
    path = published.folder.parent / f"{track.rendition.name}.mp4"
    path.write_bytes(b"".join((published.folder / uri).read_bytes() for uri in uris))
    return path


def frames(path: Path) -> Iterator[av.VideoFrame]:
    with av.open(str(path)) as container:
        yield from container.decode(video=0)


def check(published: Published) -> None:
    """Everything that holds for every title, whatever it was made from."""
    made = published.title.presentation
    assert is_aligned(made)
    for file in published.title.files:
        data = (published.folder / file.path).read_bytes()
        assert (len(data), hashlib.sha256(data).hexdigest()) == (file.size_bytes, file.sha256)
    for track in made.tracks:
        _check_rates(published, track)
        _check_times(joined(published, track), track)
    for name in ("master.m3u8", "manifest.mpd", "plan.json"):
        assert (published.folder / name).stat().st_size
    assert not (published.folder.parent / ".staging").exists()


def _check_rates(published: Published, track: Track[Rendition]) -> None:
    """BANDWIDTH is no less than the costliest segment's rate (RFC 8216, 4.3.4.2)."""
    for segment in track.timeline.segments:
        size_bytes = (published.folder / segment.uri).stat().st_size
        assert 8 * size_bytes / track.timeline.seconds(segment.duration_ticks) <= track.rendition.peak_bps
    assert track.rendition.average_bps <= track.rendition.peak_bps


def _check_times(path: Path, track: Track[Rendition]) -> None:
    with av.open(str(path)) as container:
        stream = container.streams[0]
        times = [
            float(frame.pts * stream.time_base)
            for packet in container.demux(stream)
            for frame in packet.decode()
            if isinstance(frame, av.VideoFrame | av.AudioFrame) and frame.pts is not None and stream.time_base
        ]
    assert times[0] == 0
    assert times == sorted(set(times))
    assert track.timeline.start_ticks == 0
    assert times[-1] < track.timeline.duration + _HALF_A_SAMPLE_S
    if ffprobe := shutil.which("ffprobe"):
        found = subprocess.run(
            [ffprobe, "-v", "error", "-count_packets", "-show_entries", "stream=nb_read_packets", "-of",
             "csv=p=0", str(path)], capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert found.stderr == ""
        assert int(found.stdout.strip().strip(",")) == len(times)
