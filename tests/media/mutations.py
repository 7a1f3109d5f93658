"""For each rule, what breaks it and nothing else: an edit of the good title's files, or another title."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

from media.encryption.keys import ContentKey
from media.encryption.protector import Protector
from media.protection import Scheme
from tests.media.bitstreams import NON_SYNC, Picture, avc_sps, avcc, box, fragment, header, picture_entry
from tests.media.validated import DASH, HLS, LIVE, RUNGS, SOUNDS, Files, Rung, Spec, build

LOW, MIDDLE, TOP = RUNGS
TOP_LIST, EN, DE, SUBS, TRICK = (f"{name}/index.m3u8" for name in ("540p", "en", "de", "subs", "trick"))
UHD = Picture(width_px=3840, height_px=2160, level=51)
TS_PACKETS = (b"\x47" + bytes(187)) * 20


@dataclass(frozen=True, slots=True)
class Case:
    """The files of a broken title, and how it is reached."""

    make: Callable[[], Files]
    manifests: tuple[str, ...]


def edit(path: str, old: str, new: str, count: int = -1) -> Callable[[], Files]:
    """The good title with a text replaced, wherever it stands or the first `count` times."""
    return then(build, (path, old, new, count))


def then(make: Callable[[], Files], *edits: tuple[str, str, str, int]) -> Callable[[], Files]:
    def made() -> Files:
        files = make()
        for path, old, new, count in edits:
            text = files[path].decode()
            changed = re.sub(old, new, text, count=max(count, 0))
            assert changed != text, f"{path} holds no {old!r}"
            files[path] = changed.encode()
        return files

    return made


WHOLE_KEY = '#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/1"'
ONE_OFFSET = b"saio\0\0\0\0\0\0\0\1\0"  # and the first byte of it
OTHER_KID = 'cenc:default_KID="ffffffff-ffff-ffff-ffff-ffffffffffff"'


def encrypted(scheme: Scheme) -> Callable[[], Files]:
    """The good title, one of its sounds encrypted, in both manifests."""

    def made() -> Files:
        files = build()
        by = Protector(scheme=scheme, title="title", name="de", keys=(ContentKey("12" * 16, bytes(16)),))
        clear_init = files["de/init.mp4"]
        files["de/init.mp4"] = by.init(clear_init)
        for number in (1, 2, 3):
            files[f"de/{number}.m4s"] = by.segment(files[f"de/{number}.m4s"], number, clear_init)
        method = {"cbcs": "SAMPLE-AES", "cenc": "SAMPLE-AES-CTR"}[scheme]
        key = f'#EXT-X-KEY:METHOD={method},URI="https://keys.example/",KEYFORMAT="org.w3.clearkey"'
        files[DE] = re.sub("(#EXT-X-MAP.*\n)", rf"\1{key}\n", files[DE].decode()).encode()
        told = (
            f'<ContentProtection schemeIdUri="urn:mpeg:dash:mp4protection:2011" value="{scheme}" '
            f'xmlns:cenc="urn:mpeg:cenc:2013" cenc:default_KID="{by.protection.keys[0].uuid}"/>'
        )
        text = files[DASH].decode()
        files[DASH] = re.sub('(lang="de"[^>]*>)', rf"\1{told}", text).encode()
        return files

    return made


def then_bytes(make: Callable[[], Files], path: str, old: bytes, new: bytes) -> Callable[[], Files]:
    def made() -> Files:
        files = make()
        assert old in files[path]
        return files | {path: files[path].replace(old, new)}

    return made


def with_file(path: str, data: bytes | None) -> Callable[[], Files]:
    """The good title with one file replaced, or taken away."""

    def made() -> Files:
        files = build()
        assert path in files
        del files[path]
        return files | ({path: data} if data is not None else {})

    return made


def top(**changes: object) -> Callable[[], Files]:
    """The good title with another highest rung."""
    return lambda: build(Spec(rungs=(LOW, MIDDLE, replace(TOP, **changes))))  # type: ignore[arg-type]


def sounds(**changes: object) -> Callable[[], Files]:
    return lambda: build(Spec(sounds=[replace(sound, **changes) for sound in SOUNDS]))  # type: ignore[arg-type]


def german(**changes: object) -> Callable[[], Files]:
    return lambda: build(Spec(sounds=(SOUNDS[0], replace(SOUNDS[1], **changes))))  # type: ignore[arg-type]


def _renamed_box() -> Files:
    files = build()
    files["540p/2.m4s"] = files["540p/2.m4s"].replace(b"trun", b"trux")
    return files


def _other_timescale() -> Files:
    files = build()
    files["540p/init2.mp4"] = header("vide", picture_entry("avc1", TOP.picture, avcc(TOP.picture)), 50)
    size = TOP.bps // 8 // 25
    for number in (2, 3):
        flags = [NON_SYNC if at % 50 else 0x02000000 for at in range(100)]
        files[f"540p/{number}.m4s"] = fragment(200 * (number - 1), 2, flags, [size] * 100)
    text = files[TOP_LIST].decode().replace("1.m4s\n", '1.m4s\n#EXT-X-MAP:URI="init2.mp4"\n')
    files[TOP_LIST] = text.encode()
    return files


def _transport_streams() -> Files:
    """The top rung as HEVC in MPEG-TS."""
    files = build()
    for number in (1, 2, 3):
        padding = TS_PACKETS[:188] * (len(files[f"540p/{number}.m4s"]) // 188)
        files[f"540p/{number}.m4s"] = padding
    files[TOP_LIST] = files[TOP_LIST].replace(b'#EXT-X-MAP:URI="init.mp4"\n', b"")
    files[HLS] = files[HLS].replace(TOP.codec.encode(), b"hvc1.1.0.L90")
    return files


def _without_last_segment() -> Files:
    files = build()
    for path in ("234p", "360p", "540p", "en", "de"):
        text = files[f"{path}/index.m3u8"].decode()
        files[f"{path}/index.m3u8"] = re.sub(r"#EXTINF:[\d.]+,\n3\.m4s\n", "", text).encode()
    return files


def _hevc(picture: Picture, **changes: object) -> Callable[[], Files]:
    codecs = f"hvc1.{picture.profile}.0.L{picture.level * 3}"
    return top(entry="hvc1", picture=picture, codecs=codecs, **changes)


HDR = replace(TOP.picture, profile=2, depth=10, transfer=18)


def _with_header(config: bytes) -> Callable[[], Files]:
    """The top rung's init segment with these boxes in its sample entry."""
    entry = picture_entry("avc1", TOP.picture, config)
    return with_file("540p/init.mp4", header("vide", entry, TOP.frame_rate))


def _other_level() -> Files:
    """A parameter set below what the configuration around it says."""
    lower = avc_sps(replace(TOP.picture, level=22))
    return _with_header(avcc(TOP.picture).replace(avc_sps(TOP.picture), lower))()


def _other_colour() -> Files:
    shown = replace(TOP.picture, transfer=1)
    return _with_header(avcc(shown) + box("colr", b"nclx", b"\0\1\0\1\0\1\0"))()


SET = '<AdaptationSet contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1">'
OWN_SET = (DASH, '(<Representation id="540p")', rf"</AdaptationSet>{SET}\1", 1)
TRANSFER = '<EssentialProperty schemeIdUri="urn:mpeg:mpegB:cicp:TransferCharacteristics" value="16"/>'


def _all_hevc() -> Files:
    def rung(each: Rung, level: int) -> Rung:
        picture = replace(each.picture, profile=1, level=level)
        return replace(each, entry="hvc1", picture=picture, codecs=f"hvc1.1.0.L{3 * level}")

    return build(Spec(rungs=[rung(LOW, 20), rung(MIDDLE, 20), rung(TOP, 30)]))


CAPTIONS = '#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID="cc",NAME="English",LANGUAGE="en",INSTREAM-ID="CC1"'
GERMAN = (
    '#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="second",NAME="Deutsch",LANGUAGE="de",DEFAULT=YES,CHANNELS="2",'
    'URI="de/index.m3u8"'
)
PAST_TARGET = {"frames": (212, 176, 175)}


def hls(make: Callable[[], Files]) -> Case:
    return Case(make, (HLS,))


def dash(make: Callable[[], Files]) -> Case:
    return Case(make, (DASH,))


def live(make: Callable[[], Files]) -> Case:
    return Case(make, (LIVE,))


def both(make: Callable[[], Files]) -> Case:
    return Case(make, (HLS, DASH))


def mpd(old: str, new: str, count: int = -1) -> Case:
    return dash(edit(DASH, old, new, count))


def master(old: str, new: str, count: int = -1) -> Case:
    return hls(edit(HLS, old, new, count))


MUTATIONS: dict[str, Case] = {
    "http-available": hls(with_file("540p/2.m4s", None)),
    "cmaf-header": hls(with_file("540p/init.mp4", bytes(16) + b"no boxes")),
    "cmaf-boxes": hls(_renamed_box),
    "cmaf-brand": hls(top(brand="avc1")),
    "rfc8216-4.3.1.1": hls(with_file(SUBS, b"<html>")),
    "rfc8216-4.2": master('(NAME="Deutsch".*)', r"\1,nothing"),
    "rfc8216-4.3.1.2": hls(edit(DE, "(#EXT-X-VERSION:6\n)", r"\1\1")),
    "rfc8216-7": hls(edit(DE, "VERSION:6", "VERSION:5")),
    "rfc8216-4.3.2.1": hls(edit(TRICK, r"#EXTINF:[\d.]+,\n", "", 1)),
    "rfc8216-4.3.3.1-missing": hls(edit(TRICK, "#EXT-X-TARGETDURATION:4\n", "")),
    "rfc8216-4.3.3.1": hls(edit(TRICK, r"EXTINF:4\.0", "EXTINF:4.7", 1)),
    "hls-authoring-8.6": hls(edit(DE, "#EXT-X-PLAYLIST-TYPE:VOD\n", "")),
    "rfc8216-4.3.3.4": hls(edit(SUBS, "#EXT-X-ENDLIST\n", "")),
    "hls-authoring-8.20": hls(edit(TOP_LIST, "#EXT-X-MAP.*\n", "")),
    "hls-authoring-8.2": hls(edit(DE, "TARGETDURATION:4", "TARGETDURATION:5")),
    "hls-authoring-8.3": hls(edit(DE, r"#EXTINF:[\d.]+,\n3\.m4s\n", "")),
    "hls-authoring-8.15": hls(edit(TOP_LIST, "(1.m4s\n)", r"\1#EXT-X-DISCONTINUITY\n")),
    "hls-authoring-8.13": hls(_other_timescale),
    "hls-authoring-8.17": live(edit(LIVE, "(540p/1.m4s\n)", r"\1#EXT-X-DISCONTINUITY\n")),
    "hls-authoring-8.4": live(edit(LIVE, "#EXT-X-PROGRAM.*\n", "")),
    "rfc8216-4.3.2.6": live(edit(LIVE, "2025-03-01T20:15:00Z", "2025-03-01 at eight")),
    "rfc8216-4.3.2.6-steady": live(
        edit(LIVE, "(540p/1.m4s\n)", r"\1#EXT-X-PROGRAM-DATE-TIME:2025-03-01T20:15:05.5Z\n")
    ),
    "penstock-vod-dates": hls(
        edit(DE, "(#EXT-X-MAP)", r"#EXT-X-PROGRAM-DATE-TIME:2025-03-01T20:15:00.123+0000\n\1")
    ),
    "rfc8216-4.3.4.2": master("\n540p/index.m3u8", ""),
    "rfc8216-4.3.4.2-bandwidth": master(r":BANDWIDTH=\d+,(?=.*\n540p)", ":"),
    "hls-authoring-9.14": master(r"AVERAGE-BANDWIDTH=\d+,(?=.*\n540p)", ""),
    "hls-authoring-9.1": master(r'CODECS="[^"]+",(?=.*\n540p)', ""),
    "hls-authoring-9.2": master(r"RESOLUTION=\d+x\d+,(?=.*\n540p)", ""),
    "hls-authoring-9.15": master(r"FRAME-RATE=[\d.]+,(?=.*\n540p)", ""),
    "hls-authoring-9.16": hls(
        then(
            _hevc(replace(HDR, transfer=16)),
            (HLS, r"VIDEO-RANGE=SDR(?=.*\n540p)", "VIDEO-RANGE=PQ", -1),
            (HLS, r"VIDEO-RANGE=SDR,", "", -1),
        )
    ),
    "rfc8216bis-4.4.6.2-range": hls(_hevc(HDR)),
    "rfc8216-4.3.4.2-captions": hls(
        then(build, (HLS, "CAPTIONS=NONE", 'CAPTIONS="cc"', 1), (HLS, "(SEGMENTS\n)", rf"\1{CAPTIONS}\n", 1))
    ),
    "rfc8216-4.3.4.2-no-captions": master("CLOSED-CAPTIONS=NONE,", "", 1),
    "rfc8216-4.3.4.2-resolution": master("960x540", "1280x720"),
    "rfc8216-4.3.4.2-frame-rate": master(r"FRAME-RATE=25\.000", "FRAME-RATE=30.000", 1),
    "hls-authoring-9.12": master("#EXT-X-INDEPENDENT-SEGMENTS\n", ""),
    "hls-authoring-9.11": hls(
        then(
            build,
            (HLS, "#EXT-X-INDEPENDENT-SEGMENTS\n", "", 1),
            *(
                (f"{rung.name}/index.m3u8", "(#EXT-X-MAP)", r"#EXT-X-INDEPENDENT-SEGMENTS\n\1", 1)
                for rung in RUNGS
            ),
        )
    ),
    "hls-authoring-1.33": hls(top(picture=Picture(width_px=720, height_px=540, level=30))),
    "hls-authoring-9.9": hls(lambda: build(Spec(rungs=(TOP,)))),
    "rfc8216-4.3.4.1": master('(SUBTITLES.*)NAME="English",', r"\1"),
    "rfc8216-4.3.4.1-uri": master(',URI="subs/index.m3u8"', ""),
    "rfc8216-4.3.4.1-autoselect": master("DEFAULT=YES,AUTOSELECT=YES", "DEFAULT=YES,AUTOSELECT=NO"),
    "rfc8216-4.3.4.2.1": master('SUBTITLES="subs"', 'SUBTITLES="other"', 1),
    "penstock-unused-group": master("(SEGMENTS\n)", rf"\1{CAPTIONS}\n"),
    "rfc8216-4.3.4.1.1-names": master('NAME="Deutsch"', 'NAME="English"'),
    "rfc8216-4.3.4.1.1-default": master("DEFAULT=NO(?=.*de/index)", "DEFAULT=YES"),
    "penstock-audio-default": master("DEFAULT=YES", "DEFAULT=NO"),
    "rfc8216-4.3.4.1.1-alike": hls(
        then(
            build,
            (HLS, "(SEGMENTS\n)", rf"\1{GERMAN}\n", 1),
            (HLS, r'AUDIO="audio"(?=.*\n540p)', 'AUDIO="second"', 1),
        )
    ),
    "hls-authoring-8.10": master('LANGUAGE="de",', ""),
    "rfc8216-4.3.4.1-channels": master('CHANNELS="2",', "", 1),
    "rfc8216-4.3.4.1-channels-true": master('CHANNELS="2"', 'CHANNELS="6"', 1),
    "hls-authoring-2.3": hls(sounds(channels=6)),
    "hls-authoring-5.6": hls(edit(SUBS, "TARGETDURATION:4", "TARGETDURATION:6")),
    "hls-authoring-5.5": hls(edit(SUBS, r"#EXTINF:[\d.]+,\n3\.vtt\n", "")),
    "webvtt-4": hls(edit("subs/2.vtt", r"05\.000 -->", "05,000 -->")),
    "hls-authoring-5.3": hls(edit("subs/2.vtt", "X-TIMESTAMP-MAP.*\n", "")),
    "hls-authoring-1.27": master(r":BANDWIDTH=\d+(?=.*\n540p)", ":BANDWIDTH=480000"),
    "hls-authoring-1.26": master(r"AVERAGE-BANDWIDTH=\d+(?=.*\n540p)", "AVERAGE-BANDWIDTH=330000"),
    "hls-authoring-1.30": hls(top(weights=(Fraction(28, 10), Fraction(1, 10), Fraction(1, 10)))),
    "penstock-ladder-step": hls(top(bps=900_000)),
    "rfc6381-3.3": master("avc1.64001e", "avc1.640028"),
    "penstock-configuration": hls(_other_level),
    "penstock-colour": hls(_other_colour),
    "penstock-hdr-depth": hls(
        then(
            top(picture=replace(TOP.picture, transfer=16)),
            (HLS, r"VIDEO-RANGE=SDR(?=.*\n540p)", "VIDEO-RANGE=PQ", 1),
        )
    ),
    "dash-transfer": mpd('(<Representation id="540p")', rf"</AdaptationSet>{SET}{TRANSFER}\1"),
    "dash-hdr-essential": dash(then(_hevc(HDR), OWN_SET)),
    "dash-one-kind": dash(_hevc(replace(TOP.picture, profile=1))),
    "hls-authoring-1.1": hls(top(entry="vp09", codecs="vp09.00.10.08")),
    "hls-authoring-1.3": hls(top(picture=replace(TOP.picture, profile=110, depth=10))),
    "hls-authoring-1.3-old": hls(top(picture=UHD)),
    "hls-authoring-1.4": hls(top(picture=replace(TOP.picture, profile=77))),
    "hls-authoring-1.5": hls(_transport_streams),
    "hls-authoring-1.6": hls(_hevc(replace(TOP.picture, profile=4, depth=12))),
    "hls-authoring-1.6-old": hls(_hevc(replace(UHD, profile=2, depth=10), frame_rate=60)),
    "hls-authoring-1.10": hls(top(entry="avc3", codecs="avc3.64001e")),
    "hls-authoring-1.11": hls(top(picture=replace(TOP.picture, level=42))),
    "hls-authoring-1.12": hls(_all_hevc),
    "hls-authoring-1.14": hls(top(picture=replace(TOP.picture, is_interlaced=True))),
    "hls-authoring-1.18": hls(top(frame_rate=20)),
    "hls-authoring-1.19": hls(top(frame_rate=100, picture=replace(TOP.picture, level=32))),
    "hls-authoring-7.4": hls(top(first_flags=NON_SYNC)),
    "hls-authoring-1.13": hls(top(gop_s=4)),
    "hls-authoring-7.3": hls(
        lambda: build() | {"de/2.m4s": fragment(188 * 1024 + 9600, 1024, [0x02000000] * 188, [170] * 188)}
    ),
    "cmaf-fragments": hls(german(gap_ticks=4800)),
    "penstock-common-start": hls(german(start_ticks=24000)),
    "hls-authoring-8.22": hls(top(frames=(98, 102, 100))),
    "hls-authoring-8.1": hls(
        then(build, (DE, r"4\.010667", "4.110667", 1), (DE, r"4\.010667", "3.910667", 1))
    ),
    "hls-authoring-7.7": hls(then(german(**PAST_TARGET), (DE, r"4\.522667", "4.490000", 1))),
    "cenc-8.2": hls(then_bytes(encrypted("cbcs"), "de/init.mp4", b"tenc", b"free")),
    "cenc-7.1": hls(then_bytes(encrypted("cenc"), "de/2.m4s", ONE_OFFSET, ONE_OFFSET[:-1] + b"\1")),
    "rfc8216-4.3.2.4": hls(then(encrypted("cbcs"), (DE, "URI=[^,]+,(?=KEYF)", "", 1))),
    "rfc8216bis-4.4.4.4": hls(then(encrypted("cbcs"), (DE, "SAMPLE-AES", "SAMPLE-AES-CTR", 1))),
    "rfc8216bis-4.4.4.5": hls(edit(DE, "(#EXT-X-MAP.*\n)", rf"{WHOLE_KEY}\n\1#EXT-X-KEY:METHOD=NONE\n")),
    "penstock-published-key": hls(
        edit(DE, "(#EXT-X-ENDLIST)", r'#EXT-X-KEY:METHOD=AES-128,URI="data:;base64,AAAA"\n\1')
    ),
    "dash-5.8.4.1": dash(then(encrypted("cbcs"), (DASH, 'cenc:default_KID="[^"]+"', OTHER_KID, 1))),
    "hls-authoring-6.1": master("#EXT-X-I-FRAME.*\n", ""),
    "hls-authoring-6.8": hls(edit(TRICK, "#EXT-X-I-FRAMES-ONLY\n", "")),
    "hls-authoring-9.3": master(r"(I-FRAME.*)RESOLUTION=\d+x\d+,", r"\1"),
    "hls-authoring-6.10": hls(edit(TRICK, "@0", "@40", 1)),
    "rfc8216-4.3.3.6": hls(
        then(build, (TRICK, "TARGETDURATION:4", "TARGETDURATION:20", 1), (TRICK, "EXTINF:4", "EXTINF:20", 1))
    ),
    "dash-5.3.1.2-profiles": mpd('profiles="[^"]*" ', ""),
    "dash-5.3.1.2-buffer": mpd('minBufferTime="PT4S"', ""),
    "dash-buffer-plausible": mpd('minBufferTime="PT4S"', 'minBufferTime="PT2M"'),
    "dash-5.3.1.2-duration": mpd('mediaPresentationDuration="[^"]*" ', ""),
    "dash-5.3.9": mpd(r'media="de/\$Number\$.m4s" ', ""),
    "dash-5.3.5.2-id": mpd('id="de"', 'id="en"'),
    "dash-5.3.5.2-bandwidth": mpd(r'(id="de") bandwidth="\d+"', r"\1"),
    "dash-5.3.5.2-enough": mpd(r'(id="540p") bandwidth="\d+"', r'\1 bandwidth="150000"'),
    "dash-5.3.9.6": mpd('d="191488"', 'd="190464"', 1),
    "dash-5.3.9.5.3": mpd(
        r'(media="de/.Number..m4s" startNumber="1")><SegmentTimeline>.*?</SegmentTimeline>',
        r'\1 duration="283200">',
    ),
    "dash-5.3.2.1": mpd("PT12.010667S", "PT20S"),
    "dash-5.3.1.2-longest": mpd("PT4.6S", "PT3S"),
    "dash-iop-codecs": mpd('codecs="mp4a.40.2"', "", 1),
    "dash-5.3.7.2-codecs": mpd("avc1.64001e", "avc1.640028"),
    "dash-5.3.7.2-size": mpd('width="960" height="540"', 'width="1280" height="720"'),
    "dash-5.3.7.2-frame-rate": mpd('frameRate="25"', 'frameRate="30000/1001"', 1),
    "dash-5.3.7.2-sound": mpd('audioSamplingRate="48000"', 'audioSamplingRate="44100"', 1),
    "dash-5.3.7.2-aspect": mpd('par="16:9"', 'par="4:3"'),
    "dash-5.3.3.2-aligned": dash(top(frames=(98, 102, 100))),
    "dash-iop-aligned": mpd('segmentAlignment="true" ', "", 1),
    "dash-5.3.7.2-sap": dash(sounds(flags=NON_SYNC)),
    "dash-iop-lang": mpd('lang="de" ', ""),
    "dash-5.3.7.2-mime": mpd('mimeType="audio/mp4" ', "", 1),
    "both-duration": both(_without_last_segment),
    "both-codecs": both(edit(HLS, "mp4a.40.2", "mp4a.40.5")),
    "both-rates": both(edit(DASH, r'(id="540p") bandwidth="\d+"', r'\1 bandwidth="600000"')),
    "both-tracks": both(
        edit(DASH, r'<AdaptationSet contentType="audio"[^>]*lang="de".*?</AdaptationSet>', "")
    ),
}

DEEP = ("deep-decodes", "deep-frames", "deep-key-frame")  # need a decoder's word
