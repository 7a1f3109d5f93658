"""Records: what a finished step has made, measured. It is all that later steps and later runs know of it."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import TypeAdapter, ValidationError

from media.cmaf import FragmentFacts
from media.iframes import KeyFrame


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentRecord:
    """One media segment, at its place in the title."""

    number: int
    start_ticks: int
    duration_ticks: int
    samples: int
    size_bytes: int
    sha256: str
    key_frames: tuple[KeyFrame, ...] = ()  # of a picture

    @property
    def facts(self) -> FragmentFacts:
        return FragmentFacts(
            start_ticks=self.start_ticks,
            duration_ticks=self.duration_ticks,
            sample_count=self.samples,
            starts_with_sync=True,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A chunk of a rung, or an audio rendition."""

    timescale: int
    init_size_bytes: int
    init_sha256: str
    segments: tuple[SegmentRecord, ...]


def write_record(record: StepRecord) -> str:
    return _SCHEMA.dump_json(record).decode()


def read_record(text: str | bytes) -> StepRecord | None:
    """None if it is no record: a step that left it is done again."""
    try:
        return _SCHEMA.validate_json(text)
    except ValidationError:
        return None


_SCHEMA = TypeAdapter(StepRecord)
