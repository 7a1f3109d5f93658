"""Headers stay in clear and pictures do not, to the byte: judged by what ffmpeg's own parsers read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from media.encryption.av1 import Av1Layout
from media.encryption.fragments import boxes_of, fragments
from media.encryption.headers import ClearEntry, read_clear
from media.encryption.protector import Layout, layout_of
from tests.encoder.encryption.clips import VIDEO, Clip, clip, traced

_ELEMENT = re.compile(r"(\d+) +\S+ +([01]*) = ")
_OPENINGS = {"Slice Header", "Slice Segment Header", "Frame", "Frame Header"}


def header_ends(lines: list[str]) -> list[int]:
    """Bytes of each slice's or frame's header, of those packets that hold a picture to decode."""
    ends: list[int] = []
    is_header, is_shown_again = False, False
    for line in lines:
        element = _ELEMENT.match(line)
        if element is None:
            if line in _OPENINGS:
                ends.append(0)
            elif is_shown_again:
                ends.pop()
            is_header, is_shown_again = line in _OPENINGS or (is_header and line.startswith("Tile")), False
        elif is_header:
            ends[-1] = -(-(int(element[1]) + len(element[2])) // 8)
            is_shown_again |= "show_existing_frame " in line and line.endswith("= 1")
    return ends


def samples(made: Clip, entry: ClearEntry) -> Iterator[tuple[Layout, memoryview]]:
    for segment in made.segments:
        layout = layout_of(entry)
        assert layout is not None
        for fragment in fragments(boxes_of(segment), len(segment), entry.default_size):
            for at, size in fragment.spans:
                yield layout, memoryview(segment)[at : at + size]


def unescaped_bytes(nal: memoryview) -> int:
    return len(bytes(nal).replace(b"\0\0\3", b"\0\0"))


@pytest.mark.parametrize("name", [name for name in VIDEO if name.startswith(("avc", "hevc"))])
def test_slice_data_begins_where_ffmpeg_ends_the_slice_header(name: str, tmp_path: Path) -> None:
    made = clip(name)
    (tmp_path / "clip.mp4").write_bytes(made.data)
    found = []
    for layout, sample in samples(made, read_clear(made.init)):
        starts = {}
        at = 0
        while at < len(sample):
            starts[at + 4 + int.from_bytes(sample[at : at + 4])] = at + 4
            at += 4 + int.from_bytes(sample[at : at + 4])
        found += [unescaped_bytes(sample[starts[each.end] : each.first]) for each in layout.ranges(sample)]
    assert found == header_ends(traced(tmp_path / "clip.mp4"))
    assert len(found) >= 72


@pytest.mark.parametrize("name", [name for name in VIDEO if name.startswith("vp9")])
def test_vp9_is_protected_behind_the_uncompressed_header(name: str, tmp_path: Path) -> None:
    made = clip(name)
    (tmp_path / "clip.mp4").write_bytes(made.data)
    found = []
    for layout, sample in samples(made, read_clear(made.init)):
        at = 0
        for each in layout.ranges(sample):
            found.append(each.first - at)
            at = each.end
    assert found == header_ends(traced(tmp_path / "clip.mp4"))


class Watched(Av1Layout):
    """Notes how long the headers of each group of tiles are."""

    found: list[int]

    def groups(self, sample: memoryview) -> Iterator[tuple[int, int, int, int]]:
        for begin, at, end, last in super().groups(sample):
            self.found.append(at - begin)
            yield begin, at, end, last


@pytest.mark.parametrize("name", [name for name in VIDEO if name.startswith("av1")])
def test_av1_is_protected_behind_the_frame_header(name: str, tmp_path: Path) -> None:
    made = clip(name)
    (tmp_path / "clip.mp4").write_bytes(made.data)
    entry = read_clear(made.init)
    watched = Watched.__new__(Watched)
    watched.found = []
    for segment in made.segments:
        watched.__init__(next(box for box in entry.boxes if box.kind == "av1C"))  # type: ignore[misc]
        for fragment in fragments(boxes_of(segment), len(segment), entry.default_size):
            for at, size in fragment.spans:
                tiles = list(watched.ranges(memoryview(segment)[at : at + size]))
                assert all((tile.end - tile.first) % 16 == 0 for tile in tiles)
    assert watched.found == header_ends(traced(tmp_path / "clip.mp4"))
