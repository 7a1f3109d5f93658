"""Movies that are only numbers."""

from __future__ import annotations

import json

import pytest

from media.presentation import is_aligned
from player_sim.movies import constant_movie, parse_movie
from player_sim.schedule import PlayError


def test_a_constant_movie_has_its_rate_in_every_segment() -> None:
    title = constant_movie((1_000_000, 3_000_000), segment_s=2.0, count=3)
    assert is_aligned(title)
    assert title.duration == 6
    sizes = [[segment.size_bytes for segment in track.timeline.segments] for track in title.video]
    assert sizes == [[250_000] * 3, [750_000] * 3]


def test_a_movie_file_is_read_in_its_units() -> None:
    values = {
        "segment_duration_ms": 3003,
        "bitrates_kbps": [230, 331.5],
        "segment_sizes_bits": [[800, 1608], [8, 16]],
    }
    title = parse_movie(json.dumps(values), "m.json")
    assert [track.rendition.average_bps for track in title.video] == [230_000, 331_500]
    assert [segment.size_bytes for segment in title.video[1].timeline.segments] == [201, 2]
    assert float(title.duration) == 6.006


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"segment_duration_ms": 1, "bitrates_kbps": [1, 2], "segment_sizes_bits": [[8]]}',
        '{"segment_duration_ms": 1, "bitrates_kbps": [], "segment_sizes_bits": []}',
    ],
)
def test_what_is_not_a_movie_is_refused_in_one_line_that_names_it(text: str) -> None:
    with pytest.raises(PlayError, match=r"^m\.json: not a movie"):
        parse_movie(text, "m.json")
