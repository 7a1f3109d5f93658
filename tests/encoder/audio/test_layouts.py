from __future__ import annotations

import subprocess

import pytest

from encoder.audio.layouts import SURROUND, is_surround, picked, positions, to_stereo, to_surround
from encoder.ffmpeg import find_ffmpeg

HALF_POWER = 0.5**0.5


def printed() -> dict[str, tuple[str, ...]]:
    """FFmpeg's own table."""
    command = [find_ffmpeg().program, "-hide_banner", "-layouts"]
    text = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    rows = [line.split() for line in text.partition("Standard channel layouts:")[2].splitlines()[2:]]
    return {name: tuple(channels.split("+")) for name, channels in rows}


LAYOUTS = printed()


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_of_ffmpeg_is_known_in_its_order(name: str) -> None:
    assert positions(name, len(LAYOUTS[name])) == LAYOUTS[name]


@pytest.mark.parametrize("name", LAYOUTS)
def test_full_scale_on_every_channel_does_not_clip(name: str) -> None:
    for matrix in (to_stereo(LAYOUTS[name]), to_surround(LAYOUTS[name])):
        assert max(sum(row) for row in matrix) <= 1 + 1e-5
        assert min(min(row) for row in matrix) >= 0


@pytest.mark.parametrize("name", LAYOUTS)
def test_left_and_right_are_treated_alike(name: str) -> None:
    """A channel on the left is heard on the left as loud as its mirror image on the right."""
    channels = LAYOUTS[name]
    left, right = to_stereo(channels)
    for n, channel in enumerate(channels):
        mirrored = channel.translate(str.maketrans("LR", "RL")) if "LFE" not in channel else channel
        if mirrored in channels:
            assert left[n] == right[channels.index(mirrored)]


@pytest.mark.parametrize("name", LAYOUTS)
def test_nothing_but_the_effects_is_lost(name: str) -> None:
    left, right = to_stereo(LAYOUTS[name])
    lost = [channel for n, channel in enumerate(LAYOUTS[name]) if not left[n] and not right[n]]
    assert all(channel.startswith("LFE") for channel in lost)


def test_5_1_is_mixed_down_as_bs_775_has_it() -> None:
    left, right = to_stereo(positions("5.1(side)", 6))
    scale = 1 + 2 * HALF_POWER
    assert left == pytest.approx([1 / scale, 0, HALF_POWER / scale, 0, HALF_POWER / scale, 0], abs=1e-6)
    assert right == pytest.approx([0, 1 / scale, HALF_POWER / scale, 0, 0, HALF_POWER / scale], abs=1e-6)


def test_7_1_becomes_5_1_with_two_surrounds_in_one() -> None:
    rows = dict(zip(SURROUND, to_surround(positions("7.1", 8)), strict=True))
    scale = 2 * HALF_POWER
    assert rows["FL"] == pytest.approx([1 / scale, *[0] * 7], abs=1e-6)
    assert rows["LFE"] == pytest.approx([0, 0, 0, 1 / scale, 0, 0, 0, 0], abs=1e-6)
    assert rows["BL"] == pytest.approx([0, 0, 0, 0, 0.5, 0, 0.5, 0], abs=1e-6)


@pytest.mark.parametrize("layout", ["stereo", "downmix", "binaural"])
def test_two_channels_stay_as_they_are(layout: str) -> None:
    assert to_stereo(positions(layout, 2)) == ((1, 0), (0, 1))


def test_5_1_stays_as_it_is() -> None:
    matrix = to_surround(positions("5.1", 6))
    assert matrix == tuple(tuple(float(row == column) for column in range(6)) for row in range(6))


def test_one_channel_is_heard_whole_on_both_sides() -> None:
    assert to_stereo(positions("mono", 1)) == ((1,), (1,))


SURROUNDS = [
    pytest.param("5.1", True, id="5.1"),
    pytest.param("5.0(side)", True, id="no-effects"),
    pytest.param("6.1", True, id="6.1"),
    pytest.param("7.1(wide)", True, id="7.1-wide"),
    pytest.param("7.1.4", True, id="above-too"),
    pytest.param("stereo", False, id="stereo"),
    pytest.param("quad", False, id="no-centre"),
    pytest.param("3.1", False, id="nothing-behind"),
    pytest.param("2.1", False, id="2.1"),
]


@pytest.mark.parametrize(("layout", "expected"), SURROUNDS)
def test_what_is_around_the_ear_is_surround(layout: str, expected: bool) -> None:
    assert is_surround(LAYOUTS[layout]) is expected


UNKNOWN = [
    pytest.param("10 channels", 10, id="no-layout"),
    pytest.param("ambisonic 1", 4, id="ambisonics"),
    pytest.param("5.1", 8, id="another-number"),
    pytest.param("2 channels (FL+XY)", 2, id="a-channel-nobody-knows"),
]


@pytest.mark.parametrize(("layout", "channels"), UNKNOWN)
def test_what_is_no_layout_has_no_places(layout: str, channels: int) -> None:
    assert positions(layout, channels) == ()


def test_a_layout_without_a_name_lists_its_channels() -> None:
    assert positions("3 channels (FL+FR+BC)", 3) == ("FL", "FR", "BC")


def test_of_many_channels_some_are_picked() -> None:
    assert picked(((1, 0), (0, 1)), [2, 3], 5) == ((0, 0, 1, 0, 0), (0, 0, 0, 1, 0))
