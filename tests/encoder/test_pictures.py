from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from encoder.errors import EncodeError
from encoder.ffmpeg import find_ffmpeg
from encoder.job import Published
from encoder.pictures import draw
from media import cmaf
from media.iframes import iframe_track, key_frames
from media.presentation import Track
from media.rendition import VideoRendition
from tests.encoder.sources import FAST
from tests.encoder.sources import draw as draw_clip
from tests.encoder.titles import encode_fast

FILM = Fraction(2002, 1000)


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Published:
    """Thirteen seconds of NTSC film: four of black, then a test picture."""
    folder = tmp_path_factory.mktemp("film")
    picture = "color=black:s=640x360:r=24000/1001:d=4.004[a];testsrc2=s=640x360:r=24000/1001:d=9.009[b];"
    clip = draw_clip(folder / "film.mp4", "-filter_complex", f"{picture}[a][b]concat", *FAST)
    return encode_fast(clip, folder / "library")


def picture(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        (frame,) = container.decode(video=0)
        assert frame.width
        return frame.to_ndarray(format="gray")


@pytest.mark.system
def test_sheets_and_poster_of_a_real_title(published: Published) -> None:
    rungs = published.title.presentation.video
    made = draw(find_ffmpeg(), published.folder, rungs, FILM)
    assert made.files == ("thumbnails/1.jpg", "poster.jpg")
    sheet = picture(published.folder / "thumbnails/1.jpg")
    plan = made.images.rendition
    assert (plan.columns, plan.rows, plan.interval) == (3, 3, FILM)
    assert sheet.shape == (3 * plan.height_px, 3 * plan.width_px) == (540, 960)
    light = [
        sheet[row * 180 : (row + 1) * 180, column * 320 : (column + 1) * 320].mean() > 30
        for row in range(3)
        for column in range(3)
    ]
    # At 0 and 2 s all is black; from 4.004 to 12.012 s there are five pictures; two places stay empty.
    assert light == [False] * 2 + [True] * 5 + [False] * 2
    size_bytes = (published.folder / "thumbnails/1.jpg").stat().st_size
    assert made.images.timeline.segments[0].size_bytes == size_bytes


@pytest.mark.system
def test_the_poster_is_not_black_though_the_title_begins_so(published: Published) -> None:
    draw(find_ffmpeg(), published.folder, published.title.presentation.video, FILM)
    poster = picture(published.folder / "poster.jpg")
    assert poster.shape == (360, 640)
    assert poster.mean() > 60


@pytest.mark.system
def test_the_colours_are_those_of_the_picture(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "red.mp4", "-f", "lavfi", "-i", "color=0xC03020:s=640x360:r=25:d=2", *FAST)
    published = encode_fast(clip, tmp_path / "library")
    draw(find_ffmpeg(), published.folder, published.title.presentation.video, Fraction(2))
    with av.open(str(published.folder / "poster.jpg")) as container:
        (frame,) = container.decode(video=0)
    mean = frame.to_ndarray(format="rgb24").mean(axis=(0, 1))
    assert np.abs(mean - [0xC0, 0x30, 0x20]).max() < 6


@pytest.mark.system
def test_the_same_title_gives_the_same_bytes_on_any_number_of_cores(published: Published) -> None:
    rungs = published.title.presentation.video
    bytes_of = []
    for name, cores in (("one", 1), ("all", None), ("again", None)):
        made = draw(
            find_ffmpeg(), published.folder, rungs, FILM, name=name, poster=f"{name}.jpg", cores=cores
        )
        bytes_of.append([(published.folder / path).read_bytes() for path in made.files])
    assert bytes_of[0] == bytes_of[1] == bytes_of[2]


@pytest.mark.system
def test_a_black_title_has_a_black_poster(tmp_path: Path) -> None:
    clip = draw_clip(tmp_path / "black.mp4", "-f", "lavfi", "-i", "color=black:s=320x180:r=25:d=3", *FAST)
    published = encode_fast(clip, tmp_path / "library")
    made = draw(find_ffmpeg(), published.folder, published.title.presentation.video, Fraction(2))
    assert picture(published.folder / made.poster).mean() < 20


@pytest.mark.system
def test_nothing_but_the_pictures_is_left_in_the_folder(published: Published) -> None:
    before = {path.name for path in published.folder.iterdir()}
    draw(find_ffmpeg(), published.folder, published.title.presentation.video, FILM)
    assert {path.name for path in published.folder.iterdir()} - before <= {"thumbnails", "poster.jpg"}


@pytest.mark.system
def test_a_rung_that_lost_its_segments_is_one_clear_line(published: Published, tmp_path: Path) -> None:
    with pytest.raises(EncodeError, match="No such file") as caught:
        draw(find_ffmpeg(), tmp_path, published.title.presentation.video, FILM)
    assert "\n" not in str(caught.value)


def iframes_of(published: Published, track: Track[VideoRendition]) -> Track[VideoRendition]:
    assert track.init
    init = cmaf.read_init((published.folder / track.init.uri).read_bytes())
    found = [key_frames((published.folder / s.uri).read_bytes(), init) for s in track.timeline.segments]
    return iframe_track(track, found)


@pytest.mark.system
def test_each_range_of_the_iframe_playlist_decodes_alone_to_one_picture(
    published: Published, tmp_path: Path
) -> None:
    for rung in published.title.presentation.video:
        track = iframes_of(published, rung)
        assert track.timeline.duration == rung.timeline.duration
        assert track.init
        header = (published.folder / track.init.uri).read_bytes()
        assert len(track.timeline.segments) >= len(rung.timeline.segments)
        for segment in track.timeline.segments:
            assert segment.byte_range
            first, last = segment.byte_range
            alone = tmp_path / "alone.mp4"
            alone.write_bytes(header + (published.folder / segment.uri).read_bytes()[first : last + 1])
            with av.open(str(alone)) as container:
                (frame,) = container.decode(video=0)
                assert frame.key_frame
                assert frame.pts is not None
                assert frame.time_base
                assert frame.pts * frame.time_base == track.timeline.seconds(segment.start_ticks)
