from __future__ import annotations

import struct
import subprocess
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from media.boxes import BoxError, read_boxes
from media.cmaf import InitFacts, read_fragment, read_init
from tests.media.bitstreams import box as box
from tests.media.bitstreams import full as full

SYNC, NON_SYNC = 0x02000000, 0x01010000


def init(handler: str, sample_entry: bytes, mdhd: bytes | None = None) -> bytes:
    """A CMAF header with the boxes that matter."""
    hdlr = box("hdlr", bytes(8), handler.encode(), bytes(13))
    stsd = box("stsd", struct.pack(">II", 0, 1), sample_entry)
    mdhd = mdhd or full("mdhd", 0, 0, "IIIII", 0, 0, 24000, 0, 0)
    trak = box("trak", box("tkhd"), box("mdia", mdhd, hdlr, box("minf", box("stbl", stsd))))
    trex = full("trex", 0, 0, "IIIII", 1, 1, 1001, 0, NON_SYNC)
    return box("ftyp", b"cmfc", bytes(4)) + box("moov", trak, box("mvex", trex))


def picture(kind: str, *config: bytes) -> bytes:
    return box(kind, bytes(24), struct.pack(">HH", 1280, 720), bytes(50), *config)


def sound(kind: str, *config: bytes) -> bytes:
    return box(kind, bytes(16), struct.pack(">HHHHI", 2, 16, 0, 0, 48000 << 16), *config)


def esds(object_type: int, specific: bytes, size_bytes: int = 1) -> bytes:
    """The three nested descriptors; their sizes take `size_bytes` bytes, as some muxers like four."""

    def descriptor(tag: int, content: bytes) -> bytes:
        return bytes([tag, *[0x80] * (size_bytes - 1), len(content)]) + content

    config = descriptor(4, bytes([object_type]) + bytes(12) + descriptor(5, specific))
    return box("esds", bytes(4), descriptor(3, bytes(3) + config))


HVCC = bytes([1, 0x02, 0x20, 0, 0, 0, 0xB0, 0, 0, 0, 0, 0, 153])
VIDEO = [  # sample entry, codecs
    pytest.param(picture("avc1", box("avcC", b"\x01\x64\x00\x1f\xff")), "avc1.64001f", id="14496-15-E.2-avc"),
    pytest.param(
        picture("avc3", box("avcC", b"\x01\x4d\x40\x28\xff")), "avc3.4d4028", id="14496-15-E.2-avc3"
    ),
    pytest.param(picture("hvc1", box("hvcC", HVCC)), "hvc1.2.4.L153.b0", id="14496-15-E.3-main10"),
    pytest.param(
        picture("hev1", box("hvcC", bytes([1, 0x61, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 93]))),
        "hev1.A1.6.H93",
        id="14496-15-E.3-profile-space-high-tier-no-constraints",
    ),
    pytest.param(picture("av01", box("av1C", b"\x81\x08\x4c\x00")), "av01.0.08M.10", id="av1-10-bit"),
    pytest.param(
        picture("av01", box("av1C", b"\x81\x4d\xe0\x00")), "av01.2.13H.12", id="av1-high-tier-12-bit"
    ),
    pytest.param(picture("vp09", box("vpcC", bytes(4), b"\x02\x1f\xa2")), "vp09.02.31.10", id="vp9-10-bit"),
    pytest.param(picture("mp4v", box("btrt")), "mp4v", id="rfc6381-3.3-unknown-entry"),
]


@pytest.mark.parametrize(("entry", "codecs"), VIDEO)
def test_a_video_init_segment_tells_codec_and_picture(entry: bytes, codecs: str) -> None:
    assert read_init(init("vide", entry)) == InitFacts(
        timescale=24000,
        kind="video",
        codecs=codecs,
        width_px=1280,
        height_px=720,
        default_sample_ticks=1001,
        default_sample_flags=NON_SYNC,
    )


AUDIO = [  # sample entry, codecs, channels
    pytest.param(sound("mp4a", esds(0x40, b"\x12\x08")), "mp4a.40.2", 1, id="aac-lc-mono-in-a-stereo-entry"),
    pytest.param(sound("mp4a", esds(0x40, b"\x11\xb0", 4)), "mp4a.40.2", 6, id="aac-lc-5.1-long-sizes"),
    pytest.param(sound("mp4a", esds(0x40, b"\x2b\x92\x08\x00")), "mp4a.40.5", 2, id="he-aac"),
    pytest.param(sound("mp4a", esds(0x40, b"\x17\x80\x5d\xc0\x10")), "mp4a.40.2", 2, id="explicit-rate"),
    pytest.param(sound("mp4a", esds(0x40, b"\xf9\x48\x40")), "mp4a.40.42", 2, id="escaped-type-xhe-aac"),
    pytest.param(sound("mp4a", esds(0x40, b"\x12\x00")), "mp4a.40.2", 2, id="channels-in-the-stream"),
    pytest.param(sound("mp4a", esds(0x6B, b"\x00")), "mp4a.6b", 2, id="mp3"),
    pytest.param(sound("Opus", box("dOps", b"\x00\x06" + bytes(9))), "opus", 6, id="opus-5.1"),
    pytest.param(sound("ac-3", box("dac3", bytes(3))), "ac-3", 2, id="rfc6381-3.3-ac-3"),
]


@pytest.mark.parametrize(("entry", "codecs", "channels"), AUDIO)
def test_an_audio_init_segment_tells_codec_rate_and_channels(
    entry: bytes, codecs: str, channels: int
) -> None:
    facts = read_init(init("soun", entry))
    assert (facts.codecs, facts.channels, facts.sample_rate_hz) == (codecs, channels, 48000)
    assert facts.kind == "audio"


def test_a_long_media_header_has_its_timescale_further_back() -> None:
    long = full("mdhd", 1, 0, "QQIQI", 0, 0, 90000, 0, 0)
    assert read_init(init("vide", picture("avc1"), long)).timescale == 90000


def fragment(tfhd: bytes, *runs: bytes, time: bytes | None = None) -> bytes:
    time = time or full("tfdt", 1, 0, "Q", 2**33)
    return box("moof", full("mfhd", 0, 0, "I", 1), box("traf", tfhd, time, *runs)) + box("mdat", b"frames")


PLAIN = full("tfhd", 0, 0x20000, "I", 1)
WITH_DEFAULTS = full("tfhd", 0, 0x2003B, "IQIIII", 1, 0, 1, 512, 99, SYNC)
LEANING = InitFacts(
    timescale=24000, kind="video", codecs="", default_sample_ticks=1001, default_sample_flags=NON_SYNC
)
FRAGMENTS = [  # fragment, ticks, samples, starts with sync
    pytest.param(fragment(PLAIN, full("trun", 0, 0, "I", 24)), 24024, 24, False, id="8.8.3-trex-defaults"),
    pytest.param(
        fragment(WITH_DEFAULTS, full("trun", 0, 0, "I", 3)), 1536, 3, True, id="8.8.7-tfhd-defaults"
    ),
    pytest.param(
        fragment(PLAIN, full("trun", 0, 0x005, "III", 2, 0, SYNC)),
        2002,
        2,
        True,
        id="8.8.8-first-sample-flags",
    ),
    pytest.param(
        fragment(WITH_DEFAULTS, full("trun", 1, 0xF01, "II8I", 2, 0, 10, 7, NON_SYNC, 0, 20, 7, SYNC, 0)),
        30,
        2,
        False,
        id="8.8.8-each-sample-its-own",
    ),
    pytest.param(
        fragment(PLAIN, full("trun", 0, 0x100, "III", 2, 5, 6), full("trun", 0, 0x100, "II", 1, 7)),
        18,
        3,
        False,
        id="8.8.8-two-runs",
    ),
]


@pytest.mark.parametrize(("data", "ticks", "samples", "sync"), FRAGMENTS)
def test_a_fragment_tells_its_time(data: bytes, ticks: int, samples: int, sync: bool) -> None:
    facts = read_fragment(data, LEANING)
    assert (facts.start_ticks, facts.duration_ticks) == (2**33, ticks)
    assert (facts.sample_count, facts.starts_with_sync) == (samples, sync)


def test_the_fragments_of_a_segment_add_up() -> None:
    chunks = [
        fragment(
            WITH_DEFAULTS, full("trun", 0, 0, "I", 2), time=full("tfdt", 0, 0, "I", 1000 + 1024 * number)
        )
        for number in range(3)
    ]
    facts = read_fragment(box("styp", b"msdh") + b"".join(chunks))
    assert (facts.start_ticks, facts.duration_ticks, facts.sample_count) == (1000, 3 * 1024, 6)
    assert facts.starts_with_sync


def test_a_large_size_and_a_size_to_the_end_are_read() -> None:
    long = struct.pack(">I4sQ", 1, b"mdat", 20) + b"abcd"
    rest = struct.pack(">I4s", 0, b"free") + b"to the end"
    assert [(b.kind, bytes(b.payload)) for b in read_boxes(long + rest)] == [
        ("mdat", b"abcd"),
        ("free", b"to the end"),
    ]


GOOD = init("vide", picture("avc1", box("avcC", b"\x01\x64\x00\x1f")))
BROKEN_INITS = [  # bytes, what the message says
    pytest.param(b"", "the init segment holds no 'moov' boxes", id="empty"),
    pytest.param(b"<html>", "box 'head' at byte 0 ends after 6", id="shorter-than-a-head"),
    pytest.param(b"<html></html>", "says 1013478509 bytes, 13 are left", id="html"),
    pytest.param(GOOD[:-1], "box 'moov' at byte 16 says", id="cut-short"),
    pytest.param(init("text", picture("wvtt")), "only video and audio", id="subtitles"),
    pytest.param(init("vide", b""), "0 sample entries, not one", id="no-sample-entry"),
    pytest.param(init("vide", picture("avc1", box("avcC", b"\x01"))), "box 'avcC' at byte", id="short-avcC"),
    pytest.param(init("vide", box("avc1")), "box 'avc1' at byte", id="empty-sample-entry"),
    pytest.param(init("soun", sound("mp4a", box("esds", bytes(4)))), "descriptor 3 is missing", id="no-esds"),
    pytest.param(init("soun", sound("mp4a", esds(0x40, b""))), "descriptor 5 is missing", id="no-config"),
    pytest.param(
        init("vide", picture("avc1"), full("mdhd", 0, 0, "IIIII", *[0] * 5)), "of 0", id="timescale-0"
    ),
]


@pytest.mark.parametrize(("data", "reason"), BROKEN_INITS)
def test_a_malformed_init_segment_is_one_clear_line(data: bytes, reason: str) -> None:
    with pytest.raises(BoxError) as caught:
        read_init(data)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


BROKEN_FRAGMENTS = [
    pytest.param(b"", "no 'moof' box", id="empty"),
    pytest.param(fragment(PLAIN, full("trun", 0, 0, "I", 2)), "init segment is needed", id="no-defaults"),
    pytest.param(fragment(WITH_DEFAULTS), "holds no samples", id="no-run"),
    pytest.param(fragment(WITH_DEFAULTS, full("trun", 0, 0, "I", 0)), "holds no samples", id="empty-run"),
    pytest.param(fragment(PLAIN, full("trun", 0, 0x100, "II", 2, 5)), "box 'trun' at byte", id="short-run"),
    pytest.param(
        fragment(WITH_DEFAULTS, full("trun", 0, 0, "I", 1))[:-1], "box 'mdat' at byte", id="cut-short-media"
    ),
]


@pytest.mark.parametrize(("data", "reason"), BROKEN_FRAGMENTS)
def test_a_malformed_fragment_is_one_clear_line(data: bytes, reason: str) -> None:
    with pytest.raises(BoxError, match=reason):
        read_fragment(data)


@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, len(GOOD)))
def test_damage_anywhere_gives_facts_or_a_box_error(at: int, value: int, length: int) -> None:
    damaged = (GOOD[:at] + bytes([value]) + GOOD[at + 1 :])[:length]
    with suppress(BoxError):  # and no other exception
        assert read_init(damaged).timescale > 0


ENCODERS = [  # codec and options, codecs
    pytest.param("testsrc2=s=320x180:r=24000/1001", ["libx264", "-bf", "2"], "avc1.64000c", id="h264"),
    pytest.param(
        "testsrc2=s=320x180:r=24000/1001", ["libx265", "-tag:v", "hvc1"], "hvc1.1.6.L60.90", id="hevc"
    ),
    pytest.param("testsrc2=s=320x180:r=24000/1001", ["libsvtav1"], "av01.0.00M.08", id="av1"),
    pytest.param("testsrc2=s=320x180:r=24000/1001", ["libvpx-vp9"], "vp09.00.11.08", id="vp9"),
    pytest.param("sine=r=48000", ["aac", "-ac", "1"], "mp4a.40.2", id="aac"),
    pytest.param("sine=r=48000", ["libopus", "-ac", "2"], "opus", id="opus"),
]


@pytest.mark.system
@pytest.mark.parametrize(("source", "codec", "codecs"), ENCODERS)
def test_what_ffmpeg_writes_is_read(source: str, codec: list[str], codecs: str, tmp_path: Path) -> None:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", f"{source}:d=2"]
    command += ["-pix_fmt", "yuv420p", "-g", "24"] if source.startswith("test") else []
    command += ["-c", *codec, "-f", "dash", "-dash_segment_type", "mp4", "-seg_duration", "1", "out.mpd"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    facts = read_init((tmp_path / "init-stream0.m4s").read_bytes())
    assert facts.codecs == codecs
    assert facts.timescale == (24000 if facts.kind == "video" else 48000)
    fragments = [read_fragment(path.read_bytes(), facts) for path in sorted(tmp_path.glob("chunk-*.m4s"))]
    assert fragments[0].start_ticks == 0
    for earlier, later in pairwise(fragments):
        assert later.start_ticks == earlier.start_ticks + earlier.duration_ticks
    assert all(fragment.starts_with_sync for fragment in fragments)
    if facts.kind == "video":
        assert sum(fragment.duration_ticks for fragment in fragments) == 48 * 1001
