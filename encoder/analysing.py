"""Finding out what the plan hangs on: the loudness of the sound, and for `auto` the hull of each codec.

Each piece is noted in the work folder as soon as it is found: a run that dies measures no piece twice.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from encoder.analysis.commands import Footage
from encoder.analysis.probes import ProbeResult, plan_probes
from encoder.analysis.rungs import Analysis, choose_rungs
from encoder.analysis.running import Workplace, run_probe, run_scout
from encoder.analysis.scout import Scout
from encoder.audio.loudness import TAIL_BYTES, Loudness, read_loudness
from encoder.audio.measuring import log_of, measuring
from encoder.audio.mixes import Mix
from encoder.audio.plan import measured_mixes
from encoder.codecs import CODECS
from encoder.ffmpeg import Ffmpeg, run
from encoder.findings import Findings
from encoder.ladder import candidates
from encoder.plan import Settings, timing_of
from encoder.source import Source
from encoder.staging import reported, write_durably

OnPiece = Callable[[int, int], None]
"""Hears how many pieces are found, and of how many."""

T = TypeVar("T")
_SOUND = TypeAdapter(tuple[tuple[Mix, Loudness], ...])
_SCOUT = TypeAdapter(Scout)
_PROBE = TypeAdapter(ProbeResult)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inquiry:
    """What is to be found out, and of what."""

    source: Source
    input: Path
    settings: Settings
    is_per_title: bool  # whether the ladders follow from what is found
    ffmpeg: Ffmpeg
    cores: int | None
    folder: Path  # for what is noted


def footage_of(source: Source) -> Footage:
    timing = timing_of(source)
    return Footage(
        source=source.video,
        key_frames=source.key_frames,
        frame_rate=timing.frame_rate,
        gop_frames=timing.gop_frames,
    )


def find(inquiry: Inquiry, request_key: str, on_piece: OnPiece) -> Findings:
    """Raises EncodeError; what is found by then is noted."""
    with reported(inquiry.folder):
        inquiry.folder.mkdir(parents=True, exist_ok=True)
    sound = noted(inquiry.folder, "loudness", _SOUND, lambda: tuple(_loudness(inquiry)))
    analyses = tuple(_analyses(inquiry, on_piece)) if inquiry.is_per_title else ()
    return Findings(request_key=request_key, loudness=sound, analyses=analyses)


def _analyses(inquiry: Inquiry, on_piece: OnPiece) -> Iterator[Analysis]:
    footage, input_path = footage_of(inquiry.source), inquiry.input
    at = Workplace(ffmpeg=inquiry.ffmpeg, folder=inquiry.folder, cores=inquiry.cores)
    sizes = candidates(inquiry.source.video, footage.frame_rate)
    codecs = [codec for codec in CODECS.values() if codec.name in inquiry.settings.all_codecs]
    scout = noted(inquiry.folder, "scout", _SCOUT, lambda: run_scout(at, footage, input_path))
    probes = {
        codec.name: plan_probes(scout, sizes, footage.frame_rate, codec, inquiry.settings.preset)
        for codec in codecs
    }
    done, total = 0, sum(map(len, probes.values()))
    for codec in codecs:
        results = []
        for probe in probes[codec.name]:
            on_piece(done, total)
            name = f"probe-{hashlib.sha256(repr(probe).encode()).hexdigest()[:16]}"
            results.append(
                noted(inquiry.folder, name, _PROBE, partial(run_probe, at, footage, probe, input_path))
            )
            done += 1
        yield choose_rungs(scout, results, sizes, footage.frame_rate, codec, inquiry.settings.preset)


def _loudness(inquiry: Inquiry) -> Iterator[tuple[Mix, Loudness]]:
    """Of all that is mixed from the source's sound."""
    source = inquiry.source
    wanted = measured_mixes(source.audio, inquiry.settings.audio)
    if not wanted:
        return
    duration = timing_of(source).duration
    arguments = measuring(wanted, str(inquiry.input.resolve()), duration, source.video.start)
    with tempfile.TemporaryDirectory(dir=inquiry.folder) as scratch:
        run(inquiry.ffmpeg, arguments, Path(scratch), lambda _frames, _speed: None, inquiry.cores)
        for number, mix in enumerate(wanted):
            yield mix, read_loudness(_tail(Path(scratch) / log_of(number)))


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL_BYTES))
        return file.read().decode("ascii", "replace")


def noted(folder: Path, name: str, schema: TypeAdapter[T], found: Callable[[], T]) -> T:
    """What is noted under `name`; else what `found` finds, once it is noted."""
    note = folder / f"{name}.json"
    with reported(note):
        try:
            return schema.validate_json(note.read_bytes())
        except (FileNotFoundError, ValidationError):
            value = found()
        unfinished = note.with_suffix(".unfinished")
        write_durably(unfinished, schema.dump_json(value))
        unfinished.replace(note)
    return value
