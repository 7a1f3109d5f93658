"""Encrypting a title: from the clear segments in the work folder to those that are published."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from encoder.measure import MeasureError
from encoder.records import StepRecord
from encoder.staging import reported, write_durably
from media import cmaf
from media.boxes import BoxError
from media.cmaf import InitFacts
from media.encryption.protector import ProtectionError, Protector
from media.iframes import key_frames


def seal(
    name: str, steps: Sequence[StepRecord], protector: Protector, clear: Path, sealed: Path
) -> list[StepRecord]:
    """Encrypt the rendition of that name from one folder into another; the records of what came out.

    Raises EncodeError.
    """
    try:
        with reported(sealed):
            header = (clear / name / "init.mp4").read_bytes()
            (sealed / name).mkdir(parents=True)
            protected = protector.init(header)
            write_durably(sealed / name / "init.mp4", protected)
            init = cmaf.read_init(header)
            return [
                _sealed(step, protector, protected, header, init, clear / name, sealed / name)
                for step in steps
            ]
    except (BoxError, ProtectionError) as error:
        raise MeasureError(f"{name}: cannot be encrypted: {error}") from None


def _sealed(
    step: StepRecord, protector: Protector, protected: bytes, header: bytes, init: InitFacts, clear: Path,
    sealed: Path,
) -> StepRecord:  # fmt: skip
    segments = []
    for segment in step.segments:
        data = protector.segment((clear / f"{segment.number}.m4s").read_bytes(), segment.number, header)
        write_durably(sealed / f"{segment.number}.m4s", data)
        has_ranges = bool(segment.key_frames) and protector.protection.allows_ranges
        segments.append(
            replace(
                segment,
                size_bytes=len(data),
                sha256=hashlib.sha256(data).hexdigest(),
                key_frames=key_frames(data, init) if has_ranges else (),
            )
        )
    return replace(
        step,
        init_size_bytes=len(protected),
        init_sha256=hashlib.sha256(protected).hexdigest(),
        segments=tuple(segments),
    )
