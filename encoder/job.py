"""A job, as the caller states it, and what is told while it runs and in the end."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from encoder.codecs import CODECS
from encoder.codecs.base import PRESETS
from encoder.encryption.settings import EncryptionSettings
from encoder.errors import EncodeError
from encoder.plan import Settings
from encoder.subtitles.files import SubtitleFile
from media.title import Title, is_title_name

_NAME_LENGTH = 64  # of a name that we make; one may ask for a longer


class JobError(EncodeError):
    """The job cannot be done as asked; the message says how to ask."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodeJob:
    input: Path
    library: Path | str  # a folder, or a URL such as s3://bucket/videos
    title: str | None = None  # None: after the input's file name
    ladder: str = "auto"  # a name in LADDERS, or a TOML file
    settings: Settings = field(default_factory=Settings)
    subtitles: tuple[SubtitleFile, ...] = ()  # beside those in the input
    encryption: EncryptionSettings | None = None
    is_scored: bool | None = None  # VMAF of every rung; None: of a ladder that was found by it
    key_server_token: str | None = field(default=None, repr=False)
    jobs: int | None = None  # processes side by side, and processor cores for them; None: all cores
    cluster: str | None = None  # a Dask scheduler, such as tcp://192.0.2.1:8786; None: this machine

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise JobError(f"--jobs {self.jobs}: at least one core must do the work")
        for codec in self.settings.codecs:
            if codec not in CODECS:
                raise JobError(f"--codec {codec!r}: choose from {', '.join(CODECS)}")
        if self.settings.preset not in PRESETS:
            raise JobError(f"--preset {self.settings.preset!r}: choose one of {', '.join(PRESETS)}")
        if not str(self.library):
            raise JobError("--output is empty: name a folder or a URL to publish into")
        if self.title is not None and not is_title_name(self.title):
            raise JobError(
                f"--title {self.title!r}: use letters, digits, '-', '_', '.', such as big-buck-bunny"
            )

    @property
    def name(self) -> str:
        """The title asked for, or the input's file name as a slug."""
        name = self.title or re.sub(r"[^a-z0-9_-]+", "-", self.input.stem.lower()).strip("-")[:_NAME_LENGTH]
        if not name:
            raise JobError(f"{self.input}: its name makes no title; give one with --title")
        return name


class Stage(Enum):
    PROBING = "probing"
    ANALYSING = "analysing"
    ENCODING = "encoding"
    SCORING = "scoring"
    PUBLISHING = "publishing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    stage: Stage
    frames: int = 0
    total_frames: int = 0
    speed: float = 0.0  # times real time
    eta_s: float | None = None  # until all is encoded; None: nobody can say yet


@dataclass(frozen=True, slots=True)
class Published:
    title: Title
    place: str  # a folder, or a URL
    is_new: bool  # False: it was there already, made from the same input in the same way
    notes: tuple[str, ...] = ()  # what of the input had to be left out

    @property
    def folder(self) -> Path:
        """Where it lies, in a library that is a folder."""
        return Path(self.place)


OnProgress = Callable[[Progress], None]
