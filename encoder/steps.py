"""The steps of a plan: small, each redone without harm, and what of them one ffmpeg does at a time.

A step makes one chunk of one rung, or one audio rendition. What comes out depends on nothing but the step;
which steps share a process, and so a decoder, is chosen by the cores that there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from encoder.audio.plan import AudioPlan
from encoder.chunks import Chunk
from encoder.plan import Plan, RungPlan

# Of libx264 at the same preset and size.
_COSTS = {"h264": 1.0, "hevc": 2.5, "av1": 0.8, "vp9": 2.0}
_SOUND_COST = 500_000  # a second of sound in pixels of a picture
_ROOM = Fraction(11, 10)  # what a process may hold, in pixels of the largest rung


@dataclass(frozen=True, slots=True)
class Step:
    """One chunk of a rung, or a whole audio rendition."""

    label: str
    chunk: int | None = None  # its number

    @property
    def name(self) -> str:
        return self.label if self.chunk is None else f"{self.label}.{self.chunk}"


@dataclass(frozen=True, slots=True)
class PictureBatch:
    """Rungs of one chunk, from one decode."""

    chunk: Chunk
    rungs: tuple[RungPlan, ...]

    @property
    def steps(self) -> list[Step]:
        return [Step(rung.label, self.chunk.number) for rung in self.rungs]

    @property
    def cost(self) -> float:
        return self.chunk.frames * sum(_cost(rung) for rung in self.rungs)


@dataclass(frozen=True, slots=True)
class SoundBatch:
    track: AudioPlan
    duration: Fraction

    @property
    def steps(self) -> list[Step]:
        return [Step(self.track.label)]

    @property
    def cost(self) -> float:
        return float(self.duration) * _SOUND_COST


Batch = PictureBatch | SoundBatch


def all_steps(plan: Plan) -> list[Step]:
    """In the order in which a player would want them."""
    sound = [Step(track.label) for track in plan.audio]
    return sound + [Step(rung.label, chunk.number) for chunk in plan.chunks for rung in plan.rungs]


def batches(plan: Plan, done: Iterable[Step], jobs: int) -> list[Batch]:
    """What is still to be done for `jobs` processes side by side, the costly first, so that none is late."""
    finished = set(done)
    found: list[Batch] = [
        SoundBatch(track, plan.timing.duration) for track in plan.audio if Step(track.label) not in finished
    ]
    for chunk in plan.chunks:
        rungs = [rung for rung in plan.rungs if Step(rung.label, chunk.number) not in finished]
        found += [PictureBatch(chunk, group) for group in _groups(rungs, jobs)]
    return sorted(found, key=lambda batch: -batch.cost)


def left_of(batch: Batch, done: Iterable[Step]) -> Batch | None:
    """What of a batch is still to be done."""
    finished = set(done)
    if isinstance(batch, SoundBatch):
        return None if finished.issuperset(batch.steps) else batch
    pairs = zip(batch.rungs, batch.steps, strict=True)
    rungs = tuple(rung for rung, step in pairs if step not in finished)
    return replace(batch, rungs=rungs) if rungs else None


def _groups(rungs: Sequence[RungPlan], jobs: int) -> list[tuple[RungPlan, ...]]:
    """One process after another shares a decoder among all; side by side, each holds about as much.

    So many rungs in one process would take the memory of as many processes.
    """
    if jobs == 1:
        by_codec: dict[str, list[RungPlan]] = {}
        for rung in rungs:
            by_codec.setdefault(rung.codec, []).append(rung)
        return [tuple(group) for group in by_codec.values()]
    room = max((_cost(rung) for rung in rungs), default=0) * float(_ROOM)
    groups: list[list[RungPlan]] = []
    for rung in sorted(rungs, key=_cost, reverse=True):
        fitting = (group for group in groups if sum(map(_cost, group)) + _cost(rung) <= room)
        group = next(fitting, None)
        if group is None:
            groups.append([rung])
        else:
            group.append(rung)
    return [tuple(group) for group in groups]


def _cost(rung: RungPlan) -> float:
    return rung.rung.width_px * rung.rung.height_px * _COSTS[rung.codec]
