"""An encrypted title on loopback for players: its files, its keys one by one, a ClearKey licence server."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TypeVar

from aiohttp import web

from media.cmaf import InitFacts, read_fragment, read_init
from media.dash import write_mpd
from media.encryption.keys import ContentKey
from media.encryption.protector import Protector
from media.hls import write_multivariant, write_playlists
from media.iframes import KeyFrame, iframe_track, key_frames
from media.presentation import InitSegment, Presentation, Track
from media.protection import Scheme
from media.rendition import AudioRendition, VideoRendition
from media.timeline import Segment, Timeline
from tests.encoder.encryption.clips import Clip, clip
from tests.needs import ROOT, absent
from tests.system.streams import listening

Kind = TypeVar("Kind", VideoRendition, AudioRendition)
KEYS = {
    "video": tuple(ContentKey(f"{n:02x}" * 16, bytes([n]) * 16) for n in (0x11, 0x12, 0x13)),
    "audio": tuple(ContentKey(f"{n:02x}" * 16, bytes([n]) * 16) for n in (0x21, 0x22)),
}
_SCRIPTS = {
    "hls": ROOT / "web/node_modules/hls.js/dist/hls.min.js",
    "dash": ROOT / "web/node_modules/dashjs/dist/modern/umd/dash.all.min.js",
}
_PAGE = """<!doctype html><video id="video" muted></video><script src="/player.js"></script><script>
const video = document.getElementById("video"), state = { errors: [], time: 0, decoded: 0, ended: false };
window.state = () => ({ ...state, time: video.currentTime, ended: video.ended,
  decoded: video.getVideoPlaybackQuality().totalVideoFrames,
  audio: video.webkitAudioDecodedByteCount, error: video.error && video.error.message });
ENGINE
video.oncanplay = () => video.play().catch((error) => state.errors.push(String(error)));
</script>"""
_ENGINES = {
    "hls": """const hls = new Hls({ emeEnabled: EME,
  drmSystems: EME ? { "org.w3.clearkey": { licenseUrl: "/license" } } : {} });
hls.on(Hls.Events.ERROR, (_, data) => data.fatal && state.errors.push(data.type + " " + data.details
  + " " + data.error));
hls.loadSource("/title/master.m3u8"); hls.attachMedia(video);""",
    "dash": """const player = dashjs.MediaPlayer().create();
player.on("error", (event) => state.errors.push(JSON.stringify(event.error)));
player.initialize(video, "/title/manifest.mpd", true);""",
}


@dataclass(slots=True)
class Served:
    """What was asked for so far."""

    page: str
    licences: int = 0
    keys: int = 0


def title(scheme: Scheme, codec: str, rotate: int | None = None) -> dict[str, bytes]:
    """The files of a title of one rung and its sound."""
    made: dict[str, bytes] = {}
    picture, clear = _track(made, scheme, "video", clip(codec), rotate, _rung)
    sound, _ = _track(made, scheme, "audio", clip("aac"), rotate, _sound)
    protection = picture.protection
    iframes = (iframe_track(picture, clear),) if protection and protection.allows_ranges else ()
    presentation = Presentation(video=(picture,), audio=(sound,), iframes=iframes)
    made["master.m3u8"] = write_multivariant(presentation).encode()
    made |= {path: text.encode() for path, text in write_playlists(presentation).items()}
    if presentation.allows_dash:
        made["manifest.mpd"] = write_mpd(presentation).encode()
    return made


def _track(
    made: dict[str, bytes],
    scheme: Scheme,
    kind: str,
    clear: Clip,
    rotate: int | None,
    rendition: Callable[[InitFacts, Timeline], Kind],
) -> tuple[Track[Kind], list[tuple[KeyFrame, ...]]]:
    """The track, and where the key frames of its segments are."""
    by = Protector(
        scheme=scheme,
        title="clip",
        name=kind,
        keys=KEYS[kind] if rotate else KEYS[kind][:1],
        rotate_every_segments=rotate,
        # hls.js would take a `cbcs` playlist with addresses of keys for MPEG-TS
        key_url="/key/{kid}" if scheme != "cbcs" else None,
        license_url="/license",
        title_key_ids=tuple(key.key_id for keys in KEYS.values() for key in (keys if rotate else keys[:1])),
    )
    facts = read_init(clear.init)
    made[f"{kind}/init.mp4"] = by.init(clear.init)
    segments: list[Segment] = []
    frames: list[tuple[KeyFrame, ...]] = []
    for number, data in enumerate(clear.segments, 1):
        protected = by.segment(data, number, clear.init)
        uri = f"{kind}/{number}.m4s"
        made[uri] = protected
        told = read_fragment(data, facts)
        segments.append(
            Segment(
                number=number,
                start_ticks=told.start_ticks,
                duration_ticks=told.duration_ticks,
                uri=uri,
                size_bytes=len(protected),
            )
        )
        frames.append(key_frames(protected, facts) if kind == "video" and scheme != "aes-128" else ())
    timeline = Timeline(timescale=facts.timescale, segments=tuple(segments))
    track = Track(
        rendition=rendition(facts, timeline),
        init=InitSegment(uri=f"{kind}/init.mp4"),
        timeline=timeline,
        protection=by.protection,
    )
    return track, frames


def _rung(facts: InitFacts, timeline: Timeline) -> VideoRendition:
    return VideoRendition(
        name="video",
        codecs=facts.codecs,
        average_bps=timeline.average_bps,
        peak_bps=timeline.peak_bps,
        width_px=facts.width_px or 0,
        height_px=facts.height_px or 0,
        frame_rate=Fraction(24),
    )


def _sound(facts: InitFacts, timeline: Timeline) -> AudioRendition:
    return AudioRendition(
        name="audio",
        codecs=facts.codecs,
        average_bps=timeline.average_bps,
        peak_bps=timeline.peak_bps,
        sample_rate_hz=48000,
        channels=facts.channels or 1,
    )


@asynccontextmanager
async def served(files: dict[str, bytes], engine: str, scheme: Scheme) -> AsyncIterator[Served]:
    """The licence server answers with all keys of the title, whichever one is asked for."""
    script: Path = _SCRIPTS[engine]
    if not script.is_file():
        absent(f"the player {script.name}", "run web/bundle.sh")
    known = {key.key_id: key for keys in KEYS.values() for key in keys}
    told = Served("")

    async def page(_: web.Request) -> web.Response:
        text = _PAGE.replace(
            "ENGINE", _ENGINES[engine].replace("EME", "false" if scheme == "aes-128" else "true")
        )
        return web.Response(text=text, content_type="text/html")

    async def player(_: web.Request) -> web.Response:
        return web.Response(body=script.read_bytes(), content_type="text/javascript")

    async def media(request: web.Request) -> web.Response:
        data = files.get(request.match_info["path"])
        return web.Response(body=data) if data is not None else web.Response(status=404)

    async def licence(request: web.Request) -> web.Response:
        told.licences += 1
        assert (await request.json())["kids"]
        keys = [
            {"kty": "oct", "kid": _base64url(bytes.fromhex(kid)), "k": _base64url(key.key)}
            for kid, key in known.items()
        ]
        return web.json_response({"keys": keys, "type": "temporary"})

    async def key(request: web.Request) -> web.Response:
        told.keys += 1
        return web.Response(body=known[request.match_info["kid"]].key)

    app = web.Application()
    app.router.add_get("/", page)
    app.router.add_get("/player.js", player)
    app.router.add_get("/title/{path:.+}", media)
    app.router.add_post("/license", licence)
    app.router.add_get("/key/{kid}", key)
    async with listening(app) as address:
        told.page = f"http://{address}/"
        yield told


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
