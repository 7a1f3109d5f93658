"""A request: a job, and what is known of its input before anything is decided."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from encoder.encryption.resolving import title_keys
from encoder.encryption.settings import Label, protectors
from encoder.errors import EncodeError
from encoder.ffmpeg import Ffmpeg, find_ffmpeg
from encoder.findings import request_key
from encoder.job import EncodeJob
from encoder.ladder import LADDERS, PER_TITLE, Ladder, LadderError, LadderFile, own
from encoder.probe import fingerprint, probe
from encoder.source import Source
from encoder.texts import TextPlan, plan_texts
from media.encryption.keys import ContentKey
from media.encryption.protector import Protector
from media.rendition import Rendition
from service.config import ConfigError, load

Keys = Mapping[Label, Sequence[ContentKey]]
_State = tuple[int, int, int, int]


class ChangedError(EncodeError):
    """The input is not what it was when the run began."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    job: EncodeJob
    ladder: Ladder
    source: Source
    texts: tuple[TextPlan, ...]
    notes: tuple[str, ...]  # of what had to be left out
    keys: Keys | None  # of an encrypted title
    ffmpeg: Ffmpeg
    input_sha256: str
    input_state: _State
    key: str  # of what is asked for, in whatever words

    @property
    def is_per_title(self) -> bool:
        return self.job.ladder == PER_TITLE

    @property
    def is_scored(self) -> bool:
        return _is_scored(self.job)

    @property
    def has_changed(self) -> bool:
        """Somebody has put another file in its place, or is still writing it."""
        return _state(self.job.input) != self.input_state

    def locks(self, renditions: Sequence[Rendition]) -> Mapping[str, Protector]:
        """What encrypts each rendition, by its name. Raises EncryptionError."""
        assert self.job.encryption is not None
        return protectors(self.job.encryption, self.job.name, renditions, self.keys or {})


def requested(job: EncodeJob) -> Request:
    """Raises EncodeError."""
    ladder, ladder_words = _ladder(job.ladder)
    before = _state(job.input)
    source, ffmpeg, input_sha256 = probe(job.input), find_ffmpeg(), fingerprint(job.input)
    notes = list(source.left_out)
    texts = plan_texts(source, job.input, job.subtitles, ffmpeg, notes.append)
    keys = title_keys(job.encryption, job.name, job.key_server_token) if job.encryption else None
    settings = replace(job.settings, codecs=tuple(sorted(job.settings.all_codecs)))
    wishes = [ladder_words, repr(settings), str(_is_scored(job)), *fingerprints(texts)]
    return Request(
        job=job,
        ladder=ladder,
        source=source,
        texts=texts,
        notes=tuple(notes),
        keys=keys,
        ffmpeg=ffmpeg,
        input_sha256=input_sha256,
        input_state=before,
        key=request_key(input_sha256, ffmpeg.version, wishes),
    )


def fingerprints(texts: Sequence[TextPlan]) -> list[str]:
    return [hashlib.sha256(repr(text).encode()).hexdigest() for text in texts]


def _ladder(name: str) -> tuple[Ladder, str]:
    """The ladder, and what tells it from others."""
    if ladder := LADDERS.get(name):
        return ladder, name
    if not name.endswith(".toml"):
        raise LadderError(f"--ladder {name!r}: choose one of {', '.join(LADDERS)}, or name a .toml file")
    try:
        rungs = load(LadderFile, Path(name)).rungs
    except ConfigError as error:
        raise LadderError(str(error)) from None
    return own(rungs, where=name), repr(rungs)


def _is_scored(job: EncodeJob) -> bool:
    return job.ladder == PER_TITLE if job.is_scored is None else job.is_scored


def _state(path: Path) -> _State:
    """What changes with the file; zeros where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0, 0, 0
    return facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns
