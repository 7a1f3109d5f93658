"""The last look at a title, with titles of our own that were spoilt in one place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from encoder.verify import VerifyError, verify
from tests.encoder.sources import FAST, PICTURE, SOUND, draw
from tests.encoder.titles import encode_fast

pytestmark = pytest.mark.system

MANIFESTS = ["master.m3u8", "manifest.mpd"]
Spoil = Callable[[Path], object]


@pytest.fixture(scope="module")
def title(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nine seconds, two segments, one rung and its sound."""
    root = tmp_path_factory.mktemp("title")
    return encode_fast(
        draw(root / "a.mp4", *PICTURE, *SOUND, "-t", "9", *FAST, "-c:a", "aac"), root / "library"
    ).folder


@pytest.fixture
def copy(title: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(title, tmp_path / "title with a space"))


def rung(folder: Path) -> Path:
    return next(folder.glob("180p-*"))


def lose(pattern: str) -> Spoil:
    return lambda folder: (rung(folder) / pattern).unlink()


def shorten(name: str) -> Spoil:
    return lambda folder: (rung(folder) / name).write_bytes((rung(folder) / name).read_bytes()[:1000])


def repeat_the_first(folder: Path) -> None:
    shutil.copy(rung(folder) / "1.m4s", rung(folder) / "2.m4s")


def rewrite(name: str, pattern: str, replacement: str) -> Spoil:
    def spoil(folder: Path) -> None:
        path = next(folder.glob(name))
        text, count = re.subn(pattern, replacement, path.read_text())
        assert count
        path.write_text(text)

    return spoil


def overwrite(name: str, text: str) -> Spoil:
    return lambda folder: (folder / name).write_text(text)


def test_a_title_of_ours_keeps_all_rules_wherever_it_lies(copy: Path) -> None:
    verify(copy, MANIFESTS)


SPOILT = [  # id, what is done to the title, what the error names
    pytest.param(lose("2.m4s"), r"180p-.*/2\.m4s: No such file.*http-available", id="segment-lost"),
    pytest.param(lose("init.mp4"), r"180p-.*/init\.mp4: No such file.*http-available", id="header-lost"),
    pytest.param(shorten("1.m4s"), r"180p-.*/1\.m4s", id="segment-cut-short"),
    pytest.param(repeat_the_first, r"180p-.*segment 2.*hls-authoring-7\.3 is broken", id="segment-twice"),
    pytest.param(
        rewrite("180p-*/index.m3u8", r"TARGETDURATION:\d+", "TARGETDURATION:3"),
        r"180p-.*/index\.m3u8, segment 1.*rfc8216-4\.3\.3\.1 is broken",
        id="target-duration",
    ),
    pytest.param(
        rewrite("180p-*/index.m3u8", "#EXT-X-ENDLIST\n", ""), r"rfc8216-4\.3\.3\.4 is broken", id="no-end"
    ),
    pytest.param(
        rewrite("master.m3u8", r":BANDWIDTH=\d+", ":BANDWIDTH=1000"), r"BANDWIDTH says 1000", id="bandwidth"
    ),
    pytest.param(
        rewrite("master.m3u8", "#EXTM3U\n", ""), r"master\.m3u8: neither an HLS playlist", id="no-playlist"
    ),
    pytest.param(overwrite("manifest.mpd", "<MPD"), r"manifest\.mpd: not a DASH manifest", id="no-mpd"),
    pytest.param(overwrite("master.m3u8", ""), r"master\.m3u8", id="empty-playlist"),
]  # fmt: skip


@pytest.mark.parametrize(("spoil", "named"), SPOILT)
def test_a_title_that_breaks_a_rule_is_refused_by_its_name(copy: Path, spoil: Spoil, named: str) -> None:
    spoil(copy)
    with pytest.raises(VerifyError, match=named) as refused:
        verify(copy, MANIFESTS)
    assert str(refused.value).endswith("report this")
    assert "\n" not in str(refused.value)


def test_the_rest_of_what_is_broken_is_counted(copy: Path) -> None:
    lose("1.m4s")(copy)
    lose("2.m4s")(copy)
    with pytest.raises(VerifyError, match=r"\(and \d+ more\)"):
        verify(copy, MANIFESTS)
