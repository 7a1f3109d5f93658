"""Sources whose every frame shows its own number, and the numbers read back from what was made of them."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from encoder.ffmpeg import Ffmpeg, find_ffmpeg
from encoder.ladder import Rung
from encoder.plan import Plan, Settings, make_plan
from encoder.pool import Task, run_all
from encoder.source import Source
from encoder.steps import all_steps, batches
from encoder.work import WorkFolder
from tests.encoder.sources import draw

_BITS, _ROWS, _BLOCK_PX = 16, 2, 8
WIDTH_PX, HEIGHT_PX = 64, 32
LABEL = f"{HEIGHT_PX}p"
_BIT = f"floor(X/{_BLOCK_PX})+{_BITS // _ROWS}*floor(Y/{HEIGHT_PX // _ROWS})"
_WHITE_FROM = 126


def counting(rate: str) -> list[str]:
    """ffmpeg's input: bit by bit, each frame's number in blocks of black and white."""
    luma = f"16+219*mod(floor(N/pow(2,{_BIT})),2)"
    return [
        "-f",
        "lavfi",
        "-i",
        f"color=s={WIDTH_PX}x{HEIGHT_PX}:r={rate},format=yuv420p,geq=lum='{luma}':cb=128:cr=128",
    ]


def draw_counted(path: Path, rate: str, seconds: float, *arguments: str) -> Path:
    return draw(path, *counting(rate), "-t", str(seconds), *arguments)


def plan_of(source: Source, *, codec: str = "h264", max_bps: int = 2_000_000) -> Plan:
    """One rung in the source's own size."""
    return make_plan(source, {codec: [Rung(WIDTH_PX, HEIGHT_PX, max_bps)]}, Settings(preset="ultrafast"))


def worked(plan: Plan, path: Path, root: Path, jobs: int = 2, ffmpeg: Ffmpeg | None = None) -> WorkFolder:
    """The work folder with all steps of the plan done."""
    work = WorkFolder(root, names_of(plan))
    task = Task(plan=plan, ffmpeg=ffmpeg or find_ffmpeg(), input_path=str(path))
    run_all(task, work, batches(plan, (), jobs), jobs, lambda _: None)
    return work


def names_of(plan: Plan) -> dict[str, str]:
    return {step.label: step.label for step in all_steps(plan)}


def numbers(work: WorkFolder, label: str = LABEL) -> list[int]:
    """What each output frame shows."""
    folder = work.media / label
    whole = folder / "whole.mp4"
    files = sorted(folder.glob("*.m4s"), key=lambda file: int(file.stem))
    whole.write_bytes(b"".join(file.read_bytes() for file in [folder / "init.mp4", *files]))
    with av.open(str(whole)) as container:
        return [number_in(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]


def number_in(luma: np.ndarray) -> int:
    number = 0
    for bit in range(_BITS):
        row, column = divmod(bit, _BITS // _ROWS)
        top, left = row * HEIGHT_PX // _ROWS, column * _BLOCK_PX
        number |= int(luma[top + 4 : top + 12, left + 2 : left + 6].mean() > _WHITE_FROM) << bit
    return number
