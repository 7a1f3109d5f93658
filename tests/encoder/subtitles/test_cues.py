from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from encoder.subtitles.cues import fitted
from media.webvtt import Cue, WebVtt


def cue(start_ms: int, end_ms: int, payload: str = "a", settings: str = "") -> Cue:
    return Cue(start_ms=start_ms, end_ms=end_ms, payload=payload, settings=settings)


def fit(*cues: Cue, duration: Fraction = Fraction(10), start: Fraction = Fraction(0)) -> list[Cue]:
    return list(fitted(WebVtt(cues=cues), duration, start).cues)


def test_cues_come_in_order_of_time() -> None:
    assert fit(cue(5000, 6000, "b"), cue(0, 9000, "c"), cue(0, 1000)) == [
        cue(0, 1000),
        cue(0, 9000, "c"),
        cue(5000, 6000, "b"),
    ]


def test_what_goes_beyond_the_end_is_cut_and_what_begins_there_is_left_out() -> None:
    assert fit(cue(9000, 12_000), cue(10_000, 11_000, "b")) == [cue(9000, 10_000)]


def test_the_end_is_never_rounded_up() -> None:
    assert fit(cue(0, 99_999), duration=Fraction(1001, 24000)) == [cue(0, 41)]


def test_the_times_of_a_container_are_counted_from_the_first_frame() -> None:
    shifted = fit(cue(500, 3000), cue(0, 1400, "before"), start=Fraction(143, 100))
    assert shifted == [cue(0, 1570)]


def test_words_that_go_on_are_one_cue() -> None:
    assert fit(cue(0, 1000), cue(1000, 2000), cue(500, 1500), cue(3000, 4000), cue(1000, 2000, "b")) == [
        cue(0, 2000),
        cue(1000, 2000, "b"),
        cue(3000, 4000),
    ]


def test_the_same_words_in_two_places_are_two_cues() -> None:
    assert len(fit(cue(0, 1000), cue(0, 1000, settings="line:0"))) == 2


def test_styles_stay() -> None:
    assert fitted(WebVtt(blocks=("STYLE\n::cue {}",)), Fraction(1)).blocks == ("STYLE\n::cue {}",)


@given(
    st.lists(
        st.builds(
            lambda start, length, words: cue(start, start + length, words),
            st.integers(0, 20_000), st.integers(1, 5000), st.sampled_from(["a", "b"]),
        )
    )
)  # fmt: skip
def test_at_every_moment_the_same_words_are_shown_as_before(cues: list[Cue]) -> None:
    def shown(found: list[Cue], moment_ms: int) -> set[str]:
        return {c.payload for c in found if c.start_ms <= moment_ms < c.end_ms}

    result = fit(*cues)
    edges = {c.start_ms for c in cues} | {c.end_ms for c in cues}
    for moment_ms in (edge for edge in edges if edge < 10_000):
        assert shown(result, moment_ms) == shown(cues, moment_ms)
    assert all(c.end_ms <= 10_000 for c in result)
