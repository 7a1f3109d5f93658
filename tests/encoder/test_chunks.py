from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from encoder.chunks import Chunk, Grid, cut

FILM = Grid(
    frame_rate=Fraction(24),
    segment_frames=96,
    frames=1090,
    shown_frames=1090,
    start=Fraction(21, 1000),
    needs_before=False,
)


def every(seconds: Fraction | int, until: int, start: Fraction = FILM.start) -> list[Fraction]:
    return [start + at * Fraction(seconds) for at in range(int(until / seconds) + 1)]


def shape(chunks: tuple[Chunk, ...]) -> list[tuple[int, int]]:
    return [(chunk.first_frame, chunk.frames) for chunk in chunks]


def test_chunks_are_some_segments_long_and_the_last_takes_the_rest() -> None:
    assert shape(cut(FILM, every(2, 45))) == [(0, 384), (384, 384), (768, 322)]


def test_a_short_title_is_one_chunk_from_the_beginning() -> None:
    (chunk,) = cut(replace(FILM, frames=600, shown_frames=600), every(2, 25))
    assert (chunk.frames, chunk.seek) == (600, None)


def test_a_cut_goes_where_the_source_has_a_key_frame() -> None:
    chunks = cut(replace(FILM, frames=2000, shown_frames=2000), every(12, 84))
    assert [chunk.first_frame / 24 for chunk in chunks] == [0, 12, 24, 36, 48, 60]
    assert [chunk.seek for chunk in chunks] == [None, *every(12, 60)[1:]]


def test_no_cut_costs_more_than_it_saves() -> None:
    hour = replace(FILM, frames=86_400, shown_frames=86_400)
    assert len(cut(hour, every(3600, 3600))) == 1
    assert len(cut(hour, every(600, 3600))) == 6


def test_a_long_title_has_chunks_of_a_minute() -> None:
    chunks = cut(replace(FILM, frames=172_800, shown_frames=172_800), every(2, 7200))
    assert {chunk.frames for chunk in chunks} == {15 * 96}


def test_the_held_picture_is_in_the_chunk_that_has_it() -> None:
    chunks = cut(replace(FILM, frames=5000), every(2, 45))
    assert shape(chunks)[-1] == (768, 5000 - 768)


def test_a_key_frame_shown_a_little_late_will_not_do() -> None:
    late = [Fraction(0), FILM.start + Fraction(16) + Fraction(1, 40)]
    assert cut(FILM, late)[1].first_frame == 20 * 24
    rounded = [Fraction(0), FILM.start + Fraction(16) + Fraction(1, 100)]
    assert cut(FILM, rounded)[1] == Chunk(number=2, first_frame=16 * 24, frames=706, seek=rounded[1])


def test_de_interlacing_begins_a_frame_early() -> None:
    woven = replace(FILM, needs_before=True)
    assert cut(woven, every(2, 45))[1].seek == FILM.start + 14


@settings(deadline=None)
@given(
    frames=st.integers(1, 200_000),
    held=st.integers(0, 3000),
    rate=st.sampled_from([Fraction(24000, 1001), Fraction(25), Fraction(60), Fraction(5)]),
    gaps=st.lists(st.fractions(Fraction(1, 30), 400), max_size=60),
)
def test_the_chunks_tile_the_title_on_the_segment_grid(
    frames: int, held: int, rate: Fraction, gaps: list[Fraction]
) -> None:
    start = Fraction(-1, 3)
    grid = Grid(
        frame_rate=rate,
        segment_frames=max(1, round(rate * 4)),
        frames=frames + held,
        shown_frames=frames,
        start=start,
        needs_before=False,
    )
    key_frames = [start + sum(gaps[:count], Fraction(0)) for count in range(len(gaps) + 1)]
    chunks = cut(grid, key_frames)
    assert sum(chunk.frames for chunk in chunks) == grid.frames
    assert [chunk.number for chunk in chunks] == list(range(1, len(chunks) + 1))
    for before, chunk in pairwise(chunks):
        assert chunk.first_frame == before.end_frame
        assert chunk.first_frame % grid.segment_frames == 0
        assert chunk.frames >= 2 * grid.segment_frames
        assert chunk.seek is None or chunk.seek in key_frames
        shown_from = start + chunk.first_frame / rate
        assert chunk.seek is None or chunk.seek <= shown_from + Fraction(1, 2) / rate
