"""Reading what ffmpeg has written: fragments for their facts, files for their checksums."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from encoder.measure import Encoded, Measured, has_short_tail
from encoder.plan import Plan
from media import cmaf
from media.boxes import read_boxes
from media.title import TitleFile


def read_encoded(plan: Plan, folder: Path) -> Encoded:
    """The rendition in `folder`, a short last segment joined to the one before. Raises BoxError, OSError."""
    encoded = _read(folder)
    if has_short_tail(plan, encoded):
        _join_tail(folder, len(encoded.segments))
        encoded = _read(folder)
    return encoded


def described(path: Path, root: Path) -> TitleFile:
    """A file's place, size and checksum, once its bytes are on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
        checksum = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = file.tell()
    return TitleFile(path=path.relative_to(root).as_posix(), size_bytes=size_bytes, sha256=checksum)


def _read(folder: Path) -> Encoded:
    header = (folder / "init.mp4").read_bytes()
    init = cmaf.read_init(header)
    segments = []
    for number in range(1, len(list(folder.glob("*.m4s"))) + 1):
        data = (folder / f"{number}.m4s").read_bytes()
        segments.append(Measured(cmaf.read_fragment(data, init), len(data)))
    return Encoded(init, len(header), tuple(segments))


def _join_tail(folder: Path, count: int) -> None:
    """Make the last two segments one, of two fragments and one `styp`."""
    last = folder / f"{count}.m4s"
    data = last.read_bytes()
    fragment_at = next(box.offset for box in read_boxes(data) if box.kind == "moof")
    with (folder / f"{count - 1}.m4s").open("ab") as file:
        file.write(data[fragment_at:])
    last.unlink()
