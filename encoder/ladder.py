"""Ladders: which sizes and bit rates a source is encoded to. Never above the source's own size.

`auto` suits the source; `apple` is the fixed ladder of Apple's HLS Authoring Specification; a TOML file
holds one's own. Rungs are measured by their short side, so that portrait is treated like landscape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import ClassVar

from pydantic import ConfigDict

from encoder.errors import EncodeError
from encoder.source import VideoSource

_NEAR = Fraction(6, 5)  # a source's own size this close to a rung takes its place
_ASPECT_STEP = Fraction(1, 25)  # how far a rung may move to keep the aspect exact
_SIZE_POWER = 0.75  # bits grow slower than pixels
_RATE_POWER = 0.5  # and slower still than frames: neighbours in time are alike
_USUAL_RATE = 30
_CEILING = 2.5  # times a step's usual rate: 12 Mb/s at 1080p, for grain
_UNTRIED_PX = (432,)  # too near to its neighbours to be worth the probes


class LadderError(EncodeError):
    """The ladder cannot be used; the message names the key and the way out."""


@dataclass(frozen=True, slots=True)
class Step:
    """A size that a ladder offers, by its short side, and the bit rate of 16:9 at 30 frames per second."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")  # a misspelt key is a mistake

    short_side_px: int
    max_bps: int

    def __post_init__(self) -> None:
        if self.short_side_px < 16:
            raise ValueError(f"short_side_px = {self.short_side_px}: a rung has at least 16 pixels")
        if self.max_bps < 10_000:
            raise ValueError(f"max_bps = {self.max_bps}: bits per second, such as 2_500_000")


@dataclass(frozen=True, slots=True)
class LadderFile:
    """A ladder in TOML: one [[rungs]] table for each step."""

    rungs: tuple[Step, ...]

    def __post_init__(self) -> None:
        if not self.rungs:
            raise ValueError("no rungs; write a [[rungs]] table for each")


@dataclass(frozen=True, slots=True)
class Rung:
    width_px: int
    height_px: int
    max_bps: int  # what a hard scene may take; an easy one takes less
    crf: float | None = None  # on the codec's own scale; None: its usual one

    @property
    def short_side_px(self) -> int:
        return min(self.width_px, self.height_px)


Ladder = Callable[[VideoSource, Fraction], tuple[Rung, ...]]
"""From a source and its output frame rate to the rungs, low to high."""

_AUTO = (
    Step(234, 240_000),
    Step(360, 450_000),
    Step(432, 800_000),
    Step(540, 1_400_000),
    Step(720, 2_500_000),
    Step(1080, 4_800_000),
    Step(1440, 9_000_000),
    Step(2160, 16_000_000),
)
_APPLE = (
    Step(234, 145_000),
    Step(360, 365_000),
    Step(432, 730_000),
    Step(432, 1_100_000),
    Step(540, 2_000_000),
    Step(720, 3_000_000),
    Step(720, 4_500_000),
    Step(1080, 6_000_000),
    Step(1080, 7_800_000),
)


def auto(source: VideoSource, frame_rate: Fraction) -> tuple[Rung, ...]:
    """The steps below the source, and on top its own size, in place of a step that is near to it.

    A source above all steps ends at the highest, beyond which H.264 players are few.
    """
    own_px = min(source.width_px, source.height_px)
    below = [step for step in _AUTO[:-1] if step.short_side_px * _NEAR <= own_px]
    nearest = min(_AUTO, key=lambda step: abs(step.short_side_px - own_px))
    top = _own_size(source, nearest) if own_px <= _AUTO[-1].short_side_px else _fit(source, _AUTO[-1])
    rungs = [(step, _fit(source, step)) for step in below] + [(nearest, top)]
    return tuple(replace(rung, max_bps=_scaled(step, rung, frame_rate)) for step, rung in rungs)


def candidates(source: VideoSource, frame_rate: Fraction) -> tuple[Rung, ...]:
    """The sizes that an analysis tries, low to high, each with the most that it may take on average."""
    rungs = auto(source, frame_rate)
    tried = [rung for rung in rungs[:-1] if rung.short_side_px not in _UNTRIED_PX] + [rungs[-1]]
    return tuple(replace(rung, max_bps=round(rung.max_bps * _CEILING)) for rung in tried)


def apple(source: VideoSource, _frame_rate: Fraction) -> tuple[Rung, ...]:
    """The fixed ladder as printed, cut at the source's size; a source below it all keeps its own size."""
    return _cut(source, _APPLE) or (_own_size(source, _APPLE[0]),)


LADDERS: dict[str, Ladder] = {"auto": auto, "apple": apple}
PER_TITLE = "auto"  # is measured; what stands there is what the analysis begins with


def own(steps: tuple[Step, ...], where: str) -> Ladder:
    """A ladder of one's own steps, taken as they are; `where` is named when none fits."""

    kinds = [(step.short_side_px, step.max_bps // 1000) for step in steps]
    if twice := next((kind for kind in kinds if kinds.count(kind) > 1), None):
        raise LadderError(f"{where}: two rungs of {twice[0]} pixels and {twice[1]} kb/s; leave one out")

    def ladder(source: VideoSource, _frame_rate: Fraction) -> tuple[Rung, ...]:
        if rungs := _cut(source, tuple(sorted(steps, key=lambda step: (step.short_side_px, step.max_bps)))):
            return rungs
        own_px = min(source.width_px, source.height_px)
        raise LadderError(f"{where}: every rung is above the source's {own_px} pixels; add a lower one")

    return ladder


def _cut(source: VideoSource, steps: tuple[Step, ...]) -> tuple[Rung, ...]:
    own_px = min(source.width_px, source.height_px)
    return tuple(_fit(source, step) for step in steps if step.short_side_px <= own_px)


def _scaled(step: Step, rung: Rung, frame_rate: Fraction) -> int:
    """The step's bit rate for the rung's true area and the frame rate, in whole kilobits per second."""
    usual_area = step.short_side_px**2 * 16 / 9
    by_size: float = (rung.width_px * rung.height_px / usual_area) ** _SIZE_POWER
    by_rate: float = float(frame_rate / _USUAL_RATE) ** _RATE_POWER
    return max(10, round(step.max_bps * by_size * by_rate / 1000)) * 1000


def _own_size(source: VideoSource, step: Step) -> Rung:
    return Rung(_even(source.width_px), _even(source.height_px), step.max_bps)


def _fit(source: VideoSource, step: Step) -> Rung:
    """The step's size in the source's aspect: exactly, if an even size close by has it."""
    aspect = Fraction(source.width_px, source.height_px)
    unit_px = 2 * min(aspect.numerator, aspect.denominator)
    own_px = min(source.width_px, source.height_px)
    units = min(round(Fraction(step.short_side_px, unit_px)), own_px // unit_px)
    if units and abs(units * unit_px - step.short_side_px) <= step.short_side_px * _ASPECT_STEP:
        return Rung(2 * units * aspect.numerator, 2 * units * aspect.denominator, step.max_bps)
    scale = Fraction(step.short_side_px, own_px)
    width_px, height_px = (
        min(_even(scale * side + 1), _even(side)) for side in (source.width_px, source.height_px)
    )
    return Rung(width_px, height_px, step.max_bps)


def _even(length_px: int | Fraction) -> int:
    """4:2:0 has one colour sample for two pixels."""
    return max(2, int(length_px) // 2 * 2)
