from __future__ import annotations

from dataclasses import replace

import pytest

from encoder.audio.loudness import Loudness
from encoder.audio.mixes import Mix, Voice, corrected, mixes, voices
from encoder.audio.source import AudioSource
from tests.encoder.audio.sounding import MONO, STEREO

LOUD, SILENT = 0.5, 0.0005


def monos(count: int, label: str = "") -> list[AudioSource]:
    return [replace(MONO, index=index, label=label) for index in range(count)]


def unplaced(channels: int) -> AudioSource:
    return replace(MONO, channels=channels, layout=f"{channels} channels")


def channels_heard(mix: Mix) -> list[int]:
    """Of the tracks, or of the one track's channels."""
    heard = [n for n in range(len(mix.matrix[0])) if any(row[n] for row in mix.matrix)]
    return (
        [mix.tracks[n] for n in heard]
        if len(mix.tracks) > 1
        else heard
        if len(mix.matrix[0]) > 1
        else [*mix.tracks]
    )


FIRST_SIX, NO_EFFECTS = [0, 1, 2, 3, 4, 5], [0, 1, 2, 4, 5]
CONVENTIONS = [  # channels without places, what is in stereo, what is in 5.1
    pytest.param(1, [[0]], [None], id="1-mono"),
    pytest.param(2, [[0, 1]], [None], id="2-left-right"),
    pytest.param(3, [[0, 1], [2]], [None, None], id="3-a-pair-and-one"),
    pytest.param(4, [[0, 1], [2, 3]], [None, None], id="4-two-pairs"),
    pytest.param(5, [[0, 1], [2, 3], [4]], [None] * 3, id="5-two-pairs-and-one"),
    pytest.param(6, [NO_EFFECTS], [FIRST_SIX], id="6-5.1"),
    pytest.param(7, [NO_EFFECTS, [6]], [FIRST_SIX, None], id="7-5.1-and-one"),
    pytest.param(8, [[6, 7]], [FIRST_SIX], id="8-5.1-and-its-stereo-mix"),
    pytest.param(10, [[6, 7], [8, 9]], [FIRST_SIX, None], id="10-eight-and-a-pair"),
    pytest.param(16, [[6, 7], [8, 9], [10, 11], [12, 13], [14, 15]], [FIRST_SIX, *[None] * 4], id="16"),
]


@pytest.mark.parametrize(("count", "stereo", "surround"), CONVENTIONS)
@pytest.mark.parametrize("is_one_track", [False, True], ids=["tracks", "one-track"])
def test_channels_without_places_go_by_convention(
    count: int, stereo: list[list[int]], surround: list[list[int] | None], is_one_track: bool
) -> None:
    found = voices([unplaced(count)] if is_one_track else monos(count))
    assert [channels_heard(voice.stereo) for voice in found] == stereo
    assert [voice.surround and channels_heard(voice.surround) for voice in found] == surround
    assert [voice.is_spare for voice in found] == [False, *[True] * (len(found) - 1)]


def test_of_5_1_in_single_channels_each_goes_to_its_place() -> None:
    (voice,) = voices(monos(6))
    assert voice.surround is not None
    assert voice.surround.matrix == tuple(tuple(float(r == c) for c in range(6)) for r in range(6))
    left, right = voice.stereo.matrix
    assert left[0] > 0 == left[1]
    assert left[4] > 0 == left[5]
    assert left[3] == right[3] == 0


def test_single_channels_of_two_languages_stay_apart() -> None:
    english, german = replace(MONO, language="en"), replace(MONO, index=1, language="de")
    found = voices([english, german])
    assert [(voice.source.language, voice.stereo.tracks) for voice in found] == [("en", (0,)), ("de", (1,))]
    assert all(voice.stereo.is_mono and voice.stereo.matrix == ((1,), (1,)) for voice in found)


APART = [
    pytest.param({"label": "Boom"}, id="a-name-of-its-own"),
    pytest.param({"is_commentary": True}, id="commentary"),
    pytest.param({"is_descriptive": True}, id="description"),
    pytest.param({"sample_rate_hz": 32_000}, id="another-rate"),
    pytest.param({"codec": "aac"}, id="another-codec"),
]


@pytest.mark.parametrize("facts", APART)
def test_single_channels_that_differ_are_not_a_pair(facts: dict[str, str]) -> None:
    found = voices([MONO, replace(MONO, index=1, **facts)])  # type: ignore[arg-type]  # of several fields
    assert [voice.stereo.tracks for voice in found] == [(0,), (1,)]


def test_each_track_of_several_channels_is_heard_by_itself() -> None:
    surround = replace(STEREO, index=2, channels=6, layout="5.1(side)")
    found = voices([STEREO, replace(STEREO, index=1, language="de"), surround])
    assert [voice.stereo.tracks for voice in found] == [(0,), (1,), (2,)]
    assert [voice.surround is not None for voice in found] == [False, False, True]


def test_the_order_of_the_tracks_is_kept() -> None:
    tracks = [replace(MONO, index=0), replace(STEREO, index=1), replace(MONO, index=2)]
    assert [voice.stereo.tracks for voice in voices(tracks)] == [(0, 2), (1,)]


def test_a_further_pair_is_called_by_its_channels() -> None:
    assert [voice.label for voice in voices(monos(5))] == ["", "Channels 3+4", "Channel 5"]
    labels = [voice.label for voice in voices(monos(4, label="Camera"))]
    assert labels == ["Camera", "Camera (Channels 3+4)"]


def test_what_is_measured_is_every_mix_that_may_be_needed() -> None:
    found = voices(monos(8))
    stereo_mix, down, surround = mixes(found, may_surround=True)
    assert (stereo_mix.tracks, down.tracks, surround.tracks) == (
        (6, 7),
        (0, 1, 2, 3, 4, 5),
        (0, 1, 2, 3, 4, 5),
    )
    assert (stereo_mix.channels, down.channels, surround.channels) == (2, 2, 6)
    assert mixes(found, may_surround=False) == (stereo_mix, down)


def heard(found: tuple[Voice, ...], loud: set[int]) -> dict[Mix, Loudness]:
    """As the meter has it, of single channels, if `loud` alone sound."""
    return {
        mix: Loudness(
            integrated_lufs=-20,
            true_peaks=tuple(
                LOUD if any(share and mix.tracks[n] in loud for n, share in enumerate(row)) else SILENT
                for row in mix.matrix
            ),
        )
        for mix in mixes(found, may_surround=True)
    }


MEASURED = [  # channels, those that sound, what is in stereo, what is in 5.1
    pytest.param(8, {*range(8)}, [[6, 7]], [FIRST_SIX], id="all-of-eight"),
    pytest.param(8, {0, 1}, [NO_EFFECTS], [None], id="two-of-eight-are-stereo"),
    pytest.param(8, {0, 1, 2, 3, 4, 5}, [NO_EFFECTS], [FIRST_SIX], id="no-stereo-mix"),
    pytest.param(8, {0, 1, 6, 7}, [[6, 7]], [None], id="no-surround"),
    pytest.param(6, {0, 1}, [NO_EFFECTS], [None], id="two-of-six-are-stereo"),
    pytest.param(6, {0, 1, 2}, [NO_EFFECTS], [FIRST_SIX], id="a-centre-is-surround"),
    pytest.param(4, {0, 1}, [[0, 1]], [None], id="a-silent-second-pair"),
    pytest.param(4, {2, 3}, [[0, 1], [2, 3]], [None, None], id="a-silent-first-pair-stays"),
    pytest.param(2, set[int](), [[0, 1]], [None], id="silence"),
]


@pytest.mark.parametrize(("count", "loud", "stereo", "surround"), MEASURED)
def test_what_is_heard_corrects_the_convention(
    count: int, loud: set[int], stereo: list[list[int]], surround: list[list[int] | None]
) -> None:
    declared = voices(monos(count))
    found = corrected(declared, heard(declared, loud))
    assert [channels_heard(voice.stereo) for voice in found] == stereo
    assert [voice.surround and channels_heard(voice.surround) for voice in found] == surround


def test_what_was_not_measured_stays_as_declared() -> None:
    declared = voices(monos(8))
    assert corrected(declared, {}) == declared
