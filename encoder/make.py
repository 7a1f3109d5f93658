"""The make of a machine's tools: what the bytes of a title depend on, beside the plan.

Machines of different make do not work on one title.
"""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from encoder.ffmpeg import find_ffmpeg


@dataclass(frozen=True, slots=True)
class Make:
    ffmpeg: str
    processor: str
    code: str  # a digest of ours

    def other_than(self, wanted: Make) -> str:
        """What differs first; empty if nothing does."""
        if self.ffmpeg != wanted.ffmpeg:
            return f"has ffmpeg {self.ffmpeg}, not {wanted.ffmpeg}: install the same"
        if self.processor != wanted.processor:
            return f"has a processor of type {self.processor}, not {wanted.processor}: leave it out"
        return "has another version of penstock: install the same" if self.code != wanted.code else ""


@cache
def make() -> Make:
    here = Path(__file__).parent
    digest = hashlib.sha256()
    for folder in (here, here.parent / "media"):
        for path in sorted(folder.rglob("*.py")):
            digest.update(path.relative_to(here.parent).as_posix().encode() + b"\0" + path.read_bytes())
    return Make(find_ffmpeg().version, platform.machine(), digest.hexdigest())
