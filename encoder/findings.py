"""Findings: what was measured of a source before its plan could be made.

They are kept with the work and, once it is published, with the plan, so that a later run with the same input
and wishes measures nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from encoder.analysis.rungs import Analysis
from encoder.audio.loudness import Loudness
from encoder.audio.mixes import Mix


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    request_key: str
    loudness: tuple[tuple[Mix, Loudness], ...] = ()
    analyses: tuple[Analysis, ...] = ()  # of each codec, if the ladder is per title


def request_key(input_sha256: str, ffmpeg_version: str, wishes: Sequence[str]) -> str:
    """Equal keys mean that the same was asked for."""
    return hashlib.sha256(json.dumps([input_sha256, ffmpeg_version, *wishes]).encode()).hexdigest()


def write_findings(findings: Findings) -> str:
    return _SCHEMA.dump_json(findings, indent=1).decode() + "\n"


def read_findings(text: str | bytes) -> Findings | None:
    """From their own file, or from a published plan; None if they are not there, or of another schema."""
    try:
        values = json.loads(text)
        return _SCHEMA.validate_python(values.get("findings", values))
    except (ValueError, AttributeError):
        return None


_SCHEMA = TypeAdapter(Findings)
