"""Inputs of the benchmarks, made from seeds: nothing is fetched, nothing is shipped."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import accumulate

from edge.message import Head, Request, ResponseHead
from edge.stored import StoredResponse
from media.presentation import InitSegment, Presentation, Track
from media.rendition import VideoRendition
from media.timeline import Segment, Timeline

LADDER = (
    (416, 234, 145),
    (640, 360, 730),
    (768, 432, 1100),
    (960, 540, 2000),
    (1280, 720, 3000),
    (1920, 1080, 6000),
)


def requested_keys(count: int, keys: int, exponent: float, seed: int) -> list[tuple[bytes, int]]:
    """`count` requests for `keys` objects of Zipf popularity, each with its object's size in bytes."""
    rng = random.Random(seed)
    weights = list(accumulate(1 / rank**exponent for rank in range(1, keys + 1)))
    sizes = [rng.randint(50_000, 3_000_000) for _ in range(keys)]
    chosen = rng.choices(range(keys), cum_weights=weights, k=count)
    return [(b"/v/title/%d.m4s" % key, sizes[key]) for key in chosen]


def browser_request(target: bytes) -> Request:
    fields = (
        (b"host", b"edge.example"),
        (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64)"),
        (b"accept", b"*/*"),
        (b"accept-language", b"en-GB,en;q=0.9"),
        (b"accept-encoding", b"gzip, deflate, br, zstd"),
        (b"origin", b"https://player.example"),
        (b"referer", b"https://player.example/watch/1"),
    )
    return Request(b"GET", target, target, Head.of(fields, keep_alive=True))


def stored_segment(key: bytes, now_s: float) -> StoredResponse:
    fields = (
        (b"cache-control", b"public, max-age=31536000, immutable"),
        (b"content-type", b"video/mp4"),
        (b"etag", b'"1f3a9b2c"'),
        (b"last-modified", b"Fri, 20 Nov 2026 12:00:00 GMT"),
    )
    return StoredResponse(key, ResponseHead(200, fields, now_s, now_s), b"\0" * 1024, b"bench")


def long_presentation(segments: int) -> Presentation:
    """Six rungs of 4 s segments, about an hour with 900 of them."""
    return Presentation(video=tuple(_track(*rung, segments) for rung in LADDER))


def _track(width_px: int, height_px: int, kbps: int, segments: int) -> Track[VideoRendition]:
    name = f"{height_px}p-1f3a9b2c"
    rng = random.Random(height_px)
    rendition = VideoRendition(
        name=name,
        codecs="avc1.64001f",
        average_bps=kbps * 1000,
        peak_bps=kbps * 1300,
        width_px=width_px,
        height_px=height_px,
        frame_rate=Fraction(30),
    )
    timeline = Timeline(
        timescale=30_000,
        segments=tuple(
            Segment(
                number=number + 1,
                start_ticks=number * 120_000,
                duration_ticks=120_000,
                uri=f"{name}/{number + 1}.m4s",
                size_bytes=round(kbps * 500 * rng.uniform(0.7, 1.3)),
            )
            for number in range(segments)
        ),
    )
    return Track(
        rendition=rendition, init=InitSegment(uri=f"{name}/init.mp4", size_bytes=800), timeline=timeline
    )
