"""What a first look at the whole title tells: how many bytes each frame took in one cheap, tiny encode.

Sizes of frames at a constant quality follow the complexity of the picture, and so do those of any other
encode of it: a few windows, weighed by their share of the scout's bytes, tell the rate of the whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from encoder.errors import EncodeError


class AnalysisError(EncodeError):
    """The source could not be analysed; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scout:
    """The whole title, frame by frame; key frames lie on the grid of the later encodes."""

    gop_frames: int
    frame_bytes: tuple[int, ...]
    scene_starts: tuple[int, ...] = ()  # frames that do not go on from the one before

    def __post_init__(self) -> None:
        if not self.frame_bytes:
            raise AnalysisError("not one frame of the source decodes; check it with a player")

    @property
    def frames(self) -> int:
        return len(self.frame_bytes)

    def bytes_of(self, start: int, end: int) -> Bytes:
        """Of the frames from `start` up to `end`."""
        key = sum(self.frame_bytes[frame] for frame in self._keys(start, end))
        return Bytes(key=key, inter=sum(self.frame_bytes[start:end]) - key)

    def groups(self) -> tuple[Group, ...]:
        """Groups of pictures, in order. The last one may be shorter."""
        starts = [*range(0, self.frames, self.gop_frames), self.frames]
        return tuple(
            Group(
                start=start,
                frames=end - start,
                mean_bytes=sum(self.frame_bytes[start:end]) / (end - start),
                scene=sum(cut <= start for cut in self.scene_starts),
            )
            for start, end in pairwise(starts)
        )

    def _keys(self, start: int, end: int) -> Iterator[int]:
        first = -(-start // self.gop_frames) * self.gop_frames
        yield from range(first, min(end, self.frames), self.gop_frames)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytes:
    """Key frames apart from the rest: a short window has more than its share of them."""

    key: int
    inter: int

    def __add__(self, other: Bytes) -> Bytes:
        return Bytes(key=self.key + other.key, inter=self.inter + other.inter)


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A group of pictures."""

    start: int  # frame
    frames: int
    mean_bytes: float  # per frame
    scene: int


def packet_sizes(framecrc: str) -> Iterator[tuple[int, bool]]:
    """Bytes of each packet in ffmpeg's framecrc listing, in decoding order, and whether it is a key frame.

    A line is `stream, dts, pts, duration, size, checksum`, and has `F=` for flags other than the key frame's.
    """
    for line in framecrc.splitlines():
        if line and not line.startswith("#"):
            fields = line.split(",")
            yield int(fields[4]), not any(field.strip().startswith("F=") for field in fields[6:])


def scene_starts(metadata: str) -> tuple[int, ...]:
    """Frames that ffmpeg's scdet took for the first of a scene, from what its metadata filter printed."""
    found: list[int] = []
    for frame in metadata.split("frame:")[1:]:
        number, _, values = frame.partition(" ")
        if "lavfi.scd.time" in values:
            found.append(int(number))
    return tuple(found)
