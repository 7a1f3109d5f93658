from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from encoder.audio.filters import encoder_options, graph_text, sound_graph
from encoder.audio.loudness import Loudness
from encoder.audio.plan import AudioError, AudioSettings, measured_mixes
from encoder.audio.source import AudioSource
from tests.encoder.audio.sounding import MONO, STEREO, planned

ALL = AudioSettings(codecs=("aac", "opus"), is_surround=True)
SURROUND = replace(STEREO, channels=6, layout="5.1(side)")


def of(language: str, index: int, track: AudioSource = STEREO, **more: str) -> AudioSource:
    return replace(track, index=index, language=language, label=more.get("label", ""))


def test_every_track_is_a_rendition_in_stereo() -> None:
    plans = planned(of("en", 0), of("de", 1), of("en", 2, label="Original"))
    assert [(p.label, p.tracks, p.channels, p.codec) for p in plans] == [
        ("audio-en", (0,), 2, "aac"),
        ("audio-de", (1,), 2, "aac"),
        ("audio-en-2", (2,), 2, "aac"),
    ]


def test_what_is_asked_comes_after_aac_in_stereo_group_by_group() -> None:
    plans = planned(of("en", 0, SURROUND), of("de", 1), settings=ALL)
    assert [p.label for p in plans] == [
        "audio-en",
        "audio-de",
        "audio-en-opus",
        "audio-de-opus",
        "audio-en-51",
        "audio-en-51-opus",
    ]
    assert [(p.bitrate_bps, p.channels) for p in plans] == [
        (128_000, 2),
        (128_000, 2),
        (96_000, 2),
        (96_000, 2),
        (384_000, 6),
        (256_000, 6),
    ]


def test_aac_in_stereo_is_there_whatever_is_asked() -> None:
    plans = planned(of("en", 0, SURROUND), settings=AudioSettings(codecs=("opus",)))
    assert [(p.codec, p.channels) for p in plans] == [("aac", 2), ("opus", 2)]


def test_one_microphone_is_stereo_for_fewer_bits() -> None:
    (plan,) = planned(MONO)
    assert (plan.channels, plan.bitrate_bps, plan.matrix) == (2, 96_000, ((1,), (1,)))


def test_surround_that_was_measured_as_stereo_is_not_offered_as_more() -> None:
    (mix,) = measured_mixes([SURROUND], AudioSettings())
    found = measured_mixes([SURROUND], ALL)
    assert found[0] == mix
    measured = {found[1]: Loudness(integrated_lufs=-20, true_peaks=(0.5, 0.5, 0, 0, 0, 0))}
    assert [p.label for p in planned(SURROUND, settings=ALL, loudness=measured)] == [
        "audio-und",
        "audio-und-opus",
    ]


def test_each_mix_has_its_own_gain() -> None:
    stereo, surround = measured_mixes([SURROUND], ALL)
    loudness = {
        stereo: Loudness(integrated_lufs=-30, true_peaks=(0.1, 0.1)),
        surround: Loudness(integrated_lufs=-20, true_peaks=(0.5,) * 6),
    }
    plans = planned(SURROUND, settings=ALL, loudness=loudness)
    assert [(p.label, p.gain_db) for p in plans] == [
        ("audio-und", 7.0),
        ("audio-und-opus", 7.0),
        ("audio-und-51", -3.0),
        ("audio-und-51-opus", -3.0),
    ]


def test_nothing_is_measured_if_the_loudness_may_stay() -> None:
    assert measured_mixes([STEREO, replace(SURROUND, index=1)], replace(ALL, loudness_lufs=None)) == ()


def test_a_convention_is_checked_even_if_the_loudness_may_stay() -> None:
    """Else two channels of eight would be silence."""
    tracks = [replace(MONO, index=index) for index in range(8)]
    settings = AudioSettings(loudness_lufs=None)
    own, down = measured_mixes(tracks, settings)
    loudness = {
        own: Loudness(integrated_lufs=None, true_peaks=(0.0, 0.0)),
        down: Loudness(integrated_lufs=-9, true_peaks=(0.99, 0.99)),
    }
    (plan,) = planned(*tracks, settings=settings, loudness=loudness)
    assert (plan.tracks, plan.gain_db) == (down.tracks, 0)


RATES = [  # of the source, of AAC, of Opus
    pytest.param(48_000, 48_000, id="48"),
    pytest.param(44_100, 44_100, id="44.1"),
    pytest.param(96_000, 48_000, id="96"),
    pytest.param(88_200, 48_000, id="88.2"),
    pytest.param(192_000, 48_000, id="192"),
    pytest.param(22_050, 44_100, id="22.05"),
    pytest.param(11_025, 44_100, id="11.025"),
    pytest.param(32_000, 48_000, id="32"),
    pytest.param(8_000, 48_000, id="8"),
    pytest.param(0, 48_000, id="unknown"),
]


@pytest.mark.parametrize(("rate", "aac"), RATES)
def test_rates_are_those_that_every_player_has(rate: int, aac: int) -> None:
    plans = planned(replace(STEREO, sample_rate_hz=rate), settings=AudioSettings(codecs=("opus",)))
    assert [p.sample_rate_hz for p in plans] == [aac, 48_000]


DURATIONS = [
    pytest.param(Fraction(4), 188, 200, id="four-seconds"),
    pytest.param(Fraction(1024, 48_000) * 10, 10, 11, id="whole-frames-of-aac"),
    pytest.param(Fraction(1, 60), 2, 2, id="one-picture"),
]


@pytest.mark.parametrize(("duration", "aac", "opus"), DURATIONS)
def test_whole_frames_cover_the_picture(duration: Fraction, aac: int, opus: int) -> None:
    plans = planned(STEREO, settings=AudioSettings(codecs=("opus",)), duration=duration)
    assert [p.samples for p in plans] == [1024 * aac, 960 * opus]


DEFAULTS = [  # facts of three tracks, which is the default
    pytest.param([{}, {}, {}], 0, id="the-first"),
    pytest.param([{}, {"is_default": True}, {}], 1, id="what-the-source-says"),
    pytest.param([{}, {"is_default": True}, {"is_default": True}], 1, id="the-first-that-it-says"),
    pytest.param([{"is_commentary": True}, {}, {}], 1, id="no-commentary"),
    pytest.param([{"is_descriptive": True, "is_default": True}, {}, {}], 1, id="no-description"),
    pytest.param([{"is_commentary": True}] * 3, 0, id="there-is-nothing-else"),
]


@pytest.mark.parametrize(("facts", "expected"), DEFAULTS)
def test_one_track_is_the_default_in_every_codec(facts: list[dict[str, bool]], expected: int) -> None:
    tracks = [
        replace(
            STEREO,
            index=index,
            is_default=fact.get("is_default", False),
            is_commentary=fact.get("is_commentary", False),
            is_descriptive=fact.get("is_descriptive", False),
        )
        for index, fact in enumerate(facts)
    ]
    plans = planned(*tracks, settings=AudioSettings(codecs=("opus",)))
    assert [p.tracks[0] for p in plans if p.is_default] == [expected, expected]


def test_a_menu_has_no_two_entries_alike() -> None:
    commentary = replace(of("en", 2), is_commentary=True)
    plans = planned(of("en", 0), of("en", 1), commentary, of("en", 3, label="Original"), of("de", 4))
    assert [(p.language, p.menu_label) for p in plans] == [
        ("en", ""),
        ("en", "en 2"),
        ("en", "en (commentary)"),
        ("en", "Original"),
        ("de", ""),
    ]


def test_labels_are_unique_whatever_the_languages() -> None:
    tracks = [of(language, index) for index, language in enumerate(["en", "en", "pt-BR", "und", "und"])]
    labels = [p.label for p in planned(*tracks, settings=ALL)]
    assert len(set(labels)) == len(labels)


def test_no_sound_is_no_rendition() -> None:
    assert planned() == ()


REFUSED = [
    pytest.param({"codecs": ("mp3",)}, "audio codec 'mp3': choose of aac, opus", id="codec"),
    pytest.param({"loudness_lufs": 0.0}, "loudness of 0.0 LUFS: choose one from -40 to -5", id="loudness"),
    pytest.param({"loudness_lufs": float("nan")}, "loudness of nan LUFS", id="no-number"),
    pytest.param({"true_peak_dbtp": 1.0}, "a true peak of 1.0 dBTP: choose one of 0 or below", id="peak"),
]


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_what_cannot_be_is_refused_in_one_line(settings: dict[str, object], message: str) -> None:
    with pytest.raises(AudioError) as refused:
        AudioSettings(**settings)  # type: ignore[arg-type]  # that is the point
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


def test_the_filters_of_one_track() -> None:
    (plan,) = planned(STEREO, start=Fraction(1001, 24_000))
    assert graph_text(sound_graph(replace(plan, gain_db=-3.25)), 0, "o") == (
        "[0:a:0]asetpts=expr=PTS-1001/24000/TB,"
        "aresample=sample_rate=48000:async=1:first_pts=0:min_hard_comp=0.04,aformat=sample_fmts=fltp[t0_0];"
        "[t0_0]pan=args=stereo|c0=1*c0|c1=1*c1,volume=volume=-3.25dB,apad,"
        "atrim=start_sample=1024:end_sample=192512[o]"
    )


def test_several_tracks_are_joined_before_they_are_mixed() -> None:
    (plan,) = planned(MONO, replace(MONO, index=1))
    graph = sound_graph(plan)
    assert graph.tracks == (0, 1)
    assert [name for name, _ in graph.then] == ["amerge", "pan", "apad", "atrim"]
    assert graph.each[-1] == ("apad", {})


def test_the_priming_of_opus_is_its_own() -> None:
    _, plan = planned(STEREO, settings=AudioSettings(codecs=("opus",)))
    assert sound_graph(plan).then[-1] == ("atrim", {"start_sample": 312, "end_sample": 192_000})
    assert encoder_options(plan)["c:a"] == "libopus"
